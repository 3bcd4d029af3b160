package mobilepipeline.core

import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.floor
import kotlin.math.sign
import kotlin.math.truncate

/**
 * Pixels added before the place of the ink is rounded. Symmetric ink lies exactly on a half: without the slack
 * the last bit of a sum, which no two languages add up alike, would move it by a whole pixel.
 */
private const val PLACE_SLACK = 1e-3

/**
 * What happens to a picture before the model sees it; the twin of `pipeline/preprocess.py`.
 *
 * ```
 * pixels u8 (H, W, 1 or 3)
 *   -> channels, invert, crop   Canvas
 *   -> resize                   Resize
 *   -> place                    on a black canvas (crop INK only)
 *   -> blur                     Blur
 *   -> round                    to the nearest whole number, halves up: a picture again
 *   -> scale                    v * scale + offset in float32
 *   -> quantise                 round(v / tensor.scale) + tensor.zeroPoint, halves away from zero
 * ```
 *
 * Between channels and rounding all is float64. It keeps its buffers, so that a picture of a known size allocates
 * nothing: of one thread at a time.
 *
 * @param spec the contract.
 * @param input tensor that is filled.
 */
public class Preprocess(private val spec: PreprocessSpec, private val input: TensorSpec) {
    private val canvas = Canvas(spec)
    private val resize = Resize()
    private val values = DoubleArray(spec.height * spec.width * spec.channels.count)
    private val small = DoubleArray(spec.fit?.let { it * it } ?: 0)
    private val blur =
        if (spec.blurSigma > 0.0) Blur(spec.height, spec.width, spec.channels.count, spec.blurSigma) else null

    /** What each grey level becomes in the input tensor: a pixel is a byte, so that it is one look-up. */
    private val numbers = FloatArray(256) { it.toFloat() * spec.scale.toFloat() + spec.offset.toFloat() }
    private val encodings = ByteArray(256 * input.dtype.bytes).also { table ->
        val view = ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN)
        for (number in numbers) {
            if (input.scale == null) view.putFloat(number) else view.put(quantise(number, input).toByte())
        }
    }
    private val encoded = ByteArray(input.bytes)

    init {
        require(input.elements == values.size) { "the input has ${input.elements} values, a picture ${values.size}" }
    }

    /** Applies every step up to rounding; gives what a training image of the dataset looks like. */
    public fun picture(pixels: Pixels): Pixels =
        Pixels(spec.height, spec.width, spec.channels.count).also { picture(pixels, it) }

    /** The same into a picture of the input's size. */
    public fun picture(pixels: Pixels, into: Pixels) {
        requireInputSize(into)
        try {
            canvas.take(pixels)
            when (spec.crop) {
                Crop.INK -> placeInk(spec.fit ?: minOf(spec.height, spec.width))
                Crop.CENTER_SQUARE -> canvas.cropToCenterSquare()
                Crop.NONE -> Unit
            }
            if (spec.crop != Crop.INK) resize.resize(canvas, spec.height, spec.width, values)
        } finally {
            canvas.release()
        }
        blur?.apply(values)
        // Means of pixels leave 0..255 by no more than their last bits: cutting the fraction off is rounding down.
        for (i in values.indices) into.bytes[i] = (values[i] + 0.5).toInt().toByte()
    }

    /** The numbers that the input tensor stands for, row-major. */
    public fun tensor(image: Pixels): FloatArray {
        requireInputSize(image)
        return FloatArray(values.size) { numbers[image.bytes[it].toInt() and 0xFF] }
    }

    /**
     * Fills the input tensor, little-endian and quantised as it needs to be.
     *
     * @param image of the input's size.
     * @param buffer of the tensor's bytes; afterwards at position 0 with all of them before its limit.
     */
    public fun fill(image: Pixels, buffer: ByteBuffer) {
        requireInputSize(image)
        require(buffer.capacity() == input.bytes) {
            "the input has ${input.bytes} bytes, the buffer ${buffer.capacity()}"
        }
        val size = input.dtype.bytes
        var at = 0
        for (pixel in image.bytes) {
            val from = (pixel.toInt() and 0xFF) * size
            for (i in 0 until size) encoded[at++] = encodings[from + i]
        }
        // Typed Buffer: phones before Android 9 have no ByteBuffer.clear() that gives a ByteBuffer.
        val cursor: Buffer = buffer
        cursor.clear()
        buffer.put(encoded)
        cursor.clear()
    }

    private fun requireInputSize(image: Pixels) = require(
        image.height == spec.height && image.width == spec.width && image.channels == spec.channels.count,
    ) { "the image is ${image.height} x ${image.width} x ${image.channels}, the input takes ${spec.shape}" }

    private fun placeInk(fit: Int) {
        values.fill(0.0)
        if (!canvas.cropToInk()) return
        val longer = maxOf(canvas.height, canvas.width).toDouble()
        val height = maxOf(1, floor(canvas.height.toDouble() * fit / longer + 0.5).toInt())
        val width = maxOf(1, floor(canvas.width.toDouble() * fit / longer + 0.5).toInt())
        resize.resize(canvas, height, width, small)

        var row = height / 2.0
        var column = width / 2.0
        if (spec.place == Place.MASS) {
            var mass = 0.0
            var rows = 0.0
            var columns = 0.0
            for (r in 0 until height) {
                for (c in 0 until width) {
                    val ink = small[r * width + c]
                    mass += ink
                    rows += ink * (r + 0.5)
                    columns += ink * (c + 0.5)
                }
            }
            if (mass > 0.0) {
                row = rows / mass
                column = columns / mass
            }
        }
        // The ink stays whole: a lopsided one is moved no further than to the edge.
        val top = floor(spec.height / 2.0 - row + 0.5 + PLACE_SLACK).toInt().coerceIn(0, spec.height - height)
        val left = floor(spec.width / 2.0 - column + 0.5 + PLACE_SLACK).toInt().coerceIn(0, spec.width - width)
        for (r in 0 until height) small.copyInto(values, (top + r) * spec.width + left, r * width, (r + 1) * width)
    }

    public companion object {
        /**
         * A real number as an element of a quantised tensor: `round(value / scale) + zeroPoint`, halves away from
         * zero, clamped to its range. Source: TensorFlow Lite 8-bit quantisation specification.
         */
        public fun quantise(value: Float, tensor: TensorSpec): Int {
            val range = requireNotNull(tensor.dtype.range) { "a ${tensor.dtype} tensor is not quantised" }
            val scale = requireNotNull(tensor.scale) { "a quantised tensor has a scale" }
            val zeroPoint = requireNotNull(tensor.zeroPoint) { "a quantised tensor has a zero point" }
            val steps = value.toDouble() / scale
            val rounded = truncate(steps + 0.5 * sign(steps)) + zeroPoint
            return rounded.coerceIn(range.first.toDouble(), range.last.toDouble()).toInt()
        }
    }
}
