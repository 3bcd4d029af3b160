@testable import ClassifierCore
import Foundation
import GoldenCases
@testable import LiveEngine
import Testing

/// Golden bundles that the library at hand is new enough for.
enum EngineCases {
    static let found = Result { try GoldenPlaces.bundles() }
    static let bundles = (try? found.get()) ?? []
    /// The models that the app ships, each with its manifest but without golden cases.
    static let shipped: [GoldenFolder] = {
        let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("App/Resources/Models")
        let slots = try? FileManager.default.contentsOfDirectory(at: models, includingPropertiesForKeys: nil)
        return (slots ?? []).sorted { $0.path < $1.path }.compactMap { slot in
            guard FileManager.default.fileExists(atPath: slot.appendingPathComponent("manifest.json").path) else {
                return nil
            }
            do {
                return try GoldenFolder(slot)
            } catch {
                fatalError("\(slot.path): \(error)")
            }
        }
    }()

    /// Steps of a quantised output by which half of a model's cases may differ at most. The golden tolerance is for
    /// every delegate; two releases of the CPU's kernels round alike but for few cases (2.9 against 2.20: fixtures not at
    /// all, 6 of 58 drawings and 4 of 9 photos of an int8 model by more, up to 30 where two classes are close).
    static let mostSteps = 2.0

    static let run = bundles.filter { tooOld($0) == nil }
    static let skipped = bundles.filter { tooOld($0) != nil }

    /// Why a bundle's model is not for this library; nil if it is. What needs no newer ops runs.
    static func tooOld(_ bundle: GoldenFolder) -> String? {
        let needed = bundle.manifest.model.minRuntime
        guard let needed, RuntimeVersion(TfliteEngine.version) < RuntimeVersion(needed) else { return nil }
        return "\(bundle) needs TensorFlow Lite \(needed), the tests have \(TfliteEngine.version)"
    }

    /// The app's own engine on the CPU, the one delegate that this machine has.
    static func open(_ file: URL, _ model: Manifest.Model, threads: Int = 1) throws -> TfliteEngine {
        try TfliteEngine(file, model, .xnnpack(XnnpackOptions(threads: threads)), accelerator: nil)
    }
}

/// A picture in, an answer out: the shipped file on the real engine, through the `Classifier` that the app uses.
@Suite struct EngineTests {
    @Test func thereIsABundleToRun() throws {
        _ = try EngineCases.found.get()
        for bundle in EngineCases.skipped { print("SKIPPED: \(EngineCases.tooOld(bundle) ?? "")") }
        for bundle in EngineCases.run { print("RUN: \(bundle) on TensorFlow Lite \(TfliteEngine.version)") }
        if EngineCases.shipped.isEmpty { print("SKIPPED: App/Resources/Models holds no model") }
        #expect(!EngineCases.run.isEmpty)
    }

    @Test(arguments: EngineCases.run)
    func goldenTensorsGiveGoldenOutputs(_ bundle: GoldenFolder) throws {
        let (model, golden) = (bundle.manifest.model, bundle.manifest.golden)
        let engine = try EngineCases.open(bundle.model, model)
        let postprocess = Postprocess(
            spec: bundle.manifest.postprocess, output: model.output, labels: bundle.manifest.labels
        )
        var output = [UInt8](repeating: 0, count: model.output.byteCount)
        var largest = 0.0
        var differences: [Double] = []
        for each in golden.cases {
            try bundle.tensor(each).withUnsafeBytes { tensor in
                try output.withUnsafeMutableBytes { try engine.run(tensor, into: $0) }
            }
            let found = output.withUnsafeBytes(postprocess.real)
            let expected = try bundle.output(each).withUnsafeBytes(postprocess.real)
            let difference = zip(found, expected).map { Double(abs($0 - $1)) }.max() ?? .infinity
            #expect(difference <= golden.outputTolerance, "\(each.id)")
            differences.append(difference)
            largest = max(largest, difference)
        }
        if let step = model.output.quantisation?.scale {
            let median = differences.sorted()[(differences.count - 1) / 2]
            #expect((median / step).rounded() <= EngineCases.mostSteps)
        }
        print("\(bundle): \(golden.cases.count) outputs, largest difference \(largest) of \(golden.outputTolerance)")
    }

    @Test(arguments: EngineCases.run)
    func picturesGiveGoldenLabels(_ bundle: GoldenFolder) async throws {
        let manifest = bundle.manifest
        let (engine, _) = try DelegateOrder(manifest.model).open { choice in
            guard case .xnnpack(let options) = choice else { throw EngineError(message: "no phone") }
            return try EngineCases.open(bundle.model, manifest.model, threads: options.threads)
        }
        let classifier = ModelClassifier(manifest, engine: engine)
        // A picture of the input's size is what the dataset has: to preprocess it once more is not its way.
        for each in manifest.golden.cases where each.kind != .image {
            let pixels = try bundle.pixels(each)
            let answer = try await classifier.classify(pixels, top: manifest.labels.count)
            let probability = Dictionary(uniqueKeysWithValues: answer.recognitions.map { ($0.index, $0.probability) })
            let best = try #require(answer.recognitions.first)
            // A near-tie within the tolerance may turn.
            let lead = best.probability - (probability[each.top1] ?? 0)
            #expect(lead <= manifest.golden.outputTolerance, "\(each.id): \(best.label)")
            #expect(best.label == manifest.labels[best.index])
        }
        print("\(bundle): \(classifier.delegate)")
    }

    @Test(arguments: EngineCases.run)
    func theFileIsTheManifests(_ bundle: GoldenFolder) throws {
        #expect(try Data(contentsOf: bundle.model).count == bundle.manifest.model.byteCount)
    }

    /// From a clean clone these have no golden cases: they open, their tensors are the manifest's, they answer. That the
    /// file is the manifest's by its sha256 is looked at by tools/project_check.py.
    @Test(arguments: EngineCases.shipped)
    func shippedModelsAnswer(_ shipped: GoldenFolder) async throws {
        let manifest = shipped.manifest
        #expect(try Data(contentsOf: shipped.model).count == manifest.model.byteCount)
        if let reason = EngineCases.tooOld(shipped) {
            print("SKIPPED: the app's \(reason)")
            return
        }
        let engine = try EngineCases.open(shipped.model, manifest.model)
        let classifier = ModelClassifier(manifest, engine: engine)
        var answers: [[Recognition]] = []
        for seed in [3, 7] {
            let bytes = (0..<120 * 90 * 3).map { UInt8(truncatingIfNeeded: ($0 / 640) &* seed) }
            let pixels = try Pixels(height: 120, width: 90, channels: 3, bytes: bytes)
            answers.append(try await classifier.classify(pixels, top: manifest.labels.count).recognitions)
        }
        // A quantised softmax adds up to one within half a step of each class.
        let slack = (manifest.model.output.quantisation?.scale ?? 1e-6) / 2 * Double(manifest.labels.count) + 1e-6
        for answer in answers { #expect(abs(answer.map(\.probability).reduce(0, +) - 1) <= slack) }
        #expect(answers[0] != answers[1])
        print("RUN: the app's \(shipped) on TensorFlow Lite \(TfliteEngine.version)")
    }

    @Test func aFileThatIsNoModelIsRefused() throws {
        let bundle = try #require(EngineCases.run.first)
        let text = bundle.url.appendingPathComponent("manifest.json")
        #expect(throws: EngineError.self) { try EngineCases.open(text, bundle.manifest.model) }
    }

    @Test func aManifestOfAnotherModelIsRefused() throws {
        let bundle = try #require(EngineCases.run.first)
        var model = bundle.manifest.model
        model.output = TensorSpec(name: "", shape: [1, 999], type: .uint8, quantisation: model.output.quantisation)
        #expect(throws: EngineError.self) { try EngineCases.open(bundle.model, model) }
    }

    @Test(arguments: EngineCases.run)
    func everyRunGivesTheSame(_ bundle: GoldenFolder) throws {
        let model = bundle.manifest.model
        let engine = try EngineCases.open(bundle.model, model, threads: 2)
        let tensor = try bundle.tensor(bundle.manifest.golden.cases[0])
        let outputs = try (0..<20).map { _ in
            var output = [UInt8](repeating: 0, count: model.output.byteCount)
            try tensor.withUnsafeBytes { filled in
                try output.withUnsafeMutableBytes { try engine.run(filled, into: $0) }
            }
            return output
        }
        #expect(Set(outputs).count == 1)
        #expect(engine.delegate == "XNNPACK, 2 threads")
    }

    @Test func aTensorOfAnotherSizeIsRefused() throws {
        let bundle = try #require(EngineCases.run.first)
        let engine = try EngineCases.open(bundle.model, bundle.manifest.model)
        var output = [UInt8](repeating: 0, count: bundle.manifest.model.output.byteCount)
        #expect(throws: EngineError.self) {
            try [0, 0, 0].withUnsafeBytes { short in
                try output.withUnsafeMutableBytes { try engine.run(short, into: $0) }
            }
        }
    }

    @Test func whatWasSaidBeforeIsNoReasonOfALaterFailure() throws {
        let bundle = try #require(EngineCases.run.first)
        let engine = try EngineCases.open(bundle.model, bundle.manifest.model)
        #expect(engine.report.take() == nil)
        withVaList([7]) { engine.report.add("stale %d", $0) }
        var output = [UInt8](repeating: 0, count: bundle.manifest.model.output.byteCount)
        do {
            try [0, 0, 0].withUnsafeBytes { short in
                try output.withUnsafeMutableBytes { try engine.run(short, into: $0) }
            }
            Issue.record("a tensor of another size was taken")
        } catch let error as EngineError {
            #expect(!error.message.contains("stale"))
        }
    }

    @Test func aDelegateThatRunsNothingIsRefused() {
        let metal = DelegateChoice.metal(
            MetalOptions(precisionLossAllowed: true, quantizedModelsAllowed: true, wait: .passive)
        )
        let nothing = "EXP: not supported.\nNo operations will run on the GPU, and all 7 operations on the CPU."
        let some = "EXP: not supported.\n6 operations will run on the GPU, and the remaining 1 operations on the CPU."
        #expect(TfliteEngine.refusal(of: metal, nothing) == nothing)
        #expect(TfliteEngine.refusal(of: metal, some) == nil && TfliteEngine.refusal(of: metal, nil) == nil)
        #expect(TfliteEngine.refusal(of: .xnnpack(XnnpackOptions(threads: 1)), nothing) == nil)
        let runsOn = "Metal, half precision; what it leaves on XNNPACK, 2 threads"
        #expect(TfliteEngine.describe(metal, threads: 2) == runsOn)
    }

    @Test func versionsAreComparedByNumber() {
        #expect(RuntimeVersion("2.9.0") < RuntimeVersion("2.14.0"))
        #expect(!(RuntimeVersion("2.14.0") < RuntimeVersion("2.9.0")))
        #expect(!(RuntimeVersion("2.9.0") < RuntimeVersion("1.14.0")))
        #expect(RuntimeVersion("2.9.0") == RuntimeVersion("2.9"))
        #expect(RuntimeVersion("2.17.0-rc1") == RuntimeVersion("2.17.0"))
    }
}

/// What the engine's callback collects, and screens show as the reason of a refusal.
@Suite struct EngineReportTests {
    private func say(_ report: EngineReport, _ format: String, _ arguments: any CVarArg...) {
        withVaList(arguments) { EngineReport.of(report.context).add(format, $0) }
    }

    @Test func reasonsAreKeptUntilTheyAreTaken() {
        let report = EngineReport()
        #expect(report.take() == nil)
        say(report, "op %d version %d\n", 3, 99)
        say(report, "Registration failed.\n")
        say(report, "Registration failed.\n")
        #expect(report.take() == "op 3 version 99; Registration failed.")
        #expect(report.take() == nil)
    }

    @Test func aLongLineEndsWithWhatItSaysLast() throws {
        let report = EngineReport()
        say(report, "OP %d: é\n" + String(repeating: "é", count: 4000) + "No operations", 1)
        let kept = try #require(report.take())
        #expect(kept.hasSuffix("éNo operations") && kept.utf8.count <= EngineReport.longest + 3)
    }

    @Test func theFirstAndTheLatestReasonStay() {
        let report = EngineReport()
        for i in 0..<100 { say(report, "reason %d", i) }
        let kept = (report.take() ?? "").components(separatedBy: "; ")
        #expect(kept.first == "reason 0" && kept.last == "reason 99" && kept.count == 8)
    }

    @Test func longAndManyReasonsAreCut() {
        let report = EngineReport()
        for i in 0..<100 { say(report, String(repeating: "x", count: 5000) + "%d", i) }
        say(report, "%d", 7)
        let kept = report.take() ?? ""
        #expect(kept.count < 10_000 && kept.hasSuffix("; 7"))
        say(report, "  \n")
        #expect(report.take() == nil)
    }
}
