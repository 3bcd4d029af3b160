package mobilepipeline.core

import kotlin.random.Random
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.RepeatedTest
import org.junit.jupiter.api.RepetitionInfo
import org.junit.jupiter.api.Test

internal class DrawingTest {
    private val spec = DrawingSpec(side = 40, pen = 0.15)
    private val drawing = Drawing(spec)

    @Test
    fun `nothing drawn is white paper`() {
        for (strokes in listOf(listOf(), listOf(listOf<Point>(), listOf()))) {
            assertEquals(setOf(255), drawing.draw(strokes).levels().toSet())
        }
    }

    @Test
    fun `a dot is a disc in the middle`() {
        val found = drawing.draw(listOf(listOf(Point(-3.0, 1e6)))).levels().chunked(40)
        assertEquals(0, found[20][20])
        assertEquals(255, found[20][24])
        assertEquals(found, found.reversed())
        assertEquals(found, found.map { it.reversed() })
    }

    @Test
    fun `the ink fills the picture up to the margin along its longer side`() {
        val found = drawing.draw(listOf(listOf(Point(0.0, 0.0), Point(10.0, 3.0)))).levels().chunked(40)
        val inked = (0 until 40).filter { column -> found.any { it[column] < 128 } }
        assertEquals(listOf(2, 37), listOf(inked.first(), inked.last()))
    }

    @RepeatedTest(20)
    fun `size and place make no difference, nor does the order of strokes`(repetition: RepetitionInfo) {
        val random = Random(repetition.currentRepetition)
        // Powers of two scale float64 exactly, and small whole numbers move it exactly.
        val strokes = scribble(random)
        val size = listOf(0.25, 0.5, 4.0, 64.0).random(random)
        val (right, down) = random.nextInt(-200, 200) to random.nextInt(-200, 200)
        val moved = strokes.map { stroke -> stroke.map { Point((it.x + right) * size, (it.y + down) * size) } }
        assertArrayEquals(drawing.draw(strokes).bytes, drawing.draw(moved).bytes)
        assertArrayEquals(drawing.draw(strokes).bytes, drawing.draw(strokes.reversed()).bytes)
    }

    @RepeatedTest(20)
    fun `the ink stays off the margin, and a further stroke within its box takes none away`(repetition: RepetitionInfo) {
        val random = Random(50 + repetition.currentRepetition)
        val strokes = scribble(random)
        val before = drawing.draw(strokes).levels()
        val outermost = before.filterIndexed { i, _ -> i / 40 in listOf(0, 39) || i % 40 in listOf(0, 39) }
        assertEquals(setOf(255), outermost.toSet())
        val all = strokes.flatten()
        val after = drawing.draw(strokes + listOf(listOf(all.random(random), all.random(random)))).levels()
        assertTrue(after.indices.all { after[it] <= before[it] })
    }

    @RepeatedTest(10)
    fun `only pixels near a segment are looked at, with the answer of looking at all`(repetition: RepetitionInfo) {
        val random = Random(90 + repetition.currentRepetition)
        val strokes = scribble(random)
        // A pen so wide that every pixel is near compares with the same strokes drawn twice.
        val wide = Drawing(DrawingSpec(16, 0.5))
        assertArrayEquals(wide.draw(strokes).bytes, wide.draw(strokes + strokes).bytes)
    }

    @Test
    fun `points that are no place are refused`() {
        for (point in listOf(Point(Double.NaN, 0.0), Point(0.0, Double.POSITIVE_INFINITY), Point(1.1e9, 0.0))) {
            val message = assertThrows(IllegalArgumentException::class.java) { drawing.draw(listOf(listOf(point))) }.message
            assertEquals("a stroke has a point that is not a number from -1.0E9 to 1.0E9", message)
        }
    }

    @Test
    fun `points that no number enlarges are a dot`() {
        val dot = drawing.draw(listOf(listOf(Point(0.0, 0.0))))
        assertArrayEquals(dot.bytes, drawing.draw(listOf(listOf(Point(0.0, 0.0), Point(Double.MIN_VALUE, 0.0)))).bytes)
    }

    @Test
    fun `a full pad is drawn while one writes`() {
        val pad = Drawing(DrawingSpec(side = 280, pen = 0.12))
        val strokes = List(20) { scribble(Random(it)).first { stroke -> stroke.isNotEmpty() } }
            .map { stroke -> List(60) { i -> stroke[i % stroke.size].let { Point(it.x + i / 9.0, it.y + i / 7.0) } } }
        val times = List(9) {
            val start = System.nanoTime()
            pad.draw(strokes)
            (System.nanoTime() - start) / 1e6
        }
        println("1,200 points on 280 x 280: ${times.sorted()[4].toInt()} ms (median of 9)")
        assertTrue(times.min() < SLOWEST_MILLISECONDS) { "a pad takes ${times.min()} ms" }
    }

    private companion object {
        /** Far above what was measured, below what looking at every pixel for every segment takes. */
        const val SLOWEST_MILLISECONDS = 400.0
    }

    private fun scribble(random: Random): List<List<Point>> = List(random.nextInt(1, 4)) {
        List(random.nextInt(1, 8)) { Point(random.nextInt(0, 300).toDouble(), random.nextInt(0, 300).toDouble()) }
    }
}
