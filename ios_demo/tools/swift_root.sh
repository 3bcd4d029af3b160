#!/bin/sh
# Prints where Swift is: "native", or the folder of a Debian root that holds it, made on first use.
#
# A root takes 2.5 GB and some minutes, once: Debian's swiftlang, put up with debootstrap, the packages kept
# until it is finished, so that an interrupted set-up goes on where it stopped. It is made beside its place and
# renamed: a half-made one is never used. Nothing outside the cache folder is changed but for the Debian
# package debootstrap itself, which is installed where it is missing.
#
# A finished root stays as it is, without Debian's later updates: to have it made anew, remove it
# (rm -rf "${XDG_CACHE_HOME:-$HOME/.cache}/mobile-pipeline/swift/trixie").
#
# Exit 77 with one sentence where this machine can have no Swift; 1 where the set-up broke off: run it again.
set -eu

# The first Debian whose Swift knows the language mode 6.
release=trixie
oldest=6
cache="${XDG_CACHE_HOME:-$HOME/.cache}/mobile-pipeline/swift"
root="$cache/$release"

cannot() {
    printf 'no Swift %s here: %s\n' "$oldest" "$1" >&2
    exit 77
}

# "Swift version 6.0.3 (...)" or "Apple Swift version 6.1 (...)" -> 6
major() { swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9]*\).*/\1/p' | head -n 1; }

if command -v swift >/dev/null && [ "$(major)" -ge "$oldest" ] 2>/dev/null; then
    echo native
    exit
fi

remedy="put swift $oldest or newer on the PATH (https://www.swift.org/install)"
[ "$(uname -s)" = Linux ] || cannot "$remedy"
[ "$(id -u)" = 0 ] || cannot "$remedy, or run this as root, in a Debian $release that it puts up"
mkdir -p "$cache"
unshare --mount --propagation private sh -c 'mount -t tmpfs tmpfs "$1"' sh "$cache" 2>/dev/null ||
    cannot "$remedy; this container may not mount, which a Debian root needs"
if [ -d "$root" ]; then
    printf '%s\n' "$root"
    exit
fi

# One set-up at a time: a second waits here, and then finds the root. The lock is held by debootstrap too, should this
# script be stopped without it.
exec 9>"$cache/lock"
flock 9
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
if ! command -v debootstrap >/dev/null || [ ! -f "$keyring" ]; then
    command -v apt-get >/dev/null || cannot "$remedy, or install debootstrap and debian-archive-keyring"
    { apt-get update -qq && apt-get install -qq --no-install-recommends debootstrap debian-archive-keyring; } \
        >"$cache/apt.log" 2>&1 ||
        cannot "apt-get could not install debootstrap ($(tail -n 1 "$cache/apt.log")); $remedy"
fi

# Where apt fetches Debian from, debootstrap may too; without an apt that says so it knows a place itself.
mirror="$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
    awk '$2 == "Debian" && $1 !~ /security/ {print $1; exit}')" || mirror=""

if [ ! -d "$root" ]; then
    half="$root.half"
    mkdir -p "$cache/packages"
    printf 'putting up Swift (Debian %s) in %s: some minutes, once\n' "$release" "$root" >&2
    # In a mount namespace of its own, so that what debootstrap mounts is gone with it, however it ends.
    rm -rf --one-file-system "$half"
    unshare --mount --propagation private debootstrap --force-check-gpg --keyring="$keyring" --variant=minbase \
        --include=swiftlang,libc6-dev --cache-dir="$cache/packages" "$release" "$half" ${mirror:+"$mirror"} \
        >"$cache/debootstrap.log" 2>&1 || {
        # Not 77: another try may well end better, and goes on with what this one fetched.
        printf 'debootstrap failed (%s): %s\n' "$cache/debootstrap.log" "$(tail -n 1 "$cache/debootstrap.log")" >&2
        exit 1
    }
    rm -f "$half"/var/cache/apt/archives/*.deb
    mv "$half" "$root"
    rm -rf "$cache/packages"
fi
printf '%s\n' "$root"
