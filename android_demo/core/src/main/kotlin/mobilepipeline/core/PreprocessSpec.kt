package mobilepipeline.core

/** What the model sees of a picture: one grey value per pixel, or three colours. */
public enum class Channels(internal val key: String, public val count: Int) { GRAY("gray", 1), RGB("rgb", 3) }

/** What is kept of a picture. */
public enum class Crop(internal val key: String) { NONE("none"), CENTER_SQUARE("center_square"), INK("ink") }

/** What of the ink comes to the middle of the canvas: its box, or its centre of mass. */
public enum class Place(internal val key: String) { BOX("box"), MASS("mass") }

/**
 * From decoded pixels to the model's input; [Preprocess] has the order of the steps.
 *
 * @property height of the input, pixels, 1..4096.
 * @property width of the input, pixels, 1..4096.
 * @property channels GRAY gives (height, width), RGB gives (height, width, 3).
 * @property invert the picture is dark on light, the model learned light on dark.
 * @property crop what to keep of the picture.
 * @property inkThreshold with crop INK: values above it are ink, 0..254.
 * @property fit with crop INK: the longer side of the ink's box in the input, pixels.
 * @property place with crop INK: what comes to the middle of the canvas.
 * @property blurSigma standard deviation of a Gaussian on the canvas, pixels, 0..8; 0 for none.
 * @property scale multiplies 0..255; not 0.
 * @property offset is added after it.
 */
public data class PreprocessSpec(
    public val height: Int,
    public val width: Int,
    public val channels: Channels = Channels.GRAY,
    public val invert: Boolean = false,
    public val crop: Crop = Crop.NONE,
    public val inkThreshold: Int = 0,
    public val fit: Int? = null,
    public val place: Place = Place.BOX,
    public val blurSigma: Double = 0.0,
    public val scale: Double = 1.0,
    public val offset: Double = 0.0,
) {
    /** Shape of the input without batch. */
    public val shape: List<Int>
        get() = if (channels == Channels.GRAY) listOf(height, width) else listOf(height, width, channels.count)

    internal companion object {
        private const val MAX_SIDE = 4096
        private const val MAX_BLUR = 8.0

        fun read(json: Json): PreprocessSpec {
            val spec = PreprocessSpec(
                height = json.field("height").int(1..MAX_SIDE),
                width = json.field("width").int(1..MAX_SIDE),
                channels = json.field("channels").choice(Channels.entries.associateBy { it.key }),
                invert = json.field("invert").boolean(),
                crop = json.field("crop").choice(Crop.entries.associateBy { it.key }),
                inkThreshold = json.field("ink_threshold").int(0..254),
                fit = json.field("fit").takeUnless { it.isNull }?.int(1..MAX_SIDE),
                place = json.field("place").choice(Place.entries.associateBy { it.key }),
                blurSigma = json.field("blur_sigma").double("0 to $MAX_BLUR pixels") { it in 0.0..MAX_BLUR },
                scale = json.field("scale").double("a number other than 0") { it != 0.0 },
                offset = json.field("offset").double(),
            )
            check(spec, json)
            return spec
        }

        private fun check(spec: PreprocessSpec, json: Json) {
            if (spec.crop == Crop.INK) {
                if (spec.channels != Channels.GRAY) json.field("channels").wrong("'gray', which crop 'ink' needs")
                if (spec.fit == null || spec.fit > minOf(spec.height, spec.width)) {
                    json.field("fit").wrong("1 to ${minOf(spec.height, spec.width)} pixels, which crop 'ink' needs")
                }
            } else {
                if (spec.fit != null) json.field("fit").wrong("null: it goes with crop 'ink'")
                if (spec.inkThreshold != 0) json.field("ink_threshold").wrong("0: it goes with crop 'ink'")
                if (spec.place != Place.BOX) json.field("place").wrong("'box': others go with crop 'ink'")
            }
        }
    }
}
