package mobilepipeline.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Files
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The classifier with an engine that gives a golden case's output where it gets that case's tensor. */
internal class ModelClassifierTest {
    private val bundle = GoldenBundles.named("shapes")
    private val manifest = Manifest.read(GoldenBundles.manifest(bundle))
    private val case = manifest.golden.cases.first { it.kind == GoldenKind.IMAGE }
    private val folder = bundle.resolve("golden").resolve(case.id)
    private val pixels = Pixels(32, 32, 3, Files.readAllBytes(folder.resolve("pixels.u8")))

    @Test
    fun `pixels go in as the golden tensor, and its output comes out as classes`() {
        val engine = Replay(Files.readAllBytes(folder.resolve("output.bin")))
        ModelClassifier(manifest, engine).use { classifier ->
            val answers = List(2) { classifier.classify(pixels, 3) }
            assertArrayEquals(Files.readAllBytes(folder.resolve("tensor.bin")), engine.seen)
            assertEquals(answers[0].recognitions, answers[1].recognitions)
            assertEquals(case.top1, answers[0].recognitions.first().index)
            assertEquals(manifest.labels[case.top1], answers[0].recognitions.first().label)
            assertEquals(3, answers[0].recognitions.size)
            assertTrue(answers.all { it.preprocessMilliseconds >= 0 && it.inferenceMilliseconds >= 0 })
            assertEquals("a replay", classifier.delegate)
        }
        assertTrue(engine.closed)
    }

    @Test
    fun `an answer that is not a number is an error, not a class`() {
        val tensor = manifest.model.output.copy(dtype = ElementType.FLOAT32, scale = null, zeroPoint = null)
        val floats = manifest.copy(model = manifest.model.copy(output = tensor))
        val output = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, Float.NaN).array()
        val error = assertThrows(EngineError::class.java) { ModelClassifier(floats, Replay(output)).classify(pixels, 1) }
        assertEquals("the model's answer on a replay holds NaN or infinity", error.message)
    }

    @Test
    fun `an engine stays its opener's where the classifier cannot be made`() {
        val engine = Replay(ByteArray(0))
        val unlike = manifest.copy(preprocess = PreprocessSpec(8, 8))
        assertThrows(IllegalArgumentException::class.java) { ModelClassifier(unlike, engine) }
        assertFalse(engine.closed)
    }

    @Test
    fun `buffers that memory has no room for are an error with a sentence, not the end of the app`() {
        val error = assertThrows(EngineError::class.java) {
            ModelClassifier.withinMemory(manifest.model.input) { throw OutOfMemoryError("Java heap space") }
        }
        val name = manifest.model.input.name
        assertEquals("tensor '$name', [1, 32, 32, 3], needs more memory than this app is given", error.message)
    }

    private class Replay(private val answer: ByteArray) : Engine {
        override val delegate = "a replay"
        var seen = ByteArray(0)
        var closed = false

        override fun run(input: ByteBuffer, output: ByteBuffer) {
            assertTrue(input.isDirect && output.isDirect && input.position() == 0)
            seen = ByteArray(input.remaining()).also { input.duplicate().get(it) }
            output.duplicate().put(answer)
        }

        override fun close() {
            closed = true
        }
    }
}
