#!/bin/sh
# with_swift.sh [--see PATH]... [--pass NAME]... COMMAND...
#
# Runs a command where Swift is: here, or in the Debian root that swift_root.sh makes. In the root this checkout's
# ios_demo, each PATH and the working folder are seen at their own places, and of the environment only each NAME is
# set. They are mounted in a namespace of this process alone: nothing stays mounted, however it ends.
#
# Exit 77 with one sentence where this machine can have no Swift; else the command's own.
set -eu

tools="$(cd "$(dirname "$0")" && pwd -P)"
demo="$(dirname "$tools")"

paths="$demo"
variables=""
while :; do
    case "${1:-}" in
        --see)
            [ $# -ge 2 ] || { echo "with_swift.sh: --see without a folder" >&2; exit 2; }
            [ -d "$2" ] || { printf '%s: no such folder\n' "$2" >&2; exit 2; }
            paths="$paths
$(cd "$2" && pwd)"
            shift 2 ;;
        --pass)
            [ $# -ge 2 ] || { echo "with_swift.sh: --pass without a name" >&2; exit 2; }
            variables="$variables $2"
            shift 2 ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || { echo "with_swift.sh: no command" >&2; exit 2; }

here="$(pwd -P)"
case "$here/" in
    "$demo"/*) ;;
    //) echo "with_swift.sh: not from /" >&2; exit 2 ;;
    *) paths="$here
$paths" ;;
esac

root="$("$tools/swift_root.sh")"
if [ "$root" = native ]; then
    exec "$@"
fi

for name in $variables; do
    if eval "[ -n \"\${$name+set}\" ]"; then
        eval "set -- \"$name=\$$name\" \"\$@\""
    fi
done
# One at a time: SwiftPM's own lock lies in a folder that each run has for itself.
mkdir -p "$demo/.build"
exec 9>"$demo/.build/lock"
flock 9
export MOBILE_PIPELINE_PATHS="$paths" MOBILE_PIPELINE_ROOT="$root" MOBILE_PIPELINE_HERE="$here"
exec unshare --mount --propagation private sh -euc '
    root="$MOBILE_PIPELINE_ROOT"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/tmp"
    printf "%s\n" "$MOBILE_PIPELINE_PATHS" | while IFS= read -r path; do
        mkdir -p "$root$path"
        mount --bind "$path" "$root$path"
    done
    exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/root LANG=C.UTF-8 \
        sh -euc "cd \"\$1\"; shift; exec env \"\$@\"" sh "$MOBILE_PIPELINE_HERE" "$@"
' sh "$@"
