@testable import ClassifierCore
import Foundation
import Testing

@Suite struct PostprocessTests {
    private static func postprocess(_ activation: PostprocessSpec.Activation, _ count: Int) -> Postprocess {
        Postprocess(
            spec: PostprocessSpec(activation: activation),
            output: TensorSpec(name: "output", shape: [1, count], type: .float32, quantisation: nil),
            labels: (0..<count).map { "class \($0)" }
        )
    }

    @Test func equalProbabilitiesKeepTheLowerClassFirst() {
        let postprocess = Self.postprocess(.none, 5)
        let top = postprocess.topK([0.2, 0.3, 0.1, 0.3, 0.1], 4)
        #expect(top.map(\.index) == [1, 3, 0, 2])
        #expect(top.map(\.label) == ["class 1", "class 3", "class 0", "class 2"])
        #expect(postprocess.topK([0.2, 0.3, 0.1, 0.3, 0.1], 99).count == 5)
    }

    @Test func whatIsNoNumberComesLast() {
        let top = Self.postprocess(.none, 5).topK([.nan, 0.3, .nan, 0.1, .infinity], 5)
        #expect(top.map(\.index) == [4, 1, 3, 0, 2])
    }

    @Test func bytesOfInt8HaveASign() {
        let output = TensorSpec(
            name: "output", shape: [1, 3], type: .int8, quantisation: .init(scale: 0.5, zeroPoint: -128)
        )
        let spec = PostprocessSpec(activation: .none)
        let postprocess = Postprocess(spec: spec, output: output, labels: ["a", "b", "c"])
        let bytes: [UInt8] = [0x80, 0xFF, 0x7F]
        #expect(bytes.withUnsafeBytes(postprocess.probabilities) == [0, 63.5, 127.5])
    }

    @Test func softmaxOfLargeLogitsStaysFinite() {
        let logits: [Float] = [1_000, 1_000, -1_000]
        let probabilities = logits.withUnsafeBytes(Self.postprocess(.softmax, 3).probabilities)
        #expect(probabilities == [0.5, 0.5, 0])
    }

    @Test func softmaxIsTheSameWhateverIsAdded() {
        let logits: [Float] = [0.5, -2, 3, 1.25]
        let postprocess = Self.postprocess(.softmax, 4)
        let before = logits.withUnsafeBytes(postprocess.probabilities)
        let after = logits.map { $0 + 64 }.withUnsafeBytes(postprocess.probabilities)
        #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(abs(before.reduce(0, +) - 1) < 1e-12)
    }
}
