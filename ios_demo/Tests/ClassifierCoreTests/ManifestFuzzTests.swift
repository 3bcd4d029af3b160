@testable import ClassifierCore
import Foundation
import Testing

/// Numbers that look random and are the same each time (SplitMix64, by Steele, Lea and Flood).
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A damaged manifest is refused with a `ManifestError`, which `read` alone can throw, or can be worked with: it never
/// traps, whatever is in it.
@Suite struct ManifestFuzzTests {
    static let rounds = 3_000

    @Test(arguments: [1, 2] as [UInt64])
    func damagedBytes(_ seed: UInt64) throws {
        var random = Seeded(state: seed)
        var refused = 0
        for _ in 0..<Self.rounds {
            var bytes = Array(SampleManifest.text.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default: bytes.insert(Array("0123456789-.e\"[]{},nulltrue".utf8).randomElement(using: &random)!, at: at)
                }
            }
            refused += try use(Data(bytes)) ? 0 : 1
        }
        #expect(refused > Self.rounds / 2)
    }

    @Test(arguments: [3, 4] as [UInt64])
    func exchangedValues(_ seed: UInt64) throws {
        var random = Seeded(state: seed)
        var refused = 0
        for _ in 0..<Self.rounds {
            let tree = Self.damaged(try SampleManifest.tree(), share: 0.02, &random)
            refused +=
                try use(
                    JSONSerialization.data(
                        withJSONObject: ["schema_version": 1].merging(
                            tree as? [String: Any] ?? [:], uniquingKeysWith: { $1 }
                        ))) ? 0 : 1
        }
        #expect(refused > Self.rounds / 10)
    }

    /// Whether the manifest is taken; then a picture goes all the way through it.
    private func use(_ data: Data) throws -> Bool {
        let manifest: Manifest
        do throws(ManifestError) {
            manifest = try Manifest.read(data)
        } catch {
            #expect(error.message.hasPrefix("manifest: ") && error.message.utf8.count < 400)
            #expect(error.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
            return false
        }
        guard manifest.preprocess.height * manifest.preprocess.width < 1 << 16 else { return true }
        let preprocess = Preprocess(spec: manifest.preprocess, input: manifest.model.input)
        let pixels = try Pixels(height: 3, width: 5, channels: 3, bytes: (0..<45).map { UInt8(5 * $0) })
        var tensor = [UInt8](repeating: 0, count: manifest.model.input.byteCount)
        tensor.withUnsafeMutableBytes { preprocess.fill(preprocess.picture(pixels), into: $0) }
        let postprocess = Postprocess(
            spec: manifest.postprocess, output: manifest.model.output, labels: manifest.labels
        )
        let output = [UInt8](repeating: 200, count: manifest.model.output.byteCount)
        let probabilities = output.withUnsafeBytes(postprocess.probabilities)
        #expect(postprocess.topK(probabilities, 2).count == 2)
        _ = DelegateOrder(manifest.model)
        return true
    }

    private static func damaged(_ node: Any, share: Double, _ random: inout Seeded) -> Any {
        if Double.random(in: 0..<1, using: &random) < share {
            let instead: [Any] = [
                NSNull(), true, -1, 0, 1, 255, 4096, 1 << 62, 0.5, -1e300, 1e-300, "", "ink", "rgb", "float32",
                String(repeating: "x", count: 99), [Any](), [1, 28, 28], [String: Any](),
            ]
            return instead.randomElement(using: &random)!
        }
        if let fields = node as? [String: Any] {
            // In the keys' order: a dictionary has none of its own, and the numbers must fall the same each time.
            return Dictionary(
                uniqueKeysWithValues: fields.sorted { $0.key < $1.key }.map {
                    ($0.key, damaged($0.value, share: share, &random))
                })
        }
        if let list = node as? [Any] { return list.map { damaged($0, share: share, &random) } }
        return node
    }
}
