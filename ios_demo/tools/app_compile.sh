#!/bin/sh
# app_compile.sh: compiles the app's live engine, logic and state on Linux, with every warning an error, against stubs
# of the modules that Linux has not (Tests/Stubs). tools/test.sh runs it.
#
# The stubs are this project's word on Apple's and the pod's interfaces: what Xcode says of them counts more. Screens
# and App/Photos, which hardly do anything but call UIKit, are not compiled.
set -eu
cd "$(dirname "$0")/.."
out="$(pwd -P)/.build/app"
mkdir -p "$out"

compile() {
    swiftc -swift-version 6 -warnings-as-errors -parse-as-library -module-cache-path "$out/cache" \
        -I "$out" -I Tests/TensorFlowLiteC "$@"
}

compile -emit-module -module-name ClassifierCore -o "$out/ClassifierCore.swiftmodule" Sources/ClassifierCore/*.swift
for stub in Tests/Stubs/*.swift; do
    module="$(basename "$stub" .swift)"
    compile -emit-module -module-name "$module" -o "$out/$module.swiftmodule" "$stub"
done
compile -emit-sil -wmo -module-name MobilePipeline -o /dev/null \
    Sources/ClassifierLive/*.swift Sources/ClassifierLive/*/*.swift App/Logic/*.swift App/State/*.swift Tests/Stubs/App/*.swift
