package mobilepipeline.desktop

import com.google.gson.JsonParser
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest
import java.util.Base64
import javax.imageio.ImageIO
import kotlin.math.abs
import kotlin.random.Random
import mobilepipeline.core.Channels
import mobilepipeline.core.Classification
import mobilepipeline.core.Crop
import mobilepipeline.core.Delegates
import mobilepipeline.core.Device
import mobilepipeline.core.Drawing
import mobilepipeline.core.ElementType
import mobilepipeline.core.EngineError
import mobilepipeline.core.GoldenBundles
import mobilepipeline.core.GoldenCase
import mobilepipeline.core.GoldenKind
import mobilepipeline.core.Manifest
import mobilepipeline.core.ModelClassifier
import mobilepipeline.core.Pixels
import mobilepipeline.core.Point
import mobilepipeline.core.Postprocess
import mobilepipeline.core.Preprocess
import mobilepipeline.core.PreprocessSpec
import mobilepipeline.core.TensorSpec
import mobilepipeline.core.XnnpackOptions
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource

/** The shipped files on the real TensorFlow Lite: picture in, class out. */
internal class DesktopEngineTest {
    @ParameterizedTest
    @MethodSource("bundles")
    fun `golden tensors give the golden outputs`(bundle: Path) {
        val manifest = manifest(bundle)
        val postprocess = Postprocess(manifest.postprocess, manifest.model.output, manifest.labels)
        val differences = engine(bundle, manifest).use { engine ->
            manifest.golden.cases.map { case ->
                val folder = bundle.resolve("golden").resolve(case.id)
                val found = buffer(manifest.model.output.bytes)
                engine.run(buffer(Files.readAllBytes(folder.resolve("tensor.bin"))), found)
                val expected = postprocess.probabilities(Files.readAllBytes(folder.resolve("output.bin")))
                postprocess.probabilities(found).zip(expected.toList()).maxOf { (a, b) -> abs(a - b) }
            }
        }
        val allowed = manifest.golden.outputTolerance
        println("${bundle.fileName}: ${differences.size} outputs, off by at most ${differences.max()} (allowed: $allowed)")
        assertTrue(differences.all { it <= allowed }) { "$differences" }
    }

    @ParameterizedTest
    @MethodSource("bundles")
    fun `every golden picture goes in, and its class comes out`(bundle: Path) {
        val manifest = manifest(bundle)
        ModelClassifier(manifest, engine(bundle, manifest)).use { classifier ->
            val cases = manifest.golden.cases.filter { it.kind == GoldenKind.PICTURE }
            assertTrue(cases.isNotEmpty())
            for (case in cases) {
                assertAnswers(manifest, case, classifier.classify(pixels(bundle, case), manifest.labels.size))
            }
        }
    }

    @ParameterizedTest
    @MethodSource("bundles")
    fun `strokes go in, and their class comes out`(bundle: Path) {
        val manifest = manifest(bundle)
        val spec = manifest.drawing
        assumeTrue(spec != null, "not written by hand")
        val drawing = Drawing(requireNotNull(spec))
        ModelClassifier(manifest, engine(bundle, manifest)).use { classifier ->
            val cases = manifest.golden.cases.filter { it.kind == GoldenKind.STROKES }
            assertTrue(cases.isNotEmpty())
            for (case in cases) {
                assertAnswers(manifest, case, classifier.classify(drawing.draw(strokes(bundle, case)), manifest.labels.size))
            }
        }
    }

    @ParameterizedTest
    @MethodSource("bundles")
    fun `the encoded file goes in, and its class comes out`(bundle: Path) {
        val manifest = manifest(bundle)
        val case = manifest.golden.cases.single { it.id == manifest.golden.encodedCase }
        val decoded = decode(bundle.resolve(manifest.golden.encodedFile))
        val found = Preprocess(manifest.preprocess, manifest.model.input).picture(decoded).bytes
        val expected = Files.readAllBytes(bundle.resolve("golden").resolve(case.id).resolve("image.u8"))
        val levels = levels(found, expected)
        println("${bundle.fileName}: ${manifest.golden.encodedFile} off by ${levels.average()} levels on average, at most ${levels.max()}")
        if (manifest.golden.encodedFile.endsWith(".png")) {
            assertTrue(levels.max() <= manifest.golden.imageTolerance)
        } else {
            assertTrue(levels.average() <= JPEG_MEAN_LEVELS)
        }
        ModelClassifier(manifest, engine(bundle, manifest)).use {
            assertAnswers(manifest, case, it.classify(decoded, manifest.labels.size))
        }
    }

    @Test
    fun `a JPEG is decoded as near to the reference's as decoders come`() {
        val folder = checkout.resolve("android_demo/core/src/test/resources/vectors")
        val vectors = JsonParser.parseString(Files.readString(folder.resolve("vectors.json"))).asJsonObject
        val case = vectors.getAsJsonArray("decoded").single().asJsonObject
        val expected = Base64.getDecoder().decode(case["image"].asString)
        val spec = PreprocessSpec(32, 32, Channels.RGB, crop = Crop.CENTER_SQUARE)
        val input = TensorSpec("image", listOf(1, 32, 32, 3), ElementType.FLOAT32, null, null)
        val found = Preprocess(spec, input).picture(decode(folder.resolve(case["name"].asString))).bytes
        assertEquals(expected.size, found.size)
        val levels = levels(found, expected)
        println("${case["name"].asString}: off by ${levels.average()} levels on average, at most ${levels.max()}")
        assertTrue(levels.average() <= JPEG_MEAN_LEVELS) { "off by ${levels.average()}" }
    }

    @TestFactory
    fun `the app's own model is the one of its manifest, opens and answers`(): List<DynamicTest> = GoldenBundles.shipped().map { folder ->
        DynamicTest.dynamicTest("${folder.fileName}") {
            val manifest = manifest(folder)
            val file = Files.readAllBytes(folder.resolve(manifest.model.file))
            assertEquals(manifest.model.bytes, file.size.toLong())
            val sum = MessageDigest.getInstance("SHA-256").digest(file).joinToString("") { "%02x".format(it) }
            assertEquals(manifest.model.sha256, sum)
            assertEquals(manifest.labels, Files.readAllLines(folder.resolve("labels.txt")))
            ModelClassifier(manifest, engine(folder, manifest)).use { classifier ->
                val pictures = listOf(pictureOf(Random(1)), manifest.drawing?.let { Drawing(it).draw(listOf(STROKE)) } ?: pictureOf(Random(2)))
                val answers = pictures.map { classifier.classify(it, manifest.labels.size).recognitions }
                for (answer in answers) {
                    assertEquals(manifest.labels.size, answer.map { it.label }.toSet().size)
                    assertEquals(1.0, answer.sumOf { it.probability }, 0.01 + manifest.labels.size * (manifest.model.output.scale ?: 0.0) / 2)
                }
                assertNotEquals(answers[0], answers[1], "whatever goes in, the same comes out")
            }
        }
    }

    @Test
    fun `a file that is no model, or another one, is refused with a sentence`(@TempDir folder: Path) {
        val (digits, shapes) = listOf("digits", "shapes").map(GoldenBundles::named)
        val noModel = Files.write(folder.resolve("model.tflite"), ByteArray(1000) { it.toByte() })
        fun message(file: Path, bundle: Path) =
            assertThrows(EngineError::class.java) { DesktopEngine(file, manifest(bundle).model, XnnpackOptions(1)) }.message.orEmpty()
        assertEquals("$noModel: not a TensorFlow Lite model that can be read", message(noModel, digits))
        assertEquals(
            "the model's input is INT8 [1, 32, 32, 3], its manifest says UINT8 [1, 28, 28]",
            message(shapes.resolve("model.tflite"), digits),
        )
        val model = manifest(shapes).model
        val scaled = model.copy(input = model.input.copy(scale = 1.0))
        val error = assertThrows(EngineError::class.java) { DesktopEngine(shapes.resolve("model.tflite"), scaled, XnnpackOptions(1)) }
        assertTrue("its manifest says 1.0 and -128" in error.message.orEmpty(), error.message)
    }

    @Test
    fun `closing twice is closing once, and a closed engine does not run`() {
        val bundle = GoldenBundles.named("digits")
        val model = manifest(bundle).model
        val engine = DesktopEngine(bundle.resolve(model.file), model, XnnpackOptions(1))
        repeat(2) { engine.close() }
        val error = assertThrows(IllegalStateException::class.java) { engine.run(buffer(model.input.bytes), buffer(model.output.bytes)) }
        assertEquals("the engine is closed", error.message)
    }

    private companion object {
        /**
         * Grey levels by which an image may differ on average where another decoder read the JPEG: they round the
         * inverse transform and the chroma differently, by a level or two, before the resize averages it out.
         */
        const val JPEG_MEAN_LEVELS = 1.0

        /** One stroke across and down, for models of handwriting. */
        val STROKE = listOf(Point(0.0, 0.0), Point(40.0, 5.0), Point(15.0, 60.0))

        val checkout: Path = Path.of(System.getProperty("mobilepipeline.checkout"))

        fun pictureOf(random: Random) = Pixels(90, 70, 3).also { random.nextBytes(it.bytes) }

        fun levels(found: ByteArray, expected: ByteArray) =
            expected.indices.map { abs((found[it].toInt() and 0xFF) - (expected[it].toInt() and 0xFF)) }

        /** Two classes may be as good as equal: then either may come first. */
        fun assertAnswers(manifest: Manifest, case: GoldenCase, answer: Classification) {
            val all = answer.recognitions
            val golden = all.single { it.index == case.top1 }
            assertTrue(all.first().probability - golden.probability <= manifest.golden.outputTolerance, "${case.id}: ${all.take(3)}")
            assertEquals(manifest.labels[case.top1], golden.label)
        }

        @JvmStatic
        fun bundles() = GoldenBundles.all().filter { Files.exists(it.resolve("model.tflite")) }.also { check(it.isNotEmpty()) }

        fun manifest(bundle: Path) = Manifest.read(GoldenBundles.manifest(bundle))

        fun engine(bundle: Path, manifest: Manifest) = Delegates.of(manifest.model, Device.Desktop)
            .open { DesktopEngine(bundle.resolve(manifest.model.file), manifest.model, it as XnnpackOptions) }.engine

        fun buffer(size: Int): ByteBuffer = ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN)

        fun buffer(bytes: ByteArray): ByteBuffer = buffer(bytes.size).put(bytes).rewind()

        fun pixels(bundle: Path, case: GoldenCase): Pixels {
            val bytes = Files.readAllBytes(bundle.resolve("golden").resolve(case.id).resolve("pixels.u8"))
            return Pixels(case.pixelsShape[0], case.pixelsShape[1], case.pixelsShape.getOrElse(2) { 1 }, bytes)
        }

        fun strokes(bundle: Path, case: GoldenCase): List<List<Point>> {
            val text = Files.readString(bundle.resolve("golden").resolve(case.id).resolve("strokes.json"))
            return JsonParser.parseString(text).asJsonArray.map { stroke ->
                stroke.asJsonArray.map { it.asJsonArray.let { point -> Point(point[0].asDouble, point[1].asDouble) } }
            }
        }

        fun decode(file: Path): Pixels {
            val image = requireNotNull(ImageIO.read(file.toFile())) { "$file: not a picture that can be read" }
            val bytes = ByteArray(image.width * image.height * 3)
            for (row in 0 until image.height) {
                for (column in 0 until image.width) {
                    val colour = image.getRGB(column, row)
                    for (channel in 0..2) bytes[(row * image.width + column) * 3 + channel] = (colour shr (16 - 8 * channel)).toByte()
                }
            }
            return Pixels(image.height, image.width, 3, bytes)
        }
    }
}
