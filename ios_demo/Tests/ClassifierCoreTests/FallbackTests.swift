@testable import ClassifierCore
import Foundation
import Testing

/// Engines of a test: which were opened, which are alive, and how often each ran.
private final class Engines: @unchecked Sendable {
    private let lock = NSLock()
    private var runs: [String: Int] = [:]
    private var living: [String] = []
    private var beside: [[String]] = []

    /// Those alive when each was opened.
    var aliveAtOpening: [[String]] { lock.withLock { beside } }
    var alive: [String] { lock.withLock { living } }
    func runs(of name: String) -> Int { lock.withLock { runs[name] ?? 0 } }

    func opened(_ name: String) {
        lock.withLock {
            beside.append(living)
            living.append(name)
        }
    }

    func closed(_ name: String) { lock.withLock { living.removeAll { $0 == name } } }
    func ran(_ name: String) { lock.withLock { runs[name, default: 0] += 1 } }
}

/// What becomes of a picture.
private enum Deed: Sendable {
    case answer
    case notNumber
    case fail
    case cancel
}

/// Does one deed after the other, and the last of them from then on.
private final class ScriptedEngine: Engine {
    let delegate: String
    private var script: ArraySlice<Deed>
    private let engines: Engines

    init(_ name: String, _ script: [Deed], _ engines: Engines) {
        (delegate, self.script, self.engines) = (name, script[...], engines)
        engines.opened(name)
    }

    deinit { engines.closed(delegate) }

    func run(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws {
        engines.ran(delegate)
        let deed = script.count > 1 ? script.removeFirst() : script.first
        switch deed {
        case .fail, nil: throw EngineError(message: "\(delegate) gave up")
        case .cancel: throw CancellationError()
        case .notNumber: for i in output.indices { output[i] = 0xFF }
        case .answer: for i in output.indices { output[i] = 0 }
        }
    }
}

/// Fails with all pictures at once, when so many are there.
private actor CrowdClassifier: Classifier {
    nonisolated let delegate = "crowd"
    private let count: Int
    private var held: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { self.count = count }

    func classify(_ pixels: Pixels, top k: Int) async throws -> Classification {
        await withCheckedContinuation { turn in
            held.append(turn)
            guard held.count == count else { return }
            held.forEach { $0.resume() }
            held = []
        }
        throw EngineError(message: "too many")
    }
}

@Suite struct FallbackTests {
    private let paper = Pixels(unchecked: 40, 30, 3, [UInt8](repeating: 255, count: 3600))
    private let engines = Engines()

    /// Core ML, Metal and the CPU, in this order: those that the script names open.
    private func classifier(_ script: [DelegateName: [Deed]]) throws -> FallbackClassifier {
        var manifest = try Manifest.read(SampleManifest.text)
        manifest.model.output = TensorSpec(name: "output", shape: [1, 3], type: .float32, quantisation: nil)
        return try FallbackClassifier(manifest.model) { [engines, manifest] choice in
            let name = choice.name.rawValue
            guard let deeds = script[choice.name] else { throw EngineError(message: "no \(name)") }
            return ModelClassifier(manifest, engine: ScriptedEngine(name, deeds, engines))
        }
    }

    private func reasons(_ classifier: FallbackClassifier) -> [String] {
        classifier.skipped.filter { ![.gpu, .nnapi].contains($0.name) }.map { "\($0.name.rawValue): \($0.reason)" }
    }

    @Test func aDelegateThatFailsGivesWayForThisPictureAndAllAfterIt() async throws {
        let classifier = try classifier([.coreml: [.answer, .fail], .metal: [.fail], .xnnpack: [.answer]])
        #expect(classifier.delegate == "coreml" && reasons(classifier).isEmpty)
        #expect(classifier.skipped.map(\.name) == [.gpu, .nnapi])
        _ = try await classifier.classify(paper, top: 1)
        #expect(classifier.delegate == "coreml")
        for _ in 0..<3 {
            #expect(try await classifier.classify(paper, top: 2).recognitions.count == 2)
            #expect(classifier.delegate == "xnnpack" && engines.alive == ["xnnpack"])
        }
        #expect(reasons(classifier) == ["coreml: it failed: coreml gave up", "metal: it failed: metal gave up"])
        #expect(engines.runs(of: "coreml") == 2 && engines.runs(of: "metal") == 1 && engines.runs(of: "xnnpack") == 3)
        // The one before is gone before the next is opened.
        #expect(engines.aliveAtOpening == [[], [], []])
    }

    @Test func oneThatDoesNotOpenIsPassedOverThenAsWell() async throws {
        let classifier = try classifier([.coreml: [.fail], .xnnpack: [.answer]])
        _ = try await classifier.classify(paper, top: 1)
        #expect(classifier.delegate == "xnnpack")
        #expect(reasons(classifier) == ["coreml: it failed: coreml gave up", "metal: no metal"])
    }

    @Test func anAnswerThatIsNoNumberIsAFailureOfTheDelegate() async throws {
        let classifier = try classifier([.coreml: [.notNumber], .metal: [.answer]])
        _ = try await classifier.classify(paper, top: 1)
        #expect(classifier.delegate == "metal")
        #expect(reasons(classifier) == ["coreml: it failed: the model's answer on coreml holds NaN or infinity"])
    }

    @Test func theLastOneStaysAndItsFailureIsTold() async throws {
        let classifier = try classifier([.xnnpack: [.answer, .fail, .fail, .answer]])
        _ = try await classifier.classify(paper, top: 1)
        let failure = EngineError(message: "xnnpack gave up")
        for _ in 0..<2 {
            await #expect(throws: failure) { try await classifier.classify(paper, top: 1) }
        }
        #expect(classifier.delegate == "xnnpack" && engines.alive == ["xnnpack"])
        _ = try await classifier.classify(paper, top: 1)
    }

    @Test func whereTheNextDoesNotOpenNothingIsInUseAndThatIsTold() async throws {
        let classifier = try classifier([.coreml: [.fail]])
        do {
            _ = try await classifier.classify(paper, top: 1)
            Issue.record("it was answered")
        } catch let error as EngineError {
            let reasons = "coreml: it failed: coreml gave up; metal: no metal; xnnpack: no xnnpack"
            #expect(error.message.hasPrefix("no delegate opens the model: ") && error.message.hasSuffix(reasons))
        }
        #expect(engines.alive.isEmpty && classifier.delegate == "nothing: each delegate has failed")
        #expect(reasons(classifier) == ["coreml: it failed: coreml gave up"])
        let nothing = EngineError(message: "the model runs on nothing: each delegate has failed")
        await #expect(throws: nothing) { try await classifier.classify(paper, top: 1) }
        #expect(engines.runs(of: "coreml") == 1)
    }

    @Test func whatIsNoFailureOfTheDelegateChangesNothing() async throws {
        let classifier = try classifier([.coreml: [.cancel, .answer], .xnnpack: [.answer]])
        await #expect(throws: CancellationError.self) { try await classifier.classify(paper, top: 1) }
        _ = try await classifier.classify(paper, top: 1)
        #expect(classifier.delegate == "coreml" && reasons(classifier).isEmpty)
    }

    /// All meet the failure of the one delegate, and it is replaced but once.
    @Test func manyPicturesAtATimeReplaceADelegateOnce() async throws {
        let (manifest, count) = (try Manifest.read(SampleManifest.text), 8)
        let classifier = try FallbackClassifier(manifest.model) { [engines] choice in
            guard choice.name != .coreml else { return CrowdClassifier(count) }
            return ModelClassifier(manifest, engine: ScriptedEngine(choice.name.rawValue, [.answer], engines))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count { group.addTask { _ = try await classifier.classify(paper, top: 1) } }
            try await group.waitForAll()
        }
        #expect(classifier.delegate == "metal" && engines.runs(of: "metal") == count)
        #expect(reasons(classifier) == ["coreml: it failed: too many"])
    }

    @Test func whereNoneOpensEveryReasonIsTold() throws {
        #expect(throws: EngineError.self) { try classifier([:]) }
    }
}
