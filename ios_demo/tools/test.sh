#!/bin/sh
# test.sh [OPTION OF swift test]...: all that can be tested of the iOS demo without a Mac. `make ios-test` runs it.
#
# Sets up Swift and a TensorFlow Lite C library where they are missing. Exit 77 with one sentence where this machine
# can have no Swift; 77 too, after all other tests have passed, where it can have no such library.
set -eu
tools="$(cd "$(dirname "$0")" && pwd -P)"
demo="$(dirname "$tools")"
checkout="$(dirname "$demo")"
cd "$demo"

root="$("$tools/swift_root.sh")"

# Another compiler than the one that is the same everywhere warns of other things: only this one's are errors.
[ "$root" = native ] || set -- -Xswiftc -warnings-as-errors "$@"
set -- swift test --scratch-path .build/linux "$@"
# Fixtures of the checkout, and the bundles that PIPELINE_GOLDEN names.
set -- --pass PIPELINE_GOLDEN --see "$checkout" "$@"
rest="${PIPELINE_GOLDEN:-}"
while [ -n "$rest" ]; do
    folder="${rest%%:*}"
    case "$rest" in *:*) rest="${rest#*:}" ;; *) rest="" ;; esac
    [ -z "$folder" ] || set -- --see "$folder" "$@"
done
no_engine=""
folder="$("$tools/engine_library.sh")" || { [ $? = 77 ] || exit 1; no_engine=yes; }
if [ -z "$no_engine" ]; then
    MOBILE_PIPELINE_TFLITE="$folder"
    export MOBILE_PIPELINE_TFLITE
    set -- --pass MOBILE_PIPELINE_TFLITE --see "$folder" "$@"
fi

echo "== tests"
log="$demo/.build/ios-test.log"
mkdir -p "$demo/.build"
{ "$tools/with_swift.sh" "$@" 2>&1 || echo "SWIFT TEST FAILED"; } | tee "$log" |
    grep -E 'error:|warning:|^RUN|^SKIPPED|largest difference|✘|↳|Test run with|Fatal|crashed|no such folder' || true
if grep -q '^SWIFT TEST FAILED' "$log"; then
    echo "swift test failed: all it said is in $log" >&2
    exit 1
fi
# A run without tests ends well too, and proves nothing. Newer releases say in how many suites, too.
grep -qE 'Test run with [1-9][0-9]* tests?( in [0-9]+ suites?)? passed' "$log" || { echo "no test was run" >&2; exit 1; }

echo "== the app: files that need a Mac to be built must parse"
files="$demo/.build/app-files"
find App Sources/ClassifierLive DeviceTests -name '*.swift' >"$files" 2>/dev/null || true
[ -s "$files" ] || { echo "App and Sources/ClassifierLive have no Swift file" >&2; exit 1; }
# All at once: names with a space are what xargs has NUL for.
tr '\n' '\0' <"$files" | "$tools/with_swift.sh" xargs -0 swiftc -frontend -parse -swift-version 6
echo "$(wc -l <"$files") files parse"
if [ "$root" != native ]; then
    "$tools/with_swift.sh" "$tools/app_compile.sh"
    echo "live engine, logic and state compile against stubs, without a warning"
fi

# Another version formats otherwise: only the one that is the same everywhere judges.
if [ "$root" != native ]; then
    echo "== style"
    set -- Package.swift Sources Tests
    for folder in App DeviceTests; do [ ! -d "$folder" ] || set -- "$@" "$folder"; done
    "$tools/with_swift.sh" swift format lint --strict --recursive --parallel "$@" || {
        echo "put right (long comments by hand) with: tools/with_swift.sh swift format format --in-place --recursive FOLDER" >&2
        exit 1
    }
fi

echo "== plists, asset catalogues, project.yml, models"
python3 "$tools/project_check.py" "$demo"

if [ -n "$no_engine" ]; then
    echo "all passed but the real engine, which was not tested" >&2
    exit 77
fi
echo "Not run here: the Xcode build, simulator and device, the Metal and Core ML delegates (ios_demo in README.md)."
