import Foundation

/// A place on the drawing pad, in any unit, y downwards.
public struct StrokePoint: Sendable, Hashable {
    public var x: Double
    public var y: Double

    public init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }
}

/// Strokes of a finger to a picture, dark ink on white paper: the twin of the pipeline's `drawing.py`.
///
///     strokes          polylines of points
///       -> box         of all points; its middle comes to the picture's middle
///       -> scale       longer side of the finished ink = side - 2 margin: the pen's width is part of it
///       -> ink         of each pixel: clamp(pen / 2 + 1/2 - distance of its centre to the nearest segment, 0, 1)
///       -> value       255 - floor(255 ink + 1/2)
///
/// All of it is float64. The picture then goes through the whole `PreprocessSpec`, as a photo of handwriting does.
public struct Drawing: Sendable {
    /// Points from pen down to pen up; a single one is a dot.
    public typealias Stroke = [StrokePoint]

    /// Largest coordinate, either sign: sums of two stay exact enough.
    public static let largestCoordinate = 1e9

    public let spec: DrawingSpec

    private let arithmetic: Arithmetic

    public init(_ spec: DrawingSpec) { self.init(spec, arithmetic: .contract) }

    init(_ spec: DrawingSpec, arithmetic: Arithmetic) {
        self.spec = spec
        self.arithmetic = arithmetic
    }

    /// Draws strokes as large as the picture takes them; without any point the picture is white.
    ///
    /// - Throws: `PixelsError` where a coordinate is no number, or beyond `largestCoordinate`.
    public func draw(_ strokes: [Stroke]) throws(PixelsError) -> Pixels {
        for (number, stroke) in strokes.enumerated() {
            let limit = Self.largestCoordinate
            // NaN is not within any limit.
            for point in stroke where !(abs(point.x) <= limit && abs(point.y) <= limit) {
                throw PixelsError(message: "stroke \(number): (\(point.x), \(point.y)) is beyond +-\(limit)")
            }
        }
        let side = spec.side
        let inner = Double(side) - 2 * arithmetic.margin
        let pen = spec.pen * inner
        var squared = [Double](repeating: .infinity, count: side * side)
        for line in placed(strokes.filter { !$0.isEmpty }, longer: inner - pen) {
            for (start, end) in zip(line, line.count > 1 ? line[1...] : line[...]) {
                approach(&squared, start, end, reach: pen / 2 + 1)
            }
        }
        let bytes = squared.map { square in
            let ink = min(max(pen / 2 + arithmetic.edge - square.squareRoot(), 0), 1)
            return UInt8(255 - (255 * ink + arithmetic.half).rounded(.down))
        }
        return Pixels(unchecked: side, side, 1, bytes)
    }

    private func placed(_ lines: [Stroke], longer: Double) -> [Stroke] {
        let points = lines.joined()
        guard let left = points.map(\.x).min(), let right = points.map(\.x).max(),
            let top = points.map(\.y).min(), let bottom = points.map(\.y).max()
        else { return [] }
        let extent = max(right - left, bottom - top)
        // Points so close that no float64 enlarges them are one dot.
        let scale = extent > 0 && (longer / extent).isFinite ? longer / extent : 0
        let middle = Double(spec.side) / 2
        let (across, down) = ((left + right) / 2, (top + bottom) / 2)
        return lines.map { line in
            line.map { StrokePoint(x: ($0.x - across) * scale + middle, y: ($0.y - down) * scale + middle) }
        }
    }

    /// Lowers the squared distances of the pixels within `reach` of a segment; the others have no ink.
    private func approach(_ squared: inout [Double], _ a: StrokePoint, _ b: StrokePoint, reach: Double) {
        let columns = pixels(min(a.x, b.x) - reach, max(a.x, b.x) + reach)
        let rows = pixels(min(a.y, b.y) - reach, max(a.y, b.y) + reach)
        let (across, down) = (b.x - a.x, b.y - a.y)
        let length = across * across + down * down
        for row in rows {
            let y = Double(row) + 0.5
            for column in columns {
                let x = Double(column) + 0.5
                let along = length > 0 ? min(max(((x - a.x) * across + (y - a.y) * down) / length, 0), 1) : 0
                let right = x - (a.x + along * across)
                let below = y - (a.y + along * down)
                let place = row * spec.side + column
                squared[place] = min(squared[place], right * right + below * below)
            }
        }
    }

    private func pixels(_ low: Double, _ high: Double) -> Range<Int> {
        let first = min(max(Int(low.rounded(.down)), 0), spec.side)
        return first..<max(first, min(Int(high.rounded(.up)), spec.side))
    }
}
