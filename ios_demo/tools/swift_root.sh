#!/bin/sh
# Prints where Swift is: "native", or the folder of a Debian root that holds it, made on first use.
#
# A root takes 2.5 GB and some minutes, once: Debian's swiftlang, put up with debootstrap, the packages kept
# until it is finished, so that an interrupted set-up goes on where it stopped. It is made beside its place and
# renamed: a half-made one is never used. Nothing outside the cache folder is changed but for the Debian
# package debootstrap itself, which is installed where it is missing.
#
# Exit 77 with one sentence where this machine can have no Swift.
set -eu

# The first Debian whose Swift knows the language mode 6.
release=trixie
oldest=6
cache="${XDG_CACHE_HOME:-$HOME/.cache}/mobile-pipeline/swift"
root="$cache/$release"

cannot() {
    echo "no Swift $oldest here: $1" >&2
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
unshare --mount true 2>/dev/null || cannot "$remedy; this container may not mount, which a Debian root needs"
if [ -d "$root" ]; then
    echo "$root"
    exit
fi
if ! command -v debootstrap >/dev/null; then
    command -v apt-get >/dev/null || cannot "$remedy, or install debootstrap"
    echo "installing debootstrap" >&2
    { apt-get update -qq && apt-get install -qq --no-install-recommends debootstrap debian-archive-keyring; } >&2 ||
        cannot "apt-get could not install debootstrap; $remedy"
fi

# Where apt fetches Debian from, debootstrap may too; without an apt that says so it knows a place itself.
mirror="$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
    awk '$2 == "Debian" && $1 !~ /security/ {print $1; exit}')" || mirror=""

mkdir -p "$cache/packages"
# One set-up at a time: a second waits here, and then finds the root. The lock is held by debootstrap too, should this
# script be stopped without it.
exec 9>"$cache/lock"
flock 9
if [ ! -d "$root" ]; then
    half="$root.half"
    echo "putting up Swift (Debian $release) in $root: some minutes, once" >&2
    # In a mount namespace of its own, so that what debootstrap mounts is gone with it, however it ends.
    rm -rf --one-file-system "$half"
    unshare --mount --propagation private debootstrap --force-check-gpg --variant=minbase \
        --include=swiftlang,libc6-dev --cache-dir="$cache/packages" "$release" "$half" ${mirror:+"$mirror"} \
        >"$cache/debootstrap.log" 2>&1 ||
        cannot "debootstrap failed, $cache/debootstrap.log says why; what it fetched is kept"
    rm -f "$half"/var/cache/apt/archives/*.deb
    mv "$half" "$root"
    rm -rf "$cache/packages"
fi
echo "$root"
