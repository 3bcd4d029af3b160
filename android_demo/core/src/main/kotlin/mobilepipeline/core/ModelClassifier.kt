package mobilepipeline.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The classifier of every app: [Preprocess], an [Engine], [Postprocess], as the manifest says.
 *
 * Buffers are kept between calls, so that it belongs to one thread.
 *
 * @param engine is the classifier's from here on, and closed with it; where this throws, it stays the caller's.
 * @throws EngineError the buffers of such a model do not fit into this app's memory.
 * @throws IllegalArgumentException the manifest was made by hand, and does not fit together.
 */
public class ModelClassifier(manifest: Manifest, private val engine: Engine) : Classifier {
    private val preprocess =
        withinMemory(manifest.model.input) { Preprocess(manifest.preprocess, manifest.model.input) }
    private val postprocess = Postprocess(manifest.postprocess, manifest.model.output, manifest.labels)
    private val image =
        withinMemory(manifest.model.input) { manifest.preprocess.run { Pixels(height, width, channels.count) } }
    private val input = withinMemory(manifest.model.input) { buffer(manifest.model.input) }
    private val output = withinMemory(manifest.model.output) { buffer(manifest.model.output) }

    override val delegate: String get() = engine.delegate

    override fun classify(pixels: Pixels, k: Int): Classification {
        require(k >= 1) { "k is $k: at least one class is to be given" }
        val start = System.nanoTime()
        preprocess.picture(pixels, image)
        preprocess.fill(image, input)
        val filled = System.nanoTime()
        engine.run(input, output)
        val ran = System.nanoTime()
        val probabilities = postprocess.probabilities(output)
        if (!probabilities.all { it.isFinite() }) {
            throw EngineError("the model's answer on ${engine.delegate} holds NaN or infinity")
        }
        return Classification(
            recognitions = postprocess.topK(probabilities, k),
            preprocessMilliseconds = (filled - start) / NANOSECONDS_PER_MILLISECOND,
            inferenceMilliseconds = (ran - filled) / NANOSECONDS_PER_MILLISECOND,
        )
    }

    override fun close(): Unit = engine.close()

    internal companion object {
        private const val NANOSECONDS_PER_MILLISECOND = 1e6

        /** The largest inputs that a manifest may name take hundreds of megabytes: most phones give an app less. */
        fun <T> withinMemory(tensor: TensorSpec, make: () -> T): T = try {
            make()
        } catch (error: OutOfMemoryError) {
            val what = "tensor '${tensor.name}', ${tensor.shape}"
            throw EngineError("$what, needs more memory than this app is given", error)
        }

        private fun buffer(tensor: TensorSpec): ByteBuffer =
            ByteBuffer.allocateDirect(tensor.bytes).order(ByteOrder.LITTLE_ENDIAN)
    }
}
