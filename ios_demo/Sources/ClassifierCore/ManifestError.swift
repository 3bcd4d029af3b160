import Foundation

/// A manifest that this app cannot follow, in one sentence that names the field and its value.
public struct ManifestError: Error, Equatable, CustomStringConvertible, LocalizedError {
    public let message: String
    public var description: String { message }
    public var errorDescription: String? { message }

    init(_ message: String) { self.message = message }

    /// What a decoder says of JSON that has not the right form.
    init(_ error: any Error) {
        switch error {
        case let known as ManifestError:
            self = known
        case DecodingError.keyNotFound(let key, let context):
            self.init("manifest: \(Self.place(context.codingPath + [key])) is missing")
        case DecodingError.valueNotFound(_, let context):
            self.init("manifest: \(Self.place(context.codingPath)) is null")
        case DecodingError.typeMismatch(let type, let context):
            self.init("manifest: \(Self.place(context.codingPath)) is not \(Self.named(type))")
        case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
            self.init("manifest: \(Self.place(context.codingPath)) is beyond the numbers of this app")
        default:
            self.init("manifest: not JSON that can be read")
        }
    }

    /// Characters of a value that a message shows.
    private static let longestShown = 40

    /// A text from the file as messages show it: on one line, and no longer than a screen can take, whatever it holds.
    static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(longestShown)
        let shown = scalars.reduce(into: "") { shown, scalar in
            // What would break the line, or turn the direction of what follows, is named by its number.
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                shown.unicodeScalars.append(scalar)
            }
        }
        return "'\(shown)\(scalars.endIndex < text.unicodeScalars.endIndex ? "..." : "")'"
    }

    /// `model.input.shape[1]`
    static func place(_ path: [any CodingKey]) -> String {
        guard !path.isEmpty else { return "all of it" }
        return path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
    }

    private static func named(_ type: Any.Type) -> String {
        switch type {
        case is String.Type: "a text"
        case is Bool.Type: "true or false"
        case is Int.Type: "a whole number"
        case is Double.Type: "a number"
        case is [String: Any].Type: "an object"
        default: "a list"
        }
    }
}

extension Decoder {
    /// The place that is being read, for messages.
    var place: String { ManifestError.place(codingPath) }

    func refuse(_ message: String) -> ManifestError {
        ManifestError("manifest: \(codingPath.isEmpty ? "" : place + ": ")\(message)")
    }
}

extension KeyedDecodingContainer {
    /// A number that is finite, and in the range if one is given.
    func number(_ key: Key, in range: ClosedRange<Double>? = nil) throws -> Double {
        let value = try decode(Double.self, forKey: key)
        guard value.isFinite, range?.contains(value) ?? true else {
            throw refusal(key, "is \(value)" + (range.map { ", not \($0.lowerBound) to \($0.upperBound)" } ?? ""))
        }
        return value
    }

    func whole(_ key: Key, in range: ClosedRange<Int>) throws -> Int {
        let value = try decode(Double.self, forKey: key)
        return try exactly(value, key, in: range)
    }

    /// Lengths, each a whole number.
    func shape(_ key: Key) throws -> [Int] {
        let lengths = try decode([Double].self, forKey: key)
        guard lengths.count <= TensorSpec.mostDimensions else {
            throw refusal(key, "has \(lengths.count) lengths, more than \(TensorSpec.mostDimensions)")
        }
        return try lengths.map { try exactly($0, key, in: Int.min...Int.max) }
    }

    // A decoder asked for an Int would say of 28.5 only that the data is wrong, not where.
    private func exactly(_ value: Double, _ key: Key, in range: ClosedRange<Int>) throws -> Int {
        guard value == value.rounded() else { throw refusal(key, "is \(value), not a whole number") }
        let whole = Int(exactly: value)
        guard let whole, range.contains(whole) else {
            let shown = whole.map(String.init) ?? "\(value)"
            throw refusal(key, "is \(shown), not \(range.lowerBound) to \(range.upperBound)")
        }
        return whole
    }

    /// One of the names that this app knows.
    func choice<Choice>(_ key: Key) throws -> Choice
    where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
        let name = try decode(String.self, forKey: key)
        guard let choice = Choice(rawValue: name) else {
            let known = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw refusal(key, "is \(ManifestError.quoted(name)); this app knows \(known)")
        }
        return choice
    }

    /// A file's name inside the bundle: nothing that leads out of it.
    func file(_ key: Key, folders: Int = 0) throws -> String {
        let name = try decode(String.self, forKey: key)
        guard BundlePath.staysInside(name, folders: folders) else {
            throw refusal(key, "is \(ManifestError.quoted(name)), not the name of a file in the bundle")
        }
        return name
    }

    func refusal(_ key: Key, _ message: String) -> ManifestError {
        ManifestError("manifest: \(ManifestError.place(codingPath + [key])) \(message)")
    }
}
