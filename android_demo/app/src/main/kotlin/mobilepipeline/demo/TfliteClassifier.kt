package mobilepipeline.demo

import android.os.Build
import mobilepipeline.core.Classifier
import mobilepipeline.core.Delegates
import mobilepipeline.core.Device
import mobilepipeline.core.EngineError
import mobilepipeline.core.FallbackClassifier
import mobilepipeline.core.Refusal
import org.tensorflow.lite.TensorFlowLite

/**
 * The live classifier of the app: an embedded model on the best delegate that its manifest names and the phone has.
 *
 * One thread opens, uses and closes it.
 */
class TfliteClassifier private constructor(private val classifier: FallbackClassifier) : Classifier by classifier {
    /** Delegates that are not in use, or not any more, each with its reason. */
    val refusals: List<Refusal> get() = classifier.refusals

    companion object {
        /**
         * Opens [model] with the first delegate that takes it.
         *
         * @throws EngineError none does, or the model needs a newer TensorFlow Lite than the app's.
         */
        fun open(model: EmbeddedModel): TfliteClassifier {
            val manifest = model.manifest
            requireRuntime(manifest.model.minRuntime)
            val delegates = Delegates.of(manifest.model, Device.Android(Build.VERSION.SDK_INT))
            return TfliteClassifier(
                FallbackClassifier(manifest, delegates) { TfliteEngine.open(manifest.model, model.bytes, it) },
            )
        }

        /** An older runtime may load a newer model and answer nonsense: it is not to be tried. */
        private fun requireRuntime(needed: String?) {
            val present = TensorFlowLite.runtimeVersion()
            if (needed != null && Version(present) < Version(needed)) {
                throw EngineError("the model needs TensorFlow Lite $needed or newer, this app has $present")
            }
        }
    }

    /** `2.16.1`, with or without what follows a dash. */
    private class Version(text: String) : Comparable<Version> {
        private val numbers = text.substringBefore('-').split('.').map { it.toIntOrNull() ?: 0 }

        override fun compareTo(other: Version): Int {
            for (i in 0 until maxOf(numbers.size, other.numbers.size)) {
                val order = numbers.getOrElse(i) { 0 }.compareTo(other.numbers.getOrElse(i) { 0 })
                if (order != 0) return order
            }
            return 0
        }
    }
}
