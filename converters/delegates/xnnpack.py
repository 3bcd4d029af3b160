"""XNNPACK: what TensorFlow Lite and LiteRT compute with on the CPU, and which of its paths a file takes.

What it refuses runs on TensorFlow Lite's own kernels: right, and slower.
"""

import math
from collections.abc import Mapping

from converters.delegates.checks import (
    activation_among,
    beta_one,
    block_above_one,
    constant_input,
    default_weights_format,
    dynamic,
    image_rank,
    in_and_out,
    two_inputs,
)
from converters.delegates.node import Node, called
from converters.delegates.rules import Check, refusals, table
from converters.delegates.verdict import Limits, Verdict, assemble
from converters.tflite.graph import Inspection, Op, Tensor

NAME = "xnnpack"

SPARSE_SHARE = 2 / 3
"""Share of zeros in 1x1 kernels from which on XNNPACK computes with sparse weights. Source: its README."""

_KERNELS = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "TRANSPOSE_CONV": 1}
"""Op to which of its inputs is the kernel."""


def verdict(inspection: Inspection, *, quantized: bool = True) -> Verdict:
    """What XNNPACK would compute.

    Args:
        inspection: of the file.
        quantized: whether it was built for int8 and uint8 (QS8, QU8), as the releases of LiteRT are.
    """
    rules = table(NAME)
    found = refusals(inspection, rules, CHECKS, every=EVERY, quantized=quantized)
    resized = next((tensor for tensor in inspection.inputs if tensor.dynamic), None)
    return assemble(
        NAME,
        inspection,
        found,
        limits=Limits(),
        unpacks=rules.unpacks_at(0),
        warnings=[f"input {called(resized)} has no fixed size: each resize makes the delegate anew"]
        if resized
        else (),
        notes=_paths(inspection, quantized=quantized),
    )


def _paths(inspection: Inspection, *, quantized: bool) -> list[str]:
    """Which of XNNPACK's paths the kernels of the file take."""
    graph = inspection.main
    hybrid = integer = False
    for op in graph.ops:
        door = graph.tensor(op.inputs[0]) if op.inputs else None
        kernel = _kernel(inspection, op)
        if door is None or kernel is None or kernel.dtype not in {"int8", "uint8"}:
            continue
        hybrid |= door.dtype == "float32"
        integer |= door.dtype in {"int8", "uint8"}
    dtypes = {tensor.dtype for tensor in inspection.tensors}
    notes = []
    if integer:
        path = "int8 path (QS8, QU8)"
        notes.append(f"{path}: {'applies' if quantized else 'not built in'}")
    if hybrid:
        notes.append("dynamic-range path: applies, activations are quantised to int8 as the model runs")
    if "float16" in dtypes:
        notes.append(
            "float16 weights are widened to float32 as the file is loaded: half the file, not half the memory"
        )
    notes.append(sparse_path(inspection))
    return notes


def _kernel(inspection: Inspection, op: Op) -> Tensor | None:
    position = _KERNELS.get(op.name)
    if position is None or len(op.inputs) <= position:
        return None
    return inspection.main.tensor(op.inputs[position])


def sparse_path(inspection: Inspection) -> str:
    """Whether XNNPACK would compute with sparse weights: one sentence.

    It does so for float CNNs alone, whose weights are stored sparse, which begin with a 3x3 convolution of
    stride 2 on 3 channels and consist of 1x1 convolutions with two thirds of zeros, depthwise ones and a few
    more ops. Source: XNNPACK's README, "Sparse Inference".
    """
    graph = inspection.main
    convolutions = [op for op in graph.ops if op.name == "CONV_2D"]
    if not any(tensor.sparse for tensor in inspection.tensors):
        return "sparse path: does not apply, weights are stored dense (zeros shrink the zip, not the time)"
    if any(op.name == "FULLY_CONNECTED" for op in graph.ops) and not convolutions:
        return "sparse path: does not apply, it takes convolutions only"
    first = graph.tensor(convolutions[0].inputs[1]) if convolutions else None
    options = convolutions[0].options if convolutions else {}
    strides = (options.get("stride_h"), options.get("stride_w"))
    if first is None or first.shape[1:] != (3, 3, 3) or strides != (2, 2):
        return "sparse path: does not apply, the first convolution is not 3x3 with stride 2 on 3 channels"
    return "sparse path: may apply; only a measurement tells"


def _built_for_integers(node: Node) -> str:
    tensor = next((t for t in (*node.computed, *node.outputs) if t.dtype in {"int8", "uint8"}), None)
    if tensor is None or node.quantized:
        return ""
    return f"tensor {called(tensor)}: this build of XNNPACK computes floating point only"


def _dtypes_agree(node: Node) -> str:
    """What is computed stays in the dtype of the data, but for QUANTIZE and DEQUANTIZE."""
    changing = dynamic(node)
    if changing is not None and any(size < 0 for size in changing.shape):
        return f"tensor {called(changing)} has no fixed size"
    if node.op.name in {"QUANTIZE", "DEQUANTIZE"}:
        return ""
    output, data = node.outputs[0], node.computed
    odd = next((t for t in (output, *data) if t.dtype not in {output.dtype, "int32", "int64"}), None)
    return "" if odd is None else f"input {called(odd)} and output {called(output)} differ in dtype"


def _float_weights(node: Node) -> str:
    """No hybrid depthwise convolution."""
    door, weights = node.input(0), node.input(1)
    if door is not None and weights is not None and door.dtype == "float32" and weights.dtype == "int8":
        return f"weights {called(weights)} under a float input"
    return ""


def _dense_version(node: Node) -> str:
    """Version 8 has sparse weights."""
    return "op version 8, of sparse weights: the delegate takes the others" if node.op.version == 8 else ""


def _pooling(node: Node) -> str:
    window = (node.number("filter_height", 1), node.number("filter_width", 1))
    strides = (node.number("stride_h", 1), node.number("stride_w", 1))
    return f"1x1 window with stride {strides[0]}x{strides[1]}" if window == (1, 1) != strides else ""


def _per_tensor(node: Node) -> str:
    axis = node.inputs[0].axis
    return "" if axis is None else f"input {called(node.inputs[0])} has a scale for each channel"


def _same_signedness(node: Node) -> str:
    door, output = node.inputs[0], node.outputs[0]
    if output.dtype not in {"int8", "uint8"}:
        return f"output {called(output)}: the delegate gives int8 and uint8"
    if door.dtype != "float32" and door.dtype != output.dtype:
        return f"{called(door)} to {called(output)}: the delegate changes scales, not the signedness"
    return _per_tensor_output(node)


def _per_tensor_output(node: Node) -> str:
    axis = node.outputs[0].axis
    return "" if axis is None else f"output {called(node.outputs[0])} has a scale for each channel"


def _no_negative_paddings(node: Node) -> str:
    amounts = node.input(1)
    if amounts is None or amounts.values is None or any(amount < 0 for amount in amounts.values):
        return "a padding below 0"
    return ""


def _scale_ratio(node: Node) -> str:
    """How far the scales of quantised inputs and output may lie apart."""
    output = node.outputs[0]
    door = node.inputs[0]
    if output.dtype not in {"int8", "uint8"} or not output.scales or door.dtype == "float32":
        return ""
    low, high = table(NAME).settings["scale_ratios"][node.op.name]
    scales = [tensor.scales[0] for tensor in node.inputs if tensor.scales]
    if len(scales) < len(node.inputs) or output.scales[0] <= 0:
        return "a scale is missing"
    ratios = [math.prod(scales) if node.op.name == "MUL" else scale for scale in scales]
    for ratio in (value / output.scales[0] for value in ratios):
        if not 2.0**low <= ratio < 2.0**high:
            return f"input scales are {ratio:g} times the output's: the delegate takes 2^{low} to 2^{high}"
    return ""


def _unit_strides(node: Node) -> str:
    strides = node.input(3)
    if strides is not None and strides.values is not None and set(strides.values) <= {1}:
        return ""
    return "strides other than 1"


def _masks(node: Node) -> str:
    for mask in ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask"):
        if node.number(mask, 0):
            return f"{mask} is {node.number(mask, 0)}: the delegate takes 0"
    return ""


def _inputs_up_to(most: int) -> Check:
    def check(node: Node) -> str:
        count = len(node.inputs)
        return "" if 2 <= count <= most else f"{count} inputs: the delegate takes 2 to {most}"

    return check


def _two_to_four_outputs(node: Node) -> str:
    count = len(node.outputs)
    return "" if 2 <= count <= 4 else f"{count} outputs: the delegate gives 2 to 4"


CHECKS: Mapping[str, Check] = {
    "activation": activation_among(*table(NAME).settings["activations"]),
    "beta": beta_one,
    "block": block_above_one,
    "constant_axes": constant_input(1, "axes"),
    "constant_begin": constant_input(1, "begin"),
    "constant_bias": constant_input(2, "bias", optional=True),
    "constant_extent": constant_input(2, "size or end"),
    "constant_output_size": constant_input(0, "output size"),
    "constant_paddings": constant_input(1, "paddings"),
    "constant_permutation": constant_input(1, "permutation"),
    "constant_shape": constant_input(1, "new shape", optional=True),
    "constant_size": constant_input(1, "size"),
    "constant_slope": constant_input(1, "slope"),
    "constant_weights": constant_input(1, "weights"),
    "dense_version": _dense_version,
    "float_weights": _float_weights,
    "image_rank": image_rank,
    "masks": _masks,
    "no_negative_paddings": _no_negative_paddings,
    "one_in_two_out": in_and_out(1, 2),
    "per_tensor": _per_tensor,
    "pooling": _pooling,
    "same_signedness": _same_signedness,
    "scale_ratio": _scale_ratio,
    "two_in_one_out": in_and_out(2, 1),
    "two_inputs": two_inputs,
    "two_to_five_inputs": _inputs_up_to(5),
    "two_to_four_outputs": _two_to_four_outputs,
    "unit_strides": _unit_strides,
    "weights_format": default_weights_format,
}
"""The rules that rows name."""

EVERY: Mapping[str, Check] = {"dtypes_agree": _dtypes_agree, "built_for_integers": _built_for_integers}
"""Rules for every op that has a row."""
