package mobilepipeline.core

import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.floor

/**
 * What each output pixel of a bilinear resize takes of which source pixels, along one axis.
 *
 * Output pixel `i` looks at `(i + 0.5) * source / target` with a triangle of half-width
 * `max(1, source / target)` source pixels; its weights sum to 1.
 *
 * @property starts first source pixel of each output pixel; never less than that of the one before.
 * @property counts how many it takes.
 * @property offsets of its first weight in [values].
 * @property values weights, one output pixel after another.
 */
internal class Weights(val source: Int, val target: Int) {
    val starts = IntArray(target)
    val counts = IntArray(target)
    val offsets = IntArray(target)
    val values: DoubleArray

    init {
        val ratio = source.toDouble() / target
        val reach = maxOf(1.0, ratio)
        val taps = ceil(2 * reach).toInt() + 1
        val all = DoubleArray(target * taps)
        var used = 0
        for (i in 0 until target) {
            val center = (i + 0.5) * ratio
            val lowest = floor(center - reach).toInt()
            offsets[i] = used
            var sum = 0.0
            for (place in maxOf(0, lowest) until minOf(source, lowest + taps)) {
                val weight = maxOf(0.0, 1.0 - abs(place + 0.5 - center) / reach)
                if (weight == 0.0) continue
                if (counts[i] == 0) starts[i] = place
                counts[i]++
                all[used++] = weight
                sum += weight
            }
            for (k in offsets[i] until used) all[k] /= sum
        }
        values = all.copyOf(used)
    }
}
