import Foundation

/// A model on the best delegate that works: where the one in use fails, the next takes its place for good.
///
/// A device's driver may give up at any time, long after it opened the model and ran it once. The next is opened on a
/// queue of the classifier's own, which may take some seconds; the picture that met the failure is answered by it.
public actor FallbackClassifier: Classifier {
    public nonisolated var delegate: String { standing.value.delegate }
    /// Delegates that are not in use, or not any more, each with its reason.
    public nonisolated var skipped: [DelegateSkipped] { standing.value.skipped }

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private nonisolated let executor = QueueExecutor(label: "ClassifierCore.FallbackClassifier")
    private nonisolated let standing: Standing
    private let open: @Sendable (DelegateChoice) throws -> any Classifier
    private var left: DelegateOrder
    private var inUse: DelegateName
    private var current: (any Classifier)?
    /// How often the delegate was replaced.
    private var replaced = 0

    /// Opens the model, on the caller's thread.
    ///
    /// - Parameter open: gives a classifier whose engine has run once, or throws.
    /// - Throws: `EngineError`: no delegate opens the model; names the reason of each.
    public init(_ model: Manifest.Model, open: @escaping @Sendable (DelegateChoice) throws -> any Classifier) throws {
        let opened = try Opened(DelegateOrder(model), open)
        (current, inUse, left) = (opened.classifier, opened.name, opened.left)
        standing = Standing(delegate: opened.classifier.delegate, skipped: opened.left.skipped)
        self.open = open
    }

    /// - Throws: `EngineError` where every delegate from the one in use on has failed; says why the last did.
    public func classify(_ pixels: Pixels, top k: Int) async throws -> Classification {
        while true {
            let before = replaced
            do {
                return try await answer(pixels, k)
            } catch let error as EngineError {
                // Of two pictures that met the failure at a time, the first has replaced the delegate already.
                guard before == replaced else { continue }
                // The last one stays: the next picture may go through.
                guard !left.choices.isEmpty else { throw error }
                try replace(error)
            }
        }
    }

    /// Apart, so that nothing holds the one that has failed while the next is opened: a GPU's memory may not take both.
    private func answer(_ pixels: Pixels, _ k: Int) async throws -> Classification {
        guard let current else { throw EngineError(message: "the model runs on nothing: each delegate has failed") }
        return try await current.classify(pixels, top: k)
    }

    private func replace(_ error: EngineError) throws {
        replaced += 1
        current = nil
        let failed = DelegateSkipped(name: inUse, reason: "it failed: \(error)")
        let order = DelegateOrder(choices: left.choices, skipped: left.skipped + [failed])
        // What stands where nothing of it opens.
        left = DelegateOrder(choices: [], skipped: order.skipped)
        standing.value = ("nothing: each delegate has failed", order.skipped)
        let opened = try Opened(order, open)
        (current, inUse, left) = (opened.classifier, opened.name, opened.left)
        standing.value = (opened.classifier.delegate, opened.left.skipped)
    }
}

/// The first delegate of an order that could be opened, and what is left behind it.
private struct Opened {
    let classifier: any Classifier
    let name: DelegateName
    let left: DelegateOrder

    init(_ order: DelegateOrder, _ open: (DelegateChoice) throws -> any Classifier) throws {
        var tried = 0
        let (classifier, skipped) = try order.open { choice in
            tried += 1
            return try open(choice)
        }
        self.classifier = classifier
        name = order.choices[tried - 1].name
        left = DelegateOrder(choices: Array(order.choices[tried...]), skipped: skipped)
    }
}

/// What a screen shows, which must not wait for a picture: read by any thread, written by the classifier.
private final class Standing: @unchecked Sendable {
    private let lock = NSLock()
    private var now: (delegate: String, skipped: [DelegateSkipped])

    init(delegate: String, skipped: [DelegateSkipped]) { now = (delegate, skipped) }

    var value: (delegate: String, skipped: [DelegateSkipped]) {
        get { lock.withLock { now } }
        set { lock.withLock { now = newValue } }
    }
}
