@testable import ClassifierCore
import Testing

@Suite struct DrawingTests {
    private let drawing = Drawing(DrawingSpec(side: 64, pen: 0.15))

    private func curve(_ random: inout Seeded) -> Drawing.Stroke {
        (0..<Int.random(in: 1...12, using: &random)).map { _ in
            StrokePoint(x: Double.random(in: 0...300, using: &random), y: Double.random(in: 0...300, using: &random))
        }
    }

    @Test func nothingIsWhitePaper() throws {
        #expect(try drawing.draw([]).bytes.allSatisfy { $0 == 255 })
        #expect(try drawing.draw([[], []]).bytes.allSatisfy { $0 == 255 })
    }

    @Test func aDotLiesInTheMiddle() throws {
        let dot = try drawing.draw([[StrokePoint(x: -7, y: 1e6)]])
        #expect(dot.bytes[32 * 64 + 32] == 0 && dot.bytes[0] == 255)
        #expect(dot.bytes == dot.bytes.reversed())
        // A disc with a diameter of 0.15 of 60 pixels has an area of 63.6 pixels.
        let ink = dot.bytes.reduce(0.0) { $0 + Double(255 - $1) / 255 }
        #expect(abs(ink - 63.6) < 1.5)
    }

    @Test func placeAndSizeDoNotMatter() throws {
        var random = Seeded(state: 21)
        for _ in 0..<20 {
            let strokes = [curve(&random), curve(&random)]
            // Powers of two and whole numbers, so that no sum is rounded another way.
            let moved = strokes.map { $0.map { StrokePoint(x: 4 * $0.x + 1024, y: 4 * $0.y - 512) } }
            let (a, b) = (try drawing.draw(strokes).bytes, try drawing.draw(moved).bytes)
            #expect(zip(a, b).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        }
    }

    @Test func theEdgeStaysWhiteAndTheOrderOfStrokesDoesNotMatter() throws {
        var random = Seeded(state: 22)
        for _ in 0..<20 {
            let strokes = [curve(&random), [], curve(&random), curve(&random)]
            let picture = try drawing.draw(strokes)
            #expect(try picture == drawing.draw(strokes.reversed()))
            for i in 0..<64 {
                #expect([i, 63 * 64 + i, i * 64, i * 64 + 63].allSatisfy { picture.bytes[$0] == 255 })
            }
        }
    }

    @Test func coordinatesThatAreNoNumbersAreRefused() {
        for bad in [Double.nan, .infinity, -.infinity, 1e10] {
            #expect(throws: PixelsError.self) {
                try drawing.draw([[StrokePoint(x: 0, y: 0)], [StrokePoint(x: 1, y: bad)]])
            }
        }
    }

    @Test func pointsCloserThanNumbersCanTellAreADot() throws {
        let tiny = Double.leastNonzeroMagnitude
        let picture = try drawing.draw([[StrokePoint(x: 0, y: 0), StrokePoint(x: tiny, y: 0)]])
        #expect(try picture == drawing.draw([[StrokePoint(x: 0, y: 0)]]))
    }
}
