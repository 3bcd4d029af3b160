"""What LiteRT's GPU accelerator prints, read back to layers."""

from converters.delegates import gpu_log
from converters.tflite.graph import Inspection
from converters.tflite.inspect import inspect_bytes
from tests.converters import built

LOG = """INFO: [delegate_webgpu.cc:363] Created a WebGPU environment.
I0000 00:00:1.0 1 environment.cc:532] Selected adapter: SwiftShader Device (Subzero), arch=swiftshader
ERROR: Following operations are not supported by GPU delegate:
CONV_2D: Tensor type(INT16) is not supported. net/one/Relu
DEQUANTIZE: Unsupported dequantization type.
CONV_2D: Something else.
3 operations will run on the GPU, and the remaining 2 operations will run on the CPU.
RESHAPE: not a line of the list
"""


def two_convolutions() -> Inspection:
    """Layers ``one`` and ``two``."""
    tensors = [built.tensor(name, (1, 4)) for name in ("in", "net/one/Relu", "net/two/Relu", "out")]
    ops = [built.op("CONV_2D", (0,), (1,)), built.op("ABS", (1,), (2,)), built.op("CONV_2D", (2,), (3,))]
    return inspect_bytes(built.model(built.graph(tensors, ops, inputs=(0,), outputs=(3,))), where="test")


def test_each_refusal_is_told_with_its_layer() -> None:
    """By the tensor where one is named, else by every op of the kind."""
    told = [str(refusal) for refusal in gpu_log.refusals(LOG, two_convolutions())]
    assert told == [
        "CONV_2D (layer 'one'): Tensor type(INT16) is not supported",
        "DEQUANTIZE: Unsupported dequantization type",
        "CONV_2D (layer 'one'): Something else",
    ]


def test_the_sentence_holds_them_all() -> None:
    """It becomes the reason of a row."""
    sentence = gpu_log.why(LOG, two_convolutions())
    assert sentence.startswith("the GPU refuses CONV_2D (layer 'one'): Tensor type(INT16)")
    assert "DEQUANTIZE" in sentence


def test_the_adapter_is_told() -> None:
    """A software driver is not a phone's GPU."""
    assert gpu_log.adapter(LOG) == "SwiftShader Device (Subzero)"
    assert gpu_log.adapter("") == ""
    whole = "x] Selected adapter: llvmpipe (LLVM 15.0.6, 256 bits), arch=software, vendor=mesa\nINFO: next"
    assert gpu_log.adapter(whole) == "llvmpipe (LLVM 15.0.6, 256 bits)"
    assert gpu_log.adapter("Selected adapter: Some GPU\nINFO: next") == "Some GPU"


def test_the_count_of_ops_that_stay_is_told() -> None:
    """Some, all, or unknown."""
    none = "No operations will run on the GPU, and all 7 operations will run on the CPU."
    assert gpu_log.left_on_cpu(LOG) == 2
    assert gpu_log.left_on_cpu(none) == 7
    assert gpu_log.left_on_cpu("INFO: all is well") is None


def test_a_program_that_is_not_valid_is_found() -> None:
    """WebGPU only prints it."""
    log = "E00 1 environment.cc:105] Validation error: no matching call to 'x'\n 15 candidates"
    assert gpu_log.invalid(log) == "no matching call to 'x'"
    assert gpu_log.invalid(LOG) == ""


def test_other_causes_are_told() -> None:
    """No loader, no driver, a kernel that cannot be made; and nothing where the log tells nothing."""
    inspection = two_convolutions()
    no_loader = "Warning: Couldn't load Vulkan: libvulkan.so.1\nERROR: INTERNAL: No adapters found"
    assert gpu_log.why(no_loader, inspection) == "the Vulkan loader is not installed (libvulkan.so.1)"
    assert gpu_log.why("ERROR: INTERNAL: No adapters found", inspection) == "no Vulkan driver that it takes"
    assert gpu_log.why("x INVALID_ARGUMENT: bad \x1b[31mcoord", inspection) == "bad ?[31mcoord"
    unprepared = "ERROR: Node number 1 (LOGISTIC) failed to prepare."
    assert gpu_log.why(unprepared, inspection) == "LOGISTIC is refused by its own kernel"
    assert gpu_log.why("INFO: all is well", inspection) == ""
