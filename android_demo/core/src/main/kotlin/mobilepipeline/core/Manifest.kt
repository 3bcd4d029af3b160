package mobilepipeline.core

/**
 * The model that ships.
 *
 * @property file its name beside the manifest.
 * @property scheme how it is quantised.
 * @property sha256 of the file, lower case hexadecimal.
 * @property bytes of the file.
 * @property input tensor that the app fills.
 * @property output tensor that the app reads.
 * @property minRuntime oldest TensorFlow Lite that reads it right; null where that is not known.
 * @property delegates names, in the order in which an app should try them.
 * @property delegatePlan how each of them is opened.
 */
public data class ShippedModel(
    public val file: String,
    public val scheme: String,
    public val sha256: String,
    public val bytes: Long,
    public val input: TensorSpec,
    public val output: TensorSpec,
    public val minRuntime: String?,
    public val delegates: List<String>,
    public val delegatePlan: DelegatePlan,
)

/**
 * The contract of a bundle: what an app must know to feed the model and to read its answer.
 *
 * Fields that an app does not need are not read, and unknown ones are ignored.
 *
 * @property name of the recipe.
 * @property profile `full`, or `smoke` for a build for tests, which never ships.
 * @property model what ships.
 * @property preprocess from decoded pixels to the input tensor.
 * @property postprocess from the output tensor to probabilities.
 * @property drawing from strokes to pixels; null where the dataset is not written by hand.
 * @property labels class index to label.
 * @property golden cases that prove an app right.
 */
public data class Manifest(
    public val name: String,
    public val profile: String,
    public val model: ShippedModel,
    public val preprocess: PreprocessSpec,
    public val postprocess: PostprocessSpec,
    public val drawing: DrawingSpec?,
    public val labels: List<String>,
    public val golden: Golden,
) {
    public companion object {
        /** Of the format that is read here. */
        public const val SCHEMA_VERSION: Int = 1

        /** More classes than any image classifier has; a larger list is a damaged manifest. */
        public const val MAX_LABELS: Int = 100_000

        /** Characters; the largest real ones have 0.1 million. */
        public const val MAX_CHARACTERS: Int = 16 shl 20

        private val UNPRINTABLE = setOf(
            Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SURROGATE,
        )
        private val SHA256 = Regex("[0-9a-f]{64}")

        /**
         * Reads `manifest.json`.
         *
         * @throws ManifestError the text is not the manifest of a model that this app can run; says why.
         */
        public fun read(text: String): Manifest {
            if (text.length > MAX_CHARACTERS) {
                throw ManifestError("manifest: it has ${text.length} characters, more than $MAX_CHARACTERS")
            }
            val json = Json.parse(text)
            val version = json.field("schema_version")
            if (version.double() != SCHEMA_VERSION.toDouble()) {
                version.wrong("$SCHEMA_VERSION, which this app reads: make bundle and app with the same release")
            }
            val labels = labels(json.field("labels"))
            val manifest = Manifest(
                name = json.field("name").string(),
                profile = json.field("profile").choice(listOf("full", "smoke").associateBy { it }),
                model = model(json.field("model")),
                preprocess = PreprocessSpec.read(json.field("preprocess")),
                postprocess = PostprocessSpec.read(json.fieldOrNull("postprocess")),
                drawing = json.fieldOrNull("drawing")?.let(DrawingSpec::read),
                labels = labels,
                golden = Golden.read(json.field("golden"), labels.size),
            )
            check(manifest)
            return manifest
        }

        private fun labels(json: Json): List<String> {
            if (json.size !in 2..MAX_LABELS) json.wrong("2 to $MAX_LABELS labels")
            return json.items().map(::label)
        }

        /** What a screen shows as an answer: never nothing, and on one line. The pipeline writes no other either. */
        private fun label(json: Json): String {
            val label = json.string()
            if (label.isEmpty()) json.wrong("a label: it is empty")
            for (index in label.indices) {
                // Half of a pair is a surrogate as a code point, a whole pair is not: its second half is skipped.
                if (index > 0 && label[index].isLowSurrogate() && label[index - 1].isHighSurrogate()) continue
                val kind = Character.getType(label.codePointAt(index)).toByte()
                if (kind in UNPRINTABLE) json.wrong("a label without control characters and line separators")
            }
            return label
        }

        private fun model(json: Json): ShippedModel = ShippedModel(
            file = Golden.name(json.field("file")),
            scheme = json.field("scheme").string(),
            sha256 = sha256(json.field("sha256")),
            bytes = json.field("bytes").int(1..Int.MAX_VALUE).toLong(),
            input = TensorSpec.read(json.field("input")),
            output = TensorSpec.read(json.field("output")),
            minRuntime = json.field("min_runtime").takeUnless { it.isNull }?.string(),
            delegates = delegates(json.field("delegates")),
            delegatePlan = DelegatePlan.read(json.field("delegate_plan")),
        )

        private fun sha256(json: Json): String =
            json.string().also { if (!SHA256.matches(it)) json.wrong("64 hexadecimal digits") }

        private fun delegates(json: Json): List<String> {
            val names = json.items().map { it.choice(DelegatePlan.KINDS.associateBy { kind -> kind }) }
            if (names.toSet().size != names.size) json.wrong("a list in which each delegate stands once")
            return names
        }

        private fun check(manifest: Manifest) {
            val (input, output) = manifest.model.input.shape to manifest.model.output.shape
            if (input.drop(1) != manifest.preprocess.shape) {
                val given = manifest.preprocess.shape
                throw ManifestError("manifest: model.input takes ${input.drop(1)}, preprocess gives $given")
            }
            if (output != listOf(1, manifest.labels.size)) {
                throw ManifestError("manifest: model.output is $output, there are ${manifest.labels.size} labels")
            }
            val shape = manifest.preprocess.shape
            val image = manifest.golden.cases.firstOrNull { it.kind == GoldenKind.IMAGE && it.pixelsShape != shape }
            if (image != null) {
                val case = "golden case '${image.id}'"
                throw ManifestError("manifest: $case is an image of ${image.pixelsShape}, not of $shape")
            }
            val strokes = manifest.golden.cases.firstOrNull { it.kind == GoldenKind.STROKES }
            if (manifest.drawing == null && strokes != null) {
                throw ManifestError("manifest: golden case '${strokes.id}' has strokes, drawing is null")
            }
            val plan = manifest.model.delegatePlan
            for ((name, options) in listOf("gpu" to plan.gpu, "nnapi" to plan.nnapi, "xnnpack" to plan.xnnpack)) {
                if (name in manifest.model.delegates != (options != null)) {
                    val lists = listOf("model.delegates", "model.delegate_plan")
                    val (has, lacks) = if (options == null) lists else lists.reversed()
                    throw ManifestError("manifest: $has names '$name', $lacks does not")
                }
            }
        }
    }
}
