import TensorFlowLiteC

// As much of the pod's Swift interface (2.17.0) as Sources/ClassifierLive names: it is compiled on Linux against this,
// and never run.

public protocol Delegate: AnyObject {
    var cDelegate: UnsafeMutablePointer<TfLiteDelegate> { get }
}

public enum ThreadWaitType: Equatable, Hashable { case none, passive, active, aggressive }

public final class MetalDelegate: Delegate {
    public struct Options {
        public var isPrecisionLossAllowed = false
        public var waitType = ThreadWaitType.passive
        public var isQuantizationEnabled = true

        public init() {}
    }

    public let cDelegate: UnsafeMutablePointer<TfLiteDelegate>

    public init(options: Options = Options()) { cDelegate = .allocate(capacity: 1) }
}

public final class CoreMLDelegate: Delegate {
    public enum EnabledDevices { case neuralEngine, all }

    public struct Options {
        public var enabledDevices = EnabledDevices.neuralEngine
        public var coreMLVersion = 0
        public var maxDelegatedPartitions = 0
        public var minNodesPerPartition = 2

        public init() {}
    }

    public let cDelegate: UnsafeMutablePointer<TfLiteDelegate>

    public init?(options: Options = Options()) { return nil }
}
