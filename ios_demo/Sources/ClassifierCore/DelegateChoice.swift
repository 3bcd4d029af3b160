/// A delegate that a live engine should try, with the options that it is opened with.
public enum DelegateChoice: Sendable, Equatable {
    case metal(MetalOptions)
    case coreml(CoremlOptions)
    case xnnpack(XnnpackOptions)

    public var name: DelegateName {
        switch self {
        case .metal: .metal
        case .coreml: .coreml
        case .xnnpack: .xnnpack
        }
    }
}

/// A delegate that is not in use, and why: for the screen.
public struct DelegateSkipped: Sendable, Equatable {
    public let name: DelegateName
    public let reason: String

    public init(name: DelegateName, reason: String) {
        self.name = name
        self.reason = reason
    }
}

/// The order in which an app tries a model's delegates: the manifest's, but with XNNPACK last wherever it stands there,
/// and added where it is missing. It is the CPU, which takes every model, so that nothing behind it would be tried.
public struct DelegateOrder: Sendable, Equatable {
    /// Of the CPU, where a manifest names none.
    static let threads = 2

    /// Best first. The CPU is the last of a model's, always.
    public let choices: [DelegateChoice]
    /// What the manifest names and this platform does not try.
    public let skipped: [DelegateSkipped]

    init(choices: [DelegateChoice], skipped: [DelegateSkipped]) { (self.choices, self.skipped) = (choices, skipped) }

    public init(_ model: Manifest.Model) {
        let plan = model.delegatePlan
        var choices: [DelegateChoice] = []
        var skipped: [DelegateSkipped] = []
        for name in model.delegates where name != .xnnpack {
            switch name {
            case .gpu, .nnapi:
                skipped.append(DelegateSkipped(name: name, reason: "there is none on this platform, it is Android's"))
            case .metal:
                choices += plan.metal.map { [.metal($0)] } ?? []
            case .coreml:
                choices += plan.coreml.map { [.coreml($0)] } ?? []
            case .xnnpack:
                continue
            }
        }
        choices.append(.xnnpack(plan.xnnpack ?? XnnpackOptions(threads: Self.threads)))
        self.choices = choices
        self.skipped = skipped
    }

    /// Opens the first delegate that can be.
    ///
    /// - Parameter open: gives what has run once, or throws: many delegates refuse a model only there.
    /// - Returns: what was opened, and why it is not a better one.
    /// - Throws: `EngineError`: none could be; names the reason of each.
    public func open<Opened>(_ open: (DelegateChoice) throws -> Opened) throws -> (Opened, skipped: [DelegateSkipped]) {
        var reasons = skipped
        for choice in choices {
            do {
                return (try open(choice), reasons)
            } catch {
                reasons.append(DelegateSkipped(name: choice.name, reason: "\(error)"))
            }
        }
        let all = reasons.map { "\($0.name.rawValue): \($0.reason)" }.joined(separator: "; ")
        throw EngineError(message: "no delegate opens the model: \(all)")
    }
}
