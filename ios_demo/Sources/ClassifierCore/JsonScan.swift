import Foundation

/// Looks over JSON's bytes before a decoder builds anything of them, for what `JSONDecoder` would take although no twin
/// does, would fill the memory with, or would trap on: keys whose text it cannot make (seen with Foundation of
/// Swift 6.0).
///
/// It follows strings, which it checks to the letter, and brackets; whether all else is JSON is the decoder's to say.
struct JsonScan {
    /// Values in a manifest, labels and golden cases included: ten times what the most labels take would be a
    /// damaged one, and each costs the decoder some hundred bytes.
    static let mostValues = 500_000
    /// Lists and objects in one another; a manifest has about eight.
    static let mostDepth = 64

    /// What may stand behind a backslash, but for the `u` of a number.
    private static let escapes = Set("\"\\/bfnrt".utf8)

    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 0
    /// One more than the commas and the brackets that open: never fewer than there are values.
    private var values = 1
    /// Keys of each object that is open; nil for a list.
    ///
    /// As bytes: texts compare by their meaning, by which an accented letter and a letter with its accent are one key.
    private var open: [Set<[UInt8]>?] = []
    private let decoder = JSONDecoder()

    /// - Throws: `ManifestError`: not UTF-8 without a mark, a zero byte, half a character, a key twice in an object,
    ///   too many values or levels.
    static func check(_ data: Data) throws(ManifestError) {
        let text = Array(data)
        // A zero byte: UTF-16 or UTF-32, which a decoder would guess.
        guard !text.starts(with: [0xEF, 0xBB, 0xBF]), !text.contains(0), String(validating: text) != nil else {
            throw ManifestError("manifest: not UTF-8 without a byte order mark")
        }
        let complaint = text.withUnsafeBufferPointer { bytes in
            var scan = JsonScan(bytes)
            return scan.complaint()
        }
        if let complaint { throw ManifestError("manifest: \(complaint)") }
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private mutating func complaint() -> String? {
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""):
                let start = at
                if let wrong = skipString() { return wrong }
                if let wrong = keyTwice(start..<at - 1) { return wrong }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open.append(byte == UInt8(ascii: "{") ? [] : nil)
                values += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                _ = open.popLast()
            case UInt8(ascii: ","):
                values += 1
            default:
                continue
            }
            guard values <= Self.mostValues else { return "more than \(Self.mostValues) values" }
            guard open.count <= Self.mostDepth else { return "nested more than \(Self.mostDepth) levels deep" }
        }
        return nil
    }

    /// To behind the closing quote.
    private mutating func skipString() -> String? {
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            if byte == UInt8(ascii: "\"") { return nil }
            guard byte >= 0x20 else { return "not JSON: a text holds a control character" }
            guard byte == UInt8(ascii: "\\") else { continue }
            guard at < bytes.count else { break }
            at += 1
            guard bytes[at - 1] == UInt8(ascii: "u") else {
                if Self.escapes.contains(bytes[at - 1]) { continue }
                return "not JSON: a text holds an escape that is none"
            }
            guard let unit = hexadecimal(at) else { return "not JSON: an escape without its four digits" }
            at += 4
            guard (0xD800...0xDFFF).contains(unit) else { continue }
            guard unit < 0xDC00, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
                bytes[at + 1] == UInt8(ascii: "u"), let low = hexadecimal(at + 2), (0xDC00...0xDFFF).contains(low)
            else { return "not JSON: a text holds half a character" }
            at += 6
        }
        return "not JSON: a text has no end"
    }

    private func hexadecimal(_ start: Int) -> Int? {
        guard start + 4 <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[start..<start + 4] {
            guard byte < 0x80, let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | digit
        }
        return value
    }

    /// Whether a string that has just ended is a key that its object has already.
    private mutating func keyTwice(_ string: Range<Int>) -> String? {
        guard case .some(.some) = open.last else { return nil }
        var next = at
        while next < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[next]) { next += 1 }
        guard next < bytes.count, bytes[next] == UInt8(ascii: ":") else { return nil }
        var key = String(decoding: bytes[string], as: UTF8.self)
        // As text: "\u0061" and "a" are one key.
        if key.contains("\\") { key = (try? decoder.decode(String.self, from: Data("\"\(key)\"".utf8))) ?? key }
        let isNew = open[open.count - 1]?.insert(Array(key.utf8)).inserted ?? true
        return isNew ? nil : "\(ManifestError.quoted(key)) stands twice in one object"
    }
}

extension String {
    fileprivate init?(validating bytes: [UInt8]) { self.init(bytes: bytes, encoding: .utf8) }
}
