import Combine

/// A slot's recogniser for SwiftUI: a view that observes it is drawn anew with every change.
@MainActor
final class Session: ObservableObject {
    let recogniser: Recogniser

    init(_ slot: Slot) {
        recogniser = Recogniser { try EmbeddedModel.open(slot) }
        recogniser.willChange = { [weak self] in self?.objectWillChange.send() }
    }

    /// - Parameter isWriting: whether the pen is down: what the model says meanwhile is not its last word.
    func report(nothing: String, isWriting: Bool) -> Report {
        Report(
            recogniser.model, recogniser.answer, nothing: nothing, isSettled: recogniser.isSettled && !isWriting
        )
    }
}
