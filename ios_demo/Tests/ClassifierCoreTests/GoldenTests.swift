import ClassifierCore
import Foundation
import GoldenCases
import Testing

/// A case with the bundle it belongs to.
struct BundleCase: Sendable, CustomTestStringConvertible {
    let bundle: GoldenFolder
    let golden: GoldenCase
    var testDescription: String { "\(bundle)/\(golden.id)" }

    static let all: [BundleCase] = bundles.flatMap { bundle in
        bundle.manifest.golden.cases.map { BundleCase(bundle: bundle, golden: $0) }
    }

    static let drawn = all.filter { $0.golden.kind == .strokes }
    static let preprocessed = all.filter { $0.golden.kind != .image }

    static let withLabels = bundles.filter { bundle in
        FileManager.default.fileExists(atPath: bundle.url.appendingPathComponent("labels.txt").path)
    }

    static let found = Result { try GoldenPlaces.bundles() }
    static let bundles = (try? found.get()) ?? []
}

/// Every golden case of every bundle, value by value, each step from the reference's own result of the one before.
@Suite struct GoldenTests {
    /// Without bundles the others have nothing to do, and would pass.
    @Test func thereAreBundles() throws {
        #expect(try BundleCase.found.get().count > 0)
        #expect(!BundleCase.all.isEmpty && !BundleCase.drawn.isEmpty && !BundleCase.preprocessed.isEmpty)
        #expect(BundleCase.all.contains { $0.golden.kind == .image } && !BundleCase.withLabels.isEmpty)
    }

    @Test(arguments: BundleCase.drawn)
    func strokesGivePixels(_ each: BundleCase) throws {
        let drawing = try #require(each.bundle.manifest.drawing)
        let drawn = try Drawing(drawing).draw(each.bundle.strokes(each.golden))
        let expected = try each.bundle.pixels(each.golden)
        let tolerance = each.bundle.manifest.golden.imageTolerance
        #expect(Levels.complaint(drawn.bytes, expected.bytes, tolerance: tolerance) == nil)
    }

    @Test(arguments: BundleCase.preprocessed)
    func pixelsGiveImage(_ each: BundleCase) throws {
        let manifest = each.bundle.manifest
        let preprocess = Preprocess(spec: manifest.preprocess, input: manifest.model.input)
        let image = try preprocess.picture(each.bundle.pixels(each.golden))
        let expected = try each.bundle.image(each.golden)
        #expect(Levels.complaint(image.bytes, expected.bytes, tolerance: manifest.golden.imageTolerance) == nil)
    }

    @Test(arguments: BundleCase.all)
    func imageGivesTensor(_ each: BundleCase) throws {
        let manifest = each.bundle.manifest
        let preprocess = Preprocess(spec: manifest.preprocess, input: manifest.model.input)
        var tensor = [UInt8](repeating: 0, count: manifest.model.input.byteCount)
        let image = try each.bundle.image(each.golden)
        tensor.withUnsafeMutableBytes { preprocess.fill(image, into: $0) }
        #expect(try Data(tensor) == each.bundle.tensor(each.golden))
    }

    @Test(arguments: BundleCase.all)
    func outputGivesAnswer(_ each: BundleCase) throws {
        let manifest = each.bundle.manifest
        let output = manifest.model.output
        let postprocess = Postprocess(spec: manifest.postprocess, output: output, labels: manifest.labels)
        let probabilities = try each.bundle.output(each.golden).withUnsafeBytes(postprocess.probabilities)
        let top = postprocess.topK(probabilities, 1)
        #expect(top.map(\.index) == [each.golden.top1])
        #expect(top.map(\.label) == [manifest.labels[each.golden.top1]])
        // A quantised softmax adds up to one within half a step of each class.
        let slack = (output.quantisation?.scale ?? 1e-6) / 2 * Double(manifest.labels.count)
        #expect(abs(probabilities.reduce(0, +) - 1) <= slack + 1e-6)
    }

    /// What `pipeline embed` puts beside the tests has no such file: the app has it.
    @Test(arguments: BundleCase.withLabels)
    func labelsAreThoseOfTheFile(_ bundle: GoldenFolder) throws {
        let text = try String(contentsOf: bundle.url.appendingPathComponent("labels.txt"), encoding: .utf8)
        #expect(text.split(separator: "\n").map(String.init) == bundle.manifest.labels)
    }
}
