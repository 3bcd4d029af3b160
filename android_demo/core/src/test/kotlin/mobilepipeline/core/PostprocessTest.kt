package mobilepipeline.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.time.Duration
import kotlin.random.Random
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTimeoutPreemptively
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.RepeatedTest
import org.junit.jupiter.api.RepetitionInfo
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.function.ThrowingSupplier

internal class PostprocessTest {
    private val labels = listOf("a", "b", "c", "d")

    @Test
    fun `bytes are dequantised by scale and zero point`() {
        val bytes = byteArrayOf(-128, -1, 0, 127)
        assertEquals(listOf(0.0, 63.5, 64.0, 127.5), postprocess(ElementType.INT8, 0.5, -128).probabilities(bytes).toList())
        assertEquals(listOf(64.0, 127.5, 0.0, 63.5), postprocess(ElementType.UINT8, 0.5, 0).probabilities(bytes).toList())
    }

    @Test
    fun `softmax of large logits does not run over`() {
        val found = postprocess(ElementType.FLOAT32, null, null, Activation.SOFTMAX).probabilities(floats(1e4f, 1e4f, 0f, -1e4f))
        assertEquals(listOf(0.5, 0.5, 0.0, 0.0), found.toList())
    }

    @Test
    fun `of equal classes the lower index comes first`() {
        val top = postprocess(ElementType.FLOAT32, null, null).topK(doubleArrayOf(0.1, 0.4, 0.4, 0.1), 3)
        assertEquals(listOf(Recognition(1, "b", 0.4), Recognition(2, "c", 0.4), Recognition(0, "a", 0.1)), top)
    }

    @Test
    fun `more classes than there are gives all, fewer than one is refused`() {
        val postprocess = postprocess(ElementType.FLOAT32, null, null)
        assertEquals(4, postprocess.topK(DoubleArray(4), 100).size)
        fun message(action: () -> Unit) = assertThrows(IllegalArgumentException::class.java) { action() }.message
        assertEquals("k is 0: at least one class is to be given", message { postprocess.topK(DoubleArray(4), 0) })
        assertEquals("the output has 16 bytes, not 4", message { postprocess.probabilities(ByteArray(4)) })
    }

    @Test
    fun `what is not a number comes last, of few classes and of many`() {
        for (classes in listOf(4, 60)) {
            val postprocess = many(classes)
            val values = DoubleArray(classes) { if (it % 2 == 0) Double.NaN else it % 4 - 3.0 }
            val expected = values.indices.filter { it % 4 == 3 } + values.indices.filter { it % 4 == 1 } + values.indices.filter { it % 2 == 0 }
            for (k in listOf(2, 4, classes)) {
                assertEquals(expected.take(k), postprocess.topK(values, k).map { it.index }, "$k of $classes")
            }
        }
    }

    @Test
    fun `all of a hundred thousand classes come in a moment, in rising order too`() {
        val classes = 100_000
        val postprocess = many(classes)
        val rising = DoubleArray(classes) { it.toDouble() }
        val found = assertTimeoutPreemptively(Duration.ofSeconds(SECONDS), ThrowingSupplier { postprocess.topK(rising, classes) })
        assertEquals(listOf(classes - 1, 0), listOf(found.first().index, found.last().index))
    }

    @Test
    fun `a number of a quantised tensor is dequantised in float32`() {
        val tensor = TensorSpec("classes", listOf(1, 4), ElementType.INT8, 0.1, -3)
        assertEquals(103 * 0.1f, Postprocess.dequantise(100, tensor))
        val float = TensorSpec("classes", listOf(1, 4), ElementType.FLOAT32, null, null)
        val error = assertThrows(IllegalArgumentException::class.java) { Postprocess.dequantise(1, float) }
        assertEquals("a FLOAT32 tensor is not quantised", error.message)
    }

    @RepeatedTest(20)
    fun `top k is the head of a stable sort, and softmax a distribution`(repetition: RepetitionInfo) {
        val random = Random(repetition.currentRepetition)
        val many = List(random.nextInt(2, 200)) { "$it" }
        val output = TensorSpec("classes", listOf(1, many.size), ElementType.INT8, 0.1, 0)
        val postprocess = Postprocess(PostprocessSpec(Activation.SOFTMAX), output, many)
        val found = postprocess.probabilities(random.nextBytes(many.size))
        assertEquals(1.0, found.sum(), 1e-12)
        assertTrue(found.all { it in 0.0..1.0 })
        val k = random.nextInt(1, many.size + 3)
        assertEquals(found.indices.sortedByDescending { found[it] }.take(k), postprocess.topK(found, k).map { it.index })
    }

    private fun many(classes: Int) = Postprocess(
        PostprocessSpec(), TensorSpec("classes", listOf(1, classes), ElementType.FLOAT32, null, null), List(classes) { "$it" },
    )

    private fun postprocess(dtype: ElementType, scale: Double?, zeroPoint: Int?, activation: Activation = Activation.NONE) =
        Postprocess(PostprocessSpec(activation), TensorSpec("classes", listOf(1, 4), dtype, scale, zeroPoint), labels)

    private companion object {
        /** A sort takes tenths of one; putting each in its place among all takes ten thousand million moves. */
        const val SECONDS = 3L
    }

    private fun floats(vararg values: Float): ByteArray =
        ByteBuffer.allocate(values.size * 4).order(ByteOrder.LITTLE_ENDIAN).also { buffer -> values.forEach(buffer::putFloat) }.array()
}
