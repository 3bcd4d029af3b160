@testable import ClassifierCore
import Foundation
import GoldenCases
import Testing

/// A constant that is off by a little, and the case that must notice.
struct Mutation: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let apply: @Sendable (inout Arithmetic) -> Void
}

/// The golden cases are worth something: each constant of the contract, changed, fails one of them.
@Suite struct MutationTests {
    static let mutations: [Mutation] = [
        Mutation(testDescription: "red and green weights swapped") { swap(&$0.red, &$0.green) },
        Mutation(testDescription: "ITU-R BT.709 luma") { ($0.red, $0.green, $0.blue) = (13_933, 46_871, 4_732) },
        Mutation(testDescription: "blue weight one percent up") { $0.blue += 75 },
        Mutation(testDescription: "resize triangle 5 % wider") { $0.triangle = 1.05 },
        Mutation(testDescription: "resize triangle half as wide") { $0.triangle = 0.5 },
        Mutation(testDescription: "pixel centres at corners") { $0.center = 0 },
        Mutation(testDescription: "rounding cut off") { $0.half = 0 },
        Mutation(testDescription: "halves down") { $0.half = 0.499 },
        Mutation(testDescription: "place without slack, the other way") { $0.placeSlack = -1e-3 },
        Mutation(testDescription: "Gaussian reaches 2 deviations") { $0.gaussianReach = 2 },
        Mutation(testDescription: "quantised values cut off") { $0.quantiseHalf = 0 },
        Mutation(testDescription: "quantised halves towards zero") { $0.quantiseHalf = 0.4999 },
    ]

    @Test(arguments: mutations)
    func aChangedConstantFailsACase(_ mutation: Mutation) throws {
        var arithmetic = Arithmetic.contract
        mutation.apply(&arithmetic)
        #expect(try Self.failures(arithmetic) > 0)
    }

    @Test func theContractFailsNone() throws {
        #expect(try Self.failures(.contract) == 0)
    }

    @Test func aChangedScaleOrZeroPointFailsTheTensor() throws {
        for bundle in BundleCase.bundles {
            let (manifest, golden) = (bundle.manifest, bundle.manifest.golden.cases[0])
            var spec = manifest.preprocess
            spec.scale *= 1.02
            let wrong = try Self.tensor(spec, manifest.model.input, bundle.image(golden))
            #expect(try wrong != bundle.tensor(golden))
            spec = manifest.preprocess
            spec.invert.toggle()
            let inverted = try Preprocess(spec: spec, input: manifest.model.input).picture(bundle.image(golden))
            #expect(try inverted != bundle.image(golden))
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
    static func failures(_ arithmetic: Arithmetic) throws -> Int {
        var count = 0
        for each in BundleCase.preprocessed {
            let manifest = each.bundle.manifest
            let preprocess = Preprocess(
                spec: manifest.preprocess, input: manifest.model.input, arithmetic: arithmetic
            )
            let image = try preprocess.picture(each.bundle.pixels(each.golden))
            let expected = try each.bundle.image(each.golden)
            let tolerance = manifest.golden.imageTolerance
            if Levels.complaint(image.bytes, expected.bytes, tolerance: tolerance) != nil { count += 1 }
        }
        for each in ReferenceCases.all.preprocess {
            let preprocess = Preprocess(spec: each.preprocess, input: each.input, arithmetic: arithmetic)
            let (image, expected) = (try preprocess.picture(each.decoded()), try each.expected())
            if Levels.complaint(image.bytes, expected.bytes, tolerance: 1) != nil { count += 1 }
            if tensor(preprocess, expected) != each.tensor { count += 1 }
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
