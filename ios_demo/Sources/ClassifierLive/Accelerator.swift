import ClassifierCore
import Foundation
import Metal
import TensorFlowLite

extension TfliteEngine {
    /// Opens a model with the delegate that is chosen, whichever it is.
    convenience init(_ file: URL, _ spec: Manifest.Model, _ choice: DelegateChoice) throws {
        try self.init(file, spec, choice, accelerator: Accelerator.open(choice))
    }
}

extension Accelerator {
    /// Opens TensorFlow Lite's accelerator with a manifest's options.
    ///
    /// - Returns: nil for the CPU.
    /// - Throws: `EngineError`: the device has not what the options ask for.
    static func open(_ choice: DelegateChoice) throws -> Accelerator? {
        let opened: (any Delegate)? =
            switch choice {
            case .metal(let options): try metal(options)
            case .coreml(let options): try coreml(options)
            case .xnnpack: nil
            }
        return opened.map { Accelerator(handle: $0.cDelegate, owner: $0) }
    }

    private static func metal(_ choice: MetalOptions) throws -> any Delegate {
        #if targetEnvironment(simulator)
            // Its GPU is the Mac's behind a translation that the delegate was not made for.
            throw EngineError(message: "the simulator's Metal is no iPhone's: try it on a device")
        #else
            return try metalOfDevice(choice)
        #endif
    }

    private static func metalOfDevice(_ choice: MetalOptions) throws -> any Delegate {
        guard MTLCreateSystemDefaultDevice() != nil else { throw EngineError(message: "this device has no Metal") }
        var options = MetalDelegate.Options()
        options.isPrecisionLossAllowed = choice.precisionLossAllowed
        options.isQuantizationEnabled = choice.quantizedModelsAllowed
        switch choice.wait {
        case .passive: options.waitType = .passive
        case .active: options.waitType = .active
        case .aggressive: options.waitType = .aggressive
        case .doNotWait:
            // The delegate would copy its answer before the GPU has written it: that of the picture before.
            throw EngineError(
                message: "wait 'do_not_wait' is for answers that stay on the GPU, this app reads them: "
                    + "the target's options.metal must say passive, active or aggressive"
            )
        }
        return MetalDelegate(options: options)
    }

    private static func coreml(_ choice: CoremlOptions) throws -> any Delegate {
        var options = CoreMLDelegate.Options()
        switch choice.devices {
        case .neuralEngine: options.enabledDevices = .neuralEngine
        case .all: options.enabledDevices = .all
        }
        options.coreMLVersion = choice.coremlVersion
        // 0 is all of them.
        options.maxDelegatedPartitions = choice.maxPartitions ?? 0
        guard let delegate = CoreMLDelegate(options: options) else {
            throw EngineError(
                message: choice.devices == .neuralEngine
                    ? "this device has no Neural Engine" : "TensorFlow Lite could not open Core ML"
            )
        }
        return delegate
    }
}
