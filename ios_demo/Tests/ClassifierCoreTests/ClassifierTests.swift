@testable import ClassifierCore
import Foundation
import Testing

/// An engine that answers with its first input byte's class, and counts.
final class EchoEngine: Engine {
    let delegate = "echo, 1 thread"
    let failure: EngineError?
    let isWrong: Bool

    init(failure: EngineError? = nil, isWrong: Bool = false) {
        self.failure = failure
        self.isWrong = isWrong
    }

    func run(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws {
        if let failure { throw failure }
        for i in output.indices { output[i] = UInt8(bitPattern: i == Int(input[0]) % output.count ? 127 : -128) }
        if isWrong { for i in output.indices { output[i] = 0xFF } }
    }
}

/// What an engine was given, and how many threads were in it at a time.
final class Seen: @unchecked Sendable {
    private let lock = NSLock()
    private var inside = 0
    private(set) var mostInside = 0
    private(set) var inputs: [[UInt8]] = []

    func enter(_ input: UnsafeRawBufferPointer) {
        lock.withLock {
            inside += 1
            mostInside = max(mostInside, inside)
            inputs.append(Array(input))
        }
    }

    func leave() { lock.withLock { inside -= 1 } }
}

/// Answers as `EchoEngine` does, after a while.
final class SeeingEngine: Engine {
    let delegate = "seeing, 1 thread"
    private let echo = EchoEngine()
    private let seen: Seen
    private let work: @Sendable () throws -> Void

    init(_ seen: Seen, work: @escaping @Sendable () throws -> Void = {}) { (self.seen, self.work) = (seen, work) }

    func run(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws {
        seen.enter(input)
        defer { seen.leave() }
        try work()
        try echo.run(input, into: output)
    }
}

@Suite struct ClassifierTests {
    private let paper = Pixels(unchecked: 40, 30, 3, [UInt8](repeating: 255, count: 3600))

    /// Grey all over, which comes through as `255 - level` in each value of the input.
    private func sheet(_ level: UInt8) -> Pixels {
        Pixels(unchecked: 40, 30, 1, [UInt8](repeating: level, count: 1200))
    }

    private func plain() throws -> Manifest {
        var manifest = try Manifest.read(SampleManifest.text)
        manifest.preprocess.crop = .none
        manifest.preprocess.fit = nil
        manifest.preprocess.inkThreshold = 0
        manifest.preprocess.place = .box
        manifest.preprocess.blurSigma = 0
        return manifest
    }

    @Test func composesTheSteps() async throws {
        let (manifest, seen) = (try plain(), Seen())
        let classifier = ModelClassifier(manifest, engine: SeeingEngine(seen))
        #expect(classifier.delegate == "seeing, 1 thread")
        let noise = Pixels(unchecked: 40, 30, 3, (0..<3600).map { UInt8(truncatingIfNeeded: $0 &* $0 &+ 40) })
        let preprocess = Preprocess(spec: manifest.preprocess, input: manifest.model.input)
        var expected: [[UInt8]] = []
        for pixels in [noise, sheet(201), noise, paper] {
            var tensor = [UInt8](repeating: 0, count: manifest.model.input.byteCount)
            tensor.withUnsafeMutableBytes { preprocess.fill(preprocess.picture(pixels), into: $0) }
            expected.append(tensor)
            let answer = try await classifier.classify(pixels, top: 2)
            let best = Int(tensor[0]) % 3
            #expect(answer.recognitions.count == 2)
            #expect(answer.recognitions[0].index == best && answer.recognitions[0].label == manifest.labels[best])
            #expect(answer.preprocessMilliseconds > 0 && answer.inferenceMilliseconds > 0)
        }
        #expect(seen.inputs == expected)
        #expect(Set(expected.map { Int($0[0]) % 3 }).count > 1 && expected[0] != expected[1])
    }

    @Test func manyTasksAtATime() async throws {
        let seen = Seen()
        let classifier = ModelClassifier(try plain(), engine: SeeingEngine(seen) { usleep(500) })
        try await withThrowingTaskGroup(of: (UInt8, Int).self) { group in
            for level in 0..<48 as Range<UInt8> {
                group.addTask { (level, try await classifier.classify(sheet(level), top: 3).recognitions[0].index) }
            }
            for try await (level, index) in group { #expect(index == Int(255 - level) % 3) }
        }
        #expect(seen.mostInside == 1 && Set(seen.inputs.map { $0[0] }).count == 48)
    }

    @Test func aCancelledTaskNeverReachesTheEngine() async throws {
        let seen = Seen()
        let classifier = ModelClassifier(try plain(), engine: SeeingEngine(seen))
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await classifier.classify(sheet(3), top: 1)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(seen.inputs.isEmpty)
    }

    /// As many engines at work as would hold every thread that tasks share, and twice more: others still get their turn.
    @Test func enginesHoldNoThreadThatTasksShare() async throws {
        let (seen, go) = (Seen(), DispatchSemaphore(value: 0))
        let manifest = try plain()
        let count = 2 * ProcessInfo.processInfo.activeProcessorCount + 4
        try await withThrowingTaskGroup(of: Int.self) { group in
            for level in 0..<count {
                let classifier = ModelClassifier(
                    manifest,
                    engine: SeeingEngine(seen) {
                        guard go.wait(timeout: .now() + 20) == .success else { throw EngineError(message: "no turn") }
                    })
                group.addTask { try await classifier.classify(sheet(UInt8(level)), top: 1).recognitions[0].index }
            }
            group.addTask {
                while seen.inputs.count < count { try await Task.sleep(for: .milliseconds(5)) }
                for _ in 0..<count { go.signal() }
                return 0
            }
            for try await index in group { #expect((0..<3).contains(index)) }
        }
        #expect(seen.mostInside == count)
    }

    @Test func whatTheEngineSaysReachesTheCaller() async throws {
        let broken = EngineError(message: "the accelerator is on fire")
        let classifier = ModelClassifier(try Manifest.read(SampleManifest.text), engine: EchoEngine(failure: broken))
        await #expect(throws: broken) { try await classifier.classify(paper, top: 1) }
    }

    @Test func anAnswerThatIsNoNumberIsAnError() async throws {
        var manifest = try Manifest.read(SampleManifest.text)
        manifest.model.output = TensorSpec(name: "output", shape: [1, 3], type: .float32, quantisation: nil)
        let classifier = ModelClassifier(manifest, engine: EchoEngine(isWrong: true))
        await #expect(throws: EngineError.self) { try await classifier.classify(paper, top: 1) }
    }
}

@Suite struct DelegateTests {
    @Test func theManifestsOrderWithTheCpuLast() throws {
        var model = try Manifest.read(SampleManifest.text).model
        let order = DelegateOrder(model)
        #expect(order.choices.map(\.name) == [.coreml, .metal, .xnnpack])
        #expect(order.choices.last == .xnnpack(XnnpackOptions(threads: 4)))
        #expect(order.skipped.map(\.name) == [.gpu, .nnapi])
        model.delegates = [.xnnpack, .metal]
        model.delegatePlan.xnnpack = nil
        #expect(DelegateOrder(model).choices.map(\.name) == [.metal, .xnnpack])
        #expect(DelegateOrder(model).choices.last == .xnnpack(XnnpackOptions(threads: DelegateOrder.threads)))
    }

    @Test func theNextIsTriedAndTheReasonKept() throws {
        let order = DelegateOrder(try Manifest.read(SampleManifest.text).model)
        let (opened, skipped) = try order.open { choice in
            guard choice.name != .coreml else { throw EngineError(message: "no Neural Engine") }
            return choice.name
        }
        #expect(opened == .metal)
        #expect(skipped.last == DelegateSkipped(name: .coreml, reason: "no Neural Engine"))
        #expect(skipped.map(\.name) == [.gpu, .nnapi, .coreml])
    }

    @Test func whereNothingOpensEveryReasonIsTold() throws {
        let order = DelegateOrder(try Manifest.read(SampleManifest.text).model)
        do {
            _ = try order.open { choice -> Int in throw EngineError(message: "not \(choice.name)") }
            Issue.record("something opened")
        } catch let error as EngineError {
            for part in ["coreml: not coreml", "metal: not metal", "xnnpack: not xnnpack", "gpu: "] {
                #expect(error.message.contains(part))
            }
        }
    }
}
