package mobilepipeline.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

internal class InkTest {
    private val ink = Ink()

    @Test
    fun `strokes grow and go`() {
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
    fun `a point that does not move is left out`() {
        ink.begin(0.5f, 0.5f)
        ink.move(0.5f, 0.5001f)
        assertEquals(1, ink.strokes.single().size)
    }

    @Test
    fun `a move without a stroke is nothing`() {
        ink.move(0.5f, 0.5f)
        assertTrue(ink.strokes.isEmpty())
    }

    @Test
    fun `the copy stays as it was`() {
        ink.begin(0f, 0f)
        val copy = ink.copy()
        ink.move(1f, 1f)
        assertEquals(1, copy.single().size)
    }

    @Test
    fun `a full pad takes no more until something goes`() {
        ink.begin(0f, 0f)
        var count = 1
        while (!ink.isFull) ink.move((count++ % 2).toFloat(), 0f)
        ink.move(0.5f, 0.5f)
        assertFalse(ink.begin(0.5f, 0.5f))
        assertEquals(count, ink.strokes.single().size)
        ink.clear()
        assertFalse(ink.isFull)
    }

    @Test
    fun `what is written down comes back as it was, and goes on`() {
        ink.begin(0.125f, 0.5f)
        ink.move(0.3f, 0.7f)
        ink.begin(1f, 0f)
        val back = Ink().apply { begin(0.9f, 0.9f) }
        assertTrue(back.restore(ink.lengths(), ink.coordinates()))
        assertEquals(ink.strokes, back.strokes)
        back.undo()
        back.move(0.9f, 0.1f)
        assertEquals(3, back.strokes.single().size)
        assertEquals(6, back.coordinates().size)
    }

    @Test
    fun `nothing written down is nothing, and damaged ink changes nothing`() {
        ink.begin(0.5f, 0.5f)
        val damaged = listOf(
            intArrayOf(2) to FloatArray(2),
            intArrayOf(1, 0) to FloatArray(2),
            intArrayOf(-1, 2) to FloatArray(2),
            intArrayOf(1) to floatArrayOf(0f, Float.NaN),
            intArrayOf(Int.MAX_VALUE, Int.MAX_VALUE, 3) to FloatArray(2),
            intArrayOf(20_001) to FloatArray(40_002),
        )
        for ((lengths, points) in damaged) assertFalse(ink.restore(lengths, points), lengths.contentToString())
        assertEquals(listOf(listOf(Point(0.5, 0.5))), ink.strokes)
        assertTrue(ink.restore(IntArray(0), FloatArray(0)))
        assertTrue(ink.strokes.isEmpty())
    }
}
