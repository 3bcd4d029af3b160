import ClassifierCore
import XCTest

@testable import MobilePipeline

/// The embedded bundles on this device, through each delegate of their manifests, against the Python reference.
///
/// A delegate that no manifest names, or that the device or the model refuses, is skipped with the reason; XNNPACK may
/// not be.
final class GoldenOnDeviceTests: XCTestCase {
    /// Of a probability, where the delegate computes in float16: a GPU was seen 1.7e-2 off. A golden tolerance is that
    /// of two runtimes which compute alike.
    private static let halfPrecision = 3e-2

    private func bundles() throws -> [GoldenFolder] {
        // Without one this throws: a test without cases proves nothing.
        try GoldenPlaces.bundles(resources: Bundle(for: Self.self).resourceURL)
    }

    func testXnnpack() throws {
        for bundle in try bundles() {
            let choice = try XCTUnwrap(DelegateOrder(bundle.manifest.model).choices.last)
            XCTAssertEqual(choice.name, .xnnpack)
            let engine = try TfliteEngine(bundle.model, bundle.manifest.model, choice)
            try replay(bundle, on: engine, tolerance: bundle.manifest.golden.outputTolerance)
        }
    }

    func testMetal() throws { try accelerated(.metal) }

    func testCoreML() throws { try accelerated(.coreml) }

    func testTheEmbeddedModelsOpenAsInTheApp() throws {
        let filled = try Slot.allCases.filter { try EmbeddedModel($0) != nil }
        if filled.isEmpty { throw XCTSkip("no model in the app: \(Slot.command)") }
        for slot in filled {
            let opened = try XCTUnwrap(EmbeddedModel.open(slot))
            print("\(slot.rawValue): \(opened.classifier.delegate); not on \(opened.skipped)")
        }
    }

    func testAnEncodedPictureIsReadAndRecognised() async throws {
        for bundle in try bundles() {
            let (manifest, golden) = (bundle.manifest, bundle.manifest.golden)
            let each = try XCTUnwrap(golden.cases.first { $0.id == golden.encodedCase })
            let photo = try Photo(file: Data(contentsOf: bundle.url.appendingPathComponent(golden.encodedFile)))
            XCTAssertEqual(photo.reducedBy, 1)
            XCTAssertEqual([photo.pixels.height, photo.pixels.width], Array(each.pixelsShape.prefix(2)), "\(bundle)")
            let classifier = try LiveClassifier.open(manifest, bundle.model)
            let answer = try await classifier.classify(photo.pixels, top: 1)
            XCTAssertEqual(answer.recognitions.map(\.index), [each.top1], "\(bundle)/\(each.id)")
        }
    }

    /// Every bundle whose manifest names the delegate.
    private func accelerated(_ name: DelegateName) throws {
        var refusals: [String] = []
        var replayed = 0
        for bundle in try bundles() {
            let model = bundle.manifest.model
            for choice in DelegateOrder(model).choices where choice.name == name {
                let engine: TfliteEngine
                do {
                    engine = try TfliteEngine(bundle.model, model, choice)
                } catch let error as EngineError {
                    refusals.append("\(bundle): \(error)")
                    continue
                }
                let answers = try replay(
                    bundle, on: engine, tolerance: Self.tolerance(bundle.manifest.golden, choice)
                )
                if Self.isHalf(choice), model.output.type == .float32 {
                    let cpu = try XCTUnwrap(DelegateOrder(model).choices.last)
                    let engine = try TfliteEngine(bundle.model, model, cpu)
                    let same = try replay(bundle, on: engine, tolerance: bundle.manifest.golden.outputTolerance)
                    // Half precision cannot give every bit of full precision: the delegate took nothing.
                    XCTAssertNotEqual(answers, same, "\(bundle): nothing of it runs on \(name.rawValue)")
                }
                replayed += 1
            }
        }
        refusals.forEach { print("not on \(name.rawValue): \($0)") }
        guard replayed == 0 else { return }
        throw XCTSkip(
            refusals.isEmpty
                ? "no bundle names \(name.rawValue): build one with --target ios-\(name.rawValue), and embed it"
                : refusals.joined(separator: "; ")
        )
    }

    private static func tolerance(_ golden: Golden, _ choice: DelegateChoice) -> Double {
        isHalf(choice) ? max(golden.outputTolerance, halfPrecision) : golden.outputTolerance
    }

    private static func isHalf(_ choice: DelegateChoice) -> Bool {
        switch choice {
        case .metal(let options): options.precisionLossAllowed
        // On the Neural Engine.
        case .coreml: true
        case .xnnpack: false
        }
    }

    /// Each case from what it starts with to its answer.
    ///
    /// - Returns: the output tensor of each.
    @discardableResult
    private func replay(_ bundle: GoldenFolder, on engine: TfliteEngine, tolerance: Double) throws -> [[UInt8]] {
        let manifest = bundle.manifest
        let (model, golden) = (manifest.model, manifest.golden)
        let preprocess = Preprocess(spec: manifest.preprocess, input: model.input)
        let postprocess = Postprocess(spec: manifest.postprocess, output: model.output, labels: manifest.labels)
        var input = [UInt8](repeating: 0, count: model.input.byteCount)
        var output = [UInt8](repeating: 0, count: model.output.byteCount)
        var outputs: [[UInt8]] = []
        var largest = 0.0
        for each in golden.cases {
            let what = "\(bundle)/\(each.id) on \(engine.delegate)"
            let image = try image(each, bundle, preprocess)
            input.withUnsafeMutableBytes { preprocess.fill(image, into: $0) }
            XCTAssertEqual(Data(input), try bundle.tensor(each), "\(what): input tensor")

            try input.withUnsafeBytes { tensor in
                try output.withUnsafeMutableBytes { try engine.run(tensor, into: $0) }
            }
            outputs.append(output)
            let found = output.withUnsafeBytes(postprocess.probabilities)
            let expected = try bundle.output(each).withUnsafeBytes(postprocess.probabilities)
            let difference = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
            largest = max(largest, difference)
            XCTAssertLessThanOrEqual(difference, tolerance, what)
            // A near-tie within the tolerance may turn.
            let best = try XCTUnwrap(postprocess.topK(found, 1).first)
            XCTAssertLessThanOrEqual(best.probability - found[each.top1], tolerance, "\(what): answer")
        }
        print("\(bundle) on \(engine.delegate): \(golden.cases.count) cases, largest difference \(largest)")
        return outputs
    }

    /// The stored image, once the core has made it from what the case starts with.
    private func image(_ each: GoldenCase, _ bundle: GoldenFolder, _ preprocess: Preprocess) throws -> Pixels {
        let pixels = try bundle.pixels(each)
        let tolerance = bundle.manifest.golden.imageTolerance
        if each.kind == .strokes {
            let drawing = try XCTUnwrap(bundle.manifest.drawing)
            let drawn = try Drawing(drawing).draw(bundle.strokes(each))
            XCTAssertLessThanOrEqual(Self.levels(drawn, pixels), tolerance, "\(bundle)/\(each.id): drawing")
        }
        if each.kind == .image { return pixels }
        let image = try bundle.image(each)
        let made = preprocess.picture(pixels)
        XCTAssertLessThanOrEqual(Self.levels(made, image), tolerance, "\(bundle)/\(each.id): image")
        return image
    }

    /// The largest difference of two pictures, grey levels; all of them where their sizes differ.
    private static func levels(_ a: Pixels, _ b: Pixels) -> Int {
        guard a.height == b.height, a.width == b.width, a.channels == b.channels else { return 256 }
        return zip(a.bytes, b.bytes).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }
}
