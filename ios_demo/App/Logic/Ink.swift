import ClassifierCore
import Foundation

/// Strokes on a square pad, as fractions of its side: they mean the same when the pad has another size.
struct Ink: Equatable, Sendable {
    /// Points; with some bytes each they stay well below what a scene may keep between two runs.
    static let mostPoints = 20_000
    /// Fraction of the side: a third of a point on a pad of 1,000.
    static let still = 3e-4

    /// Oldest first.
    private(set) var strokes: [Drawing.Stroke] = []
    /// Whether the pen is down.
    private(set) var isWriting = false
    private var points = 0

    var isEmpty: Bool { strokes.isEmpty }
    var isFull: Bool { points >= Self.mostPoints }

    /// Pen down.
    mutating func begin(_ point: StrokePoint) {
        isWriting = true
        guard !isFull else { return }
        strokes.append([point])
        points += 1
    }

    /// A point on the way; one that shows no movement is left out.
    mutating func move(_ point: StrokePoint) {
        guard isWriting, !isFull, let last = strokes.last?.last,
            abs(point.x - last.x) >= Self.still || abs(point.y - last.y) >= Self.still
        else { return }
        strokes[strokes.count - 1].append(point)
        points += 1
    }

    /// Pen up.
    mutating func end() { isWriting = false }

    /// The system took the gesture: it was not writing.
    mutating func cancel() {
        guard isWriting else { return }
        isWriting = false
        undo()
    }

    /// Takes the last stroke back.
    mutating func undo() {
        guard let last = strokes.popLast() else { return }
        points -= last.count
    }

    mutating func clear() {
        strokes = []
        points = 0
    }
}

// What a scene keeps: x and y in turn, a list for each stroke.
extension Ink {
    /// Fractions outside the pad that are believed: a finger may leave it.
    private static let believed: ClosedRange<Double> = -1...2

    var saved: Data {
        let lines = strokes.map { $0.flatMap { [Float($0.x), Float($0.y)] } }
        // Lists of numbers can always be written.
        return (try? JSONEncoder().encode(lines)) ?? Data()
    }

    /// An empty pad where the data is not what `saved` gives.
    init(saved: Data) {
        let lines = (try? JSONDecoder().decode([[Double]].self, from: saved)) ?? []
        let all = lines.joined()
        guard all.count <= 2 * Self.mostPoints, all.allSatisfy(Self.believed.contains),
            lines.allSatisfy({ !$0.isEmpty && $0.count.isMultiple(of: 2) })
        else { return }
        strokes = lines.map { line in
            stride(from: 0, to: line.count, by: 2).map { StrokePoint(x: line[$0], y: line[$0 + 1]) }
        }
        points = all.count / 2
    }
}
