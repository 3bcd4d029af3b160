import ClassifierCore
import Foundation

/// Strokes on a square pad, as fractions of its side: they mean the same when the pad has another size.
struct Ink: Equatable, Sendable {
    /// Points; with four bytes each they stay well below what a scene may keep between two runs.
    static let mostPoints = 20_000
    /// Fraction of the side: a third of a point on a pad of 1,000.
    static let still = 3e-4

    /// Oldest first.
    private(set) var strokes: [Drawing.Stroke] = []
    /// Whether the pen is down.
    private(set) var isWriting = false
    /// Whether the last stroke is the one that the pen writes: a full pad begins none, and one taken back is gone.
    private var isOpen = false
    private var points = 0

    var isEmpty: Bool { strokes.isEmpty }
    var isFull: Bool { points >= Self.mostPoints }

    /// Pen down. A point beside the pad stands on its edge, here and below.
    mutating func begin(_ point: StrokePoint) {
        isWriting = true
        isOpen = !isFull
        guard isOpen else { return }
        strokes.append([Self.onPad(point)])
        points += 1
    }

    /// A point on the way; one that shows no movement is left out.
    mutating func move(_ point: StrokePoint) {
        let point = Self.onPad(point)
        guard isOpen, !isFull, let last = strokes.last?.last,
            abs(point.x - last.x) >= Self.still || abs(point.y - last.y) >= Self.still
        else { return }
        strokes[strokes.count - 1].append(point)
        points += 1
    }

    /// Pen up.
    mutating func end() {
        isWriting = false
        isOpen = false
    }

    /// The system took the gesture: it was not writing.
    mutating func cancel() {
        let isBegun = isOpen
        end()
        if isBegun { undo() }
    }

    /// Takes the last stroke back.
    mutating func undo() {
        isOpen = false
        guard let last = strokes.popLast() else { return }
        points -= last.count
    }

    mutating func clear() {
        isOpen = false
        strokes = []
        points = 0
    }

    private static func onPad(_ point: StrokePoint) -> StrokePoint {
        StrokePoint(x: min(max(point.x, 0), 1), y: min(max(point.y, 0), 1))
    }
}

// What a scene keeps: for each stroke the number of its points, then x and y of each, all in 16 bits, low byte first.
extension Ink {
    /// What stands for the far edge: a step is a twentieth of what `still` leaves out.
    private static let edge = Double(UInt16.max)

    var saved: Data {
        var data = Data(capacity: 4 * points + 2 * strokes.count)
        func add(_ number: UInt16) {
            data.append(UInt8(truncatingIfNeeded: number))
            data.append(UInt8(truncatingIfNeeded: number >> 8))
        }
        for line in strokes {
            add(UInt16(line.count))
            for point in line {
                add(UInt16((point.x * Self.edge).rounded()))
                add(UInt16((point.y * Self.edge).rounded()))
            }
        }
        return data
    }

    /// An empty pad where the data is not what `saved` gives.
    init(saved: Data) {
        let bytes = [UInt8](saved)
        guard bytes.count.isMultiple(of: 2) else { return }
        let numbers = stride(from: 0, to: bytes.count, by: 2).map { Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8 }
        var lines: [Drawing.Stroke] = []
        var (at, total) = (0, 0)
        while at < numbers.count {
            let (first, count) = (at + 1, numbers[at])
            at = first + 2 * count
            total += count
            guard count > 0, at <= numbers.count, total <= Self.mostPoints else { return }
            lines.append(
                stride(from: first, to: at, by: 2).map {
                    StrokePoint(x: Double(numbers[$0]) / Self.edge, y: Double(numbers[$0 + 1]) / Self.edge)
                }
            )
        }
        (strokes, points) = (lines, total)
    }
}
