import Foundation

/// What TensorFlow Lite says of its failures: its functions give only a status, the reason goes to a callback.
///
/// The callback may come from any thread of the engine.
final class EngineReport {
    /// Longest line that is kept, bytes.
    private static let longest = 1024
    /// Lines that are kept: a delegate may say something of every node that it refuses.
    private static let most = 8

    private let lock = NSLock()
    private var lines: [String] = []

    /// For a C callback; the report must outlive whoever holds it.
    var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static func of(_ context: UnsafeMutableRawPointer) -> EngineReport {
        Unmanaged<EngineReport>.fromOpaque(context).takeUnretainedValue()
    }

    func add(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer) {
        var text = [CChar](repeating: 0, count: Self.longest)
        vsnprintf(&text, text.count, format, arguments)
        let line = text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
            .trimmingCharacters(in: .whitespacesAndNewlines)
        lock.lock()
        defer { lock.unlock() }
        if !line.isEmpty, lines.count < Self.most, lines.last != line { lines.append(line) }
    }

    /// What was said since the last call.
    func take() -> String? {
        lock.lock()
        defer { lock.unlock() }
        defer { lines = [] }
        return lines.isEmpty ? nil : lines.joined(separator: "; ")
    }
}
