/// What a model can run on. The names are the pipeline's.
public enum DelegateName: String, Sendable, CaseIterable { case gpu, metal, nnapi, coreml, xnnpack }

/// How each delegate is opened; nil for those that are not tried. `gpu` and `nnapi` are Android's: of them only
/// their presence is read.
public struct DelegatePlan: Sendable, Equatable {
    public internal(set) var metal: MetalOptions?
    public internal(set) var coreml: CoremlOptions?
    public internal(set) var xnnpack: XnnpackOptions?
    /// Every delegate that the plan has options for.
    public internal(set) var named: Set<DelegateName>
}

/// The GPU of an iPhone.
public struct MetalOptions: Sendable, Equatable {
    public enum Wait: String, Sendable, CaseIterable {
        case passive, active, aggressive
        case doNotWait = "do_not_wait"
    }

    /// Half precision; `MetalDelegate.Options.isPrecisionLossAllowed`.
    public internal(set) var precisionLossAllowed: Bool
    /// `MetalDelegate.Options.isQuantizationEnabled`.
    public internal(set) var quantizedModelsAllowed: Bool
    /// `MetalDelegate.Options.waitType`.
    public internal(set) var wait: Wait
}

/// Core ML, and with it the Neural Engine.
public struct CoremlOptions: Sendable, Equatable {
    public enum Devices: String, Sendable, CaseIterable {
        case neuralEngine = "neural_engine"
        case all
    }

    /// `CoreMLDelegate.Options.enabledDevices`.
    public internal(set) var devices: Devices
    /// `CoreMLDelegate.Options.coreMLVersion`, 2 or 3.
    public internal(set) var coremlVersion: Int
    /// `CoreMLDelegate.Options.maxDelegatedPartitions`; nil for all.
    public internal(set) var maxPartitions: Int?
}

/// The CPU, which always works.
public struct XnnpackOptions: Sendable, Equatable {
    /// `Interpreter.Options.threadCount`.
    public internal(set) var threads: Int
}

extension DelegatePlan: Decodable {
    private enum Key: String, CodingKey, CaseIterable { case gpu, metal, nnapi, coreml, xnnpack }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        metal = try fields.decodeIfPresent(MetalOptions.self, forKey: .metal)
        coreml = try fields.decodeIfPresent(CoremlOptions.self, forKey: .coreml)
        xnnpack = try fields.decodeIfPresent(XnnpackOptions.self, forKey: .xnnpack)
        let present = try Key.allCases.filter { try !fields.isNull($0) }
        named = Set(present.compactMap { DelegateName(rawValue: $0.rawValue) })
    }
}

extension MetalOptions: Decodable {
    private enum Key: String, CodingKey { case precision_loss_allowed, quantized_models_allowed, wait }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        precisionLossAllowed = try fields.decode(Bool.self, forKey: .precision_loss_allowed)
        quantizedModelsAllowed = try fields.decode(Bool.self, forKey: .quantized_models_allowed)
        wait = try fields.choice(.wait)
    }
}

extension CoremlOptions: Decodable {
    private enum Key: String, CodingKey { case devices, coreml_version, max_partitions }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        devices = try fields.choice(.devices)
        coremlVersion = try fields.whole(.coreml_version, in: 2...3)
        maxPartitions = try fields.isNull(.max_partitions) ? nil : fields.whole(.max_partitions, in: 1...Int.max)
    }
}

extension XnnpackOptions: Decodable {
    private enum Key: String, CodingKey { case threads }

    public init(from decoder: any Decoder) throws {
        threads = try decoder.container(keyedBy: Key.self).whole(.threads, in: 1...16)
    }
}
