@testable import ClassifierCore
import Foundation
import Testing

/// Single steps, on values that can be worked out by hand.
@Suite struct StepTests {
    private static func spec(_ changes: [String: Any]) throws -> PreprocessSpec {
        var fields: [String: Any] = [
            "height": 4, "width": 4, "channels": "gray", "invert": false, "crop": "none", "ink_threshold": 0,
            "fit": NSNull(), "place": "box", "blur_sigma": 0, "scale": 1, "offset": 0,
        ]
        fields.merge(changes) { $1 }
        return try JSONDecoder().decode(PreprocessSpec.self, from: JSONSerialization.data(withJSONObject: fields))
    }

    private static func preprocess(_ changes: [String: Any]) throws -> Preprocess {
        let spec = try spec(changes)
        let input = TensorSpec(name: "input", shape: [1] + spec.shape, type: .float32, quantisation: nil)
        return Preprocess(spec: spec, input: input)
    }

    private static func rows(_ pixels: Pixels) -> [[UInt8]] {
        stride(from: 0, to: pixels.bytes.count, by: pixels.width).map {
            Array(pixels.bytes[$0..<$0 + pixels.width])
        }
    }

    @Test func weightsAreANormalisedTriangle() {
        for (source, target) in [(1, 7), (7, 1), (5, 5), (3, 8), (640, 28), (4000, 224), (2, 3)] {
            let weights = TriangleWeights(source: source, target: target)
            let ratio = Double(source) / Double(target)
            for i in Set([0, target / 2, target - 1]) {
                var dense = [Double](repeating: 0, count: source)
                for (place, weight) in zip(weights.first[i]..., weights.of(i)) { dense[place] = weight }
                let (middle, reach) = ((Double(i) + 0.5) * ratio, max(1, ratio))
                let heights: [Double] = (0..<source).map { place in
                    let distance: Double = abs(Double(place) + 0.5 - middle)
                    return max(0, 1 - distance / reach)
                }
                let sum: Double = heights.reduce(0, +)
                let largest: Double = heights.indices.map { abs(dense[$0] - heights[$0] / sum) }.max() ?? 1
                #expect(largest < 1e-12)
            }
        }
        // Twice as small: each output looks at four pixels, the inner two weigh three times the outer ones.
        #expect(TriangleWeights(source: 8, target: 4).of(1).map { $0 } == [0.125, 0.375, 0.375, 0.125])
        #expect(TriangleWeights(source: 5, target: 5).of(3).map { $0 } == [1])
    }

    @Test func aPictureOfTheInputsSizeStaysAsItIs() throws {
        let pixels = try Pixels(height: 4, width: 4, channels: 1, bytes: (0..<16).map { UInt8($0 * 17) })
        #expect(try Self.preprocess([:]).picture(pixels) == pixels)
        #expect(try Self.preprocess(["invert": true]).picture(pixels).bytes == pixels.bytes.map { 255 - $0 })
    }

    @Test func lumaOfPureColours() throws {
        let preprocess = try Self.preprocess(["height": 1, "width": 4])
        let pixels = try Pixels(
            height: 1, width: 4, channels: 3, bytes: [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]
        )
        #expect(preprocess.picture(pixels).bytes == [76, 150, 29, 255])
    }

    @Test func greyBecomesThreeEqualChannels() throws {
        let preprocess = try Self.preprocess(["height": 1, "width": 2, "channels": "rgb"])
        let pixels = try Pixels(height: 1, width: 2, channels: 1, bytes: [3, 200])
        #expect(preprocess.picture(pixels).bytes == [3, 3, 3, 200, 200, 200])
    }

    @Test func theSquareInTheMiddle() throws {
        let preprocess = try Self.preprocess(["height": 2, "width": 2, "crop": "center_square"])
        let wide = try Pixels(height: 2, width: 5, channels: 1, bytes: [9, 1, 2, 9, 9, 9, 3, 4, 9, 9])
        #expect(preprocess.picture(wide).bytes == [1, 2, 3, 4])
        let tall = try Pixels(height: 5, width: 2, channels: 1, bytes: [9, 9, 1, 2, 3, 4, 9, 9, 9, 9])
        #expect(preprocess.picture(tall).bytes == [1, 2, 3, 4])
    }

    @Test func halvesGoUp() throws {
        let preprocess = try Self.preprocess(["height": 1, "width": 1])
        #expect(try preprocess.picture(Pixels(height: 1, width: 2, channels: 1, bytes: [10, 11])).bytes == [11])
        #expect(try preprocess.picture(Pixels(height: 2, width: 1, channels: 1, bytes: [0, 1])).bytes == [1])
    }

    @Test func inkIsPlacedByItsBoxOrByItsMass() throws {
        // An L of 3 x 2 pixels somewhere on paper that is not quite black.
        var bytes = [UInt8](repeating: 5, count: 48)
        for at in [10, 18, 26, 27] { bytes[at] = 200 }
        let pixels = try Pixels(height: 6, width: 8, channels: 1, bytes: bytes)
        let ink: [String: Any] = ["height": 7, "width": 7, "crop": "ink", "ink_threshold": 5, "fit": 3]
        let box = Self.rows(try Self.preprocess(ink).picture(pixels))
        // Two of seven columns: halves go up, so that three are left of them and two right.
        #expect(box[2] == [0, 0, 0, 200, 0, 0, 0] && box[3] == box[2] && box[4] == [0, 0, 0, 200, 200, 0, 0])
        #expect(box.joined().count { $0 > 0 } == 4)
        #expect(box[1].allSatisfy { $0 == 0 } && box[5].allSatisfy { $0 == 0 })
        let mass = Self.rows(try Self.preprocess(ink.merging(["place": "mass"]) { $1 }).picture(pixels))
        // Centre of mass: row (0.5 + 1.5 + 2 * 2.5) / 4 = 1.75, column (3 * 0.5 + 1.5) / 4 = 0.75, to 3.5.
        #expect(mass[2] == [0, 0, 0, 200, 0, 0, 0] && mass[4] == [0, 0, 0, 200, 200, 0, 0])
    }

    @Test func noInkIsABlackCanvas() throws {
        let preprocess = try Self.preprocess(["crop": "ink", "ink_threshold": 9, "fit": 4])
        let paper = try Pixels(height: 30, width: 20, channels: 1, bytes: [UInt8](repeating: 9, count: 600))
        #expect(preprocess.picture(paper).bytes.allSatisfy { $0 == 0 })
    }

    @Test func boxesOfInkAnywhere() throws {
        var random = Seeded(state: 11)
        for _ in 0..<300 {
            let (height, width) = (Int.random(in: 1...12, using: &random), Int.random(in: 1...12, using: &random))
            var bytes = [UInt8](repeating: 0, count: height * width)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = 9
            }
            let inked = bytes.indices.filter { bytes[$0] > 8 }
            let (rows, columns) = (inked.map { $0 / width }, inked.map { $0 % width })
            let box = bytes.withUnsafeMutableBufferPointer { InkBox($0, width: width, from: 9) }
            #expect(box?.top == rows.min() && box?.left == columns.min())
            #expect(
                box.map { $0.top + $0.height - 1 } == rows.max() && box.map { $0.left + $0.width - 1 } == columns.max())
        }
    }

    @Test func aBlurredDotKeepsItsWeightInside() throws {
        var bytes = [UInt8](repeating: 0, count: 15 * 15)
        bytes[7 * 15 + 7] = 255
        let dot = try Pixels(height: 15, width: 15, channels: 1, bytes: bytes)
        let blurred = try Self.preprocess(["height": 15, "width": 15, "blur_sigma": 1]).picture(dot)
        let rows = Self.rows(blurred)
        #expect(rows == rows.reversed() && rows.map { Array($0.reversed()) } == rows)
        // The peak of a Gaussian with deviation 1, cut at 3: (1 / 2.5066) squared, of 255.
        #expect(rows[7][7] == 41)
        // Along the row exp(-d * d / 2) of that, and nothing beyond 3 pixels.
        #expect(rows[7][4...10] == [0, 5, 25, 41, 25, 5, 0])
        #expect(rows[7][..<4].allSatisfy { $0 == 0 } && rows[3].allSatisfy { $0 == 0 })
    }

    @Test func quantiseHalvesGoAwayFromZeroAndRangesAreKept() {
        let half = TensorSpec.Quantisation(scale: 1, zeroPoint: 0)
        let cases: [(Float, Int)] = [(0.5, 1), (-0.5, -1), (1.5, 2), (-2.5, -3), (0.49, 0), (500, 127), (-500, -128)]
        for (value, expected) in cases { #expect(Preprocess.quantise(value, half, .int8) == expected) }
        let shifted = TensorSpec.Quantisation(scale: 0.5, zeroPoint: 10)
        #expect(Preprocess.quantise(-20, shifted, .uint8) == 0 && Preprocess.quantise(1.25, shifted, .uint8) == 13)
        let tiny = TensorSpec.Quantisation(scale: 1e-38, zeroPoint: 0)
        #expect(Preprocess.quantise(1e30, tiny, .uint8) == 255)
    }

    @Test func specAndTensorMustBelongTogether() throws {
        let spec = try Self.spec([:])
        let how = TensorSpec.Quantisation(scale: 1, zeroPoint: 0)
        func complaint(_ shape: [Int], _ type: TensorType, _ how: TensorSpec.Quantisation?) -> String? {
            Preprocess.complaint(spec, TensorSpec(name: "input", shape: shape, type: type, quantisation: how))
        }
        #expect(complaint([1, 4, 4], .float32, nil) == nil && complaint([1, 4, 4], .int8, how) == nil)
        #expect(complaint([1, 4, 3], .float32, nil) == "the input takes [1, 4, 3], preprocessing gives [1, 4, 4]")
        #expect(complaint([1, 4, 4, 1], .float32, nil) != nil && complaint([], .float32, nil) != nil)
        #expect(complaint([1, 4, 4], .float32, how) != nil && complaint([1, 4, 4], .uint8, nil) != nil)
    }

    @Test func inkIsAboveTheThresholdNotAtIt() throws {
        let preprocess = try Self.preprocess(["crop": "ink", "ink_threshold": 254, "fit": 1])
        let ink = try Pixels(height: 1, width: 2, channels: 1, bytes: [254, 255])
        #expect(preprocess.picture(ink).bytes.filter { $0 > 0 } == [255])
        let paper = try Pixels(height: 1, width: 2, channels: 1, bytes: [254, 254])
        #expect(preprocess.picture(paper).bytes.allSatisfy { $0 == 0 })
    }

    @Test func memoryIsReusedFromLargeToSmallAndBack() throws {
        let preprocess = try Self.preprocess(["crop": "ink", "fit": 4, "ink_threshold": 10])
        var random = Seeded(state: 5)
        func sheet(_ side: Int) throws -> Pixels {
            let bytes = (0..<side * side).map { _ in UInt8.random(in: 0...255, using: &random) }
            return try Pixels(height: side, width: side, channels: 1, bytes: bytes)
        }
        let sheets = try [sheet(3), sheet(90), sheet(2), sheet(50), sheet(91)]
        let fresh = try sheets.map { try Self.preprocess(["crop": "ink", "fit": 4, "ink_threshold": 10]).picture($0) }
        for _ in 0..<2 { #expect(sheets.map(preprocess.picture) == fresh) }
    }

    @Test func pixelsOfWrongSizesAreRefused() {
        for (height, width, channels, count) in [
            (0, 1, 1, 0), (1, -1, 1, 1), (2, 2, 2, 8), (2, 2, 3, 11), (Int.max, Int.max, 3, 3),
            (1 << 20, 1 << 20, 1, 1), (1, Pixels.mostSide + 1, 1, Pixels.mostSide + 1),
            (Pixels.mostSide + 1, 1, 1, Pixels.mostSide + 1), (Pixels.mostSide, Pixels.mostSide, 1, 1),
        ] {
            #expect(throws: PixelsError.self) {
                try Pixels(height: height, width: width, channels: channels, bytes: [UInt8](repeating: 0, count: count))
            }
        }
    }
}
