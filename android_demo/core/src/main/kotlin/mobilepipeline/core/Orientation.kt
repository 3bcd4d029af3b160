package mobilepipeline.core

/**
 * How a photo's rows and columns lie in the upright picture: the Orientation tag, 1..8, of Exif 2.3 (section 4.6.4).
 *
 * @property height of the upright picture.
 * @property width of the upright picture.
 * @property start index of the upright pixel that the photo's first one becomes, row-major.
 * @property perRow what is added for each row down the photo.
 * @property perColumn what is added for each column along it.
 */
public class Orientation private constructor(
    public val height: Int,
    public val width: Int,
    public val start: Int,
    public val perRow: Int,
    public val perColumn: Int,
) {
    public companion object {
        /** Of a photo of [height] x [width] as stored; an unknown [tag] is upright, as Exif readers agree. */
        public fun of(tag: Int, height: Int, width: Int): Orientation {
            val last = height * width - 1
            // Tags 5 to 8 lie on their side: rows become columns.
            return when (tag) {
                2 -> Orientation(height, width, start = width - 1, perRow = width, perColumn = -1)
                3 -> Orientation(height, width, start = last, perRow = -width, perColumn = -1)
                4 -> Orientation(height, width, start = last - width + 1, perRow = -width, perColumn = 1)
                5 -> Orientation(width, height, start = 0, perRow = 1, perColumn = height)
                6 -> Orientation(width, height, start = height - 1, perRow = -1, perColumn = height)
                7 -> Orientation(width, height, start = last, perRow = -1, perColumn = -height)
                8 -> Orientation(width, height, start = last - height + 1, perRow = 1, perColumn = -height)
                else -> Orientation(height, width, start = 0, perRow = width, perColumn = 1)
            }
        }
    }
}
