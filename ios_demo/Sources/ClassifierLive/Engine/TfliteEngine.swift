import ClassifierCore
import Foundation
import TensorFlowLiteC

/// A delegate of TensorFlow Lite that is open.
struct Accelerator {
    let handle: UnsafeMutablePointer<TfLiteDelegate>
    /// Closes it when it goes.
    let owner: AnyObject
}

/// TensorFlow Lite with one delegate, opened as the manifest says; what that leaves runs on XNNPACK.
///
/// Its C interface, not the Swift one: that has no int8 tensors, allocates with every run, and prints its reasons where
/// nobody can show them. So the tests on Linux run this very file.
final class TfliteEngine: Engine {
    /// Of TensorFlow Lite: "2.17.0".
    static let version = String(cString: TfLiteVersion())

    let delegate: String
    private let model: OpaquePointer
    private let interpreter: OpaquePointer
    private let accelerator: Accelerator?
    private let xnnpack: UnsafeMutablePointer<TfLiteDelegate>
    let report: EngineReport

    /// Opens a model and runs it once: some delegates refuse one only then, and the first answer is not to be the
    /// slow one.
    ///
    /// - Parameters:
    ///   - file: the model, which stays where it is: it is mapped, not read.
    ///   - spec: of the manifest.
    ///   - choice: of the manifest's.
    ///   - accelerator: the same, open; nil for the CPU.
    /// - Throws: `EngineError`: the delegate refuses the device or the model, or the file's tensors are not the
    ///   manifest's.
    init(_ file: URL, _ spec: Manifest.Model, _ choice: DelegateChoice, accelerator: Accelerator?) throws {
        let report = EngineReport()
        guard let model = TfLiteModelCreateFromFile(file.path) else {
            throw EngineError(message: "\(file.lastPathComponent) is not a model")
        }
        let threads = Self.threads(spec)
        var options = TfLiteXNNPackDelegateOptionsDefault()
        options.num_threads = Int32(threads)
        // Quantised models too: some releases leave them to the interpreter's own kernels unless told.
        options.flags |= UInt32(TFLITE_XNNPACK_DELEGATE_FLAG_QS8 | TFLITE_XNNPACK_DELEGATE_FLAG_QU8)
        guard let xnnpack = TfLiteXNNPackDelegateCreate(&options) else {
            TfLiteModelDelete(model)
            throw EngineError(message: "XNNPACK could not be opened")
        }
        let made = Self.interpreter(model, threads: threads, [accelerator?.handle, xnnpack], report)
        guard let interpreter = made else {
            TfLiteXNNPackDelegateDelete(xnnpack)
            TfLiteModelDelete(model)
            throw EngineError(message: report.take() ?? "TensorFlow Lite \(Self.version) gives no reason")
        }
        self.model = model
        self.interpreter = interpreter
        self.accelerator = accelerator
        self.xnnpack = xnnpack
        self.report = report
        delegate = Self.describe(choice, threads: threads)
        // From here on all is set, and what throws gives it back.
        if let refusal = Self.refusal(of: choice, report.take()) { throw EngineError(message: refusal) }
        try Self.check("inputs", TfLiteInterpreterGetInputTensorCount(interpreter))
        try Self.check("outputs", TfLiteInterpreterGetOutputTensorCount(interpreter))
        try check(TfLiteInterpreterAllocateTensors(interpreter), "cannot make room for the model")
        try Self.check("input", UnsafePointer(inputTensor()), spec.input)
        try Self.check("output", outputTensor(), spec.output)
        var answer = [UInt8](repeating: 0, count: spec.output.byteCount)
        try [UInt8](repeating: 0, count: spec.input.byteCount).withUnsafeBytes { zeros in
            try answer.withUnsafeMutableBytes { try run(zeros, into: $0) }
        }
        // What was said of a model that runs is no reason for a later failure.
        _ = report.take()
    }

    deinit {
        // Before its delegates, which it still calls while it goes.
        TfLiteInterpreterDelete(interpreter)
        TfLiteXNNPackDelegateDelete(xnnpack)
        TfLiteModelDelete(model)
    }

    func run(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws {
        // Of a run before, which went well.
        _ = report.take()
        try check(
            TfLiteTensorCopyFromBuffer(inputTensor(), input.baseAddress, input.count), "does not take the picture"
        )
        try check(TfLiteInterpreterInvoke(interpreter), "could not run the model")
        try check(TfLiteTensorCopyToBuffer(outputTensor(), output.baseAddress, output.count), "gives no answer")
    }

    private func inputTensor() throws -> UnsafeMutablePointer<TfLiteTensor> {
        guard let tensor = TfLiteInterpreterGetInputTensor(interpreter, 0) else {
            throw EngineError(message: "the model has no input")
        }
        return tensor
    }

    private func outputTensor() throws -> UnsafePointer<TfLiteTensor> {
        guard let tensor = TfLiteInterpreterGetOutputTensor(interpreter, 0) else {
            throw EngineError(message: "the model has no output")
        }
        return tensor
    }

    private func check(_ status: TfLiteStatus, _ failure: String) throws {
        guard status == kTfLiteOk else {
            throw EngineError(message: "\(delegate) \(failure): \(report.take() ?? "status \(status.rawValue)")")
        }
    }

    private static func interpreter(
        _ model: OpaquePointer, threads: Int, _ delegates: [UnsafeMutablePointer<TfLiteDelegate>?],
        _ report: EngineReport
    ) -> OpaquePointer? {
        guard let options = TfLiteInterpreterOptionsCreate() else { return nil }
        defer { TfLiteInterpreterOptionsDelete(options) }
        TfLiteInterpreterOptionsSetNumThreads(options, Int32(threads))
        TfLiteInterpreterOptionsSetErrorReporter(
            options,
            { context, format, arguments in
                // C's argument list is an optional on some processors only.
                let list: CVaListPointer? = arguments
                guard let context, let format, let list else { return }
                EngineReport.of(context).add(format, list)
            },
            report.context
        )
        // In this order: the first takes what it can.
        for delegate in delegates { delegate.map { TfLiteInterpreterOptionsAddDelegate(options, $0) } }
        return TfLiteInterpreterCreate(model, options)
    }

    /// Of the CPU, which every order ends with.
    private static func threads(_ spec: Manifest.Model) -> Int {
        guard case .xnnpack(let options) = DelegateOrder(spec).choices.last else {
            preconditionFailure("an order of delegates that does not end with the CPU")
        }
        return options.threads
    }

    /// Why a delegate that was given the model runs nothing of it; nil where it may run some.
    ///
    /// TensorFlow Lite takes that for a success and leaves all to the CPU. The Metal delegate tells it by this sentence
    /// alone; Core ML's tells it to the system's log only, which no app reads.
    ///
    /// - Parameter said: to the report, while the interpreter was made.
    static func refusal(of choice: DelegateChoice, _ said: String?) -> String? {
        guard case .metal = choice, let said, said.contains("No operations will run on the GPU") else { return nil }
        return said
    }

    static func describe(_ choice: DelegateChoice, threads: Int) -> String {
        let cpu = "XNNPACK, \(threads) thread\(threads == 1 ? "" : "s")"
        return switch choice {
        case .metal(let options):
            "Metal, \(options.precisionLossAllowed ? "half" : "full") precision; what it leaves on \(cpu)"
        case .coreml: "Core ML; what it leaves on \(cpu)"
        case .xnnpack: cpu
        }
    }

    /// A manifest knows one tensor on either side.
    private static func check(_ which: String, _ count: Int32) throws {
        guard count == 1 else {
            throw EngineError(message: "the file has \(count) \(which), not 1: embed the bundle again")
        }
    }

    /// The file's own word on a tensor against the manifest's.
    private static func check(_ which: String, _ tensor: UnsafePointer<TfLiteTensor>, _ spec: TensorSpec) throws {
        let type = TfLiteTensorType(tensor)
        let shape = (0..<TfLiteTensorNumDims(tensor)).map { Int(TfLiteTensorDim(tensor, $0)) }
        let found = TfLiteTensorQuantizationParams(tensor)
        let types: [TensorType: TfLiteType] = [.float32: kTfLiteFloat32, .uint8: kTfLiteUInt8, .int8: kTfLiteInt8]
        let named = types.first { $0.value == type }?.key.rawValue ?? "type \(type.rawValue)"
        let quantisation = spec.quantisation.map { (Float($0.scale), Int32($0.zeroPoint)) } ?? (0, 0)
        guard shape == spec.shape, type == types[spec.type],
            (found.scale, found.zero_point) == quantisation
        else {
            throw EngineError(
                message: "the file's \(which) is \(shape) of \(named), scale \(found.scale), zero point "
                    + "\(found.zero_point), not \(spec.shape) of \(spec.type.rawValue), scale \(quantisation.0), "
                    + "zero point \(quantisation.1), as the manifest says: embed the bundle again"
            )
        }
    }
}
