@testable import ClassifierCore
import Foundation
import GoldenCases
import Testing

/// A constant that is off by a little, and the case that must notice.
struct Mutation: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Whether the checkout's golden bundles do not notice, only the reference's cases: no bundle has a blur with so
    /// much beyond two deviations, or an input tensor with values between its steps.
    let isBeyondGolden: Bool
    let apply: @Sendable (inout Arithmetic) -> Void

    init(_ name: String, isBeyondGolden: Bool = false, apply: @escaping @Sendable (inout Arithmetic) -> Void) {
        (testDescription, self.isBeyondGolden, self.apply) = (name, isBeyondGolden, apply)
    }
}

/// The cases are worth something: each numeric constant of the contract's steps, changed, fails one of them. What is
/// no constant (the order of equal classes, the sign of int8, softmax) has its tests by hand.
@Suite struct MutationTests {
    static let mutations: [Mutation] = [
        Mutation("red and green weights swapped") { swap(&$0.red, &$0.green) },
        Mutation("ITU-R BT.709 luma") { ($0.red, $0.green, $0.blue) = (13_933, 46_871, 4_732) },
        Mutation("blue weight one percent up") { $0.blue += 75 },
        Mutation("resize triangle 5 % wider") { $0.triangle = 1.05 },
        Mutation("resize triangle half as wide") { $0.triangle = 0.5 },
        Mutation("pixel centres at corners") { $0.center = 0 },
        Mutation("rounding cut off") { $0.half = 0 },
        Mutation("halves down") { $0.half = 0.499 },
        Mutation("place without slack, the other way") { $0.placeSlack = -1e-3 },
        Mutation("Gaussian reaches 2 deviations", isBeyondGolden: true) { $0.gaussianReach = 2 },
        Mutation("quantised values cut off", isBeyondGolden: true) { $0.quantiseHalf = 0 },
        Mutation("quantised halves towards zero", isBeyondGolden: true) { $0.quantiseHalf = 0.4999 },
        Mutation("inverted from 254") { $0.white = 0xFE },
        Mutation("the square after the larger part of an odd rest") { $0.squareHalf = 1 },
        Mutation("ink at the threshold too") { $0.inkFrom = 0 },
        Mutation("drawing's margin half a pixel narrower") { $0.margin = 1.5 },
        Mutation("the pen's edge fades from its rim") { $0.edge = 0 },
    ]

    @Test(arguments: mutations)
    func aChangedConstantFailsACase(_ mutation: Mutation) throws {
        var arithmetic = Arithmetic.contract
        mutation.apply(&arithmetic)
        let failures = try Self.failures(arithmetic)
        print("MUTATION: \(mutation.testDescription): fails \(failures.golden) golden, \(failures.reference) others")
        if mutation.isBeyondGolden {
            #expect(failures.reference > 0)
        } else {
            #expect(failures.golden > 0)
        }
    }

    @Test func theContractFailsNone() throws {
        #expect(try Self.failures(.contract) == (0, 0))
    }

    @Test func aChangedScaleOrZeroPointFailsTheTensor() throws {
        for bundle in BundleCase.bundles {
            let (manifest, golden) = (bundle.manifest, bundle.manifest.golden.cases[0])
            var spec = manifest.preprocess
            spec.scale *= 1.02
            let wrong = try Self.tensor(spec, manifest.model.input, bundle.image(golden))
            #expect(try wrong != bundle.tensor(golden))
        }
    }

    @Test func aChangedInvertFailsThePicture() throws {
        for each in BundleCase.preprocessed {
            let manifest = each.bundle.manifest
            let expected = try each.bundle.image(each.golden)
            // An empty sheet gives an empty picture either way.
            guard Set(expected.bytes).count > 1 else { continue }
            var spec = manifest.preprocess
            spec.invert.toggle()
            let preprocess = Preprocess(spec: spec, input: manifest.model.input)
            let inverted = try preprocess.picture(each.bundle.pixels(each.golden))
            let tolerance = manifest.golden.imageTolerance
            #expect(Levels.complaint(inverted.bytes, expected.bytes, tolerance: tolerance) != nil, "\(each)")
        }
    }

    @Test func aChangedOrderOfLabelsFailsTheAnswer() throws {
        for bundle in BundleCase.bundles {
            let (manifest, golden) = (bundle.manifest, bundle.manifest.golden.cases[0])
            let labels = Array(manifest.labels.dropFirst() + manifest.labels.prefix(1))
            let shifted = Postprocess(spec: manifest.postprocess, output: manifest.model.output, labels: labels)
            let probabilities = try bundle.output(golden).withUnsafeBytes(shifted.probabilities)
            #expect(shifted.topK(probabilities, 1).map(\.label) != [manifest.labels[golden.top1]])
        }
    }

    @Test func aChangedPenOrSideFailsTheDrawing() throws {
        for each in ReferenceCases.all.drawing where !each.strokes.joined().isEmpty {
            var spec = each.drawing
            spec.pen *= 0.97
            let thinner = try Drawing(spec).draw(GoldenFolder.strokes(each.strokes))
            #expect(Levels.complaint(thinner.bytes, [UInt8](each.pixels), tolerance: 1) != nil)
            spec = each.drawing
            spec.side += 1
            let larger = try Drawing(spec).draw(GoldenFolder.strokes(each.strokes))
            #expect(Levels.complaint(larger.bytes, [UInt8](each.pixels), tolerance: 1) != nil)
        }
    }

    @Test func aChangedZeroPointFailsTheProbabilities() throws {
        for each in ReferenceCases.all.postprocess where each.postprocess.activation == .none {
            guard let how = each.output_tensor.quantisation else { continue }
            let tensor = each.output_tensor
            let shifted = TensorSpec(
                name: tensor.name, shape: tensor.shape, type: tensor.type,
                quantisation: .init(scale: how.scale, zeroPoint: how.zeroPoint + 1)
            )
            let labels = [String](repeating: "", count: tensor.count)
            let postprocess = Postprocess(spec: each.postprocess, output: shifted, labels: labels)
            #expect(each.output.withUnsafeBytes(postprocess.probabilities) != each.probabilities)
        }
    }

    /// How many golden and reference cases an arithmetic fails.
    static func failures(_ arithmetic: Arithmetic) throws -> (golden: Int, reference: Int) {
        var count = (golden: 0, reference: 0)
        for each in BundleCase.drawn {
            let drawing = Drawing(try #require(each.bundle.manifest.drawing), arithmetic: arithmetic)
            let drawn = try drawing.draw(each.bundle.strokes(each.golden))
            let expected = try each.bundle.pixels(each.golden)
            let tolerance = each.bundle.manifest.golden.imageTolerance
            if Levels.complaint(drawn.bytes, expected.bytes, tolerance: tolerance) != nil { count.golden += 1 }
        }
        for each in BundleCase.preprocessed {
            let manifest = each.bundle.manifest
            let preprocess = Preprocess(
                spec: manifest.preprocess, input: manifest.model.input, arithmetic: arithmetic
            )
            let image = try preprocess.picture(each.bundle.pixels(each.golden))
            let expected = try each.bundle.image(each.golden)
            let tolerance = manifest.golden.imageTolerance
            if Levels.complaint(image.bytes, expected.bytes, tolerance: tolerance) != nil { count.golden += 1 }
        }
        for each in ReferenceCases.all.preprocess {
            let preprocess = Preprocess(spec: each.preprocess, input: each.input, arithmetic: arithmetic)
            let (image, expected) = (try preprocess.picture(each.decoded()), try each.expected())
            if Levels.complaint(image.bytes, expected.bytes, tolerance: 1) != nil { count.reference += 1 }
            if tensor(preprocess, expected) != each.tensor { count.reference += 1 }
        }
        for each in ReferenceCases.all.drawing {
            let drawn = try Drawing(each.drawing, arithmetic: arithmetic).draw(GoldenFolder.strokes(each.strokes))
            if Levels.complaint(drawn.bytes, [UInt8](each.pixels), tolerance: 1) != nil { count.reference += 1 }
        }
        return count
    }

    private static func tensor(_ spec: PreprocessSpec, _ input: TensorSpec, _ image: Pixels) throws -> Data {
        tensor(Preprocess(spec: spec, input: input), image)
    }

    private static func tensor(_ preprocess: Preprocess, _ image: Pixels) -> Data {
        var bytes = [UInt8](repeating: 0, count: preprocess.input.byteCount)
        bytes.withUnsafeMutableBytes { preprocess.fill(image, into: $0) }
        return Data(bytes)
    }
}
