package mobilepipeline.core

import com.google.gson.JsonElement
import com.google.gson.JsonParser
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory

/** Manifests that are damaged or lie: each is refused with one sentence that names the field. */
internal class HostileManifestTest {
    private val digits = GoldenBundles.manifest(GoldenBundles.named("digits"))
    private val shapes = GoldenBundles.manifest(GoldenBundles.named("shapes"))

    @TestFactory
    fun `refuses a field that is`(): List<DynamicTest> = listOf(
        refused("schema_version", "2", "schema_version is 2, not 1"),
        refused("schema_version", null, "schema_version is missing"),
        refused("schema_version", "\"1\"", "schema_version is '1', not a number"),
        refused("name", "7", "name is 7, not text"),
        refused("profile", "\"draft\"", "profile is 'draft', not one of full, smoke"),
        refused("model", null, "model is missing"),
        refused("model", "[]", "model is a list of 0, not an object"),
        refused("model.file", "\"../../secret\"", "model.file is '../../secret', not the plain name of a file"),
        refused("model.sha256", "\"ff\"", "model.sha256 is 'ff', not 64 hexadecimal digits"),
        refused("model.bytes", "-1", "model.bytes is -1, not at least 1"),
        refused("model.bytes", "1e99", "model.bytes is 1e99, not at least 1 and at most 2147483647"),
        refused("model.input", null, "model.input is missing"),
        refused("model.output", null, "model.output is missing"),
        refused("model.input.dtype", "\"bfloat16\"", "model.input.dtype is 'bfloat16', not one of uint8, int8, float32"),
        refused("model.input.scale", "0", "model.input.scale is 0, not a positive float32"),
        refused("model.input.scale", "-0.5", "model.input.scale is -0.5, not a positive float32"),
        refused("model.input.scale", "1e-60", "model.input.scale is 1e-60, not a positive float32"),
        refused("model.input.scale", "1e60", "model.input.scale is 1e60, not a positive float32"),
        refused("model.input.scale", "1e999", "model.input.scale is 1e999, not a finite number"),
        refused("model.input.scale", "null", "model.input.scale is null, not a number"),
        refused("model.input.scale", "\"NaN\"", "model.input.scale is 'NaN', not a number"),
        refused("model.input.zero_point", "256", "model.input.zero_point is 256, not at least 0 and at most 255"),
        refused("model.input.zero_point", "0.5", "model.input.zero_point is 0.5, not a whole number"),
        refused("model.output.zero_point", "-1", "model.output.zero_point is -1, not at least 0 and at most 255"),
        refused("model.input.shape", "[1, 28]", "model.input takes [28], preprocess gives [28, 28]"),
        refused("model.input.shape", "[2, 28, 28]", "model.input.shape is a list of 3, not a tensor with a batch of 1 in front"),
        refused("model.input.shape", "[]", "model.input.shape is a list of 0, not a tensor with a batch of 1 in front"),
        refused("model.input.shape", "[1, -28, -28]", "model.input.shape[1] is -28, not at least 1"),
        refused("model.input.shape", "[1, 100000, 100000]", "model.input.shape is a list of 3, not at most 64000000 values in all"),
        refused("model.input.shape", "[1, 2147483647, 2147483647, 4]", "not at most 64000000 values in all"),
        refused("model.input.shape", "[1, 1, 1, 1, 1, 1, 1, 28, 28]", "not at most 8 dimensions"),
        refused("model.output.shape", "[1, 9]", "model.output is [1, 9], there are 10 labels"),
        refused("model.delegates", "[\"xnnpack\", \"tpu\"]", "model.delegates[1] is 'tpu', not one of gpu, metal, nnapi, coreml, xnnpack"),
        refused("model.delegates", "[\"xnnpack\", \"xnnpack\"]", "not a list in which each delegate stands once"),
        refused("model.delegates", "[\"gpu\", \"xnnpack\"]", "model.delegates names 'gpu', model.delegate_plan does not"),
        refused("model.delegates", "[]", "model.delegate_plan names 'xnnpack', model.delegates does not"),
        refused("model.delegate_plan.xnnpack.threads", "0", "model.delegate_plan.xnnpack.threads is 0, not at least 1 and at most 16"),
        refused("model.delegate_plan.nnapi", "{}", "model.delegate_plan.nnapi.min_api_level is missing"),
        refused("preprocess", null, "preprocess is missing"),
        refused("preprocess.crop", null, "preprocess.crop is missing"),
        refused("preprocess.crop", "\"circle\"", "preprocess.crop is 'circle', not one of none, center_square, ink"),
        refused("preprocess.channels", "\"bgr\"", "preprocess.channels is 'bgr', not one of gray, rgb"),
        refused("preprocess.channels", "\"rgb\"", "preprocess.channels is 'rgb', not 'gray', which crop 'ink' needs"),
        refused("preprocess.place", "\"left\"", "preprocess.place is 'left', not one of box, mass"),
        refused("preprocess.invert", "1", "preprocess.invert is 1, not true or false"),
        refused("preprocess.height", "0", "preprocess.height is 0, not at least 1 and at most 4096"),
        refused("preprocess.height", "1000000000", "preprocess.height is 1000000000, not at least 1 and at most 4096"),
        refused("preprocess.fit", "29", "preprocess.fit is 29, not 1 to 28 pixels"),
        refused("preprocess.fit", "null", "preprocess.fit is null, not 1 to 28 pixels"),
        refused("preprocess.ink_threshold", "255", "preprocess.ink_threshold is 255, not at least 0 and at most 254"),
        refused("preprocess.blur_sigma", "-1", "preprocess.blur_sigma is -1, not 0 to 8.0 pixels"),
        refused("preprocess.scale", "0.0", "preprocess.scale is 0.0, not a number other than 0"),
        refused("preprocess.scale", "1e308", "preprocess.scale is 1e308, not within the range of float32"),
        refused("preprocess.scale", "-1e-300", "preprocess.scale is -1e-300, not within the range of float32"),
        refused("preprocess.scale", "2e36", "preprocess.scale is 2e36, not such that 255 of it and offset stay within float32"),
        refused("preprocess.offset", "1e300", "preprocess.offset is 1e300, not within the range of float32"),
        refused("postprocess.activation", "\"sigmoid\"", "postprocess.activation is 'sigmoid', not one of none, softmax"),
        refused("postprocess.activation", null, "postprocess.activation is missing"),
        refused("drawing.side", "8", "drawing.side is 8, not at least 16 and at most 1024"),
        refused("drawing.pen", "0", "drawing.pen is 0, not above 0 and at most 0.5"),
        refused("labels", "[\"one\"]", "labels is a list of 1, not 2 to 100000 labels"),
        refused("labels", "\"0123456789\"", "labels is '0123456789', not a list"),
        refused("labels", "[0, 1, 2]", "labels[0] is 0, not text"),
        refused("labels.1", "\"\"", "labels[1] is '', not a label: it is empty"),
        refused("labels.1", "\"on\\ne\"", "labels[1] is 'on?e', not a label without control characters"),
        refused("labels.9", "\"\\u009b1m\"", "labels[9] is '?1m', not a label without control characters"),
        refused("labels.0", "\"o\\u2028ne\"", "labels[0] is 'o?ne', not a label without control characters and line separators"),
        refused("labels.0", "\"\\ud83d\"", "not a label without control characters and line separators"),
        refused("labels", List(100_001) { "\"\"" }.toString(), "labels is a list of 100001, not 2 to 100000 labels"),
        refused("golden", null, "golden is missing"),
        refused("golden.image_tolerance", "-1", "golden.image_tolerance is -1, not at least 0 and at most 255"),
        refused("golden.output_tolerance", "-0.1", "golden.output_tolerance is -0.1, not 0 or more"),
        refused("golden.encoded", "[\"a\", \"golden/../../etc/passwd\"]", "not a path in the bundle"),
        refused("golden.encoded", "[\"a\"]", "golden.encoded is a list of 1, not a case and its file"),
        refused("golden.cases", "[]", "golden.cases is a list of 0, not 1 to 100000 cases"),
        refused("golden.cases.0.id", "\"..\"", "golden.cases[0].id is '..', not the plain name of a file"),
        refused("golden.cases.0.kind", "\"sound\"", "golden.cases[0].kind is 'sound', not one of image, picture, strokes"),
        refused("golden.cases.0.top1", "10", "golden.cases[0].top1 is 10, not at least 0 and at most 9"),
        refused("golden.cases.0.id", "\"picture-000\"", "is 'picture-000', not an id of its own"),
        refused("golden.encoded", "[\"nobody\", \"golden/encoded.png\"]", "golden.encoded[0] is 'nobody', not the id of a golden case"),
        refused("drawing", "null", "has strokes, drawing is null"),
        refused("golden.cases.0.pixels_shape", "[2147483647, 2147483647, 7]", "not at least 1 and at most 20000"),
        refused("golden.cases.0.pixels_shape", "[20000, 20000, 3]", "golden.cases[0].pixels_shape is a list of 3, not at most 300000000 bytes"),
        refused("golden.cases.0.pixels_shape", "[28, 28, 2]", "golden.cases[0].pixels_shape[2] is 2, not 1 or 3"),
        refused("golden.cases.0.pixels_shape", "[28, 29]", "is an image of [28, 29], not of [28, 28]"),
        refused("golden.cases.0.pixels_shape", "[28]", "not (height, width) or (height, width, channels)"),
    )

    @TestFactory
    fun `refuses a text that`(): List<DynamicTest> = listOf(
        text("is empty", "", "not JSON"),
        text("is cut off", digits.take(digits.length / 2), "not JSON"),
        text("is no JSON", "model: digits", "not JSON"),
        text("is a list", "[]", "it is a list of 0, not an object"),
        text("is a number", "1", "it is 1, not an object"),
        text("goes on after its end", "$digits {}", "not JSON"),
        text("has NaN", digits.replaceFirst("\"scale\": 1.0", "\"scale\": NaN"), "not JSON"),
        text("has Infinity", digits.replaceFirst("\"scale\": 1.0", "\"scale\": Infinity"), "not JSON"),
        text("has a comment", "/* */ $digits", "not JSON"),
        text("has a field twice", "{\"name\": \"a\", \"name\": \"b\"}", "'name' stands twice"),
        text("is nested beyond reason", "[".repeat(1_000_000), "nested more than 64 levels deep"),
        text("is nested in objects", "{\"a\":".repeat(1_000_000), "nested more than 64 levels deep"),
        text("is larger than memory should hold", " ".repeat(Manifest.MAX_CHARACTERS + 1), "more than 16777216"),
        text(
            "has more labels than memory should hold",
            digits.replaceFirst("\"labels\": [", "\"labels\": [" + "\"\",".repeat(6_000_000)),
            "more than 16777216",
        ),
        text("has more values than memory should hold", "[" + "{\"\":0},".repeat(1_400_000) + "0]", "it has more than 500000 values"),
        text("has a name of a million letters", "{\"${"n".repeat(1_000_000)}\": nothing}", "not JSON"),
        text("has a long name twice, deep down", "{\"${"n".repeat(1_000_000)}\": {\"a\": 1, \"a\": 2}}", "'a' stands twice"),
        text("has a line break in a name that stands twice", "{\"a\\nb\": 1, \"a\\nb\": 2}", "'a?b' stands twice"),
        text("has a line break in a value", with(digits, "profile", "\"dr\\naft\\u2028\\u202e\""), "profile is 'dr?aft??', not one of"),
        text("claims a billion labels", with(digits, "model.output.shape", "[1, 1000000000]"), "not at most 64000000 values in all"),
        text(
            "has a float tensor with a scale",
            digits.replaceFirst("\"dtype\": \"uint8\"", "\"dtype\": \"float32\""),
            "null, as a float32 tensor has no scale",
        ),
    )

    @Test
    fun `names that were made to share a hash take no longer than others`() {
        // Each pair of letters has the hash of the other: 2 to the 17 names of one hash.
        fun names(pairs: List<String>) = List(1 shl 17) { name -> (0 until 17).joinToString("") { pairs[name shr it and 1] } }
        fun milliseconds(names: List<String>): Double {
            val text = names.joinToString(",", "{", "}") { "\"$it\":0" }
            val start = System.nanoTime()
            message(text)
            return (System.nanoTime() - start) / 1e6
        }
        val alike = names(listOf("Aa", "BB"))
        assertEquals(1, alike.map { it.hashCode() }.toSet().size)
        val others = List(3) { milliseconds(names(listOf("Aa", "Cb"))) }.min()
        val found = milliseconds(alike)
        assertTrue(found < MOST_FOR_HASHES * others + 1000) { "$found ms, names of many hashes $others ms" }
    }

    @Test
    fun `ink's options without ink's crop are refused`() {
        val message = message(with(shapes, "preprocess.fit", "12"))
        assertTrue("preprocess.fit is 12, not null: it goes with crop 'ink'" in message, message)
    }

    @Test
    fun `unknown fields of a newer pipeline are ignored, anywhere`() {
        val newer = with(with(digits, "future", "{\"x\": [1]}"), "model.input.layout", "\"NHWC\"")
        assertEquals(Manifest.read(digits), Manifest.read(newer))
    }

    @Test
    fun `labels of any script and any plane are taken`() {
        val label = "\u00e9t\u00e9 \u732b \ud83d\ude00"
        assertEquals(label, Manifest.read(with(digits, "labels.1", "\"$label\"")).labels[1])
    }

    @Test
    fun `a manifest of before postprocess and drawing still reads`() {
        val old = Manifest.read(with(with(shapes, "postprocess", null), "drawing", null))
        assertEquals(PostprocessSpec(Activation.NONE), old.postprocess)
        assertNull(old.drawing)
    }

    private fun refused(path: String, value: String?, sentence: String) =
        text("$path = ${value?.take(40) ?: "missing"}", with(digits, path, value), sentence)

    private fun text(name: String, manifest: String, sentence: String) = DynamicTest.dynamicTest(name) {
        val message = message(manifest)
        assertTrue(sentence in message) { "$name: '$message' does not say '$sentence'" }
        assertTrue(isOneShortLine(message), message)
    }

    private fun message(manifest: String): String = assertThrows(ManifestError::class.java) { Manifest.read(manifest) }.message.orEmpty()

    private companion object {
        /** A tree of 131,072 names is some 17 levels deep; a list that is searched from its start takes thousands. */
        const val MOST_FOR_HASHES = 50

        /** [text] with the value at [path] replaced, or taken away where it is null. */
        fun with(text: String, path: String, value: String?): String {
            val root = JsonParser.parseString(text)
            val names = path.split('.')
            val parent = names.dropLast(1).fold(root) { at, name ->
                if (at.isJsonArray) at.asJsonArray[name.toInt()] else at.asJsonObject[name]
            }
            when {
                parent.isJsonArray -> parent.asJsonArray[names.last().toInt()] = json(requireNotNull(value))
                value == null -> parent.asJsonObject.remove(names.last())
                else -> parent.asJsonObject.add(names.last(), json(value))
            }
            // Gson writes back what a lenient reader took, 1e999 too.
            return root.toString()
        }

        fun json(value: String): JsonElement = JsonParser.parseString(value)
    }
}
