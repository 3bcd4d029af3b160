@testable import AppLogic
import ClassifierCore
import Foundation
import Testing

@Suite struct InkTests {
    private func point(_ x: Double, _ y: Double) -> StrokePoint { StrokePoint(x: x, y: y) }

    private func cross() -> Ink {
        var ink = Ink()
        ink.begin(point(0.1, 0.5))
        ink.move(point(0.9, 0.5))
        ink.end()
        ink.begin(point(0.5, 0.1))
        ink.move(point(0.5, 0.9))
        ink.end()
        return ink
    }

    @Test func strokesGrowAndGo() {
        var ink = cross()
        #expect(ink.strokes == [[point(0.1, 0.5), point(0.9, 0.5)], [point(0.5, 0.1), point(0.5, 0.9)]])
        ink.undo()
        #expect(ink.strokes == [[point(0.1, 0.5), point(0.9, 0.5)]])
        ink.clear()
        #expect(ink.isEmpty)
        ink.undo()
        #expect(ink == Ink())
    }

    @Test func aDotIsAStrokeAndStandingStillIsNoPoint() {
        var ink = Ink()
        ink.begin(point(0.5, 0.5))
        ink.move(point(0.5 + Ink.still / 2, 0.5))
        ink.move(point(0.5, 0.5 + 2 * Ink.still))
        ink.end()
        #expect(ink.strokes == [[point(0.5, 0.5), point(0.5, 0.5 + 2 * Ink.still)]])
    }

    @Test func nothingIsWrittenWithThePenUp() {
        var ink = cross()
        ink.move(point(0.2, 0.2))
        #expect(ink == cross())
    }

    @Test func aCancelledStrokeIsTakenBack() {
        var ink = cross()
        ink.cancel()
        #expect(ink == cross())
        ink.begin(point(0, 0))
        ink.cancel()
        #expect(ink == cross() && !ink.isWriting)
    }

    @Test func aFullPadTakesNoMoreUntilSomethingGoes() {
        var ink = cross()
        ink.begin(point(0, 0))
        for i in 1...Ink.mostPoints { ink.move(point(Double(i % 2), 0)) }
        #expect(ink.isFull && ink.strokes.joined().count == Ink.mostPoints)
        ink.end()
        ink.begin(point(0.3, 0.3))
        ink.end()
        #expect(ink.strokes.count == 3)
        ink.undo()
        #expect(ink == cross() && !ink.isFull)
    }

    @Test func aStrokeThatAFullPadRefusedTakesNoOtherWithIt() {
        var ink = cross()
        ink.begin(point(0, 0))
        for i in 1...Ink.mostPoints { ink.move(point(Double(i % 2), 0)) }
        ink.end()
        let full = ink
        ink.begin(point(0.3, 0.3))
        ink.cancel()
        #expect(ink == full)
    }

    @Test func whatFollowsAStrokeThatIsTakenBackIsNotAddedToTheOneBefore() {
        var ink = cross()
        ink.begin(point(0, 0))
        ink.undo()
        ink.move(point(0.7, 0.7))
        ink.cancel()
        #expect(ink == cross())
        ink.begin(point(0, 0))
        ink.clear()
        ink.move(point(0.7, 0.7))
        ink.end()
        #expect(ink == Ink())
    }

    @Test func inkStaysOnThePad() {
        var ink = Ink()
        ink.begin(point(-0.2, 0.5))
        ink.move(point(0.5, 7))
        #expect(ink.strokes == [[point(0, 0.5), point(0.5, 1)]])
    }

    @Test func aSceneBringsItBack() {
        let back = Ink(saved: cross().saved)
        #expect(back.strokes.map(\.count) == [2, 2])
        for (a, b) in zip(back.strokes.joined(), cross().strokes.joined()) {
            // Half a step of 16 bits, and some rounding.
            #expect(abs(a.x - b.x) < 1e-5 && abs(a.y - b.y) < 1e-5)
        }
        var full = back
        full.undo()
        full.undo()
        #expect(full == Ink())
    }

    @Test func aFullPadIsKeptAndIsSmall() {
        var ink = Ink()
        ink.begin(point(0, 1))
        for i in 1...Ink.mostPoints { ink.move(point(Double(i % 2), 1)) }
        ink.end()
        #expect(ink.saved.count == 2 + 4 * Ink.mostPoints)
        #expect(Ink(saved: ink.saved) == ink && Ink(saved: ink.saved).isFull)
    }

    // Half a number, no points, fewer numbers than points, a whole stroke and then none.
    @Test(arguments: [[1], [0, 0], [1, 0, 5, 5], [1, 0, 0, 0, 0, 0, 1, 0]])
    func whatIsNoInkIsAnEmptyPad(_ bytes: [UInt8]) {
        #expect(Ink(saved: Data(bytes)) == Ink())
    }

    @Test func morePointsThanAreTakenAreAnEmptyPad() {
        let count = Ink.mostPoints + 1
        let head = [UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8)]
        #expect(Ink(saved: Data(head) + Data(count: 4 * count)) == Ink())
        #expect(Ink(saved: Data([1, 0]) + Data(count: 4)).strokes == [[point(0, 0)]])
    }
}
