"""Rules of the NNAPI delegate for scales, zero points and integer weights, and what its CPU path cannot do.

Only the first scale of a tensor is looked at: the delegate reads no other, and a file may have millions.
"""

from converters.delegates.node import Node, called
from converters.delegates.rules import table
from converters.tflite.graph import Tensor

NAME = "nnapi"

NNAPI_1_2, NNAPI_1_3 = 29, 30
"""API levels of Android 10 and 11, which brought most ops and signed int8."""


def _scale(tensor: Tensor) -> tuple[float, int]:
    """Scale and zero point as the delegate reads them: 0 and 0 unless there is one of each."""
    if len(tensor.scales) == len(tensor.zero_points) == 1:
        return tensor.scales[0], tensor.zero_points[0]
    return 0.0, 0


def _quantised(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.dtype in {"int8", "uint8"}


def per_tensor_dense(node: Node) -> str:
    """Dense weights in one scale."""
    weights = node.input(1)
    if weights is None or weights.axis is None:
        return ""
    return (
        f"weights {called(weights)} have {len(weights.scales)} scales: Android's FULLY_CONNECTED reads one, "
        "the driver refuses the model or answers nonsense; convert with per-tensor Dense weights"
    )


def early_weights(node: Node) -> str:
    """Before NNAPI 1.2: neither float activations on integer weights, nor one scale for each channel."""
    weights, door = node.input(1), node.input(0)
    if node.level >= NNAPI_1_2 or weights is None or door is None:
        return ""
    if door.dtype == "float32" and _quantised(weights):
        return f"weights {called(weights)} under a float input: since Android API level {NNAPI_1_2}"
    if node.op.name == "CONV_2D" and weights.axis is not None:
        return f"weights {called(weights)} have {len(weights.scales)} scales: since API level {NNAPI_1_2}"
    return ""


def restricted_scales(node: Node) -> str:
    """Before NNAPI 1.2 the scales of input and weights multiplied must be below that of the output."""
    door, weights, output = node.input(0), node.input(1), node.output()
    if node.level >= NNAPI_1_2 or door is None or weights is None or output is None or door.dtype != "uint8":
        return ""
    if _scale(door)[0] * _scale(weights)[0] < _scale(output)[0]:
        return ""
    return (
        f"scales of input and weights multiply to more than the output's: since Android API level {NNAPI_1_2}"
    )


def window(node: Node) -> str:
    """Quantised pooling over windows that NNAPI's own CPU path can sum up."""
    size = node.number("filter_width", 1) * node.number("filter_height", 1)
    largest: int = table(NAME).settings["largest_quantized_pool"]
    if _quantised(node.input(0)) and size > largest and not node.accelerator:
        return (
            f"a window of {size} values: quantised, with NNAPI's CPU path the delegate takes up to {largest}"
        )
    return ""


def same_scales(node: Node) -> str:
    """Before NNAPI 1.2 quantised tensors are joined in one scale."""
    if node.level >= NNAPI_1_2 or node.inputs[0].dtype != "uint8":
        return ""
    if len({_scale(tensor) for tensor in node.inputs}) > 1:
        return f"inputs of different scales: since Android API level {NNAPI_1_2}"
    return ""


def dequantize(node: Node) -> str:
    """int8 with a zero point from NNAPI 1.3 on; float16 in any version."""
    door = node.inputs[0]
    if door.dtype == "float16":
        return ""
    if node.op.version > 2:
        return f"op version {node.op.version}: the delegate takes versions up to 2, others of float16"
    if node.level == NNAPI_1_2 and door.dtype == "int8" and _scale(door)[1]:
        return f"input {called(door)} with a zero point: since Android API level {NNAPI_1_3}"
    return ""


def same_scale_out(node: Node) -> str:
    """What is averaged keeps its scale."""
    door, output = node.inputs[0], node.outputs[0]
    if _scale(door) == _scale(output):
        return ""
    return f"input {called(door)} and output {called(output)} differ in scale or zero point: NNAPI wants one"


def quantize_to(node: Node) -> str:
    """To unsigned, from NNAPI 1.3 on also to signed integers, with a scale."""
    door, output = node.inputs[0], node.outputs[0]
    taken = ("uint8",) if node.level < NNAPI_1_3 else ("uint8", "int8")
    if output.dtype not in taken:
        return f"output {called(output)}: the delegate gives {', '.join(taken)}"
    for tensor in (door, output) if _quantised(door) else (output,):
        if not _scale(tensor)[0] > 0:
            return f"{called(tensor)} has no scale above 0"
    return ""


def mul_version(node: Node) -> str:
    """Version 3 where NNAPI's own CPU path is shut out."""
    if node.op.version <= 2 or node.accelerator:
        return ""
    return f"op version {node.op.version}: with NNAPI's CPU path the delegate takes versions up to 2"
