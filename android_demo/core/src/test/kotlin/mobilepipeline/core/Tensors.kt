package mobilepipeline.core

/** A float32 input of what [spec] gives. */
internal fun floatInput(spec: PreprocessSpec) = TensorSpec("image", listOf(1) + spec.shape, ElementType.FLOAT32, null, null)

/** Pixels of values 0..255. */
internal fun pixels(height: Int, width: Int, channels: Int, value: (Int) -> Int) =
    Pixels(height, width, channels, ByteArray(height * width * channels) { value(it).toByte() })

/** As numbers 0..255. */
internal fun Pixels.levels(): List<Int> = bytes.map { it.toInt() and 0xFF }
