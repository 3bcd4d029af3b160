@testable import ClassifierCore
import MallocCount
import Testing

/// The pixel path takes its memory once: watched, where the C library can be made to tell.
@Suite(.enabled(if: malloc_largest() >= 0, "this C library's malloc cannot be watched"))
struct AllocationTests {
    static let rounds = 10

    /// Bytes of a closure's captures, of which builds without optimisation take many, of up to 200 bytes. The smallest
    /// memory that the path must take but once is one row of float64 in the input's width, 224 bytes.
    static let ofAClosure = 208

    @Test(arguments: PreprocessSpec.Crop.allCases, [PreprocessSpec.Place.box, .mass])
    func picturesAfterTheFirst(_ crop: PreprocessSpec.Crop, _ place: PreprocessSpec.Place) throws {
        var manifest = try Manifest.read(SampleManifest.text)
        manifest.preprocess.crop = crop
        manifest.preprocess.place = place
        let preprocess = Preprocess(spec: manifest.preprocess, input: manifest.model.input)
        // Sizes that alternate: the weights of both are kept.
        let pictures = [(40, 30), (90, 70)].map { height, width in
            Pixels(unchecked: height, width, 3, (0..<height * width * 3).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        }
        var image = preprocess.picture(pictures[0])
        var tensor = [UInt8](repeating: 0, count: manifest.model.input.byteCount)
        func round() {
            for pixels in pictures {
                preprocess.picture(pixels, into: &image)
                tensor.withUnsafeMutableBytes { preprocess.fill(image, into: $0) }
            }
        }
        round()
        _ = malloc_largest()
        for _ in 0..<Self.rounds { round() }
        let largest = malloc_largest()
        #expect(largest <= Self.ofAClosure, "a block of \(largest) bytes")
    }

    /// Were nothing seen, the others would pass whatever happens.
    @Test func aBlockIsSeen() {
        _ = malloc_largest()
        let scratch = Scratch<Double>()
        #expect(scratch.take(28).count == 28)
        #expect(malloc_largest() >= 224)
    }
}
