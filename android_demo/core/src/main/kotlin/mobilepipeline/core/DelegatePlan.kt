package mobilepipeline.core

/** What a delegate should be good at. */
public enum class InferencePreference(internal val key: String) {
    LOW_POWER("low_power"),
    FAST_SINGLE_ANSWER("fast_single_answer"),
    SUSTAINED_SPEED("sustained_speed"),
}

/** A delegate that an engine may open, with its options. */
public sealed interface DelegateChoice {
    /** As the manifest calls it. */
    public val name: String
}

/**
 * The GPU of a phone: `GpuDelegateFactory.Options`.
 *
 * @property precisionLossAllowed half precision.
 * @property quantizedModelsAllowed models of int8.
 * @property preference one picture at a time, or one after the other.
 */
public data class GpuOptions(
    public val precisionLossAllowed: Boolean,
    public val quantizedModelsAllowed: Boolean,
    public val preference: InferencePreference,
) : DelegateChoice {
    override val name: String get() = "gpu"
}

/**
 * Android's Neural Networks API, deprecated from Android 15 on: `NnApiDelegate.Options`.
 *
 * @property minApiLevel lowest Android API level on which it is tried.
 * @property maxApiLevel highest.
 * @property allowFp16 float32 in half precision.
 * @property preference `setExecutionPreference`.
 * @property useNnapiCpu whether NNAPI's own, slow, CPU path may be used.
 * @property maxPartitions `setMaxNumberOfDelegatedPartitions`.
 */
public data class NnapiOptions(
    public val minApiLevel: Int,
    public val maxApiLevel: Int,
    public val allowFp16: Boolean,
    public val preference: InferencePreference,
    public val useNnapiCpu: Boolean,
    public val maxPartitions: Int,
) : DelegateChoice {
    override val name: String get() = "nnapi"
}

/**
 * XNNPACK on the CPU, which always works.
 *
 * @property threads `Interpreter.Options.setNumThreads`, 1..16.
 */
public data class XnnpackOptions(public val threads: Int) : DelegateChoice {
    init {
        require(threads in THREADS) { "xnnpack.threads is $threads, not $THREADS" }
    }

    internal companion object {
        val THREADS = 1..16
    }

    override val name: String get() = "xnnpack"
}

/**
 * Options of the delegates of one target; null for those that it does not try. Those of iPhones are not read.
 */
public data class DelegatePlan(
    public val gpu: GpuOptions?,
    public val nnapi: NnapiOptions?,
    public val xnnpack: XnnpackOptions?,
) {
    internal companion object {
        /** Every delegate that a target can name. */
        val KINDS = listOf("gpu", "metal", "nnapi", "coreml", "xnnpack")
        private val API_LEVELS = 27..34
        private val ALL_PREFERENCES = InferencePreference.entries.associateBy { it.key }
        private val GPU_PREFERENCES = ALL_PREFERENCES - InferencePreference.LOW_POWER.key

        fun read(json: Json): DelegatePlan = DelegatePlan(
            gpu = json.fieldOrNull("gpu")?.let {
                GpuOptions(
                    precisionLossAllowed = it.field("precision_loss_allowed").boolean(),
                    quantizedModelsAllowed = it.field("quantized_models_allowed").boolean(),
                    preference = it.field("preference").choice(GPU_PREFERENCES),
                )
            },
            nnapi = json.fieldOrNull("nnapi")?.let(::nnapi),
            xnnpack = json.fieldOrNull("xnnpack")?.let {
                XnnpackOptions(threads = it.field("threads").int(XnnpackOptions.THREADS))
            },
        )

        private fun nnapi(json: Json): NnapiOptions {
            val options = NnapiOptions(
                minApiLevel = json.field("min_api_level").int(API_LEVELS),
                maxApiLevel = json.field("max_api_level").int(API_LEVELS),
                allowFp16 = json.field("allow_fp16").boolean(),
                preference = json.field("preference").choice(ALL_PREFERENCES),
                useNnapiCpu = json.field("use_nnapi_cpu").boolean(),
                maxPartitions = json.field("max_partitions").int(1..Int.MAX_VALUE),
            )
            if (options.minApiLevel > options.maxApiLevel) {
                json.field("min_api_level").wrong("at most max_api_level, ${options.maxApiLevel}")
            }
            return options
        }
    }
}
