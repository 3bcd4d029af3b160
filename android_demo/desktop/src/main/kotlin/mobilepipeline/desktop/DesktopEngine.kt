package mobilepipeline.desktop

import java.nio.ByteBuffer
import java.nio.file.Path
import mobilepipeline.core.ElementType
import mobilepipeline.core.Engine
import mobilepipeline.core.EngineError
import mobilepipeline.core.ShippedModel
import mobilepipeline.core.TensorSpec
import mobilepipeline.core.XnnpackOptions
import org.bytedeco.javacpp.BytePointer
import org.bytedeco.tensorflowlite.TfLiteInterpreter
import org.bytedeco.tensorflowlite.TfLiteModel
import org.bytedeco.tensorflowlite.TfLiteTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.*

/**
 * TensorFlow Lite's C library on a computer: kernels for the CPU of the same sources that a phone's are built of.
 *
 * Not of the same release: Maven Central has none of the app's for computers, so that [delegate] names its own.
 *
 * @param file `model.tflite`.
 * @param model what the manifest says of it; the file must agree.
 * @param options threads.
 * @throws EngineError it is no model, or not the one of the manifest.
 */
public class DesktopEngine(file: Path, model: ShippedModel, options: XnnpackOptions) : Engine {
    private val flatbuffer: TfLiteModel = TfLiteModelCreateFromFile(file.toString())
        ?: throw EngineError("$file: not a TensorFlow Lite model that can be read")
    private val interpreter: TfLiteInterpreter
    private val input: TfLiteTensor
    private val output: TfLiteTensor
    private var closed = false

    override val delegate: String = "the CPU of this computer, ${options.threads} threads, TensorFlow Lite ${version()}"

    init {
        val made = TfLiteInterpreterOptionsCreate()
        TfLiteInterpreterOptionsSetNumThreads(made, options.threads)
        val opened = TfLiteInterpreterCreate(flatbuffer, made)
        TfLiteInterpreterOptionsDelete(made)
        if (opened == null) {
            TfLiteModelDelete(flatbuffer)
            throw EngineError("$file: TensorFlow Lite ${version()} does not open it; it says why on stderr")
        }
        interpreter = opened
        try {
            ensure(TfLiteInterpreterAllocateTensors(interpreter), "allocating tensors")
            input = only(TfLiteInterpreterGetInputTensorCount(interpreter), "input") {
                TfLiteInterpreterGetInputTensor(interpreter, 0)
            }
            output = only(TfLiteInterpreterGetOutputTensorCount(interpreter), "output") {
                TfLiteInterpreterGetOutputTensor(interpreter, 0)
            }
            check(input, model.input, "input")
            check(output, model.output, "output")
        } catch (error: Throwable) {
            // Not EngineError alone: the library's memory is nothing that Java would free.
            close()
            throw error
        }
    }

    override fun run(input: ByteBuffer, output: ByteBuffer) {
        check(!closed) { "the engine is closed" }
        require(input.isDirect && output.isDirect) { "the buffers must be direct" }
        val given = BytePointer(input.duplicate().rewind() as ByteBuffer)
        ensure(TfLiteTensorCopyFromBuffer(this.input, given, input.capacity().toLong()), "filling the input")
        ensure(TfLiteInterpreterInvoke(interpreter), "running the model")
        val taken = BytePointer(output.duplicate().rewind() as ByteBuffer)
        ensure(TfLiteTensorCopyToBuffer(this.output, taken, output.capacity().toLong()), "reading the output")
    }

    override fun close() {
        // The library would free its memory a second time.
        if (closed) return
        closed = true
        TfLiteInterpreterDelete(interpreter)
        TfLiteModelDelete(flatbuffer)
    }

    private fun only(count: Int, what: String, tensor: () -> TfLiteTensor?): TfLiteTensor {
        if (count != 1) throw EngineError("the model has $count ${what}s, not one")
        return tensor() ?: throw EngineError("the model's $what cannot be had")
    }

    private fun check(tensor: TfLiteTensor, spec: TensorSpec, what: String) {
        val shape = List(TfLiteTensorNumDims(tensor)) { TfLiteTensorDim(tensor, it) }
        val type = TYPES[TfLiteTensorType(tensor)]
        if (shape != spec.shape || type != spec.dtype) {
            throw EngineError("the model's $what is $type $shape, its manifest says ${spec.dtype} ${spec.shape}")
        }
        val quantisation = TfLiteTensorQuantizationParams(tensor)
        val (scale, zeroPoint) = quantisation.scale() to quantisation.zero_point()
        if (spec.scale != null && (scale != spec.scale?.toFloat() || zeroPoint != spec.zeroPoint)) {
            val said = "${spec.scale} and ${spec.zeroPoint}"
            throw EngineError("the model's $what has scale $scale and zero point $zeroPoint, its manifest says $said")
        }
    }

    private fun ensure(status: Int, doing: String) {
        if (status == kTfLiteOk) return
        throw EngineError("$doing failed with status $status; TensorFlow Lite says why on stderr")
    }

    private companion object {
        val TYPES = mapOf(
            kTfLiteUInt8 to ElementType.UINT8,
            kTfLiteInt8 to ElementType.INT8,
            kTfLiteFloat32 to ElementType.FLOAT32,
        )

        fun version(): String = TfLiteVersion().string
    }
}
