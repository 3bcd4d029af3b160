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
            self.init("manifest: \(Self.place(context.codingPath)) is out of range")
        default:
            self.init("manifest: not JSON that can be read")
        }
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
        let value = try exactly(decode(Double.self, forKey: key), key)
        guard range.contains(value) else {
            throw refusal(key, "is \(value), not \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// Lengths, each a whole number.
    func shape(_ key: Key) throws -> [Int] {
        try decode([Double].self, forKey: key).map { try exactly($0, key) }
    }

    // A decoder asked for an Int would say of 28.5 only that the data is wrong, not where.
    private func exactly(_ value: Double, _ key: Key) throws -> Int {
        guard let whole = Int(exactly: value) else { throw refusal(key, "is \(value), not a whole number") }
        return whole
    }

    /// One of the names that this app knows.
    func choice<Choice>(_ key: Key) throws -> Choice
    where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
        let name = try decode(String.self, forKey: key)
        guard let choice = Choice(rawValue: name) else {
            let known = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw refusal(key, "is '\(name.prefix(40))'; this app knows \(known)")
        }
        return choice
    }

    /// A file's name inside the bundle: nothing that leads out of it.
    func file(_ key: Key, folders: Int = 0) throws -> String {
        let name = try decode(String.self, forKey: key)
        guard Self.staysInside(name, folders: folders) else {
            throw refusal(key, "is '\(name.prefix(40))', not the name of a file in the bundle")
        }
        return name
    }

    func refusal(_ key: Key, _ message: String) -> ManifestError {
        ManifestError("manifest: \(ManifestError.place(codingPath + [key])) \(message)")
    }

    static func staysInside(_ name: String, folders: Int) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= folders + 1
            && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
            && !name.contains { $0 == "\\" || $0 == "\0" }
    }
}
