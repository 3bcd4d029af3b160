package mobilepipeline.core

/**
 * A model on the best delegate that works: where the one in use fails, the next takes its place for good.
 *
 * A phone's driver may give up at any time, long after it opened the model and ran it once. One thread makes it,
 * uses it and closes it.
 *
 * @param open gives an engine that has run once, or throws.
 * @throws EngineError no delegate opens the model.
 */
public class FallbackClassifier(
    private val manifest: Manifest,
    delegates: Delegates,
    private val open: (DelegateChoice) -> Engine,
) : Classifier {
    private var left = delegates
    private var inUse: DelegateChoice? = null
    private var current: ModelClassifier? = null
    private var isClosed = false

    /** Delegates that are not in use, or not any more, each with its reason. */
    public val refusals: List<Refusal> get() = left.skipped

    init {
        openNext()
    }

    override val delegate: String get() = current?.delegate ?: "nothing: ${whyNothing()}"

    /** @throws EngineError every delegate from the one in use on has failed; says why the last did. */
    override fun classify(pixels: Pixels, k: Int): Classification {
        while (true) {
            val classifier = current ?: throw EngineError("the model runs on nothing: ${whyNothing()}")
            try {
                return classifier.classify(pixels, k)
            } catch (error: EngineError) {
                // The last one stays: the next picture may go through.
                if (left.tried.isEmpty()) throw error
                replace(error)
            }
        }
    }

    override fun close() {
        isClosed = true
        closeCurrent()
    }

    private fun whyNothing() = if (isClosed) "it is closed" else "each delegate has failed"

    /** Whatever becomes of it, an engine that was told to close is never used again. */
    private fun closeCurrent() {
        val old = current
        current = null
        old?.close()
    }

    private fun replace(error: EngineError) {
        val failed = inUse?.name.orEmpty()
        var reason = "it failed: ${error.message}"
        try {
            closeCurrent()
        } catch (closing: RuntimeException) {
            // What is broken may break on its way out too: the next delegate is opened all the same.
            error.addSuppressed(closing)
            reason += "; nor could it be closed: ${closing.message ?: closing.javaClass.simpleName}"
        }
        left = left.copy(skipped = left.skipped + Refusal(failed, reason))
        openNext()
    }

    private fun openNext() {
        val tried = left.tried.iterator()
        val opened = left.open {
            inUse = tried.next()
            open(it)
        }
        current = try {
            ModelClassifier(manifest, opened.engine)
        } catch (error: Throwable) {
            try {
                opened.engine.close()
            } catch (closing: RuntimeException) {
                error.addSuppressed(closing)
            }
            throw error
        }
        left = Delegates(tried = tried.asSequence().toList(), skipped = opened.refusals)
    }
}
