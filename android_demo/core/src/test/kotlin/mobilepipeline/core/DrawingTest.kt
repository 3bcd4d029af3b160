package mobilepipeline.core

import kotlin.math.cos
import kotlin.math.floor
import kotlin.math.sin
import kotlin.math.sqrt
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
        for (spec in listOf(DrawingSpec(40, 0.15), DrawingSpec(16, 0.5), DrawingSpec(64, 0.01))) {
            assertArrayEquals(atEveryPixel(spec, strokes), Drawing(spec).draw(strokes).bytes, "$spec")
        }
    }

    @Test
    fun `points that are no place are refused`() {
        for (point in listOf(Point(Double.NaN, 0.0), Point(0.0, Double.POSITIVE_INFINITY), Point(1.1e9, 0.0))) {
            val message = assertThrows(IllegalArgumentException::class.java) { drawing.draw(listOf(listOf(point))) }.message
            assertEquals("a stroke has a point that is not a number from -1.0E9 to 1.0E9", message)
        }
    }

    @Test
    fun `a spec made by hand is checked`() {
        fun message(action: () -> Unit) = assertThrows(IllegalArgumentException::class.java) { action() }.message
        assertEquals("drawing.side is 15, not 16..1024", message { DrawingSpec(15, 0.1) })
        assertEquals("drawing.pen is NaN, not above 0 and at most 0.5", message { DrawingSpec(16, Double.NaN) })
    }

    @Test
    fun `points that no number enlarges are a dot`() {
        val dot = drawing.draw(listOf(listOf(Point(0.0, 0.0))))
        assertArrayEquals(dot.bytes, drawing.draw(listOf(listOf(Point(0.0, 0.0), Point(Double.MIN_VALUE, 0.0)))).bytes)
    }

    @Test
    fun `a full pad is drawn while one writes`() {
        val pad = DrawingSpec(side = 280, pen = 0.12)
        val strokes = List(20) { handwriting(Random(it)) }
        fun milliseconds(action: () -> Unit): Double {
            val start = System.nanoTime()
            action()
            return (System.nanoTime() - start) / 1e6
        }
        val times = List(9) { milliseconds { Drawing(pad).draw(strokes) } }
        val slow = List(3) { milliseconds { atEveryPixel(pad, strokes) } }
        println("1,200 points on 280 x 280: ${times.sorted()[4].toInt()} ms (median of 9), looking everywhere ${slow.min().toInt()} ms")
        assertTrue(times.min() * LEAST_GAIN < slow.min()) { "a pad takes ${times.min()} ms, looking at every pixel ${slow.min()} ms" }
    }

    private companion object {
        /** Of looking only near a segment; about a hundred were measured: a busy machine slows down both. */
        const val LEAST_GAIN = 5

        /** A stroke of 60 points, each a few units from the one before, as fingers move. */
        fun handwriting(random: Random): List<Point> {
            val (x, y) = random.nextDouble(20.0, 280.0) to random.nextDouble(20.0, 280.0)
            val turn = random.nextDouble(-0.2, 0.2)
            return List(60) { Point(x + 15 * sin(it * turn) + it * 0.3, y + 15 * cos(it * turn) - it * 0.2) }
        }

        /** The same picture step by step as the contract says, without a thought for speed. */
        fun atEveryPixel(spec: DrawingSpec, strokes: List<List<Point>>): ByteArray {
            val points = strokes.flatten()
            val (left, right) = points.minOf { it.x } to points.maxOf { it.x }
            val (top, bottom) = points.minOf { it.y } to points.maxOf { it.y }
            val inner = (spec.side - 4).toDouble()
            val pen = spec.pen * inner
            val longer = maxOf(right - left, bottom - top)
            val scale = if (longer > 0) (inner - pen) / longer else 0.0
            val segments = strokes.filter { it.isNotEmpty() }.flatMap { stroke ->
                val line = stroke.map { (x, y) ->
                    Point((x - (left + right) / 2) * scale + spec.side / 2.0, (y - (top + bottom) / 2) * scale + spec.side / 2.0)
                }
                if (line.size == 1) listOf(line[0] to line[0]) else line.zipWithNext()
            }
            return ByteArray(spec.side * spec.side) { pixel ->
                val (px, py) = pixel % spec.side + 0.5 to pixel / spec.side + 0.5
                val nearest = segments.minOf { (a, b) ->
                    val (dx, dy) = b.x - a.x to b.y - a.y
                    val length = dx * dx + dy * dy
                    val t = if (length == 0.0) 0.0 else (((px - a.x) * dx + (py - a.y) * dy) / length).coerceIn(0.0, 1.0)
                    val (ex, ey) = px - (a.x + t * dx) to py - (a.y + t * dy)
                    ex * ex + ey * ey
                }
                val ink = (pen / 2 + 0.5 - sqrt(nearest)).coerceIn(0.0, 1.0)
                (255 - floor(255 * ink + 0.5).toInt()).toByte()
            }
        }
    }

    private fun scribble(random: Random): List<List<Point>> = List(random.nextInt(1, 4)) {
        List(random.nextInt(1, 8)) { Point(random.nextInt(0, 300).toDouble(), random.nextInt(0, 300).toDouble()) }
    }
}
