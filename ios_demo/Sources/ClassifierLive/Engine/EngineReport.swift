import Foundation

/// What TensorFlow Lite says of its failures: its functions give only a status, the reason goes to a callback.
///
/// The callback may come from any thread of the engine.
final class EngineReport {
    /// What is kept of a line, bytes: its end, where a delegate that lists what it refuses says what follows from it.
    static let longest = 1024
    /// Lines that are kept: a delegate may say something of every node that it refuses.
    private static let most = 8
    /// What a line is written into, bytes: every kind of op that there is with a reason, which are below 200.
    private static let room = 1 << 15

    private let lock = NSLock()
    private var lines: [String] = []

    /// For a C callback; the report must outlive whoever holds it.
    var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static func of(_ context: UnsafeMutableRawPointer) -> EngineReport {
        Unmanaged<EngineReport>.fromOpaque(context).takeUnretainedValue()
    }

    func add(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer) {
        var text = [CChar](repeating: 0, count: Self.room)
        vsnprintf(&text, text.count, format, arguments)
        let said = text.prefix { $0 != 0 }.suffix(Self.longest).map { UInt8(bitPattern: $0) }
        let line = String(decoding: said, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        lock.lock()
        defer { lock.unlock() }
        guard !line.isEmpty, lines.last != line else { return }
        // The first says what began it, the latest how it ended.
        if lines.count == Self.most { lines.remove(at: 1) }
        lines.append(line)
    }

    /// What was said since the last call.
    func take() -> String? {
        lock.lock()
        defer { lock.unlock() }
        defer { lines = [] }
        return lines.isEmpty ? nil : lines.joined(separator: "; ")
    }
}
