package mobilepipeline.core

/** A float32 input of what [spec] gives. */
internal fun floatInput(spec: PreprocessSpec) = TensorSpec("image", listOf(1) + spec.shape, ElementType.FLOAT32, null, null)

/** Pixels of values 0..255. */
internal fun pixels(height: Int, width: Int, channels: Int, value: (Int) -> Int) =
    Pixels(height, width, channels, ByteArray(height * width * channels) { value(it).toByte() })

/** Fit to be shown: of the manifest, short, and without what would break the line. */
internal fun isOneShortLine(message: String) =
    message.startsWith("manifest: ") && message.length <= 300 && message.none { it.isISOControl() || it in "\u2028\u2029\u202e" }

/** As numbers 0..255. */
internal fun Pixels.levels(): List<Int> = bytes.map { it.toInt() and 0xFF }
