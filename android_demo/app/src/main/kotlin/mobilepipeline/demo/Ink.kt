package mobilepipeline.demo

import android.os.Bundle
import kotlin.math.abs
import mobilepipeline.core.Point

/**
 * Strokes on a square pad, as fractions of its side: they mean the same when the pad has another size.
 */
class Ink {
    private val lines = mutableListOf<MutableList<Point>>()
    private var points = 0

    /** Strokes, oldest first; a view of what it holds, for the main thread. */
    val strokes: List<List<Point>> get() = lines

    val isFull: Boolean get() = points >= MAX_POINTS

    /** Begins a stroke; false where there is no more room for one. */
    fun begin(x: Float, y: Float): Boolean {
        if (isFull) return false
        lines += mutableListOf(Point(x.toDouble(), y.toDouble()))
        points++
        return true
    }

    /** Goes on with it; a point that shows no movement is left out. */
    fun move(x: Float, y: Float) {
        val line = lines.lastOrNull() ?: return
        val last = line.last()
        if (isFull || abs(last.x - x) < STILL && abs(last.y - y) < STILL) return
        line += Point(x.toDouble(), y.toDouble())
        points++
    }

    /** Takes the last stroke back. */
    fun undo() {
        points -= lines.removeLastOrNull()?.size ?: 0
    }

    fun clear() {
        lines.clear()
        points = 0
    }

    /** A copy for another thread. */
    fun copy(): List<List<Point>> = lines.map { it.toList() }

    fun save(into: Bundle) {
        into.putIntArray(LENGTHS, IntArray(lines.size) { lines[it].size })
        val flat = FloatArray(2 * points)
        lines.flatten().forEachIndexed { i, point ->
            flat[2 * i] = point.x.toFloat()
            flat[2 * i + 1] = point.y.toFloat()
        }
        into.putFloatArray(POINTS, flat)
    }

    fun restore(from: Bundle) {
        val lengths = from.getIntArray(LENGTHS) ?: return
        val flat = from.getFloatArray(POINTS) ?: return
        if (lengths.any { it < 1 } || lengths.sum() * 2 != flat.size) return
        clear()
        var at = 0
        for (length in lengths) {
            lines += MutableList(length) { Point(flat[2 * (at + it)].toDouble(), flat[2 * (at + it) + 1].toDouble()) }
            at += length
        }
        points = at
    }

    private companion object {
        const val LENGTHS = "ink.lengths"
        const val POINTS = "ink.points"

        /** Points; with 8 bytes each far below the megabyte that a saved state of all screens may have. */
        const val MAX_POINTS = 20_000

        /** Fraction of the side: a third of a pixel on a pad of 1,000. */
        const val STILL = 3e-4
    }
}
