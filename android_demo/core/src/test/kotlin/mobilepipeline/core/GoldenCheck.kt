package mobilepipeline.core

import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.Path
import kotlin.math.abs

/**
 * Share of an image's values that may differ at all. Both languages add up the same float64 numbers: a level
 * changes only where a sum lies on a half but for its last bits. A wrong step changes far more than that.
 */
private const val SHARE_OFF = 0.01

/** By which the probabilities of one answer may miss a sum of 1, besides half a step of the output each. */
private const val SUM_SLACK = 1e-3

/**
 * Follows each golden case of a bundle step by step, each from the stored result of the step before.
 *
 * Uses nothing but the core, so that the mutation check can compile it beside a changed one.
 *
 * @return what is wrong, a sentence each; nothing where all is right.
 */
public fun goldenDifferences(bundle: Path): List<String> {
    val manifest = Manifest.read(text(bundle.resolve("manifest.json")))
    // Embedded cases have no list of their own: the one beside the app's model is compared by the engine's tests.
    val listed = bundle.resolve("labels.txt")
    val labels = if (Files.exists(listed)) text(listed).trimEnd('\n').split('\n') else manifest.labels
    // One for all of them, as in an app: nothing of a picture may be seen in the next one.
    val preprocess = Preprocess(manifest.preprocess, manifest.model.input)
    return manifest.golden.cases.flatMap { case ->
        val folder = bundle.resolve("golden").resolve(case.id)
        GoldenCheck(manifest, preprocess, labels, case, folder).run().map { "${bundle.fileName}, ${case.id}: $it" }
    }
}

private fun text(file: Path) = String(Files.readAllBytes(file), Charsets.UTF_8)

private class GoldenCheck(
    private val manifest: Manifest,
    private val preprocess: Preprocess,
    private val labels: List<String>,
    private val case: GoldenCase,
    private val folder: Path,
) {
    private val spec = manifest.preprocess
    private val wrong = mutableListOf<String>()

    fun run(): List<String> {
        val shape = case.pixelsShape
        val pixels = Pixels(shape[0], shape[1], shape.getOrElse(2) { 1 }, stored("pixels.u8"))
        val image = Pixels(spec.height, spec.width, spec.channels.count, stored("image.u8"))
        if (case.kind == GoldenKind.STROKES) {
            same("pixels.u8", Drawing(requireNotNull(manifest.drawing)).draw(strokes()), pixels)
        }
        same("image.u8", if (case.kind == GoldenKind.IMAGE) pixels else preprocess.picture(pixels), image)
        tensor(image)
        answer(stored("output.bin"))
        return wrong
    }

    private fun stored(name: String): ByteArray = Files.readAllBytes(folder.resolve(name))

    private fun strokes(): List<List<Point>> = Json.parse(text(folder.resolve("strokes.json"))).items().map { stroke ->
        stroke.items().map { point -> point.items().let { (x, y) -> Point(x.double(), y.double()) } }
    }

    private fun same(name: String, found: Pixels, expected: Pixels) {
        val levels = expected.bytes.indices.map { abs((found.bytes[it].toInt() and 0xFF) - (expected.bytes[it].toInt() and 0xFF)) }
        val off = levels.count { it != 0 }
        if (levels.max() > manifest.golden.imageTolerance) wrong += "$name is off by ${levels.max()} levels"
        if (off > SHARE_OFF * levels.size) wrong += "$name is off in $off of ${levels.size} values"
    }

    private fun tensor(image: Pixels) {
        val expected = stored("tensor.bin")
        val found = ByteArray(expected.size)
        preprocess.fill(image, ByteBuffer.wrap(found))
        val off = expected.indices.count { found[it] != expected[it] }
        if (off > 0) wrong += "tensor.bin is off in $off of ${expected.size} bytes"
    }

    private fun answer(output: ByteArray) {
        val postprocess = Postprocess(manifest.postprocess, manifest.model.output, manifest.labels)
        val probabilities = postprocess.probabilities(output)
        val slack = SUM_SLACK + labels.size * (manifest.model.output.scale ?: 0.0) / 2
        if (abs(probabilities.sum() - 1.0) > slack) wrong += "the probabilities sum to ${probabilities.sum()}"
        if (probabilities.any { it < 0.0 || it > 1.0 + slack }) wrong += "a probability is not within 0..1"
        val best = postprocess.topK(probabilities, 1).single()
        if (best.index != case.top1) wrong += "the answer is class ${best.index}, not ${case.top1}"
        if (best.label != labels[case.top1]) wrong += "the answer is '${best.label}', not '${labels[case.top1]}'"
    }
}
