package mobilepipeline.core

/** Element type of a tensor that an app fills or reads. */
public enum class ElementType(internal val key: String, public val bytes: Int, internal val range: IntRange?) {
    UINT8("uint8", 1, 0..255),
    INT8("int8", 1, -128..127),
    FLOAT32("float32", 4, null),
}

/**
 * The input or the output tensor of a model.
 *
 * @property name in the file.
 * @property shape with the batch dimension, which is 1.
 * @property dtype element type.
 * @property scale `real = (q - zeroPoint) * scale`, positive; null for float32.
 * @property zeroPoint within the range of [dtype]; null for float32.
 * @throws IllegalArgumentException where these are out of their ranges, or do not fit together.
 */
public data class TensorSpec(
    public val name: String,
    public val shape: List<Int>,
    public val dtype: ElementType,
    public val scale: Double?,
    public val zeroPoint: Int?,
) {
    init {
        require(shape.size in 1..MAX_DIMENSIONS && shape[0] == 1 && shape.all { it >= 1 }) {
            "tensor '$name' is $shape: lengths of at least 1 are needed, a batch of 1 in front"
        }
        // Stops multiplying before the product could run over.
        val values = shape.fold(1L) { product, length -> if (product > MAX_VALUES) product else product * length }
        require(values <= MAX_VALUES) { "tensor '$name' is $shape, more than $MAX_VALUES values" }
        if (dtype.range == null) {
            require(scale == null && zeroPoint == null) {
                "tensor '$name' is ${dtype.key}, which has no scale or zero point"
            }
        } else {
            require(scale != null && isStep(scale)) { "tensor '$name' has scale $scale, not a positive float32" }
            require(zeroPoint in dtype.range) { "tensor '$name' has zero point $zeroPoint, not one of ${dtype.range}" }
        }
    }

    /** Number of elements. */
    public val elements: Int get() = shape.fold(1) { product, length -> product * length }

    /** Size of its buffer. */
    public val bytes: Int get() = elements * dtype.bytes

    internal companion object {
        /** More than any picture model takes (a 4096 x 4096 RGB input has 50 million). */
        private const val MAX_VALUES = 64_000_000L
        private const val MAX_DIMENSIONS = 8

        fun read(json: Json): TensorSpec {
            val dtype = json.field("dtype").choice(ElementType.entries.associateBy { it.key })
            val (scale, zeroPoint) = quantisation(json, dtype)
            return TensorSpec(json.field("name").string(), shape(json.field("shape")), dtype, scale, zeroPoint)
        }

        private fun shape(json: Json): List<Int> {
            if (json.size > MAX_DIMENSIONS) json.wrong("at most $MAX_DIMENSIONS dimensions")
            val lengths = json.items().map { it.int(1..Int.MAX_VALUE) }
            // Stops before the product could run over.
            lengths.fold(1L) { product, length ->
                (product * length).also { if (it > MAX_VALUES) json.wrong("at most $MAX_VALUES values in all") }
            }
            if (lengths.firstOrNull() != 1) json.wrong("a tensor with a batch of 1 in front")
            return lengths
        }

        private fun quantisation(json: Json, dtype: ElementType): Pair<Double?, Int?> {
            val scale = json.field("scale")
            val zeroPoint = json.field("zero_point")
            if (dtype.range == null) {
                if (!scale.isNull) scale.wrong("null, as a ${dtype.key} tensor has no scale")
                if (!zeroPoint.isNull) zeroPoint.wrong("null, as a ${dtype.key} tensor has no zero point")
                return null to null
            }
            val step = scale.double()
            if (!isStep(step)) scale.wrong("a positive float32")
            return step to zeroPoint.int(dtype.range)
        }

        /** In the answer a scale is a float32, which must be neither 0 nor infinite. */
        private fun isStep(scale: Double) = scale.toFloat() > 0f && !scale.toFloat().isInfinite()
    }
}
