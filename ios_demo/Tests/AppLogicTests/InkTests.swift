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

    @Test func aSceneBringsItBack() {
        let back = Ink(saved: cross().saved)
        #expect(back.strokes.map(\.count) == [2, 2])
        for (a, b) in zip(back.strokes.joined(), cross().strokes.joined()) {
            #expect(abs(a.x - b.x) < 1e-6 && abs(a.y - b.y) < 1e-6)
        }
        var full = back
        full.undo()
        full.undo()
        #expect(full == Ink())
    }

    @Test(arguments: ["", "[", "7", "[[1]]", "[[]]", "[[1,2,3]]", "[[1e9,0]]", "[[null,0]]", "[[\"a\",0]]"])
    func whatIsNoInkIsAnEmptyPad(_ text: String) {
        #expect(Ink(saved: Data(text.utf8)) == Ink())
    }
}
