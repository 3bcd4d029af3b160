import CTensorFlowLite
import ClassifierCore
import Foundation

/// The real TensorFlow Lite, through its C interface, on the CPU: what the tests have in place of the app's pods.
final class TensorFlowLite: Engine {
    static let version = String(cString: TfLiteVersion())

    let delegate: String
    private let model: OpaquePointer
    private let interpreter: OpaquePointer

    /// - Throws: `EngineError`: the library does not take the file, or its tensors are not the manifest's.
    init(_ file: URL, _ manifest: Manifest.Model, threads: Int) throws {
        guard let model = TfLiteModelCreateFromFile(file.path) else {
            throw EngineError(message: "\(file.path): not a model")
        }
        let options = TfLiteInterpreterOptionsCreate()
        TfLiteInterpreterOptionsSetNumThreads(options, Int32(threads))
        let made = TfLiteInterpreterCreate(model, options)
        TfLiteInterpreterOptionsDelete(options)
        guard let interpreter = made, TfLiteInterpreterAllocateTensors(interpreter) == 0 else {
            made.map(TfLiteInterpreterDelete)
            TfLiteModelDelete(model)
            throw EngineError(message: "\(file.path): TensorFlow Lite \(Self.version) cannot run it")
        }
        self.model = model
        self.interpreter = interpreter
        delegate = "TensorFlow Lite \(Self.version), \(threads) thread\(threads == 1 ? "" : "s")"
        try Self.check(TfLiteInterpreterGetInputTensor(interpreter, 0), manifest.input)
        try Self.check(TfLiteInterpreterGetOutputTensor(interpreter, 0), manifest.output)
    }

    deinit {
        TfLiteInterpreterDelete(interpreter)
        TfLiteModelDelete(model)
    }

    func run(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws {
        guard
            TfLiteTensorCopyFromBuffer(
                TfLiteInterpreterGetInputTensor(interpreter, 0), input.baseAddress, input.count
            ) == 0,
            TfLiteInterpreterInvoke(interpreter) == 0,
            TfLiteTensorCopyToBuffer(
                TfLiteInterpreterGetOutputTensor(interpreter, 0), output.baseAddress, output.count
            ) == 0
        else { throw EngineError(message: "TensorFlow Lite \(Self.version) could not run the model") }
    }

    /// The file's own word on a tensor against the manifest's.
    private static func check(_ tensor: OpaquePointer?, _ spec: TensorSpec) throws {
        let shape = (0..<TfLiteTensorNumDims(tensor)).map { Int(TfLiteTensorDim(tensor, $0)) }
        let types: [TensorType: TfLiteType] = [.float32: 1, .uint8: 3, .int8: 9]
        let found = TfLiteTensorQuantizationParams(tensor)
        let quantisation = spec.quantisation.map { (Float($0.scale), Int32($0.zeroPoint)) } ?? (0, 0)
        guard shape == spec.shape, TfLiteTensorType(tensor) == types[spec.type],
            (found.scale, found.zero_point) == quantisation
        else {
            throw EngineError(message: "tensor \(shape) \(found) of the file is not the manifest's \(spec)")
        }
    }
}
