package mobilepipeline.core

import kotlin.math.ceil
import kotlin.math.exp

/** Standard deviations that the kernel reaches; the 0.3 % of the weight beyond is spread over the rest. */
private const val GAUSSIAN_REACH = 3

/**
 * Separable Gaussian on an image of one size, black beyond the edge. Keeps a buffer: of one thread.
 *
 * @param sigma standard deviation, pixels, above 0.
 */
internal class Blur(private val height: Int, private val width: Int, private val channels: Int, sigma: Double) {
    private val reach = ceil(GAUSSIAN_REACH * sigma).toInt()
    private val kernel = DoubleArray(2 * reach + 1) { exp(-0.5 * ((it - reach) / sigma) * ((it - reach) / sigma)) }
    private val between = DoubleArray(height * width * channels)

    init {
        val sum = kernel.sum()
        for (i in kernel.indices) kernel[i] /= sum
    }

    /** Blurs (height, width, channels) in place, along the columns first. */
    fun apply(values: DoubleArray) {
        val row = width * channels
        along(values, between, length = height, stride = row, lines = row) { line, place -> place * row + line }
        along(between, values, length = width, stride = channels, lines = height * channels) { line, place ->
            line / channels * row + place * channels + line % channels
        }
    }

    private inline fun along(
        from: DoubleArray, to: DoubleArray, length: Int, stride: Int, lines: Int, index: (line: Int, place: Int) -> Int,
    ) {
        for (line in 0 until lines) {
            for (place in 0 until length) {
                val at = index(line, place)
                var sum = 0.0
                for (step in maxOf(-reach, -place)..minOf(reach, length - 1 - place)) {
                    sum += kernel[step + reach] * from[at + step * stride]
                }
                to[at] = sum
            }
        }
    }
}
