package mobilepipeline.core

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import java.util.Base64
import java.nio.ByteBuffer
import kotlin.math.abs

/** By which a probability may differ: two languages' exp and sums, in float64. */
private const val PROBABILITY_SLACK = 1e-12

/** Compares the core with what the Python reference made of small random cases; `tools/vectors.py` wrote them. */
public fun vectorDifferences(): List<String> {
    val all = JsonParser.parseString(resource()).asJsonObject
    fun each(kind: String, check: (JsonObject) -> String?) = all.getAsJsonArray(kind).map { it.asJsonObject }.mapNotNull { case ->
        check(case)?.let { "$kind '${case["name"].asString}': $it" }
    }
    return each("preprocess", ::preprocessDifference) + each("postprocess", ::postprocessDifference) + each("drawing", ::drawingDifference)
}

private fun resource(): String {
    val stream = Thread.currentThread().contextClassLoader.getResourceAsStream("vectors/vectors.json")
    return requireNotNull(stream) { "vectors/vectors.json is missing: run tools/vectors.py" }.use { String(it.readBytes(), Charsets.UTF_8) }
}

private fun preprocessDifference(case: JsonObject): String? {
    val spec = PreprocessSpec.read(json(case, "preprocess"))
    val input = TensorSpec.read(json(case, "input"))
    val shape = case.getAsJsonArray("pixels_shape").map { it.asInt }
    val preprocess = Preprocess(spec, input)
    // Another picture first, light to the edges: nothing of it may be seen in the next one.
    preprocess.picture(Pixels(40, 40, 1).apply { bytes.fill(if (spec.invert) 0 else -1) })
    val image = preprocess.picture(Pixels(shape[0], shape[1], shape.getOrElse(2) { 1 }, bytes(case, "pixels")))
    val tensor = ByteArray(input.bytes)
    preprocess.fill(Pixels(spec.height, spec.width, spec.channels.count, bytes(case, "image")), ByteBuffer.wrap(tensor))
    return difference("image", image.bytes, bytes(case, "image")) ?: difference("tensor", tensor, bytes(case, "tensor"))
}

private fun postprocessDifference(case: JsonObject): String? {
    val output = TensorSpec.read(json(case, "output"))
    val postprocess = Postprocess(PostprocessSpec.read(json(case, "postprocess")), output, List(output.elements) { "class $it" })
    val found = postprocess.probabilities(bytes(case, "bytes"))
    val expected = case.getAsJsonArray("probabilities").map { it.asDouble }
    val top = postprocess.topK(found, expected.size).map { it.index }
    val off = expected.indices.maxOf { abs(found[it] - expected[it]) }
    return when {
        off > PROBABILITY_SLACK -> "a probability is off by $off"
        top != case.getAsJsonArray("top").map { it.asInt } -> "the order is $top, not ${case["top"]}"
        else -> null
    }
}

private fun drawingDifference(case: JsonObject): String? {
    val strokes = case.getAsJsonArray("strokes").map { stroke ->
        stroke.asJsonArray.map { it.asJsonArray.let { point -> Point(point[0].asDouble, point[1].asDouble) } }
    }
    return difference("pixels", Drawing(DrawingSpec.read(json(case, "drawing"))).draw(strokes).bytes, bytes(case, "pixels"))
}

private fun json(case: JsonObject, name: String) = Json.parse(case[name].toString())

private fun bytes(case: JsonObject, name: String): ByteArray = Base64.getDecoder().decode(case[name].asString)

private fun difference(name: String, found: ByteArray, expected: ByteArray): String? {
    val off = expected.indices.count { found[it] != expected[it] }
    return if (found.size != expected.size || off > 0) "$name is off in $off of ${expected.size} bytes" else null
}
