package mobilepipeline.core

/** What a golden case starts with. */
public enum class GoldenKind(internal val key: String) {
    /** A picture of the input's size. */
    IMAGE("image"),

    /** Any picture, which goes through the whole PreprocessSpec. */
    PICTURE("picture"),

    /** Strokes, which are drawn first. */
    STROKES("strokes"),
}

/**
 * A case with every intermediate result in `golden/ID/`, raw, row-major, little-endian.
 *
 * @property id name of its folder.
 * @property kind what it starts with.
 * @property pixelsShape of `pixels.u8`: (height, width) or (height, width, channels).
 * @property label right class index; null of strokes that nobody meant anything by, and of made-up pictures.
 * @property top1 class index that the model answers.
 */
public data class GoldenCase(
    public val id: String,
    public val kind: GoldenKind,
    public val pixelsShape: List<Int>,
    public val label: Int?,
    public val top1: Int,
)

/**
 * Golden vectors: `pixels.u8 -> image.u8 -> tensor.bin -> output.bin`.
 *
 * @property imageTolerance grey levels by which `image.u8` may differ.
 * @property outputTolerance by which a dequantised output may differ.
 * @property encodedCase the picture case that is there as an encoded file too.
 * @property encodedFile that file, a path in the bundle.
 * @property cases all of them.
 */
public data class Golden(
    public val imageTolerance: Int,
    public val outputTolerance: Double,
    public val encodedCase: String,
    public val encodedFile: String,
    public val cases: List<GoldenCase>,
) {
    internal companion object {
        private const val MAX_CASES = 100_000

        /** Pixels of a picture's side, and bytes of all: as much as the pipeline itself decodes. */
        private const val MAX_SIDE = 20_000
        private const val MAX_BYTES = 300_000_000L
        private val PLAIN_NAME = Regex("[A-Za-z0-9][A-Za-z0-9._-]*")

        /** The name of a file or folder: never a way out of the bundle. */
        fun name(json: Json): String =
            json.string().also { if (!PLAIN_NAME.matches(it)) json.wrong("the plain name of a file") }

        fun read(json: Json, labels: Int): Golden {
            val encoded = json.field("encoded")
            if (encoded.size != 2) encoded.wrong("a case and its file")
            val (case, file) = encoded.items()
            if (!file.string().split('/').all(PLAIN_NAME::matches)) file.wrong("a path in the bundle")
            val cases = json.field("cases")
            if (cases.size !in 1..MAX_CASES) cases.wrong("1 to $MAX_CASES cases")
            val read = cases.items().map { case(it, labels) }
            val ids = HashSet<String>()
            read.forEachIndexed { i, (id) -> if (!ids.add(id)) cases.items()[i].field("id").wrong("an id of its own") }
            if (name(case) !in ids) case.wrong("the id of a golden case")
            return Golden(
                imageTolerance = json.field("image_tolerance").int(0..255),
                outputTolerance = json.field("output_tolerance").double("0 or more") { it >= 0.0 },
                encodedCase = name(case),
                encodedFile = file.string(),
                cases = read,
            )
        }

        private fun case(json: Json, labels: Int): GoldenCase {
            val shape = json.field("pixels_shape")
            if (shape.size !in 2..3) shape.wrong("(height, width) or (height, width, channels)")
            val lengths = shape.items().take(2).map { it.int(1..MAX_SIDE) } + shape.items().drop(2).map { it.int(1..3) }
            if (lengths.getOrElse(2) { 1 } == 2) shape.items()[2].wrong("1 or 3")
            val bytes = lengths.fold(1L) { product, length -> product * length }
            if (bytes > MAX_BYTES) shape.wrong("at most $MAX_BYTES bytes")
            return GoldenCase(
                id = name(json.field("id")),
                kind = json.field("kind").choice(GoldenKind.entries.associateBy { it.key }),
                pixelsShape = lengths,
                label = json.fieldOrNull("label")?.int(0 until labels),
                top1 = json.field("top1").int(0 until labels),
            )
        }
    }
}
