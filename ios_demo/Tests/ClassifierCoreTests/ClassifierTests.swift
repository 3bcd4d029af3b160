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

@Suite struct ClassifierTests {
    private let paper = Pixels(unchecked: 40, 30, 3, [UInt8](repeating: 255, count: 3600))

    @Test func composesTheSteps() async throws {
        let classifier = ModelClassifier(try Manifest.read(SampleManifest.text), engine: EchoEngine())
        #expect(classifier.delegate == "echo, 1 thread")
        let answer = try await classifier.classify(paper, top: 2)
        #expect(answer.recognitions.count == 2)
        #expect(answer.recognitions[0].index == 0 && answer.recognitions[0].label == "zero")
        #expect(answer.preprocessMilliseconds >= 0 && answer.inferenceMilliseconds >= 0)
    }

    @Test func manyTasksAtATime() async throws {
        let classifier = ModelClassifier(try Manifest.read(SampleManifest.text), engine: EchoEngine())
        let alone = try await classifier.classify(paper, top: 3).recognitions
        try await withThrowingTaskGroup(of: [Recognition].self) { group in
            for _ in 0..<32 { group.addTask { try await classifier.classify(paper, top: 3).recognitions } }
            for try await recognitions in group { #expect(recognitions == alone) }
        }
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
