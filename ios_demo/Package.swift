// swift-tools-version: 6.0
import PackageDescription

// The core of the app, and its tests, which run on Linux too. The app itself and its live engine need UIKit and
// TensorFlow Lite's pods, which Swift packages cannot take: project.yml (XcodeGen) and the Podfile build them.
//
// The tests of the app's own engine are there where MOBILE_PIPELINE_TFLITE names the folder of a TensorFlow Lite C
// library: tools/test.sh fetches one and says so.

let library = Context.environment["MOBILE_PIPELINE_TFLITE"]

let engineTests: [Target] =
    library.map { folder in
        [
            .systemLibrary(name: "TensorFlowLiteC", path: "Tests/TensorFlowLiteC"),
            .target(
                name: "LiveEngine", dependencies: ["ClassifierCore", "TensorFlowLiteC"],
                path: "Sources/ClassifierLive/Engine"
            ),
            .testTarget(
                name: "EngineTests",
                dependencies: ["ClassifierCore", "GoldenCases", "LiveEngine"],
                linkerSettings: [.unsafeFlags(["-L\(folder)", "-Xlinker", "-rpath", "-Xlinker", folder])]
            ),
        ]
    } ?? []

let package = Package(
    name: "ios_demo",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "ClassifierCore", targets: ["ClassifierCore"])
    ],
    targets: [
        .target(name: "ClassifierCore"),
        .target(name: "GoldenCases", dependencies: ["ClassifierCore"]),
        .executableTarget(name: "contract", dependencies: ["ClassifierCore", "GoldenCases"], path: "Sources/Contract"),
        .executableTarget(name: "photo-time", dependencies: ["ClassifierCore"], path: "Sources/PhotoTime"),
        .target(name: "MallocCount", path: "Tests/MallocCount"),
        .testTarget(name: "ClassifierCoreTests", dependencies: ["ClassifierCore", "GoldenCases", "MallocCount"]),
        // The part of the app that needs no screen: Xcode builds it into the app, this package for its tests.
        .target(name: "AppLogic", dependencies: ["ClassifierCore"], path: "App/Logic"),
        .testTarget(name: "AppLogicTests", dependencies: ["AppLogic", "GoldenCases"]),
    ] + engineTests,
    swiftLanguageModes: [.v6]
)
