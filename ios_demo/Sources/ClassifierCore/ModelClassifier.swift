import Foundation

/// Preprocess, engine and postprocess in a row; the pixel path allocates only with the first picture of a size.
///
/// It works on a queue of its own, so that a long picture holds none of the threads that all tasks share. A task that
/// was cancelled before its turn, or before the engine's, throws `CancellationError`; a run of the engine ends.
public actor ModelClassifier: Classifier {
    public nonisolated let manifest: Manifest
    public nonisolated let delegate: String

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private nonisolated let executor = QueueExecutor(label: "ClassifierCore.ModelClassifier")
    private let engine: any Engine
    private let preprocess: Preprocess
    private let postprocess: Postprocess
    private var image: Pixels
    private var input: [UInt8]
    private var output: [UInt8]

    /// - Parameter engine: has opened the manifest's model; from here on it belongs to the classifier.
    public init(_ manifest: Manifest, engine: sending any Engine) {
        let (model, spec) = (manifest.model, manifest.preprocess)
        self.manifest = manifest
        delegate = engine.delegate
        self.engine = engine
        preprocess = Preprocess(spec: spec, input: model.input)
        postprocess = Postprocess(spec: manifest.postprocess, output: model.output, labels: manifest.labels)
        let empty = [UInt8](repeating: 0, count: spec.height * spec.width * spec.depth)
        image = Pixels(unchecked: spec.height, spec.width, spec.depth, empty)
        input = [UInt8](repeating: 0, count: model.input.byteCount)
        output = [UInt8](repeating: 0, count: model.output.byteCount)
    }

    public func classify(_ pixels: Pixels, top k: Int) async throws -> Classification {
        precondition(k >= 1, "k is \(k): at least one class is to be given")
        try Task.checkCancellation()
        let clock = ContinuousClock()
        let preprocessing = clock.measure {
            preprocess.picture(pixels, into: &image)
            input.withUnsafeMutableBytes { preprocess.fill(image, into: $0) }
        }
        try Task.checkCancellation()
        let inference = try clock.measure {
            try input.withUnsafeBytes { filled in
                try output.withUnsafeMutableBytes { try engine.run(filled, into: $0) }
            }
        }
        let probabilities = output.withUnsafeBytes(postprocess.probabilities)
        guard probabilities.allSatisfy(\.isFinite) else {
            throw EngineError(message: "the model's answer on \(delegate) holds NaN or infinity")
        }
        return Classification(
            recognitions: postprocess.topK(probabilities, k),
            preprocessMilliseconds: preprocessing.milliseconds,
            inferenceMilliseconds: inference.milliseconds
        )
    }
}

extension Duration {
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
    }
}
