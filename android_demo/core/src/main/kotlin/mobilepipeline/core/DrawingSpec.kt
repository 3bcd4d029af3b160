package mobilepipeline.core

/**
 * From strokes to a picture, for models of handwriting.
 *
 * @property side of the square picture, pixels, 16..1024.
 * @property pen the pen's diameter as a share of the finished ink's longer side, above 0 and at most 0.5.
 */
public data class DrawingSpec(public val side: Int, public val pen: Double) {
    internal companion object {
        fun read(json: Json): DrawingSpec = DrawingSpec(
            side = json.field("side").int(16..1024),
            pen = json.field("pen").double("above 0 and at most 0.5") { it > 0.0 && it <= 0.5 },
        )
    }
}
