"""The NNAPI delegate of TensorFlow Lite, by Android API level. A legacy: Android 15 deprecates NNAPI."""

import math
from collections.abc import Mapping

from converters.delegates.checks import (
    activation_among,
    constant_input,
    image_rank,
    rank,
)
from converters.delegates.node import Node, called
from converters.delegates.rules import Check, refusals, table
from converters.delegates.verdict import Limits, Verdict, assemble
from converters.tflite.graph import Inspection, Tensor

NAME = "nnapi"

NNAPI_1_2, NNAPI_1_3 = 29, 30
"""API levels of Android 10 and 11, which brought most ops and signed int8."""

DEPRECATED = (
    "NNAPI is deprecated from Android 15 (API level 35) on: keep it as a legacy, prefer GPU and XNNPACK"
)


def verdict(
    inspection: Inspection,
    *,
    api_level: int = NNAPI_1_3,
    most_partitions: int | None = None,
) -> Verdict:
    """What the NNAPI delegate would hand to Android.

    Args:
        inspection: of the file.
        api_level: of the phone, 27 to 34.
        most_partitions: parts it takes; the delegate's own default where None.

    Raises:
        ValueError: an API level without NNAPI, or from which on it is deprecated.
    """
    rules = table(NAME)
    lowest, highest = rules.settings["lowest_level"], rules.settings["highest_level"]
    if not lowest <= api_level <= highest:
        raise ValueError(f"Android API level {api_level}: NNAPI is in levels {lowest} to {highest}")
    found = refusals(inspection, rules, _CHECKS, level=api_level, level_name="Android API level")
    default: int = rules.settings["most_partitions"]
    warnings = [DEPRECATED]
    resized = next((tensor for tensor in inspection.inputs if tensor.dynamic), None)
    if resized:
        warnings.append(f"input {called(resized)} has no fixed size: the delegate computes batch 1 only")
    return assemble(
        NAME,
        inspection,
        found,
        limits=Limits(most_partitions=most_partitions or default),
        warnings=warnings,
        notes=["a driver may still refuse what the delegate hands it: Android then computes it on the CPU"],
    )


def _quantised(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.dtype in {"int8", "uint8"}


def _per_tensor_dense(node: Node) -> str:
    weights = node.input(1)
    if weights is None or weights.axis is None:
        return ""
    return (
        f"weights {called(weights)} have {len(weights.scales)} scales: Android's FULLY_CONNECTED reads one, "
        "the driver refuses the model or answers nonsense; convert with per-tensor Dense weights"
    )


def _early_weights(node: Node) -> str:
    """Before NNAPI 1.2: neither float activations on integer weights, nor one scale for each channel."""
    weights, door = node.input(1), node.input(0)
    if node.level >= NNAPI_1_2 or weights is None or door is None:
        return ""
    if door.dtype == "float32" and _quantised(weights):
        return f"weights {called(weights)} under a float input: since Android API level {NNAPI_1_2}"
    if node.op.name == "CONV_2D" and weights.axis is not None:
        return f"weights {called(weights)} have {len(weights.scales)} scales: since API level {NNAPI_1_2}"
    return ""


def _restricted_scales(node: Node) -> str:
    """Before NNAPI 1.2 the scales of input and weights multiplied must be below that of the output."""
    door, weights, output = node.input(0), node.input(1), node.output()
    if node.level >= NNAPI_1_2 or door is None or weights is None or output is None or door.dtype != "uint8":
        return ""
    if not (door.scales and weights.scales and output.scales):
        return "a scale is missing"
    if door.scales[0] * weights.scales[0] < output.scales[0]:
        return ""
    return (
        f"scales of input and weights multiply to more than the output's: since Android API level {NNAPI_1_2}"
    )


def _bias(node: Node) -> str:
    return "" if len(node.op.inputs) == 3 else "no bias: the delegate needs one"


def _dilation(node: Node) -> str:
    factors = (node.number("dilation_h_factor", 1), node.number("dilation_w_factor", 1))
    if factors == (1, 1) or node.level >= NNAPI_1_2:
        return ""
    return f"dilation {factors[0]}x{factors[1]}: since Android API level {NNAPI_1_2}"


def _keep_num_dims(node: Node) -> str:
    if node.option("keep_num_dims", False) and node.level < NNAPI_1_3:
        return f"keep_num_dims: since Android API level {NNAPI_1_3}"
    return ""


def _not_int16_out(node: Node) -> str:
    output = node.outputs[0]
    return f"output {called(output)}: NNAPI has no int16" if output.dtype == "int16" else ""


def _plain_int32(node: Node) -> str:
    fused = node.option("fused_activation_function", "NONE")
    if node.inputs[0].dtype == "int32" and fused != "NONE":
        return f"fused activation {fused} on int32: the delegate takes none"
    return ""


def _window(node: Node) -> str:
    size = node.number("filter_width", 1) * node.number("filter_height", 1)
    largest: int = table(NAME).settings["largest_quantized_pool"]
    if _quantised(node.input(0)) and size > largest:
        return f"a window of {size} values: quantised, the delegate takes up to {largest}"
    return ""


def _arg(node: Node) -> str:
    axis, output = node.input(1), node.outputs[0]
    if axis is None or (axis.dtype != "int32" and not node.constant(axis)):
        return "the axis must be int32, or a constant"
    return "" if output.dtype == "int32" else f"output {called(output)}: the delegate gives int32"


def _no_crops(node: Node) -> str:
    crops = node.input(2)
    if crops is not None and crops.values is not None and crops.shape == (2, 2) and not any(crops.values):
        return ""
    return "crops: the delegate takes zeros for height and width only"


def _cast_to(node: Node) -> str:
    taken = {"float32", "int32", "uint8"} | ({"int8"} if node.level >= NNAPI_1_3 else set())
    output = node.outputs[0]
    return (
        ""
        if output.dtype in taken
        else f"output {called(output)}: the delegate gives {', '.join(sorted(taken))}"
    )


def _rank_4(node: Node) -> str:
    for tensor in node.inputs:
        if rank(tensor) > 4:
            return f"input {called(tensor)} has {rank(tensor)} dimensions: the delegate takes 4"
    return ""


def _same_scales(node: Node) -> str:
    """Before NNAPI 1.2 quantised tensors are joined in one scale."""
    if node.level >= NNAPI_1_2 or node.inputs[0].dtype != "uint8":
        return ""
    if len({(tensor.scales, tensor.zero_points) for tensor in node.inputs}) > 1:
        return f"inputs of different scales: since Android API level {NNAPI_1_2}"
    return ""


def _symmetric_at_29(node: Node) -> str:
    door = node.inputs[0]
    if node.level == NNAPI_1_2 and door.dtype == "int8" and any(door.zero_points):
        return f"input {called(door)} with a zero point: since Android API level {NNAPI_1_3}"
    return ""


def _int32_positions(node: Node) -> str:
    positions = node.input(1)
    if positions is not None and positions.dtype == "int32" and positions.shape:
        return ""
    return "the positions must be int32, of one dimension and more"


def _constant_scalars(node: Node) -> str:
    for tensor in node.inputs:
        if not tensor.shape and not node.constant(tensor):
            return f"scalar {called(tensor)} is computed at run time: the delegate needs a constant"
    return ""


def _no_scalar_output(node: Node) -> str:
    return "" if node.outputs[0].shape else f"output {called(node.outputs[0])}: the delegate gives no scalars"


def _same_scale_out(node: Node) -> str:
    door, output = node.inputs[0], node.outputs[0]
    if (door.scales, door.zero_points) == (output.scales, output.zero_points):
        return ""
    return f"input {called(door)} and output {called(output)} differ in scale or zero point: NNAPI wants one"


def _not_last_axis(node: Node) -> str:
    axis = node.number("axis", 0)
    return f"axis {axis} is the last" if axis in (-1, rank(node.inputs[0])) else ""


def _quantize_to(node: Node) -> str:
    output = node.outputs[0]
    taken = ("uint8",) if node.level < NNAPI_1_3 else ("uint8", "int8")
    if output.dtype not in taken:
        return f"output {called(output)}: the delegate gives {', '.join(taken)}"
    if not output.scales or not all(math.isfinite(scale) and scale > 0 for scale in output.scales):
        return f"output {called(output)} has no scale above 0"
    return ""


def _plain_resize(node: Node) -> str:
    # The delegate's own comparison: level 29 is still refused.
    if node.level <= NNAPI_1_2:
        for option in ("align_corners", "half_pixel_centers"):
            if node.option(option, False):
                return f"{option}: since Android API level {NNAPI_1_3}"
    return ""


def _square_before_29(node: Node) -> str:
    shape = node.outputs[0].shape
    if node.level < NNAPI_1_2 and len(shape) == 4 and shape[1] != shape[2]:
        return f"output {called(node.outputs[0])} is not square: since Android API level {NNAPI_1_2}"
    return ""


def _same_shapes(node: Node) -> str:
    condition, value = node.input(0), node.input(1)
    if condition is not None and value is not None and condition.shape == value.shape:
        return ""
    return "condition and values differ in shape"


def _even_rank_before_29(node: Node) -> str:
    door = node.inputs[0]
    if node.level < NNAPI_1_2 and rank(door) not in (2, 4):
        return f"input {called(door)} has {rank(door)} dimensions: before level {NNAPI_1_2} 2 or 4"
    return ""


def _squeeze_dims_at_28(node: Node) -> str:
    if node.level < NNAPI_1_2 and not node.option("squeeze_dims", ()):
        return f"no squeeze_dims: since Android API level {NNAPI_1_2}"
    return ""


_CHECKS: Mapping[str, Check] = {
    "arg": _arg,
    "bias": _bias,
    "cast_to": _cast_to,
    "constant_axis": constant_input(1, "axis"),
    "constant_k": constant_input(1, "number of results"),
    "constant_output_size": constant_input(0, "output size"),
    "constant_permutation": constant_input(1, "permutation"),
    "constant_scalars": _constant_scalars,
    "constant_shape": constant_input(1, "new shape", optional=True),
    "constant_size": constant_input(1, "size"),
    "constant_split_axis": constant_input(0, "axis"),
    "constant_weights": constant_input(1, "weights"),
    "dilation": _dilation,
    "early_weights": _early_weights,
    "even_rank_before_29": _even_rank_before_29,
    "image_rank": image_rank,
    "int32_positions": _int32_positions,
    "keep_num_dims": _keep_num_dims,
    "no_activation": activation_among("NONE"),
    "no_crops": _no_crops,
    "no_scalar_output": _no_scalar_output,
    "not_int16_out": _not_int16_out,
    "not_last_axis": _not_last_axis,
    "per_tensor_dense": _per_tensor_dense,
    "plain_int32": _plain_int32,
    "plain_resize": _plain_resize,
    "quantize_to": _quantize_to,
    "rank_4": _rank_4,
    "restricted_scales": _restricted_scales,
    "same_scale_out": _same_scale_out,
    "same_scales": _same_scales,
    "same_shapes": _same_shapes,
    "square_before_29": _square_before_29,
    "squeeze_dims_at_28": _squeeze_dims_at_28,
    "symmetric_at_29": _symmetric_at_29,
    "window": _window,
}
