package mobilepipeline.core

/**
 * A picture after the steps channels, invert and crop, which cost nothing until a row is read.
 *
 * @param spec the contract.
 */
internal class Canvas(private val spec: PreprocessSpec) : Rows {
    private var pixels: Pixels? = null
    private var top = 0
    private var left = 0

    override var height = 0
        private set
    override var width = 0
        private set
    override val channels get() = spec.channels.count

    /** Grey level of the picture to that of the canvas; with crop INK what is not ink is black. */
    private val levels = DoubleArray(256) {
        val level = if (spec.invert) 255 - it else it
        if (spec.crop == Crop.INK && level <= spec.inkThreshold) 0.0 else level.toDouble()
    }

    /** Takes a whole picture. */
    fun take(picture: Pixels) {
        pixels = picture
        top = 0
        left = 0
        height = picture.height
        width = picture.width
    }

    /** Lets go of it: a photo is large. */
    fun release() {
        pixels = null
    }

    fun cropToCenterSquare() {
        val side = minOf(height, width)
        top += (height - side) / 2
        left += (width - side) / 2
        height = side
        width = side
    }

    /** Keeps the bounding box of the ink; false where there is none. */
    fun cropToInk(): Boolean {
        val picture = requireNotNull(pixels) { "no picture was taken" }
        // Not in pairs: each would be allocated anew for every picture.
        var first = picture.height
        var last = -1
        var leftmost = picture.width
        var rightmost = -1
        for (row in 0 until picture.height) {
            var column = 0
            while (column < picture.width && !isInk(picture, row, column)) column++
            if (column == picture.width) continue
            if (first > row) first = row
            last = row
            if (column < leftmost) leftmost = column
            column = picture.width - 1
            while (column > rightmost && !isInk(picture, row, column)) column--
            if (column > rightmost) rightmost = column
        }
        if (last < 0) return false
        top = first
        left = leftmost
        height = last - first + 1
        width = rightmost - leftmost + 1
        return true
    }

    override fun read(row: Int, into: DoubleArray) {
        val picture = requireNotNull(pixels) { "no picture was taken" }
        val bytes = picture.bytes
        var at = ((top + row) * picture.width + left) * picture.channels
        when {
            picture.channels == channels ->
                for (i in 0 until width * channels) into[i] = levels[bytes[at++].toInt() and 0xFF]
            channels == 1 -> for (i in 0 until width) {
                into[i] = levels[luma(bytes, at)]
                at += 3
            }
            else -> for (i in 0 until width) {
                val level = levels[bytes[at++].toInt() and 0xFF]
                into[i * 3] = level
                into[i * 3 + 1] = level
                into[i * 3 + 2] = level
            }
        }
    }

    private fun isInk(picture: Pixels, row: Int, column: Int): Boolean {
        val at = (row * picture.width + column) * picture.channels
        val level = if (picture.channels == 3) luma(picture.bytes, at) else picture.bytes[at].toInt() and 0xFF
        return levels[level] > 0.0
    }

    private companion object {
        /** ITU-R BT.601, in whole numbers of 1/65536. */
        fun luma(bytes: ByteArray, at: Int): Int {
            val red = bytes[at].toInt() and 0xFF
            val green = bytes[at + 1].toInt() and 0xFF
            val blue = bytes[at + 2].toInt() and 0xFF
            return (19595 * red + 38470 * green + 7471 * blue + 32768) shr 16
        }
    }
}
