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
     * @return highest first, of equal ones the lower index first, NaN last.
     */
    public fun topK(probabilities: DoubleArray, k: Int): List<Recognition> {
        require(probabilities.size == labels.size) { "${probabilities.size} probabilities, ${labels.size} labels" }
        require(k >= 1) { "k is $k: at least one class is to be given" }
        val best = if (k > FEW) sorted(probabilities).copyOf(minOf(k, labels.size)) else inserted(probabilities, k)
        return best.map { Recognition(it, labels[it], probabilities[it]) }
    }

    private fun sorted(probabilities: DoubleArray): IntArray = probabilities.indices.sortedWith { one, other ->
        when {
            isBefore(probabilities[one], probabilities[other]) -> -1
            isBefore(probabilities[other], probabilities[one]) -> 1
            else -> 0
        }
    }.toIntArray()

    private fun inserted(probabilities: DoubleArray, k: Int): IntArray {
        val best = IntArray(minOf(k, labels.size))
        var found = 0
        for (index in probabilities.indices) {
            var place = found
            while (place > 0 && isBefore(probabilities[index], probabilities[best[place - 1]])) place--
            if (place == best.size) continue
            if (found < best.size) found++
            for (moved in found - 1 downTo place + 1) best[moved] = best[moved - 1]
            best[place] = index
        }
        return best
    }

    /** What is not a number comes last, as numpy sorts it. */
    private fun isBefore(value: Double, other: Double) = value > other || other.isNaN() && !value.isNaN()

    private fun real(bytes: ByteBuffer, index: Int): Float {
        val quantised = when (output.dtype) {
            ElementType.FLOAT32 -> return bytes.getFloat(index * ElementType.FLOAT32.bytes)
            ElementType.UINT8 -> bytes.get(index).toInt() and 0xFF
            ElementType.INT8 -> bytes.get(index).toInt()
        }
        return dequantise(quantised, output)
    }

    private fun softmax(values: DoubleArray) {
        val highest = values.max()
        for (i in values.indices) values[i] = exp(values[i] - highest)
        val sum = values.sum()
        for (i in values.indices) values[i] /= sum
    }

    public companion object {
        /** Of so many classes each is put in its place; of more a sort is quicker. */
        private const val FEW = 32

        /** An element of a quantised tensor as a real number: `(q - zeroPoint) * scale` in float32. */
        public fun dequantise(quantised: Int, tensor: TensorSpec): Float {
            val scale = requireNotNull(tensor.scale) { "a ${tensor.dtype} tensor is not quantised" }
            val zeroPoint = requireNotNull(tensor.zeroPoint) { "a quantised tensor has a zero point" }
            return (quantised - zeroPoint).toFloat() * scale.toFloat()
        }
    }
}
