import Combine

/// A slot's recogniser for SwiftUI: a view that observes it is drawn anew with every change.
@MainActor
final class Session: ObservableObject {
    let recogniser: Recogniser

    init(_ slot: Slot) {
        recogniser = Recogniser { try EmbeddedModel.open(slot) }
        recogniser.willChange = { [weak self] in self?.objectWillChange.send() }
    }

    func report(nothing: String) -> Report { Report(recogniser.model, recogniser.answer, nothing: nothing) }
}
