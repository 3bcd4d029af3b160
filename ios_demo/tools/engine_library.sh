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
    echo "no TensorFlow Lite C library here: $1" >&2
    exit 77
}

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) system=linux_amd64 file=$library.so ;;
    Linux-aarch64) system=linux_arm64 file=$library.so ;;
    Darwin-arm64) system=darwin_arm64 file=$library.dylib ;;
    *) cannot "$package has none for $(uname -s) on $(uname -m)" ;;
esac
folder="$cache/$archive/$system"
if [ ! -f "$folder/$file" ]; then
    command -v npm >/dev/null || cannot "install npm, which fetches $package"
    mkdir -p "$folder"
    work="$(mktemp -d "$cache/fetch.XXXXXX")"
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && npm pack --silent "$package" >/dev/null 2>npm.log) ||
        cannot "npm could not fetch $package: $(tail -n 1 "$work/npm.log")"
    found="$( (sha256sum "$work/$archive" 2>/dev/null || shasum -a 256 "$work/$archive") | cut -d ' ' -f 1)"
    [ "$found" = "$sha256" ] || { echo "$archive: sha256 is $found, not $sha256: not used" >&2; exit 1; }
    tar -xzf "$work/$archive" -C "$work" "package/cc_deps/$system/$file"
    mv "$work/package/cc_deps/$system/$file" "$folder/$file"
fi
echo "$folder"
