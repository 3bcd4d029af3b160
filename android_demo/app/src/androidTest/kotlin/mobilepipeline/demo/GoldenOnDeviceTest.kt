package mobilepipeline.demo

import android.net.Uri
import android.os.Build
import android.util.Log
import androidx.test.platform.app.InstrumentationRegistry
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import mobilepipeline.core.DelegateChoice
import mobilepipeline.core.Delegates
import mobilepipeline.core.Device
import mobilepipeline.core.Drawing
import mobilepipeline.core.EngineError
import mobilepipeline.core.GoldenCase
import mobilepipeline.core.GoldenKind
import mobilepipeline.core.ModelClassifier
import mobilepipeline.core.Pixels
import mobilepipeline.core.Point
import mobilepipeline.core.Postprocess
import mobilepipeline.core.Preprocess
import mobilepipeline.core.XnnpackOptions
import org.json.JSONArray
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeNoException
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

/**
 * The embedded models on this device, through each delegate of their manifests, against the Python reference.
 *
 * A delegate that the device or the model refuses is skipped with its reason; XNNPACK may not be.
 */
@RunWith(Parameterized::class)
class GoldenOnDeviceTest(private val slot: Slot, private val choice: DelegateChoice) {
    private val manifest = model(slot).manifest
    private val engine by lazy {
        try {
            TfliteEngine.open(manifest.model, model(slot).bytes, choice)
        } catch (error: EngineError) {
            refused(error)
        } catch (error: LinkageError) {
            refused(error)
        }
    }

    @Test
    fun everyGoldenCaseComesOutAsInTheReference() = engine.use { engine ->
        val preprocess = Preprocess(manifest.preprocess, manifest.model.input)
        val postprocess = Postprocess(manifest.postprocess, manifest.model.output, manifest.labels)
        val input = ByteBuffer.allocateDirect(manifest.model.input.bytes).order(ByteOrder.LITTLE_ENDIAN)
        val output = ByteBuffer.allocateDirect(manifest.model.output.bytes).order(ByteOrder.LITTLE_ENDIAN)
        var largest = 0.0
        for (case in manifest.golden.cases) {
            val image = image(case, preprocess)
            preprocess.fill(image, input)
            val tensor = ByteArray(input.capacity()).also { input.get(it) }
            assertArrayEquals("${case.id}: input tensor", stored(case, "tensor.bin"), tensor)

            engine.run(input, output)
            val expected = postprocess.probabilities(stored(case, "output.bin"))
            val found = postprocess.probabilities(output)
            val difference = expected.indices.maxOf { abs(expected[it] - found[it]) }
            largest = maxOf(largest, difference)
            assertTrue("${case.id}: off by $difference", difference <= manifest.golden.outputTolerance)
            assertEquals("${case.id}: answer", case.top1, postprocess.topK(found, 1).single().index)
        }
        Log.i(TAG, "$slot on ${engine.delegate}: ${manifest.golden.cases.size} cases, largest difference $largest")
        Unit
    }

    @Test
    fun anEncodedPictureIsReadAndRecognised() {
        val context = InstrumentationRegistry.getInstrumentation().targetContext
        val (id, name) = manifest.golden.encodedCase to manifest.golden.encodedFile
        val case = manifest.golden.cases.single { it.id == id }
        val file = File(context.cacheDir, name.substringAfterLast('/')).apply { writeBytes(asset(name)) }
        val photo = Photo.read(context.contentResolver, Uri.fromFile(file))
        assertEquals(case.pixelsShape, listOf(photo.pixels.height, photo.pixels.width, photo.pixels.channels))
        ModelClassifier(manifest, engine).use { classifier ->
            assertEquals(case.top1, classifier.classify(photo.pixels, 1).recognitions.single().index)
        }
    }

    /** The stored image, once the core has made it from what the case starts with. */
    private fun image(case: GoldenCase, preprocess: Preprocess): Pixels {
        val shape = case.pixelsShape
        val pixels = Pixels(shape[0], shape[1], shape.getOrElse(2) { 1 }, stored(case, "pixels.u8"))
        if (case.kind == GoldenKind.STROKES) {
            val drawing = requireNotNull(manifest.drawing) { "${case.id} is drawn, but the manifest has no drawing" }
            assertLevels("${case.id}: drawn pixels", pixels, Drawing(drawing).draw(strokes(case)))
        }
        if (case.kind == GoldenKind.IMAGE) return pixels
        val image = manifest.preprocess.run { Pixels(height, width, channels.count, stored(case, "image.u8")) }
        assertLevels("${case.id}: image", image, preprocess.picture(pixels))
        return image
    }

    private fun assertLevels(what: String, expected: Pixels, found: Pixels) {
        val most = expected.bytes.indices.maxOf { abs((expected.bytes[it].toInt() and 0xFF) - (found.bytes[it].toInt() and 0xFF)) }
        assertTrue("$what: off by $most levels", most <= manifest.golden.imageTolerance)
    }

    private fun strokes(case: GoldenCase): List<List<Point>> {
        val strokes = JSONArray(stored(case, "strokes.json").decodeToString())
        return List(strokes.length()) { i ->
            val points = strokes.getJSONArray(i)
            List(points.length()) { j -> points.getJSONArray(j).run { Point(getDouble(0), getDouble(1)) } }
        }
    }

    private fun stored(case: GoldenCase, name: String): ByteArray = asset("golden/${case.id}/$name")

    private fun asset(name: String): ByteArray =
        InstrumentationRegistry.getInstrumentation().context.assets.open("golden/${slot.folder}/$name").use { it.readBytes() }

    private fun refused(error: Throwable): Nothing {
        Log.w(TAG, "$slot is not tested on ${choice.name}", error)
        if (choice !is XnnpackOptions) assumeNoException("$slot on ${choice.name}", error)
        throw error
    }

    companion object {
        private const val TAG = "golden"

        private fun model(slot: Slot): EmbeddedModel {
            val assets = InstrumentationRegistry.getInstrumentation().targetContext.assets
            return checkNotNull(EmbeddedModel.open(assets, slot)) { "no model for $slot: pipeline embed BUNDLE --into android_demo" }
        }

        /** Every slot with every delegate that its manifest has for this device. */
        @JvmStatic
        @Parameterized.Parameters(name = "{0} {1}")
        fun cases(): List<Array<Any>> = Slot.entries.flatMap { slot ->
            Delegates.of(model(slot).manifest.model, Device.Android(Build.VERSION.SDK_INT)).tried.map { arrayOf(slot, it) }
        }
    }
}
