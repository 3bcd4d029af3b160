/// Number type of a tensor that an app fills or reads.
public enum TensorType: String, Sendable, CaseIterable {
    case float32, uint8, int8

    /// Bytes of one value.
    public var width: Int { self == .float32 ? 4 : 1 }

    /// Values that a quantised tensor holds; nil for float32.
    var range: ClosedRange<Int>? {
        switch self {
        case .float32: nil
        case .uint8: 0...255
        case .int8: -128...127
        }
    }
}

/// An input or output tensor of the model.
public struct TensorSpec: Sendable, Equatable {
    /// `real = (q - zeroPoint) * scale`.
    public struct Quantisation: Sendable, Equatable {
        public let scale: Double
        public let zeroPoint: Int
    }

    /// Values of an input: more than any image classifier takes; a larger shape is a damaged manifest.
    static let mostValues = 64_000_000

    /// Lengths of a shape: more than any tensor of an image classifier has.
    static let mostDimensions = 8

    /// In the file.
    public let name: String
    /// With the batch dimension.
    public let shape: [Int]
    public let type: TensorType
    /// Nil for float tensors.
    public let quantisation: Quantisation?

    /// How many values.
    public var count: Int { shape.reduce(1, *) }
    public var byteCount: Int { count * type.width }
    /// Quantised if, and only if, its type is one of whole numbers: all that is read from a manifest are.
    var isWhole: Bool { (type == .float32) == (quantisation == nil) }
}

extension TensorSpec: Decodable {
    private enum Key: String, CodingKey { case name, shape, dtype, scale, zero_point }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        name = try fields.decode(String.self, forKey: .name)
        shape = try fields.shape(.shape)
        type = try fields.choice(.dtype)
        var values = 1
        for side in shape {
            guard side > 0, values <= Self.mostValues / side else {
                throw fields.refusal(.shape, "is \(shape), not 1 to \(Self.mostValues) values")
            }
            values *= side
        }
        let (hasScale, hasZero) = (try !fields.isNull(.scale), try !fields.isNull(.zero_point))
        guard let range = type.range else {
            guard !hasScale, !hasZero else {
                throw decoder.refuse("a float32 tensor has no scale and no zero_point")
            }
            quantisation = nil
            return
        }
        guard hasScale, hasZero else {
            throw decoder.refuse("a tensor of \(type.rawValue) needs scale and zero_point")
        }
        let scale = try fields.number(.scale)
        // What the runtime computes with is a float32: a scale that is nothing there is none.
        guard scale > 0, Float(scale) > 0, Float(scale).isFinite else {
            throw fields.refusal(.scale, "is \(scale), not a positive number of 32 bits")
        }
        quantisation = Quantisation(scale: scale, zeroPoint: try fields.whole(.zero_point, in: range))
    }
}

extension KeyedDecodingContainer {
    /// Whether a key has no value: tensors without quantisation carry null, or nothing.
    func isNull(_ key: Key) throws -> Bool { try !contains(key) || decodeNil(forKey: key) }
}
