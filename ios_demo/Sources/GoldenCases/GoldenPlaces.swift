import Foundation

/// Where golden bundles are looked for. Finding none is an error: a test without cases proves nothing.
public enum GoldenPlaces {
    /// Colon-separated folders of more bundles.
    public static let variable = "PIPELINE_GOLDEN"

    /// Every bundle: of the checkout's fixtures, of what `pipeline embed` put beside the tests, of the test's own
    /// resources (on a phone there is no checkout), of the environment.
    ///
    /// - Parameter resources: of the test bundle, where the folder `Golden` may be.
    public static func bundles(resources: URL? = nil) throws -> [GoldenFolder] {
        let demo = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        var places = inside(demo.deletingLastPathComponent().appendingPathComponent("tests/fixtures/golden_bundles"))
        places += inside(demo.appendingPathComponent("Tests/Golden"))
        places += resources.map { inside($0.appendingPathComponent("Golden")) } ?? []
        let named = ProcessInfo.processInfo.environment[variable] ?? ""
        places += named.split(separator: ":").map { URL(fileURLWithPath: String($0)) }
        guard !places.isEmpty else {
            throw CaseError(
                message: "no golden bundle: build one with `pipeline build`, and name its folder in \(variable)"
            )
        }
        return try places.map(GoldenFolder.init)
    }

    private static func inside(_ folder: URL) -> [URL] {
        let found = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return (found ?? [])
            .filter { FileManager.default.fileExists(atPath: $0.appendingPathComponent("manifest.json").path) }
            .sorted { $0.path < $1.path }
    }
}
