package mobilepipeline.core

/** Where a model is to run. */
public sealed interface Device {
    /** @property apiLevel `Build.VERSION.SDK_INT`. */
    public data class Android(public val apiLevel: Int) : Device

    /** A computer, where only the CPU is used. */
    public data object Desktop : Device
}

/**
 * A delegate that is not in use.
 *
 * @property delegate its name.
 * @property reason why not, for the screen.
 */
public data class Refusal(public val delegate: String, public val reason: String)

/**
 * The delegates of a manifest on one device.
 *
 * @property tried in order; the last is XNNPACK.
 * @property skipped those that are not even tried.
 */
public data class Delegates(public val tried: List<DelegateChoice>, public val skipped: List<Refusal>) {
    public companion object {
        /** Threads of XNNPACK where a manifest names none. */
        public const val THREADS: Int = 2

        /** What an engine on [device] goes through to open [model]. */
        public fun of(model: ShippedModel, device: Device): Delegates {
            val tried = mutableListOf<DelegateChoice>()
            val skipped = mutableListOf<Refusal>()
            for (name in model.delegates.filter { it != "xnnpack" }) {
                val choice = when (name) {
                    "gpu" -> model.delegatePlan.gpu
                    "nnapi" -> model.delegatePlan.nnapi
                    else -> null
                }
                val reason = if (choice == null) "it is of iPhones" else reasonToSkip(choice, device)
                if (choice != null && reason == null) tried += choice else skipped += Refusal(name, reason.orEmpty())
            }
            return Delegates(tried + (model.delegatePlan.xnnpack ?: XnnpackOptions(THREADS)), skipped)
        }

        private fun reasonToSkip(choice: DelegateChoice, device: Device): String? = when (device) {
            is Device.Desktop -> "it is of phones"
            is Device.Android ->
                if (choice is NnapiOptions && device.apiLevel !in choice.minApiLevel..choice.maxApiLevel) {
                    "it is tried on API levels ${choice.minApiLevel} to ${choice.maxApiLevel}, " +
                        "this is ${device.apiLevel}"
                } else {
                    null
                }
        }
    }

    /**
     * Opens the first delegate that [open] can.
     *
     * @param open gives an engine that has run once, or throws: many delegates refuse a model only there.
     * @throws InterruptedException the thread is to stop; it stays interrupted.
     * @throws EngineError none could; names the reason of each.
     */
    public fun open(open: (DelegateChoice) -> Engine): Opened {
        val refusals = skipped.toMutableList()
        for (choice in tried) {
            try {
                return Opened(open(choice), refusals)
            } catch (error: InterruptedException) {
                // Whoever waits for this thread wants it to stop, not to try the next one.
                Thread.currentThread().interrupt()
                throw error
            } catch (error: Exception) {
                refusals += refusal(choice, error)
            } catch (error: LinkageError) {
                // A native library or a class that this phone does not have.
                refusals += refusal(choice, error)
            }
        }
        val reasons = refusals.joinToString("; ") { "${it.delegate}: ${it.reason}" }
        throw EngineError("no delegate opens the model: $reasons")
    }

    private fun refusal(choice: DelegateChoice, error: Throwable) =
        Refusal(choice.name, error.message?.takeIf { it.isNotBlank() } ?: error.javaClass.simpleName)
}

/**
 * An engine, and why it is not a better one.
 *
 * @property engine that is in use; the caller closes it.
 * @property refusals delegates before it, each with its reason.
 */
public class Opened(public val engine: Engine, public val refusals: List<Refusal>)
