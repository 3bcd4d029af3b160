import ClassifierCore
import Foundation

/// Gives the picture to recognise; called away from the main actor. It throws `PictureError`, or the core's
/// `PixelsError`, where the user's picture is at fault, not the model.
typealias Picture = @Sendable (Manifest) throws -> Pixels

/// A picture that cannot be read; the message is for the screen.
struct PictureError: Error, Equatable, CustomStringConvertible {
    let message: String
    var description: String { message }
}

/// A model that is ready, what it runs on now, and why on nothing better.
struct OpenModel: Sendable {
    let manifest: Manifest
    let classifier: any Classifier
    let delegate: String
    let skipped: [DelegateSkipped]

    /// - Parameter classifier: says what it runs on, which may change with every picture.
    init(manifest: Manifest, classifier: any Classifier) {
        (self.manifest, self.classifier) = (manifest, classifier)
        (delegate, skipped) = (classifier.delegate, classifier.skipped)
    }
}

/// What a screen shows of its model.
enum ModelState: Sendable {
    case opening
    case missing
    case broken(String)
    case ready(OpenModel)
}

/// What became of the last picture.
enum Answer: Sendable, Equatable {
    case none
    case working
    case given(Classification)
    /// - `isPicture`: whether it is the picture that is at fault.
    case failed(reason: String, isPicture: Bool)
}

/// A model, and the pictures that wait for it: where they come faster than answers only the latest is recognised.
///
/// It belongs to the main actor; opening, preprocessing and inference do not run there.
@MainActor
final class Recogniser {
    /// Opens the model, or gives nil where there is none; called away from the main actor.
    typealias Opener = @Sendable () throws -> OpenModel?

    private struct Job {
        let number: Int
        let picture: Picture
    }

    /// Classes that a screen shows.
    nonisolated static let top = 5

    private(set) var model: ModelState = .opening
    private(set) var answer: Answer = .none
    /// Whether the answer is that to the latest picture, and none is awaited.
    private(set) var isSettled = true
    /// Told before every change.
    var willChange: (() -> Void)?

    /// Models are opened and pictures made here, which takes long: the threads that all tasks share are not for that.
    private let queue = DispatchQueue(label: "Recogniser", qos: .userInitiated, autoreleaseFrequency: .workItem)
    private var waiting: Job?
    private var isWorking = false
    private var latest = 0
    private var firstWanted = 0

    init(_ opener: @escaping Opener) {
        Task { await open(opener) }
    }

    /// Recognises a picture, or nothing where it is nil, in place of every earlier one.
    func submit(_ picture: Picture?) {
        guard let picture else { return forget(.none) }
        latest += 1
        // A running series keeps its last answer until the next: the screen must not flicker while one writes.
        change {
            isSettled = false
            if case .given = answer {} else { answer = .working }
        }
        waiting = Job(number: latest, picture: picture)
        work()
    }

    /// A picture is on its way that cannot be submitted yet; every earlier one is forgotten.
    func expect() { forget(.working) }

    private func forget(_ shown: Answer) {
        latest += 1
        waiting = nil
        firstWanted = latest + 1
        change {
            answer = shown
            isSettled = shown == .none
        }
    }

    private func open(_ opener: @escaping Opener) async {
        let state = await Self.run(on: queue) { () -> ModelState in
            do {
                return try opener().map(ModelState.ready) ?? .missing
            } catch {
                return .broken("\(error)")
            }
        }
        change { model = state }
        if case .ready = state {
            work()
        } else {
            forget(.none)
        }
    }

    private func work() {
        guard !isWorking, case .ready(let opened) = model, waiting != nil else { return }
        isWorking = true
        Task {
            while let job = waiting {
                waiting = nil
                let result = await Self.recognise(job.picture, opened, queue)
                refresh()
                finish(job, result)
            }
            isWorking = false
        }
    }

    /// A delegate may have failed, and another taken its place: that is shown whatever becomes of the answer.
    private func refresh() {
        guard case .ready(let shown) = model else { return }
        let now = OpenModel(manifest: shown.manifest, classifier: shown.classifier)
        guard now.delegate != shown.delegate || now.skipped != shown.skipped else { return }
        change { model = .ready(now) }
    }

    private func finish(_ job: Job, _ result: Answer) {
        var isAnswer = false
        if case .given = result { isAnswer = true }
        // An answer on the way to the latest is shown too, a failure is not.
        guard job.number == latest || isAnswer && job.number >= firstWanted else { return }
        change {
            answer = result
            isSettled = job.number == latest
        }
    }

    private nonisolated static func recognise(
        _ picture: @escaping Picture, _ model: OpenModel, _ queue: DispatchQueue
    ) async -> Answer {
        do {
            let pixels = try await run(on: queue) { Result { try picture(model.manifest) } }.get()
            return .given(try await model.classifier.classify(pixels, top: top))
        } catch let error as PictureError {
            return .failed(reason: error.message, isPicture: true)
        } catch let error as PixelsError {
            return .failed(reason: error.message, isPicture: true)
        } catch {
            return .failed(reason: "\(error)", isPicture: false)
        }
    }

    private nonisolated static func run<T: Sendable>(
        on queue: DispatchQueue, _ work: @escaping @Sendable () -> T
    ) async -> T {
        await withCheckedContinuation { done in queue.async { done.resume(returning: work()) } }
    }

    private func change(_ action: () -> Void) {
        willChange?()
        action()
    }
}
