package mobilepipeline.demo

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.MappedByteBuffer
import mobilepipeline.core.DelegateChoice
import mobilepipeline.core.Delegates
import mobilepipeline.core.Engine
import mobilepipeline.core.EngineError
import mobilepipeline.core.GpuOptions
import mobilepipeline.core.InferencePreference
import mobilepipeline.core.NnapiOptions
import mobilepipeline.core.ShippedModel
import mobilepipeline.core.XnnpackOptions
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor
import org.tensorflow.lite.gpu.CompatibilityList
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.gpu.GpuDelegateFactory
import org.tensorflow.lite.nnapi.NnApiDelegate

/** TensorFlow Lite with one delegate, opened as the manifest says. */
class TfliteEngine private constructor(
    private val interpreter: Interpreter,
    private val accelerator: Delegate?,
    override val delegate: String,
) : Engine {
    override fun run(input: ByteBuffer, output: ByteBuffer) {
        input.rewind()
        output.rewind()
        try {
            interpreter.run(input, output)
        } catch (error: RuntimeException) {
            // IllegalArgumentException, IllegalStateException: whatever its native side reports.
            throw EngineError("$delegate: ${error.message ?: error.javaClass.simpleName}", error)
        }
        output.rewind()
    }

    override fun close() {
        try {
            interpreter.close()
        } finally {
            // After the interpreter, which still uses it while it closes.
            accelerator?.close()
        }
    }

    companion object {
        /**
         * Opens [model] with [choice] and runs it once.
         *
         * @throws EngineError the delegate refuses the phone or the model, or the model is not what the manifest says.
         * @throws LinkageError the phone lacks a native library.
         */
        fun open(model: ShippedModel, bytes: MappedByteBuffer, choice: DelegateChoice): TfliteEngine {
            val accelerator = accelerator(choice)
            val interpreter = try {
                Interpreter(bytes, options(model, accelerator))
            } catch (error: Throwable) {
                accelerator?.close()
                throw if (error is RuntimeException) EngineError(error.message ?: error.javaClass.simpleName, error) else error
            }
            val engine = TfliteEngine(interpreter, accelerator, describe(choice))
            try {
                check(interpreter, model)
                // Some delegates refuse a model only when it runs; and the first answer is not to be the slow one.
                engine.run(buffer(model.input.bytes), buffer(model.output.bytes))
            } catch (error: Throwable) {
                engine.close()
                throw error
            }
            return engine
        }

        private fun options(model: ShippedModel, accelerator: Delegate?) = Interpreter.Options().apply {
            setNumThreads(model.delegatePlan.xnnpack?.threads ?: Delegates.THREADS)
            // Takes what the accelerator leaves.
            setUseXNNPACK(true)
            accelerator?.let(::addDelegate)
        }

        private fun accelerator(choice: DelegateChoice): Delegate? = when (choice) {
            is GpuOptions -> gpu(choice)
            is NnapiOptions -> NnApiDelegate(
                NnApiDelegate.Options()
                    .setAllowFp16(choice.allowFp16)
                    .setExecutionPreference(preference(choice.preference))
                    .setUseNnapiCpu(choice.useNnapiCpu)
                    .setMaxNumberOfDelegatedPartitions(choice.maxPartitions),
            )
            is XnnpackOptions -> null
        }

        private fun gpu(choice: GpuOptions): Delegate {
            val known = CompatibilityList().use { it.isDelegateSupportedOnThisDevice }
            if (!known) throw EngineError("TensorFlow Lite does not list this phone's GPU as one that works")
            val options = GpuDelegateFactory.Options()
                .setPrecisionLossAllowed(choice.precisionLossAllowed)
                .setQuantizedModelsAllowed(choice.quantizedModelsAllowed)
                .setInferencePreference(
                    if (choice.preference == InferencePreference.FAST_SINGLE_ANSWER) {
                        GpuDelegateFactory.Options.INFERENCE_PREFERENCE_FAST_SINGLE_ANSWER
                    } else {
                        GpuDelegateFactory.Options.INFERENCE_PREFERENCE_SUSTAINED_SPEED
                    },
                )
            return GpuDelegate(options)
        }

        private fun preference(preference: InferencePreference): Int = when (preference) {
            InferencePreference.LOW_POWER -> NnApiDelegate.Options.EXECUTION_PREFERENCE_LOW_POWER
            InferencePreference.FAST_SINGLE_ANSWER -> NnApiDelegate.Options.EXECUTION_PREFERENCE_FAST_SINGLE_ANSWER
            InferencePreference.SUSTAINED_SPEED -> NnApiDelegate.Options.EXECUTION_PREFERENCE_SUSTAINED_SPEED
        }

        /** A delegate takes the operations that it knows, be it none of them, and does not say how many. */
        private fun describe(choice: DelegateChoice): String = when (choice) {
            is GpuOptions -> "the GPU, ${if (choice.precisionLossAllowed) "half" else "full"} precision, $AND_THE_REST"
            is NnapiOptions -> "NNAPI, $AND_THE_REST"
            is XnnpackOptions -> "XNNPACK, " + if (choice.threads == 1) "1 thread" else "${choice.threads} threads"
        }

        private const val AND_THE_REST = "as far as it takes the model; the rest on XNNPACK"

        private fun check(interpreter: Interpreter, model: ShippedModel) {
            check("input", interpreter.getInputTensor(0), model.input.shape, model.input.bytes)
            check("output", interpreter.getOutputTensor(0), model.output.shape, model.output.bytes)
        }

        private fun check(which: String, tensor: Tensor, shape: List<Int>, bytes: Int) {
            if (tensor.shape().toList() != shape || tensor.numBytes() != bytes) {
                throw EngineError(
                    "the model's $which is ${tensor.shape().toList()} of ${tensor.dataType()}, " +
                        "the manifest says $shape in $bytes bytes",
                )
            }
        }

        private fun buffer(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
    }
}
