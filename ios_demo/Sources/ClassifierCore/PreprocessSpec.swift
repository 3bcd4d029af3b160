/// From decoded pixels to the model's input; `Preprocess` follows it, in the order given there.
public struct PreprocessSpec: Sendable, Equatable {
    public enum Channels: String, Sendable, CaseIterable { case gray, rgb }
    public enum Crop: String, Sendable, CaseIterable {
        case none
        case centerSquare = "center_square"
        case ink
    }
    public enum Place: String, Sendable, CaseIterable { case box, mass }

    /// Of the input, pixels.
    public internal(set) var height: Int
    /// Of the input, pixels.
    public internal(set) var width: Int
    public internal(set) var channels: Channels
    /// The picture is dark on light, the model learned light on dark.
    public internal(set) var invert: Bool
    /// What to keep of the picture.
    public internal(set) var crop: Crop
    /// With crop `ink`: values above it are ink, 0..254.
    public internal(set) var inkThreshold: Int
    /// With crop `ink`: the longer side of the ink's box in the input, pixels.
    public internal(set) var fit: Int?
    /// With crop `ink`: what comes to the middle of the canvas.
    public internal(set) var place: Place
    /// Standard deviation of a Gaussian on the canvas, pixels; 0 for none.
    public internal(set) var blurSigma: Double
    /// Multiplies 0..255.
    public internal(set) var scale: Double
    /// Is added after it.
    public internal(set) var offset: Double

    /// Values of a pixel of the input.
    public var depth: Int { channels == .rgb ? 3 : 1 }
    /// Of the input without batch.
    public var shape: [Int] { channels == .rgb ? [height, width, 3] : [height, width] }
}

extension PreprocessSpec: Decodable {
    private enum Key: String, CodingKey {
        case height, width, channels, invert, crop, ink_threshold, fit, place, blur_sigma, scale, offset
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        height = try fields.whole(.height, in: 1...4096)
        width = try fields.whole(.width, in: 1...4096)
        channels = try fields.choice(.channels)
        invert = try fields.decode(Bool.self, forKey: .invert)
        crop = try fields.choice(.crop)
        inkThreshold = try fields.whole(.ink_threshold, in: 0...254)
        // Null with every other crop; but not left out: an app holds no defaults of its own.
        fit = try fields.decode(Int?.self, forKey: .fit)
        place = try fields.choice(.place)
        blurSigma = try fields.number(.blur_sigma, in: 0...8)
        scale = try fields.number(.scale)
        offset = try fields.number(.offset)
        if crop == .ink {
            guard channels == .gray, let fit, (1...min(height, width)).contains(fit) else {
                throw decoder.refuse("crop 'ink' needs channels 'gray' and fit no larger than the input")
            }
        } else if fit != nil || inkThreshold != 0 || place != .box {
            throw decoder.refuse("fit, ink_threshold and place go with crop 'ink'")
        }
        // Scale and offset are applied in float32, and what they make of 255 is one too.
        let ends = [scale, offset, 255 * scale + offset].map(abs)
        guard ends.allSatisfy({ $0 <= Double(Float.greatestFiniteMagnitude) }),
            abs(scale) >= Double(Float.leastNormalMagnitude)
        else {
            throw decoder.refuse(
                "scale \(scale) and offset \(offset) leave the range of float32, or make every picture the same"
            )
        }
    }
}
