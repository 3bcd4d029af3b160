package mobilepipeline.core

import com.google.gson.JsonArray
import com.google.gson.JsonElement
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import kotlin.random.Random
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Thousands of damaged manifests: each is read or refused with a [ManifestError]; nothing else comes out. */
internal class ManifestFuzzTest {
    private val manifests = listOf("digits", "shapes").map { GoldenBundles.manifest(GoldenBundles.named(it)) }

    @Test
    fun `damaged text`() {
        val refused = (0 until ROUNDS).count { round ->
            val random = Random(round)
            val text = StringBuilder(manifests[round % manifests.size])
            repeat(1 + random.nextInt(4)) { damage(text, random) }
            isRefused(text.toString(), round)
        }
        assertTrue(refused > ROUNDS / 2) { "only $refused of $ROUNDS were refused: the damage is too small to test anything" }
    }

    @Test
    fun `valid JSON with a value that does not belong there`() {
        val roots = manifests.map { JsonParser.parseString(it).asJsonObject }.onEach(::keepRead)
        val refused = (0 until ROUNDS).count { round ->
            val random = Random(ROUNDS + round)
            val root = roots[round % roots.size].deepCopy()
            swap(root, random)
            isRefused(root.toString(), round)
        }
        assertTrue(refused > ROUNDS / 4) { "only $refused of $ROUNDS were refused" }
    }

    private fun isRefused(text: String, round: Int): Boolean = try {
        // What is read must be usable too: no size may make the steps that follow fail.
        val manifest = Manifest.read(text)
        Postprocess(manifest.postprocess, manifest.model.output, manifest.labels)
        if (manifest.model.input.elements < 1_000_000) Preprocess(manifest.preprocess, manifest.model.input)
        false
    } catch (refusal: ManifestError) {
        assertTrue(isOneShortLine(refusal.message.orEmpty())) { "round $round: ${refusal.message}" }
        true
    } catch (other: Throwable) {
        throw AssertionError("round $round: $other instead of a ManifestError", other)
    }

    private fun damage(text: StringBuilder, random: Random) {
        val at = random.nextInt(text.length)
        when (random.nextInt(4)) {
            0 -> text.delete(at, minOf(text.length, at + 1 + random.nextInt(8)))
            1 -> text.insert(at, PIECES.random(random))
            2 -> text.setCharAt(at, random.nextInt(1, 0x3000).toChar())
            else -> text.setLength(at + 1)
        }
        if (text.isEmpty()) text.append(' ')
    }

    /** Only what an app reads: damage elsewhere is ignored, and would test little. */
    private fun keepRead(root: JsonObject) {
        val read = setOf("schema_version", "name", "profile", "model", "preprocess", "postprocess", "drawing", "labels", "golden")
        (root.keySet() - read).forEach(root::remove)
    }

    private fun swap(from: JsonElement, random: Random) {
        if (from is JsonObject) {
            val name = from.keySet().random(random)
            if (deeper(from[name], random)) swap(from[name], random) else from.add(name, VALUES.random(random))
        } else if (from is JsonArray) {
            val index = random.nextInt(from.size())
            if (deeper(from[index], random)) swap(from[index], random) else from.set(index, VALUES.random(random))
        }
    }

    private fun deeper(at: JsonElement, random: Random) = when {
        at is JsonObject && at.size() > 0 -> random.nextInt(10) > 0
        at is JsonArray && at.size() > 0 -> random.nextInt(10) > 2
        else -> false
    }

    private companion object {
        const val ROUNDS = 3000
        val PIECES = listOf(
            "{", "}", "[", "]", "\"", ",", ":", "-", "1e9", "null", "NaN", "\\u0000", "\\", "0", "9".repeat(400), "[[[[", "true",
        )
        val VALUES: List<JsonElement> = listOf(
            "null", "true", "false", "0", "-1", "1", "2", "0.5", "-0.0", "1e-320", "1e308", "1e400", "-1e400", "2147483648",
            "9223372036854775808", "${"9".repeat(500)}", "\"\"", "\"uint8\"", "\"..\"", "[]", "{}", "[1]", "[[]]", "{\"a\": 1}",
            "[1, 28, 28]", "[0, 0]", "\"none\"", "\"ink\"", "\"rgb\"", "\"\\u0000\"",
        ).map { JsonParser.parseString(it) }
    }
}
