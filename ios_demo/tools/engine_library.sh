#!/bin/sh
# Prints the folder of a TensorFlow Lite C library for the tests of the real engine, fetched on first use.
#
# The npm package holds version 2.9.0 for Linux (x86-64 and ARM64) and for Macs with Apple's chips; the app itself
# takes the pods of the Podfile. Exit 77 with one sentence where there is none for this machine.
set -eu

package=tfjs-tflite-node@0.0.2
archive=tfjs-tflite-node-0.0.2.tgz
sha256=3be1632328a76a2475e5b6833253763c802c859433becb4d879ee1860e3b5284
library=libtensorflowlite_c
cache="${XDG_CACHE_HOME:-$HOME/.cache}/mobile-pipeline/tflite-c"

cannot() {
    printf 'no TensorFlow Lite C library here: %s\n' "$1" >&2
    exit 77
}

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64)
        system=linux_amd64 file=$library.so
        library_sha256=dc89b4cd86d956516570bd483668e6dd98907f49901d0567dedc69a29a56b7f7 ;;
    Linux-aarch64)
        system=linux_arm64 file=$library.so
        library_sha256=ec0dee4fb3418e680d010248ac1e304d9656cc5c8de54caaf91d666712e2f633 ;;
    Darwin-arm64)
        system=darwin_arm64 file=$library.dylib
        library_sha256=195b0b1403a7e19bf6b3768578f839cf895189709b760755b2b9fb0ac324259b ;;
    *) cannot "$package has none for $(uname -s) on $(uname -m)" ;;
esac
folder="$cache/$archive/$system"
sum() { { sha256sum "$1" 2>/dev/null || shasum -a 256 "$1"; } | cut -d ' ' -f 1; }

# What is in the cache is looked at each time: a damaged file is fetched again.
if [ ! -f "$folder/$file" ] || [ "$(sum "$folder/$file")" != "$library_sha256" ]; then
    command -v npm >/dev/null || cannot "install npm, which fetches $package"
    mkdir -p "$folder"
    work="$(mktemp -d "$cache/fetch.XXXXXX")"
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && npm pack --silent "$package" >/dev/null 2>npm.log) ||
        cannot "npm could not fetch $package: $(tail -n 1 "$work/npm.log")"
    found="$(sum "$work/$archive")"
    [ "$found" = "$sha256" ] || { printf '%s: sha256 is %s, not %s: not used\n' "$archive" "$found" "$sha256" >&2; exit 1; }
    tar -xzf "$work/$archive" -C "$work" "package/cc_deps/$system/$file"
    found="$(sum "$work/package/cc_deps/$system/$file")"
    [ "$found" = "$library_sha256" ] || { printf '%s: sha256 is %s: not used\n' "$file" "$found" >&2; exit 1; }
    mv "$work/package/cc_deps/$system/$file" "$folder/$file"
fi
printf '%s\n' "$folder"
