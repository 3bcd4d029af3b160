package mobilepipeline.core

import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.sqrt

/** A point of a stroke in any unit, y downwards. */
public data class Point(public val x: Double, public val y: Double)

/** Pixels left white at the nearest edge. */
private const val MARGIN = 2

/** Largest coordinate, either sign: screens have a few thousand points, and sums of two stay exact enough. */
private const val MAX_COORDINATE = 1e9

/**
 * From strokes to a picture: dark ink on white paper; the twin of `pipeline/drawing.py`.
 *
 * The ink is scaled so that its longer side, pen and all, fills the picture but for MARGIN; how large it was drawn,
 * and where, makes no difference. All in float64. Keeps nothing between calls: threads may share it, and each call
 * takes 9 bytes for every pixel of the picture (0.7 MB for a side of 280) and some for every point.
 */
public class Drawing(private val spec: DrawingSpec) {
    /**
     * Draws [strokes], each a polyline; one of a single point is a dot, an empty one nothing.
     *
     * @return grey (side, side), 0 for ink, 255 for paper, smooth between.
     * @throws IllegalArgumentException a coordinate is not finite, or beyond MAX_COORDINATE.
     */
    public fun draw(strokes: List<List<Point>>): Pixels {
        val picture = Pixels(spec.side, spec.side, 1).apply { bytes.fill(PAPER) }
        val points = strokes.flatten()
        if (points.isEmpty()) return picture
        require(points.all { abs(it.x) <= MAX_COORDINATE && abs(it.y) <= MAX_COORDINATE }) {
            "a stroke has a point that is not a number from -$MAX_COORDINATE to $MAX_COORDINATE"
        }
        val left = points.minOf { it.x }
        val right = points.maxOf { it.x }
        val top = points.minOf { it.y }
        val bottom = points.maxOf { it.y }
        val longer = maxOf(right - left, bottom - top)

        val inner = (spec.side - 2 * MARGIN).toDouble()
        val pen = spec.pen * inner
        // Points so close that no float64 enlarges them are one dot.
        val scale = ((inner - pen) / longer).takeIf { it.isFinite() } ?: 0.0
        val middle = spec.side / 2.0
        fun placed(point: Point) = Point(
            (point.x - (left + right) / 2) * scale + middle,
            (point.y - (top + bottom) / 2) * scale + middle,
        )
        val distances = Distances(spec.side, reach = pen / 2 + 0.5)
        for (stroke in strokes) {
            val line = stroke.map(::placed)
            if (line.size == 1) distances.add(line[0], line[0])
            for (i in 1 until line.size) distances.add(line[i - 1], line[i])
        }
        distances.ink(picture.bytes)
        return picture
    }

    /** Squared distance of each pixel's centre to the nearest segment, where it is within [reach]. */
    private class Distances(private val side: Int, private val reach: Double) {
        private val squares = DoubleArray(side * side) { Double.POSITIVE_INFINITY }

        fun add(a: Point, b: Point) {
            val dx = b.x - a.x
            val dy = b.y - a.y
            val length = dx * dx + dy * dy
            // Beyond the reach there is no ink: only the pixels about the segment are looked at.
            for (row in pixels(minOf(a.y, b.y), maxOf(a.y, b.y))) {
                for (column in pixels(minOf(a.x, b.x), maxOf(a.x, b.x))) {
                    val px = column + 0.5
                    val py = row + 0.5
                    val along = if (length > 0.0) ((px - a.x) * dx + (py - a.y) * dy) / length else 0.0
                    val t = along.coerceIn(0.0, 1.0)
                    val ex = px - (a.x + t * dx)
                    val ey = py - (a.y + t * dy)
                    val square = ex * ex + ey * ey
                    if (square < squares[row * side + column]) squares[row * side + column] = square
                }
            }
        }

        fun ink(into: ByteArray) {
            for (i in squares.indices) {
                if (squares[i] == Double.POSITIVE_INFINITY) continue
                val ink = (reach - sqrt(squares[i])).coerceIn(0.0, 1.0)
                into[i] = (255 - floor(255 * ink + 0.5).toInt()).toByte()
            }
        }

        private fun pixels(low: Double, high: Double): IntRange =
            maxOf(0, floor(low - reach).toInt() - 1)..minOf(side - 1, ceil(high + reach).toInt() + 1)
    }

    private companion object {
        const val PAPER: Byte = -1
    }
}
