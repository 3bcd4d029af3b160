package mobilepipeline.core

/**
 * A picture: row-major, channels last, one byte 0..255 per value.
 *
 * @property height pixels, at least 1.
 * @property width pixels, at least 1.
 * @property channels 1 (grey) or 3 (RGB).
 * @property bytes `height * width * channels` values; not copied.
 * @throws IllegalArgumentException where these do not fit together.
 */
public class Pixels(
    public val height: Int,
    public val width: Int,
    public val channels: Int,
    public val bytes: ByteArray,
) {
    init {
        val expected = size(height, width, channels)
        require(bytes.size.toLong() == expected) {
            "pixels of $height x $width x $channels are $expected bytes, not ${bytes.size}"
        }
    }

    /**
     * A black picture.
     *
     * @throws IllegalArgumentException there is none of this size, or no array that long.
     */
    public constructor(height: Int, width: Int, channels: Int) :
        this(height, width, channels, black(height, width, channels))

    private companion object {
        fun size(height: Int, width: Int, channels: Int): Long {
            require(channels == 1 || channels == 3) { "pixels have $channels channels, not 1 or 3" }
            require(height >= 1 && width >= 1) { "pixels are $height x $width: there must be at least one" }
            // Three factors of 31 bits would run over; two never do, nor does a third that is at most 3.
            return height.toLong() * width * channels
        }

        fun black(height: Int, width: Int, channels: Int): ByteArray {
            val size = size(height, width, channels)
            require(size <= Int.MAX_VALUE) {
                "pixels of $height x $width x $channels are $size bytes, more than an array holds"
            }
            return ByteArray(size.toInt())
        }
    }
}
