import ClassifierCore
import Foundation
import GoldenCases
import Testing

/// What golden bundles do not reach: the reference's answers on made-up specs.
@Suite struct ReferenceTests {
    @Test(arguments: ReferenceCases.all.preprocess)
    func pixelsGiveImage(_ each: ReferenceCases.Preprocessed) throws {
        let image = try Preprocess(spec: each.preprocess, input: each.input).picture(each.decoded())
        #expect(try Levels.complaint(image.bytes, each.expected().bytes, tolerance: 1) == nil)
    }

    @Test(arguments: ReferenceCases.all.preprocess)
    func imageGivesTensor(_ each: ReferenceCases.Preprocessed) throws {
        var tensor = [UInt8](repeating: 0, count: each.input.byteCount)
        let preprocess = Preprocess(spec: each.preprocess, input: each.input)
        let image = try each.expected()
        tensor.withUnsafeMutableBytes { preprocess.fill(image, into: $0) }
        #expect(Data(tensor) == each.tensor)
    }

    @Test(arguments: ReferenceCases.all.postprocess)
    func outputGivesProbabilities(_ each: ReferenceCases.Postprocessed) {
        let labels = (0..<each.output_tensor.count).map { "class \($0)" }
        let postprocess = Postprocess(spec: each.postprocess, output: each.output_tensor, labels: labels)
        let probabilities = each.output.withUnsafeBytes(postprocess.probabilities)
        // The last bits of exp and of a sum differ between libraries.
        #expect(zip(probabilities, each.probabilities).allSatisfy { abs($0 - $1) <= 1e-12 * max(1, abs($1)) })
        #expect(probabilities.count == each.probabilities.count)
        #expect(postprocess.topK(probabilities, 5).map(\.index) == each.top)
    }

    @Test(arguments: ReferenceCases.all.drawing)
    func strokesGivePixels(_ each: ReferenceCases.Drawn) throws {
        let drawn = try Drawing(each.drawing).draw(GoldenFolder.strokes(each.strokes))
        #expect(Levels.complaint(drawn.bytes, [UInt8](each.pixels), tolerance: 1) == nil)
    }
}
