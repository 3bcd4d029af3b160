package mobilepipeline.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.random.Random
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.RepeatedTest
import org.junit.jupiter.api.RepetitionInfo
import org.junit.jupiter.api.Test

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

    private fun postprocess(dtype: ElementType, scale: Double?, zeroPoint: Int?, activation: Activation = Activation.NONE) =
        Postprocess(PostprocessSpec(activation), TensorSpec("classes", listOf(1, 4), dtype, scale, zeroPoint), labels)

    private fun floats(vararg values: Float): ByteArray =
        ByteBuffer.allocate(values.size * 4).order(ByteOrder.LITTLE_ENDIAN).also { buffer -> values.forEach(buffer::putFloat) }.array()
}
