import ClassifierCore
import Foundation

/// A recogniser's state in words, the same on both screens.
struct Report: Equatable {
    /// The answer itself, or what is awaited.
    var summary = ""
    /// What is read out when it changes; nothing while a later answer is on its way.
    var spoken = ""
    /// What went wrong, for the person with the phone.
    var problem = ""
    /// What a developer types against it.
    var command = ""
    var recognitions: [Recognition] = []
    var took = ""
    /// The model, what it runs on, and why on nothing better.
    var model: [String] = []

    /// - Parameters:
    ///   - nothing: what stands there before the first picture.
    ///   - isSettled: whether the answer is the last one for now.
    ///   - locale: of the numbers.
    init(
        _ state: ModelState, _ answer: Answer, nothing: String, isSettled: Bool = true, locale: Locale = .current
    ) {
        switch state {
        case .opening: summary = "Opening the model…"
        case .missing:
            problem = "There is no model for this screen. On your computer, put one in and build the app again:"
            command = Slot.command
        case .broken(let reason): problem = "The model cannot be used: \(reason)"
        case .ready(let opened):
            model = Self.describe(opened)
            show(answer, nothing: nothing, locale: locale)
        }
        spoken = problem.isEmpty ? summary : problem
        if case .given = answer, !isSettled { spoken = "" }
    }

    private mutating func show(_ answer: Answer, nothing: String, locale: Locale) {
        switch answer {
        case .none: summary = nothing
        case .working: summary = "Looking…"
        case .given(let classification):
            recognitions = classification.recognitions
            summary = recognitions.first?.label ?? ""
            let (model, picture) = (classification.inferenceMilliseconds, classification.preprocessMilliseconds)
            took = String(format: "Model %.1f ms, picture %.1f ms", locale: locale, model, picture)
        case .failed(let reason, isPicture: true): problem = "The photo cannot be read: \(reason)"
        case .failed(let reason, isPicture: false): problem = "The model failed: \(reason)"
        }
    }

    private static func describe(_ opened: OpenModel) -> [String] {
        let manifest = opened.manifest
        var lines = ["\(manifest.name), \(manifest.model.scheme), \(count(of: manifest.labels.count))"]
        lines.append("Runs on \(opened.delegate)")
        lines += opened.skipped.map { "Not on \($0.name.rawValue): \($0.reason)" }
        if manifest.profile == .smoke {
            lines.append("This model was made in seconds for a test: its answers mean nothing.")
        }
        return lines
    }

    static func count(of classes: Int) -> String { "\(classes) class\(classes == 1 ? "" : "es")" }

    /// "93 %", in the reader's own way.
    static func percent(_ share: Double, locale: Locale = .current) -> String {
        share.formatted(.percent.precision(.fractionLength(0)).locale(locale))
    }
}
