package mobilepipeline.core

import kotlin.math.abs

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
 * @property offset is added after it, both in float32.
 * @throws IllegalArgumentException a field is out of its range, or does not go with the others.
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
    init {
        fault()?.let { (field, sentence) -> throw IllegalArgumentException("preprocess.$field is not $sentence") }
    }

    /** Shape of the input without batch. */
    public val shape: List<Int>
        get() = if (channels == Channels.GRAY) listOf(height, width) else listOf(height, width, channels.count)

    /** The first field that is out of its range, or does not go with the others, and what it is not. */
    private fun fault(): Pair<String, String>? = when {
        height !in SIDES -> "height" to "1 to ${SIDES.last} pixels"
        width !in SIDES -> "width" to "1 to ${SIDES.last} pixels"
        inkThreshold !in INK -> "ink_threshold" to "0 to ${INK.last}"
        blurSigma !in BLUR -> "blur_sigma" to "0 to ${BLUR.endInclusive} pixels"
        else -> fault(crop, channels, minOf(height, width), fit, inkThreshold, place) ?: fault(scale, offset)
    }

    internal companion object {
        private val SIDES = 1..4096
        private val INK = 0..254
        private val BLUR = 0.0..8.0

        fun read(json: Json): PreprocessSpec {
            val height = json.field("height").int(SIDES)
            val width = json.field("width").int(SIDES)
            val channels = json.field("channels").choice(Channels.entries.associateBy { it.key })
            val crop = json.field("crop").choice(Crop.entries.associateBy { it.key })
            val inkThreshold = json.field("ink_threshold").int(INK)
            val fit = json.field("fit").takeUnless { it.isNull }?.int(SIDES)
            val place = json.field("place").choice(Place.entries.associateBy { it.key })
            val scale = json.field("scale").double()
            val offset = json.field("offset").double()
            val fault = fault(crop, channels, minOf(height, width), fit, inkThreshold, place) ?: fault(scale, offset)
            fault?.let { (field, sentence) -> json.field(field).wrong(sentence) }
            return PreprocessSpec(
                height, width, channels, json.field("invert").boolean(), crop, inkThreshold, fit, place,
                json.field("blur_sigma").double("0 to ${BLUR.endInclusive} pixels") { it in BLUR }, scale, offset,
            )
        }

        private fun fault(
            crop: Crop, channels: Channels, side: Int, fit: Int?, inkThreshold: Int, place: Place,
        ): Pair<String, String>? = when {
            crop == Crop.INK && channels != Channels.GRAY -> "channels" to "'gray', which crop 'ink' needs"
            crop == Crop.INK && (fit == null || fit !in 1..side) -> "fit" to "1 to $side pixels, which crop 'ink' needs"
            crop == Crop.INK -> null
            fit != null -> "fit" to "null: it goes with crop 'ink'"
            inkThreshold != 0 -> "ink_threshold" to "0: it goes with crop 'ink'"
            place != Place.BOX -> "place" to "'box': others go with crop 'ink'"
            else -> null
        }

        /** Both are applied in float32, and so must not leave its range there, nor lose their precision. */
        private fun fault(scale: Double, offset: Double): Pair<String, String>? = when {
            scale == 0.0 -> "scale" to "a number other than 0"
            abs(scale) !in SMALLEST_FLOAT32..LARGEST_FLOAT32 -> "scale" to "within the range of float32"
            abs(offset) !in 0.0..LARGEST_FLOAT32 -> "offset" to "within the range of float32"
            abs(255 * scale + offset) !in 0.0..LARGEST_FLOAT32 ->
                "scale" to "such that 255 of it and offset stay within float32"
            else -> null
        }

        private const val LARGEST_FLOAT32 = 3.4028234663852886e38

        /** Of those that keep their precision. */
        private const val SMALLEST_FLOAT32 = 1.1754943508222875e-38
    }
}
