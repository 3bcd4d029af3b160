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
import mobilepipeline.core.ElementType
import mobilepipeline.core.EngineError
import mobilepipeline.core.GoldenCase
import mobilepipeline.core.GoldenKind
import mobilepipeline.core.GpuOptions
import mobilepipeline.core.InferencePreference
import mobilepipeline.core.ModelClassifier
import mobilepipeline.core.NnapiOptions
import mobilepipeline.core.Pixels
import mobilepipeline.core.Point
import mobilepipeline.core.Postprocess
import mobilepipeline.core.Preprocess
import mobilepipeline.core.ShippedModel
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
 * Models on this device, through each of their delegates, against the Python reference: those of the checkout, and
 * those embedded in the app with their golden cases.
 *
 * A delegate that the device or the model refuses is skipped with its reason; XNNPACK may not be.
 */
@RunWith(Parameterized::class)
class GoldenOnDeviceTest internal constructor(private val bundle: DeviceBundle, private val choice: DelegateChoice) {
    private val manifest = bundle.manifest
    private val tolerance: Double
        get() {
            val half = when (val options = choice) {
                is GpuOptions -> options.precisionLossAllowed
                is NnapiOptions -> options.allowFp16
                is XnnpackOptions -> false
            }
            return if (half) maxOf(manifest.golden.outputTolerance, HALF_PRECISION) else manifest.golden.outputTolerance
        }
    private val engine by lazy {
        try {
            TfliteEngine.open(manifest.model, bundle.bytes, choice)
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
            assertTrue("${case.id}: off by $difference", difference <= tolerance)
            // Two classes may be as good as equal: then either may come first.
            val behind = found.max() - found[case.top1]
            assertTrue("${case.id}: class ${case.top1} is behind by $behind", behind <= tolerance)
        }
        Log.i(TAG, "$bundle on ${engine.delegate}: ${manifest.golden.cases.size} cases, largest difference $largest")
        Unit
    }

    @Test
    fun anEncodedPictureIsReadAndRecognised() {
        val context = InstrumentationRegistry.getInstrumentation().targetContext
        val (id, name) = manifest.golden.encodedCase to manifest.golden.encodedFile
        val case = manifest.golden.cases.single { it.id == id }
        val file = File(context.cacheDir, name.substringAfterLast('/')).apply { writeBytes(bundle.read(name)) }
        val photo = Photo.read(context.contentResolver, Uri.fromFile(file))
        assertEquals(case.pixelsShape.take(2), listOf(photo.pixels.height, photo.pixels.width))
        if (name.endsWith(".png") && case.pixelsShape.getOrNull(2) == 3) {
            // Nothing is lost in a PNG: every decoder gives the same pixels.
            assertArrayEquals(stored(case, "pixels.u8"), photo.pixels.bytes)
        }
        ModelClassifier(manifest, engine).use { classifier ->
            val all = classifier.classify(photo.pixels, manifest.labels.size).recognitions
            val behind = all.first().probability - all.single { it.index == case.top1 }.probability
            assertTrue("${all.take(3)}", behind <= tolerance)
        }
    }

    /** The stored image, once the core has made it from what the case starts with. */
    private fun image(case: GoldenCase, preprocess: Preprocess): Pixels {
        val pixels = bundle.pixels(case)
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

    private fun stored(case: GoldenCase, name: String): ByteArray = bundle.read("golden/${case.id}/$name")

    private fun refused(error: Throwable): Nothing {
        Log.w(TAG, "$bundle is not tested on ${choice.name}", error)
        if (choice !is XnnpackOptions) assumeNoException("$bundle on ${choice.name}", error)
        throw error
    }

    companion object {
        private const val TAG = "golden"

        /** Of a probability, where a delegate computes in half precision: a GPU was seen 1.7e-2 off. */
        private const val HALF_PRECISION = 3e-2

        /** In full precision, which the tolerance of a model of floats is for; in all else the defaults of a recipe. */
        private val FULL_GPU = GpuOptions(
            precisionLossAllowed = false,
            quantizedModelsAllowed = true,
            preference = InferencePreference.SUSTAINED_SPEED,
        )
        private val FULL_NNAPI = NnapiOptions(
            minApiLevel = 30,
            maxApiLevel = 34,
            allowFp16 = false,
            preference = InferencePreference.SUSTAINED_SPEED,
            useNnapiCpu = false,
            maxPartitions = 3,
        )

        /** Every bundle with every delegate that its manifest has for this device. */
        @JvmStatic
        @Parameterized.Parameters(name = "{0} {1}")
        fun cases(): List<Array<Any>> = (DeviceBundle.committed() + embedded()).flatMap { bundle ->
            choices(bundle.manifest.model).map { arrayOf(bundle, it) }
        }

        /** A model of floats is tried on the GPU and NNAPI too where its manifest does not name them. */
        private fun choices(model: ShippedModel): List<DelegateChoice> {
            val device = Device.Android(Build.VERSION.SDK_INT)
            val planned = Delegates.of(model, device).tried
            if (model.input.dtype != ElementType.FLOAT32) return planned
            val plan = model.delegatePlan.copy(gpu = FULL_GPU, nnapi = FULL_NNAPI)
            val added = Delegates.of(model.copy(delegates = listOf("gpu", "nnapi"), delegatePlan = plan), device).tried
            return planned + added.filter { extra -> planned.none { it.name == extra.name } }
        }

        /** Those that are there; [EmbeddedOnDeviceTest] says why one is not. */
        private fun embedded(): List<DeviceBundle> = Slot.entries.mapNotNull { slot ->
            try {
                DeviceBundle.embedded(slot)
            } catch (error: NotEmbedded) {
                Log.w(TAG, error)
                null
            }
        }
    }
}
