package mobilepipeline.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Files
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Delegates that give up after a number of answers. */
internal class FallbackClassifierTest {
    private val bundle = GoldenBundles.named("shapes")
    private val manifest = Manifest.read(GoldenBundles.manifest(bundle))
    private val case = manifest.golden.cases.first { it.kind == GoldenKind.IMAGE }
    private val folder = bundle.resolve("golden").resolve(case.id)
    private val pixels = Pixels(32, 32, 3, Files.readAllBytes(folder.resolve("pixels.u8")))
    private val answer = Files.readAllBytes(folder.resolve("output.bin"))

    private val gpu = GpuOptions(true, true, InferencePreference.SUSTAINED_SPEED)
    private val nnapi = NnapiOptions(30, 34, true, InferencePreference.LOW_POWER, false, 3)
    private val delegates = Delegates(listOf(gpu, nnapi, XnnpackOptions(2)), listOf(Refusal("coreml", "it is of iPhones")))
    private val engines = mutableListOf<Failing>()

    @Test
    fun `a delegate that fails gives way to the next, for this picture and all after it`() {
        classifier("gpu" to 1, "nnapi" to 0, "xnnpack" to 9).use { classifier ->
            assertEquals("gpu", classifier.delegate)
            assertEquals(case.top1, best(classifier))
            assertEquals("gpu", classifier.delegate)
            repeat(3) {
                assertEquals(case.top1, best(classifier))
                assertEquals("xnnpack", classifier.delegate)
                // The first is closed before the next is opened: a GPU's memory may not hold both.
                assertEquals(listOf(true, true, false), engines.map { it.closed })
            }
            assertEquals(
                listOf(
                    Refusal("coreml", "it is of iPhones"),
                    Refusal("gpu", "it failed: gpu gave up"),
                    Refusal("nnapi", "it failed: nnapi gave up"),
                ),
                classifier.refusals,
            )
        }
        assertTrue(engines.all { it.closed })
    }

    @Test
    fun `one that does not open is passed over, then as well`() {
        classifier("gpu" to 0, "xnnpack" to 9).use { classifier ->
            assertEquals(case.top1, best(classifier))
            val reasons = listOf("it is of iPhones", "it failed: gpu gave up", "no nnapi")
            assertEquals(reasons, classifier.refusals.map { it.reason })
        }
    }

    @Test
    fun `the last one stays, and its failure is told`() {
        classifier("xnnpack" to 1).use { classifier ->
            best(classifier)
            repeat(2) {
                val error = assertThrows(EngineError::class.java) { best(classifier) }
                assertEquals("xnnpack gave up", error.message)
            }
            assertFalse(engines.single().closed)
            assertEquals("xnnpack", classifier.delegate)
        }
    }

    @Test
    fun `where the next does not open nothing is in use, and that is told`() {
        val classifier = classifier("gpu" to 0)
        val first = assertThrows(EngineError::class.java) { best(classifier) }
        assertEquals(
            "no delegate opens the model: coreml: it is of iPhones; gpu: it failed: gpu gave up; nnapi: no nnapi; xnnpack: no xnnpack",
            first.message,
        )
        assertTrue(engines.single().closed)
        assertEquals("nothing: each delegate has failed", classifier.delegate)
        assertThrows(EngineError::class.java) { best(classifier) }
    }

    @Test
    fun `one that cannot even be closed gives way too, and both reasons are told`() {
        val gone = IllegalStateException("the driver is gone")
        val classifier = classifier("gpu" to 0, "xnnpack" to 9, closing = mapOf("gpu" to gone))
        assertEquals(case.top1, best(classifier))
        assertEquals("xnnpack", classifier.delegate)
        assertEquals(
            Refusal("gpu", "it failed: gpu gave up; nor could it be closed: the driver is gone"),
            classifier.refusals[1],
        )
        classifier.close()
        assertEquals(listOf(1, 1), engines.map { it.closings })
    }

    @Test
    fun `where that was the last one each reason is told, and it is not used again`() {
        val classifier = classifier("gpu" to 0, closing = mapOf("gpu" to IllegalStateException()))
        val error = assertThrows(EngineError::class.java) { best(classifier) }
        val reason = "gpu: it failed: gpu gave up; nor could it be closed: IllegalStateException; nnapi: no nnapi"
        assertTrue(reason in error.message.orEmpty(), error.message)
        assertThrows(EngineError::class.java) { best(classifier) }
        assertEquals(1, engines.single().runs)
    }

    @Test
    fun `a closed one says so, even where closing failed, and is closed but once`() {
        for (closing in listOf(emptyMap(), mapOf("gpu" to IllegalStateException("the driver is gone")))) {
            engines.clear()
            val classifier = classifier("gpu" to 9, closing = closing)
            if (closing.isEmpty()) classifier.close() else assertThrows(IllegalStateException::class.java) { classifier.close() }
            assertEquals("nothing: it is closed", classifier.delegate)
            val error = assertThrows(EngineError::class.java) { best(classifier) }
            assertEquals("the model runs on nothing: it is closed", error.message)
            assertEquals(0, engines.single().runs)
            classifier.close()
            assertEquals(1, engines.single().closings)
        }
    }

    @Test
    fun `an answer that is not a number is a failure of the delegate`() {
        val output = manifest.model.output.copy(dtype = ElementType.FLOAT32, scale = null, zeroPoint = null)
        val floats = manifest.copy(model = manifest.model.copy(output = output))
        fun filled(value: Float) = ByteBuffer.allocate(output.bytes).order(ByteOrder.LITTLE_ENDIAN).apply {
            while (hasRemaining()) putFloat(value)
        }.array()
        val answers = mapOf("gpu" to filled(Float.NaN), "nnapi" to filled(Float.POSITIVE_INFINITY), "xnnpack" to filled(0.5f))
        FallbackClassifier(floats, delegates) { Failing(it.name, 9, answer = answers.getValue(it.name)) }.use { classifier ->
            assertEquals(0, best(classifier))
            assertEquals("xnnpack", classifier.delegate)
            val reasons = listOf("gpu", "nnapi").map { "it failed: the model's answer on $it holds NaN or infinity" }
            assertEquals(reasons, classifier.refusals.drop(1).map { it.reason })
        }
    }

    @Test
    fun `what is no failure of the delegate changes nothing`() {
        classifier("gpu" to 9, "xnnpack" to 9).use { classifier ->
            assertThrows(IllegalArgumentException::class.java) { classifier.classify(pixels, 0) }
            assertEquals("gpu", classifier.delegate)
        }
    }

    /** Those named open, and give as many answers; those in [closing] throw where they are closed. */
    private fun classifier(vararg answers: Pair<String, Int>, closing: Map<String, RuntimeException> = emptyMap()) =
        FallbackClassifier(manifest, delegates) { choice ->
            val count = answers.toMap()[choice.name] ?: throw EngineError("no ${choice.name}")
            assertTrue(engines.all { it.closed })
            Failing(choice.name, count, closing[choice.name]).also { engines += it }
        }

    private fun best(classifier: Classifier): Int = classifier.classify(pixels, 1).recognitions.single().index

    private inner class Failing(
        override val delegate: String,
        private var left: Int,
        private val closing: RuntimeException? = null,
        private val answer: ByteArray = this@FallbackClassifierTest.answer,
    ) : Engine {
        var runs = 0
        var closings = 0
        val closed get() = closings > 0

        override fun run(input: ByteBuffer, output: ByteBuffer) {
            runs++
            if (left-- <= 0) throw EngineError("$delegate gave up")
            output.duplicate().put(answer)
        }

        override fun close() {
            closings++
            closing?.let { throw it }
        }
    }
}
