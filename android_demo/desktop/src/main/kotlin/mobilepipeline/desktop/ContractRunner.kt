@file:JvmName("ContractRunner")

package mobilepipeline.desktop

import com.google.gson.JsonArray
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Files
import java.nio.file.Path
import kotlin.system.exitProcess
import mobilepipeline.core.Drawing
import mobilepipeline.core.Manifest
import mobilepipeline.core.Pixels
import mobilepipeline.core.Point
import mobilepipeline.core.Postprocess
import mobilepipeline.core.Preprocess

/** Classes that `top.u32` names. */
private const val TOP = 5

/**
 * What the core makes of cases that `pipeline verify --contract` wrote, one folder each, for it to compare.
 *
 * - picture, image, strokes: `image.u8` and `tensor.bin`; strokes `pixels.u8` too.
 * - output: `probabilities.f64` and `top.u32`.
 */
internal class Contract(private val cases: Path, private val out: Path) {
    private val manifest = Manifest.read(Files.readString(cases.resolve("manifest.json")))
    private val preprocess = Preprocess(manifest.preprocess, manifest.model.input)
    private val postprocess = Postprocess(manifest.postprocess, manifest.model.output, manifest.labels)
    private val drawing = manifest.drawing?.let(::Drawing)

    /** Answers every case; gives how many there were. */
    fun run(): Int {
        val document = JsonParser.parseString(Files.readString(cases.resolve("cases.json"))).asJsonObject
        val all = document.getAsJsonArray("cases")
        all.forEach { answer(it.asJsonObject) }
        return all.size()
    }

    private fun answer(case: JsonObject) {
        val id = case["id"].asString
        val from = cases.resolve(id)
        val into = Files.createDirectories(out.resolve(id))
        when (val kind = case["kind"].asString) {
            "picture" -> picture(pixels(from, case), into)
            "image" -> tensor(pixels(from, case), into)
            "strokes" -> {
                requireNotNull(drawing) { "case '$id' has strokes, the manifest no drawing" }
                val drawn = drawing.draw(strokes(case))
                Files.write(into.resolve("pixels.u8"), drawn.bytes)
                picture(drawn, into)
            }
            "output" -> output(Files.readAllBytes(from.resolve("output.bin")), into)
            else -> error("case '$id' is of kind '$kind', not picture, image, strokes or output")
        }
    }

    private fun picture(pixels: Pixels, into: Path) = tensor(preprocess.picture(pixels), into)

    private fun tensor(image: Pixels, into: Path) {
        val bytes = ByteArray(manifest.model.input.bytes)
        preprocess.fill(image, ByteBuffer.wrap(bytes))
        Files.write(into.resolve("image.u8"), image.bytes)
        Files.write(into.resolve("tensor.bin"), bytes)
    }

    private fun output(bytes: ByteArray, into: Path) {
        val probabilities = postprocess.probabilities(bytes)
        val values = ByteBuffer.allocate(Double.SIZE_BYTES * probabilities.size).order(ByteOrder.LITTLE_ENDIAN)
        probabilities.forEach(values::putDouble)
        Files.write(into.resolve("probabilities.f64"), values.array())
        val top = postprocess.topK(probabilities, TOP)
        val indices = ByteBuffer.allocate(Int.SIZE_BYTES * top.size).order(ByteOrder.LITTLE_ENDIAN)
        top.forEach { indices.putInt(it.index) }
        Files.write(into.resolve("top.u32"), indices.array())
    }

    private fun pixels(folder: Path, case: JsonObject): Pixels {
        val shape = case.getAsJsonArray("pixels_shape").map { it.asInt }
        return Pixels(shape[0], shape[1], shape.getOrElse(2) { 1 }, Files.readAllBytes(folder.resolve("pixels.u8")))
    }

    private fun strokes(case: JsonObject): List<List<Point>> = case.getAsJsonArray("strokes").map { stroke ->
        stroke.asJsonArray.map { point -> (point as JsonArray).let { Point(it[0].asDouble, it[1].asDouble) } }
    }
}

public fun main(arguments: Array<String>) {
    if (arguments.size != 2) {
        System.err.println("usage: contract CASES OUT")
        exitProcess(2)
    }
    val (cases, out) = arguments.map { Path.of(it) }
    println("${Contract(cases, out).run()} cases answered")
}
