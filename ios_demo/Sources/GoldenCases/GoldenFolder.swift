import ClassifierCore
import Foundation

/// A bundle on disk, as `pipeline` writes it: manifest, model, and golden cases with every intermediate result.
public struct GoldenFolder: Sendable, CustomStringConvertible {
    public let url: URL
    public let manifest: Manifest

    /// - Throws: `ManifestError`, or `CaseError` where a file cannot be read.
    public init(_ url: URL) throws {
        self.url = url
        manifest = try Manifest.read(Self.read(url.appendingPathComponent("manifest.json")))
    }

    public var description: String { url.lastPathComponent }
    public var model: URL { url.appendingPathComponent(manifest.model.file) }

    /// What the platform decoded, or the drawing gave. Tests begin here: Linux has no decoder of its own, and another
    /// decoder than the phone's would prove nothing of the phone's.
    public func pixels(_ case: GoldenCase) throws -> Pixels {
        try Self.pixels(bytes(`case`, "pixels.u8"), shape: `case`.pixelsShape)
    }

    /// The picture of the input's size.
    public func image(_ case: GoldenCase) throws -> Pixels {
        try Self.pixels(bytes(`case`, "image.u8"), shape: manifest.preprocess.shape)
    }

    /// What stands in the input tensor.
    public func tensor(_ case: GoldenCase) throws -> Data { try bytes(`case`, "tensor.bin") }

    /// What the runtime left in the output tensor.
    public func output(_ case: GoldenCase) throws -> Data { try bytes(`case`, "output.bin") }

    /// Of a case that begins with strokes.
    public func strokes(_ case: GoldenCase) throws -> [Drawing.Stroke] {
        try Self.strokes(JSONDecoder().decode([[[Double]]].self, from: bytes(`case`, "strokes.json")))
    }

    private func bytes(_ case: GoldenCase, _ file: String) throws -> Data {
        let folder = url.appendingPathComponent("golden").appendingPathComponent(`case`.id)
        return try Self.read(folder.appendingPathComponent(file))
    }

    /// A file's content; an error that names it.
    public static func read(_ file: URL) throws -> Data {
        do {
            return try Data(contentsOf: file)
        } catch {
            throw CaseError(message: "\(file.path): cannot be read: \(error.localizedDescription)")
        }
    }

    /// Raw pixels of (height, width) or (height, width, channels).
    public static func pixels(_ data: Data, shape: [Int]) throws -> Pixels {
        guard (2...3).contains(shape.count) else { throw CaseError(message: "pixels of shape \(shape)") }
        return try Pixels(
            height: shape[0], width: shape[1], channels: shape.count == 3 ? shape[2] : 1, bytes: [UInt8](data)
        )
    }

    /// `[[[x, y], ...], ...]`
    public static func strokes(_ lists: [[[Double]]]) throws -> [Drawing.Stroke] {
        try lists.map { line in
            try line.map { point in
                guard point.count == 2 else { throw CaseError(message: "a point of \(point.count) numbers") }
                return StrokePoint(x: point[0], y: point[1])
            }
        }
    }
}

/// A case that has not the form it should have.
public struct CaseError: Error, CustomStringConvertible {
    public let message: String
    public var description: String { message }

    public init(message: String) { self.message = message }
}
