package mobilepipeline.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.exp

/**
 * From the output tensor to an answer; the twin of `pipeline/postprocess.py`.
 *
 * Dequantised in float32, `(q - zeroPoint) * scale`; softmax in float64. Threads may share it.
 */
public class Postprocess(
    private val spec: PostprocessSpec,
    private val output: TensorSpec,
    private val labels: List<String>,
) {
    init {
        require(output.elements == labels.size) {
            "the output has ${output.elements} values, there are ${labels.size} labels"
        }
    }

    /**
     * What the output tensor says, after the activation.
     *
     * @param bytes the whole tensor from 0 on, little-endian; its position is left as it is.
     * @return one per class.
     */
    public fun probabilities(bytes: ByteBuffer): DoubleArray {
        require(bytes.capacity() >= output.bytes) { "the output has ${output.bytes} bytes, not ${bytes.capacity()}" }
        val view = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN)
        val values = DoubleArray(labels.size) { real(view, it).toDouble() }
        if (spec.activation == Activation.SOFTMAX) softmax(values)
        return values
    }

    /** The same of an array. */
    public fun probabilities(bytes: ByteArray): DoubleArray {
        require(bytes.size == output.bytes) { "the output has ${output.bytes} bytes, not ${bytes.size}" }
        return probabilities(ByteBuffer.wrap(bytes))
    }

    /**
     * The most probable classes.
     *
     * @param k how many, at least 1; all where there are fewer.
     * @return highest first, of equal ones the lower index first.
     */
    public fun topK(probabilities: DoubleArray, k: Int): List<Recognition> {
        require(probabilities.size == labels.size) { "${probabilities.size} probabilities, ${labels.size} labels" }
        require(k >= 1) { "k is $k: at least one class is to be given" }
        val best = IntArray(minOf(k, labels.size))
        var found = 0
        for (index in probabilities.indices) {
            var place = found
            while (place > 0 && probabilities[best[place - 1]] < probabilities[index]) place--
            if (place == best.size) continue
            if (found < best.size) found++
            for (moved in found - 1 downTo place + 1) best[moved] = best[moved - 1]
            best[place] = index
        }
        return best.map { Recognition(it, labels[it], probabilities[it]) }
    }

    private fun real(bytes: ByteBuffer, index: Int): Float {
        val quantised = when (output.dtype) {
            ElementType.FLOAT32 -> return bytes.getFloat(index * ElementType.FLOAT32.bytes)
            ElementType.UINT8 -> bytes.get(index).toInt() and 0xFF
            ElementType.INT8 -> bytes.get(index).toInt()
        }
        val scale = requireNotNull(output.scale) { "a quantised output has a scale" }
        val zeroPoint = requireNotNull(output.zeroPoint) { "a quantised output has a zero point" }
        return (quantised - zeroPoint).toFloat() * scale.toFloat()
    }

    private fun softmax(values: DoubleArray) {
        val highest = values.max()
        for (i in values.indices) values[i] = exp(values[i] - highest)
        val sum = values.sum()
        for (i in values.indices) values[i] /= sum
    }
}
