package mobilepipeline.demo

import mobilepipeline.core.Point
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

class InkTest {
    private val ink = Ink()

    @Test
    fun strokesGrowAndGo() {
        ink.begin(0f, 0f)
        ink.move(0.5f, 0.25f)
        ink.begin(1f, 1f)
        assertEquals(listOf(listOf(Point(0.0, 0.0), Point(0.5, 0.25)), listOf(Point(1.0, 1.0))), ink.strokes)
        ink.undo()
        assertEquals(1, ink.strokes.size)
        ink.undo()
        ink.undo()
        assertTrue(ink.strokes.isEmpty())
    }

    @Test
    fun aPointThatDoesNotMoveIsLeftOut() {
        ink.begin(0.5f, 0.5f)
        ink.move(0.5f, 0.5001f)
        assertEquals(1, ink.strokes.single().size)
    }

    @Test
    fun aMoveWithoutAStrokeIsNothing() {
        ink.move(0.5f, 0.5f)
        assertTrue(ink.strokes.isEmpty())
    }

    @Test
    fun theCopyStaysAsItWas() {
        ink.begin(0f, 0f)
        val copy = ink.copy()
        ink.move(1f, 1f)
        assertEquals(1, copy.single().size)
    }

    @Test
    fun aFullPadTakesNoMoreUntilSomethingGoes() {
        ink.begin(0f, 0f)
        var count = 1
        while (!ink.isFull) ink.move((count++ % 2).toFloat(), 0f)
        ink.move(0.5f, 0.5f)
        assertFalse(ink.begin(0.5f, 0.5f))
        assertEquals(count, ink.strokes.single().size)
        ink.clear()
        assertFalse(ink.isFull)
    }
}
