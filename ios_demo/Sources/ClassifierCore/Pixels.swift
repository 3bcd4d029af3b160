/// Decoded pixels: row-major, 8 bits a channel, no padding between rows.
public struct Pixels: Sendable, Equatable {
    /// Most values that are taken: larger than any phone's photo, 100 million pixels of RGB.
    public static let mostBytes = 300_000_000

    /// Longest side that is taken, pixels: the pipeline's own limit.
    public static let mostSide = 20_000

    public let height: Int
    public let width: Int
    /// 1 (grey) or 3 (RGB).
    public let channels: Int
    /// `height * width * channels` values.
    public internal(set) var bytes: [UInt8]

    /// - Throws: `PixelsError` where a side is not 1 to `mostSide`, the channels not 1 or 3, or the bytes do not fit.
    public init(height: Int, width: Int, channels: Int, bytes: [UInt8]) throws(PixelsError) {
        guard (1...Self.mostSide).contains(height), (1...Self.mostSide).contains(width) else {
            throw PixelsError(message: "pixels are \(height) x \(width): each side must be 1 to \(Self.mostSide)")
        }
        guard channels == 1 || channels == 3 else {
            throw PixelsError(message: "pixels have \(channels) channels, not 1 or 3")
        }
        guard height * width * channels <= Self.mostBytes else {
            throw PixelsError(message: "\(height) x \(width) x \(channels) is more than \(Self.mostBytes) values")
        }
        guard bytes.count == height * width * channels else {
            throw PixelsError(
                message: "\(height) x \(width) x \(channels) pixels take \(height * width * channels) bytes, "
                    + "not \(bytes.count)"
            )
        }
        self.init(unchecked: height, width, channels, bytes)
    }

    init(unchecked height: Int, _ width: Int, _ channels: Int, _ bytes: [UInt8]) {
        self.height = height
        self.width = width
        self.channels = channels
        self.bytes = bytes
    }
}

/// Pixels, or strokes, that no picture can be made of.
public struct PixelsError: Error, Equatable, CustomStringConvertible {
    public let message: String
    public var description: String { message }
}
