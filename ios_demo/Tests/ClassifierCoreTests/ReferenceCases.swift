import ClassifierCore
import Foundation
import GoldenCases

/// `Tests/Reference/cases.json`, which `Tests/reference.py` writes with the pipeline's own code.
struct ReferenceCases: Decodable, Sendable {
    struct Preprocessed: Decodable, Sendable, CustomStringConvertible {
        let id: String
        let preprocess: PreprocessSpec
        let input: TensorSpec
        let pixels_shape: [Int]
        let pixels: Data
        let image: Data
        let tensor: Data
        var description: String { id }

        func decoded() throws -> Pixels { try GoldenFolder.pixels(pixels, shape: pixels_shape) }
        func expected() throws -> Pixels { try GoldenFolder.pixels(image, shape: preprocess.shape) }
    }

    struct Postprocessed: Decodable, Sendable, CustomStringConvertible {
        let id: String
        let postprocess: PostprocessSpec
        let output_tensor: TensorSpec
        let output: Data
        let probabilities: [Double]
        let top: [Int]
        var description: String { id }
    }

    struct Drawn: Decodable, Sendable, CustomStringConvertible {
        let id: String
        let drawing: DrawingSpec
        let strokes: [[[Double]]]
        let pixels: Data
        var description: String { id }
    }

    let preprocess: [Preprocessed]
    let postprocess: [Postprocessed]
    let drawing: [Drawn]

    static let all: ReferenceCases = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Reference/cases.json")
        do {
            return try JSONDecoder().decode(ReferenceCases.self, from: Data(contentsOf: file))
        } catch {
            fatalError("\(file.path): \(error)")
        }
    }()
}

/// How far an image may be from the reference's.
enum Levels {
    /// Sums of float64 that lie on a half go up or down by their last bit, which no two languages share: one grey
    /// level off, in one of a thousand values at most. Anything wider is another arithmetic.
    static let tied = 0.001

    /// Says what is wrong with an image; nil if nothing.
    static func complaint(_ found: [UInt8], _ expected: [UInt8], tolerance: Int) -> String? {
        guard found.count == expected.count else { return "\(found.count) values, not \(expected.count)" }
        let differences = zip(found, expected).map { abs(Int($0) - Int($1)) }
        let off = differences.count { $0 > 0 }
        let largest = differences.max() ?? 0
        guard largest > tolerance || Double(off) > tied * Double(found.count) else { return nil }
        return "\(off) of \(found.count) values differ, by \(largest) levels at most"
    }
}
