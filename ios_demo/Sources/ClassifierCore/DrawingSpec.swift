/// How strokes become a picture.
public struct DrawingSpec: Sendable, Equatable {
    /// Of the square picture, pixels.
    public internal(set) var side: Int
    /// Diameter of the pen, as a share of the longer side of the finished ink.
    public internal(set) var pen: Double
}

extension DrawingSpec: Decodable {
    private enum Key: String, CodingKey { case side, pen }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        side = try fields.whole(.side, in: 16...1024)
        pen = try fields.number(.pen, in: 0...0.5)
        guard pen > 0 else { throw fields.refusal(.pen, "is \(pen), not above 0") }
    }
}
