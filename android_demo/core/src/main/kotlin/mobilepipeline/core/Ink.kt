package mobilepipeline.core

import kotlin.math.abs

/**
 * Strokes on a square pad, as fractions of its side: they mean the same when the pad has another size.
 */
public class Ink {
    private val lines = mutableListOf<MutableList<Point>>()
    private var points = 0

    /** Strokes, oldest first; a view of what it holds, for the main thread. */
    public val strokes: List<List<Point>> get() = lines

    /** Whether it takes no more points. */
    public val isFull: Boolean get() = points >= MAX_POINTS

    /** Begins a stroke; false where there is no more room for one. */
    public fun begin(x: Float, y: Float): Boolean {
        if (isFull) return false
        lines += mutableListOf(Point(x.toDouble(), y.toDouble()))
        points++
        return true
    }

    /** Goes on with it; a point that shows no movement is left out. */
    public fun move(x: Float, y: Float) {
        val line = lines.lastOrNull() ?: return
        val last = line.last()
        if (isFull || abs(last.x - x) < STILL && abs(last.y - y) < STILL) return
        line += Point(x.toDouble(), y.toDouble())
        points++
    }

    /** Takes the last stroke back. */
    public fun undo() {
        points -= lines.removeLastOrNull()?.size ?: 0
    }

    /** Takes them all back. */
    public fun clear() {
        lines.clear()
        points = 0
    }

    /** A copy for another thread. */
    public fun copy(): List<List<Point>> = lines.map { it.toList() }

    /** What is written down to outlive the process: points of each stroke, oldest first. */
    public fun lengths(): IntArray = IntArray(lines.size) { lines[it].size }

    /** The same: x and y of every point, stroke after stroke. */
    public fun coordinates(): FloatArray {
        val flat = FloatArray(2 * points)
        lines.flatten().forEachIndexed { i, point ->
            flat[2 * i] = point.x.toFloat()
            flat[2 * i + 1] = point.y.toFloat()
        }
        return flat
    }

    /** Becomes the ink that was written down; false, and unchanged, where the two do not fit together. */
    public fun restore(lengths: IntArray, coordinates: FloatArray): Boolean {
        val total = lengths.sumOf { it.toLong() }
        if (lengths.any { it < 1 } || 2 * total != coordinates.size.toLong() || total > MAX_POINTS) return false
        if (!coordinates.all { it.isFinite() }) return false
        clear()
        for (length in lengths) {
            lines += MutableList(length) {
                val at = 2 * (points + it)
                Point(coordinates[at].toDouble(), coordinates[at + 1].toDouble())
            }
            points += length
        }
        return true
    }

    private companion object {
        /** Points; with 8 bytes each far below the megabyte that a saved state of all screens may have. */
        const val MAX_POINTS = 20_000

        /** Fraction of the side: a third of a pixel on a pad of 1,000. */
        const val STILL = 3e-4
    }
}
