package mobilepipeline.core

/** Rows of what is to be resized, made one at a time: a whole photo in float64 would take 300 MB. */
internal interface Rows {
    val height: Int
    val width: Int
    val channels: Int

    /** Writes row [row] into the first `width * channels` of [into]. */
    fun read(row: Int, into: DoubleArray)
}

/** Pairs of lengths whose weights are kept: ink is of another size every time it grows. */
private const val CACHED_WEIGHTS = 64

/**
 * Bilinear resize with antialiasing, first along each row, then along each column, sums in float64; the twin of
 * `pipeline/resampling.py`. Keeps its weights and rows: of one thread, and nothing is allocated for a known size.
 */
internal class Resize {
    private val cache = arrayOfNulls<Weights>(CACHED_WEIGHTS)
    private var oldest = 0
    private var across = Weights(1, 1)
    private var down = Weights(1, 1)
    private var wide = DoubleArray(0)
    private var narrow = DoubleArray(0)

    /** Resizes to (height, width) into the first `height * width * channels` of [out]. */
    fun resize(rows: Rows, height: Int, width: Int, out: DoubleArray) {
        if (across.source != rows.width || across.target != width) across = weights(rows.width, width)
        if (down.source != rows.height || down.target != height) down = weights(rows.height, height)
        val channels = rows.channels
        if (wide.size < rows.width * channels) wide = DoubleArray(rows.width * channels)
        val length = width * channels
        if (narrow.size < length) narrow = DoubleArray(length)
        out.fill(0.0, 0, height * length)

        var first = 0
        for (row in 0 until rows.height) {
            // Output rows take a run of source rows each, and both only go forward.
            while (first < height && down.starts[first] + down.counts[first] <= row) first++
            rows.read(row, wide)
            if (channels == 1) narrowGray(width) else narrowColour(width)
            var target = first
            while (target < height && down.starts[target] <= row) {
                val weight = down.values[down.offsets[target] + row - down.starts[target]]
                val offset = target * length
                for (i in 0 until length) out[offset + i] += weight * narrow[i]
                target++
            }
        }
    }

    /** A handful at most: looking through them takes less than a map's keys, which would be allocated each time. */
    private fun weights(source: Int, target: Int): Weights {
        for (known in cache) if (known != null && known.source == source && known.target == target) return known
        val made = Weights(source, target)
        cache[oldest] = made
        oldest = (oldest + 1) % cache.size
        return made
    }

    private fun narrowGray(width: Int) {
        for (i in 0 until width) {
            var sum = 0.0
            val offset = across.offsets[i]
            val start = across.starts[i]
            for (k in 0 until across.counts[i]) sum += across.values[offset + k] * wide[start + k]
            narrow[i] = sum
        }
    }

    private fun narrowColour(width: Int) {
        for (i in 0 until width) {
            var red = 0.0
            var green = 0.0
            var blue = 0.0
            var at = across.starts[i] * 3
            for (k in across.offsets[i] until across.offsets[i] + across.counts[i]) {
                val weight = across.values[k]
                red += weight * wide[at]
                green += weight * wide[at + 1]
                blue += weight * wide[at + 2]
                at += 3
            }
            narrow[i * 3] = red
            narrow[i * 3 + 1] = green
            narrow[i * 3 + 2] = blue
        }
    }
}
