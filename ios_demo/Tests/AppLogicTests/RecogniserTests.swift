@testable import AppLogic
import ClassifierCore
import Foundation
import GoldenCases
import Testing

/// Answers with the grey level of a one-pixel picture, once it is let through.
private actor SlowClassifier: Classifier {
    nonisolated let delegate = "slow"
    nonisolated let skipped: [DelegateSkipped]
    private(set) var seen: [Int] = []
    private var isOpen: Bool
    private var held: [CheckedContinuation<Void, Never>] = []

    init(isOpen: Bool, skipped: [DelegateSkipped] = []) { (self.isOpen, self.skipped) = (isOpen, skipped) }

    func classify(_ pixels: Pixels, top k: Int) async throws -> Classification {
        let level = Int(pixels.bytes[0])
        seen.append(level)
        if !isOpen { await withCheckedContinuation { held.append($0) } }
        if level == 255 { throw EngineError(message: "too bright") }
        return Self.answer(level)
    }

    func letThrough() {
        isOpen = true
        held.forEach { $0.resume() }
        held = []
    }

    static func answer(_ level: Int) -> Classification {
        let recognition = Recognition(index: level, label: "\(level)", probability: 0.5)
        return Classification(recognitions: [recognition], preprocessMilliseconds: 1, inferenceMilliseconds: 2)
    }
}

/// Changes its delegate with every picture.
private final class WanderingClassifier: Classifier, @unchecked Sendable {
    private let lock = NSLock()
    private var pictures = 0

    var count: Int { lock.withLock { pictures } }
    var delegate: String { "\(count)" }
    var skipped: [DelegateSkipped] {
        count == 0 ? [] : [DelegateSkipped(name: .metal, reason: "\(count - 1) failed")]
    }

    func classify(_ pixels: Pixels, top k: Int) async throws -> Classification {
        lock.withLock { pictures += 1 }
        let level = Int(pixels.bytes[0])
        if level == 255 { throw EngineError(message: "too bright") }
        return SlowClassifier.answer(level)
    }
}

@MainActor
@Suite struct RecogniserTests {
    private nonisolated static let manifest: Manifest = {
        do {
            return try GoldenPlaces.bundles()[0].manifest
        } catch {
            fatalError("\(error)")
        }
    }()

    private nonisolated static func picture(_ level: UInt8) -> Picture {
        { _ in try Pixels(height: 1, width: 1, channels: 1, bytes: [level]) }
    }

    private func recogniser(_ classifier: SlowClassifier) -> Recogniser {
        Recogniser { OpenModel(manifest: Self.manifest, classifier: classifier) }
    }

    /// Waits for other tasks to bring something about; a test that waits in vain fails. Only then, late: tests beside
    /// this one hold the threads of all tasks for seconds.
    private func until(_ condition: () async -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while await !condition() {
            try #require(ContinuousClock.now < deadline, "nothing came")
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private func given(_ level: Int) -> Answer { .given(SlowClassifier.answer(level)) }

    @Test func ofManyPicturesTheFirstAndTheLatestAreRecognised() async throws {
        let classifier = SlowClassifier(isOpen: false)
        let recogniser = recogniser(classifier)
        recogniser.submit(Self.picture(1))
        #expect(recogniser.answer == .working)
        try await until { await classifier.seen == [1] }
        for level in 2...50 { recogniser.submit(Self.picture(UInt8(level))) }
        await classifier.letThrough()
        try await until { recogniser.answer == given(50) }
        #expect(await classifier.seen == [1, 50])
    }

    @Test func pictureThatCameBeforeTheModelWaitsForIt() async throws {
        let recogniser = recogniser(SlowClassifier(isOpen: true))
        recogniser.submit(Self.picture(7))
        try await until { recogniser.answer == given(7) }
    }

    @Test func anAnswerOnTheWayIsShownUntilTheNext() async throws {
        let classifier = SlowClassifier(isOpen: true)
        let recogniser = recogniser(classifier)
        recogniser.submit(Self.picture(1))
        try await until { recogniser.answer == given(1) }
        recogniser.submit(Self.picture(2))
        #expect(recogniser.answer == given(1))
        try await until { recogniser.answer == given(2) }
    }

    @Test func anAnswerToWhatWasClearedIsNotShown() async throws {
        let classifier = SlowClassifier(isOpen: false)
        let recogniser = recogniser(classifier)
        recogniser.submit(Self.picture(1))
        try await until { await classifier.seen == [1] }
        recogniser.submit(nil)
        #expect(recogniser.answer == .none)
        var answers: [Answer] = []
        recogniser.willChange = { answers.append(recogniser.answer) }
        recogniser.submit(Self.picture(2))
        await classifier.letThrough()
        try await until { recogniser.answer == given(2) }
        #expect(!answers.contains(given(1)))
    }

    @Test func aPictureThatIsFetchedIsAwaitedAndNoEarlierOneIsShown() async throws {
        let classifier = SlowClassifier(isOpen: false)
        let recogniser = recogniser(classifier)
        recogniser.submit(Self.picture(1))
        try await until { await classifier.seen == [1] }
        recogniser.expect()
        #expect(recogniser.answer == .working && !recogniser.isSettled)
        var answers: [Answer] = []
        recogniser.willChange = { answers.append(recogniser.answer) }
        recogniser.submit(Self.picture(2))
        await classifier.letThrough()
        try await until { recogniser.answer == given(2) }
        #expect(!answers.contains(given(1)) && !answers.contains(.none) && recogniser.isSettled)
        recogniser.expect()
        #expect(recogniser.answer == .working)
        recogniser.submit { _ in throw PictureError(message: "no file") }
        try await until { recogniser.answer == .failed(reason: "no file", isPicture: true) }
        #expect(recogniser.isSettled)
    }

    @Test func anAnswerSettlesNothingWhileALaterPictureWaits() async throws {
        let classifier = SlowClassifier(isOpen: false)
        let recogniser = recogniser(classifier)
        #expect(recogniser.isSettled)
        recogniser.submit(Self.picture(1))
        try await until { await classifier.seen == [1] }
        recogniser.submit(Self.picture(2))
        var seen: [(Answer, Bool)] = []
        recogniser.willChange = { seen.append((recogniser.answer, recogniser.isSettled)) }
        await classifier.letThrough()
        try await until { recogniser.isSettled }
        #expect(recogniser.answer == given(2))
        #expect(seen.contains { $0 == (given(1), false) } && !seen.contains { $0.1 })
        recogniser.submit(nil)
        #expect(recogniser.isSettled)
    }

    @Test func failuresTellWhoseTheyAre() async throws {
        let recogniser = recogniser(SlowClassifier(isOpen: true))
        recogniser.submit { _ in throw PictureError(message: "no file") }
        try await until { recogniser.answer == .failed(reason: "no file", isPicture: true) }
        recogniser.submit { _ in try Pixels(height: 0, width: 1, channels: 1, bytes: []) }
        try await until { if case .failed(let reason, true) = recogniser.answer { reason != "no file" } else { false } }
        recogniser.submit(Self.picture(255))
        try await until { recogniser.answer == .failed(reason: "too bright", isPicture: false) }
    }

    /// As a classifier does whose delegate fails with a picture, be it answered by the next one or not.
    @Test func whatTheModelRunsOnIsShownAfterEachAnswer() async throws {
        let classifier = WanderingClassifier()
        let recogniser = Recogniser { OpenModel(manifest: Self.manifest, classifier: classifier) }
        func shown() -> [String] {
            guard case .ready(let opened) = recogniser.model else { return [] }
            return [opened.delegate] + opened.skipped.map(\.reason)
        }
        try await until { shown() == ["0"] }
        recogniser.submit(Self.picture(1))
        try await until { recogniser.answer == given(1) }
        #expect(shown() == ["1", "0 failed"])
        let report = Report(recogniser.model, recogniser.answer, nothing: "")
        #expect(report.model.contains("Runs on 1") && report.model.contains("Not on metal: 0 failed"))
        recogniser.submit(Self.picture(255))
        try await until { recogniser.answer == .failed(reason: "too bright", isPicture: false) }
        #expect(shown() == ["2", "1 failed"])
    }

    @Test func aModelThatIsNotThereOrBroken() async throws {
        let missing = Recogniser { nil }
        missing.submit(Self.picture(1))
        try await until { if case .missing = missing.model { true } else { false } }
        #expect(missing.answer == .none)
        let broken = Recogniser { throw EngineError(message: "no delegate") }
        try await until { if case .broken("no delegate") = broken.model { true } else { false } }
    }

    @Test func thePictureIsMadeAwayFromTheScreen() async throws {
        let recogniser = recogniser(SlowClassifier(isOpen: true))
        recogniser.submit { _ in
            dispatchPrecondition(condition: .notOnQueue(.main))
            return try Pixels(height: 1, width: 1, channels: 1, bytes: [3])
        }
        try await until { recogniser.answer == given(3) }
    }
}

@Suite struct ReportTests {
    private static let british = Locale(identifier: "en_GB")

    @Test func anEmptySlotTellsTheCommand() {
        let report = Report(.missing, .none, nothing: "No photo yet")
        #expect(report.command == "pipeline embed BUNDLE --into ios_demo" && report.summary.isEmpty)
    }

    @Test func anAnswerWithItsTimesAndWhyNothingBetterRuns() throws {
        let manifest = try GoldenPlaces.bundles()[0].manifest
        let skipped = [DelegateSkipped(name: .coreml, reason: "this device has no Neural Engine")]
        let model = OpenModel(manifest: manifest, classifier: SlowClassifier(isOpen: true, skipped: skipped))
        let answer = Answer.given(SlowClassifier.answer(7))
        let report = Report(.ready(model), answer, nothing: "", locale: Self.british)
        #expect(report.summary == "7" && report.took == "Model 2.0 ms, picture 1.0 ms" && report.problem.isEmpty)
        #expect(report.model.contains("Runs on slow"))
        #expect(report.model.contains("Not on coreml: this device has no Neural Engine"))
        #expect(Report(.ready(model), .none, nothing: "No photo yet").summary == "No photo yet")
        let failed = Report(.ready(model), .failed(reason: "too bright", isPicture: false), nothing: "No photo yet")
        #expect(failed.problem == "The model failed: too bright" && failed.summary.isEmpty)
        let unread = Report(.ready(model), .failed(reason: "no file", isPicture: true), nothing: "No photo yet")
        #expect(unread.problem == "The photo cannot be read: no file" && unread.spoken == unread.problem)
        #expect(report.spoken == "7" && report.model[0].hasSuffix(", \(manifest.labels.count) classes"))
        // While one writes the answer is shown and not read out.
        let meanwhile = Report(.ready(model), answer, nothing: "", isSettled: false)
        #expect(meanwhile.spoken.isEmpty && meanwhile.summary == "7")
        #expect(Report(.ready(model), .working, nothing: "", isSettled: false).spoken == "Looking…")
    }

    @Test func sharesAreWrittenTheReadersWay() {
        #expect(Report.percent(0.934, locale: Self.british) == "93%")
        #expect(Report.percent(0.934, locale: Locale(identifier: "de_DE")) == "93\u{A0}%")
        #expect(Report.count(of: 1) == "1 class" && Report.count(of: 47) == "47 classes")
    }
}
