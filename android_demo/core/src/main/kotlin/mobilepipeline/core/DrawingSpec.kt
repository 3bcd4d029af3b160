package mobilepipeline.core

/**
 * From strokes to a picture, for models of handwriting.
 *
 * @property side of the square picture, pixels, 16..1024.
 * @property pen the pen's diameter as a share of the finished ink's longer side, above 0 and at most 0.5.
 * @throws IllegalArgumentException either is out of its range.
 */
public data class DrawingSpec(public val side: Int, public val pen: Double) {
    init {
        require(side in SIDES) { "drawing.side is $side, not $SIDES" }
        require(pen > 0.0 && pen <= 0.5) { "drawing.pen is $pen, not above 0 and at most 0.5" }
    }

    internal companion object {
        private val SIDES = 16..1024

        fun read(json: Json): DrawingSpec = DrawingSpec(
            side = json.field("side").int(SIDES),
            pen = json.field("pen").double("above 0 and at most 0.5") { it > 0.0 && it <= 0.5 },
        )
    }
}
