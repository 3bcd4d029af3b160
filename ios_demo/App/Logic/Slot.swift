/// A place for a model in the app, which `pipeline embed` fills; its name is the folder's below `Models`.
enum Slot: String, Sendable, CaseIterable {
    case drawing, photo

    /// What a developer types to fill it.
    static let command = "pipeline embed BUNDLE --into ios_demo"
}
