package mobilepipeline.core

/** What an app still has to apply to the output; NONE where the graph itself ends in probabilities. */
public enum class Activation(internal val key: String) { NONE("none"), SOFTMAX("softmax") }

/**
 * From the output tensor to probabilities.
 *
 * @property activation what is applied after dequantising.
 */
public data class PostprocessSpec(public val activation: Activation = Activation.NONE) {
    internal companion object {
        /** Manifests of before this key was there are of models that end in probabilities. */
        fun read(json: Json?): PostprocessSpec {
            if (json == null) return PostprocessSpec()
            return PostprocessSpec(json.field("activation").choice(Activation.entries.associateBy { it.key }))
        }
    }
}
