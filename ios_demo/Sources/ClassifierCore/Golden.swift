/// Golden vectors in the bundle's `golden/ID/`: `pixels.u8 -> image.u8 -> tensor.bin -> output.bin`.
public struct Golden: Sendable, Equatable {
    /// That computed the outputs.
    public let runtime: String
    /// Grey levels by which `image.u8` may differ.
    public let imageTolerance: Int
    /// By which a dequantised output may differ.
    public let outputTolerance: Double
    /// The picture case that is there as an encoded file too.
    public let encodedCase: String
    /// That file, by its path in the bundle.
    public let encodedFile: String
    public let cases: [GoldenCase]
}

public struct GoldenCase: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        /// A picture of the input's size.
        case image
        /// Any picture: it goes through the whole `PreprocessSpec`.
        case picture
        /// Begins with `strokes.json`, drawn by the `DrawingSpec`.
        case strokes
    }

    /// Name of its folder.
    public let id: String
    public let kind: Kind
    /// Of `pixels.u8`: (height, width) or (height, width, channels).
    public let pixelsShape: [Int]
    /// Right class index; nil where nobody can say.
    public let label: Int?
    /// Class index that the model answers.
    public let top1: Int
}

extension Golden: Decodable {
    private enum Key: String, CodingKey { case runtime, image_tolerance, output_tolerance, encoded, cases }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        runtime = try fields.decode(String.self, forKey: .runtime)
        imageTolerance = try fields.whole(.image_tolerance, in: 0...255)
        outputTolerance = try fields.number(.output_tolerance, in: 0...Double.greatestFiniteMagnitude)
        let encoded = try fields.decode([String].self, forKey: .encoded)
        guard encoded.count == 2, BundlePath.staysInside(encoded[1], folders: 1) else {
            throw fields.refusal(.encoded, "is not a case and a file in the bundle")
        }
        (encodedCase, encodedFile) = (encoded[0], encoded[1])
        cases = try fields.decode([GoldenCase].self, forKey: .cases)
        guard !cases.isEmpty else { throw fields.refusal(.cases, "is empty") }
        var ids: Set<String> = []
        for each in cases where !ids.insert(each.id).inserted {
            throw fields.refusal(.cases, "has the id \(ManifestError.quoted(each.id)) twice")
        }
        guard ids.contains(encodedCase) else {
            throw fields.refusal(.encoded, "names \(ManifestError.quoted(encodedCase)), which is no golden case")
        }
    }
}

extension GoldenCase: Decodable {
    private enum Key: String, CodingKey { case id, kind, pixels_shape, label, top1 }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        id = try fields.file(.id)
        kind = try fields.choice(.kind)
        pixelsShape = try fields.shape(.pixels_shape)
        guard (2...3).contains(pixelsShape.count),
            pixelsShape.prefix(2).allSatisfy({ (1...Pixels.mostSide).contains($0) }),
            pixelsShape.count == 2 || [1, 3].contains(pixelsShape[2])
        else {
            throw fields.refusal(.pixels_shape, "is \(pixelsShape.prefix(8)), not (height, width[, channels])")
        }
        label = try fields.isNull(.label) ? nil : fields.whole(.label, in: 0...Manifest.mostLabels)
        top1 = try fields.whole(.top1, in: 0...Manifest.mostLabels)
    }
}
