import Foundation

/// A model that is open, ready for pictures.
///
/// Implementations are actors, or as safe: any task may call them, pictures wait for each other, and nothing of the
/// work is done on the caller's actor.
public protocol Classifier: Sendable {
    /// What the model runs on, for the screen: "XNNPACK, 2 threads".
    var delegate: String { get }

    /// Delegates that are not in use, or not any more, each with its reason; none where it never had but one.
    var skipped: [DelegateSkipped] { get }

    /// The `k` most probable classes of a picture.
    ///
    /// - Parameters:
    ///   - pixels: decoded and upright (by its EXIF orientation), of any size.
    ///   - k: at least 1.
    /// - Throws: what the engine threw, `EngineError` where its answer is not a number, or `CancellationError`.
    func classify(_ pixels: Pixels, top k: Int) async throws -> Classification
}

extension Classifier {
    public var skipped: [DelegateSkipped] { [] }
}

/// What a classifier saw, and how long it took.
public struct Classification: Sendable, Equatable {
    /// Most probable first.
    public let recognitions: [Recognition]
    /// From decoded pixels to the filled tensor.
    public let preprocessMilliseconds: Double
    /// Of the engine alone.
    public let inferenceMilliseconds: Double

    public init(recognitions: [Recognition], preprocessMilliseconds: Double, inferenceMilliseconds: Double) {
        self.recognitions = recognitions
        self.preprocessMilliseconds = preprocessMilliseconds
        self.inferenceMilliseconds = inferenceMilliseconds
    }
}

/// What runs a .tflite file: all that a live engine must implement. Never called by two threads at a time.
///
/// An engine gives its memory back when it goes.
public protocol Engine: AnyObject {
    /// What it runs on, for the screen.
    var delegate: String { get }

    /// Runs the model once.
    ///
    /// - Parameters:
    ///   - input: the input tensor's bytes.
    ///   - output: takes the output tensor's bytes.
    func run(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws
}

/// The runtime could not open or run a model; the message says which delegate, and why.
public struct EngineError: Error, Equatable, CustomStringConvertible, LocalizedError {
    public let message: String
    public var description: String { message }
    public var errorDescription: String? { message }

    public init(message: String) { self.message = message }
}
