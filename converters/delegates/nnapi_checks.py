"""The rules of the NNAPI delegate that its table names; see ``nnapi.toml`` for their source."""

from collections.abc import Mapping

from converters.delegates.checks import activation_among, constant_data, constant_input, image_rank, rank
from converters.delegates.nnapi_quantised import (
    NNAPI_1_2,
    NNAPI_1_3,
    dequantize,
    early_weights,
    mul_version,
    per_tensor_dense,
    quantize_to,
    restricted_scales,
    same_scale_out,
    same_scales,
    window,
)
from converters.delegates.nnapi_recurrent import (
    fill,
    five_inputs,
    float_second,
    lsh,
    lstm,
    not_hybrid,
    sequence_inputs,
)
from converters.delegates.node import Node, called
from converters.delegates.rules import Check
from converters.tflite.graph import Tensor

INT32_LIMIT = 2**31
"""From which on, and below the negative of which, a number is no int32."""


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


def _arg(node: Node) -> str:
    axis, output = node.input(1), node.outputs[0]
    if axis is None or axis.dtype not in ("int32", "int64"):
        return "the axis must be int32, or an int64 constant"
    if axis.dtype == "int64" and not (node.constant(axis) and _fits(axis)):
        return f"axis {called(axis)}: an int64 axis must be a constant that int32 holds"
    return "" if output.dtype == "int32" else f"output {called(output)}: the delegate gives int32"


def _fits(tensor: Tensor) -> bool:
    return tensor.values is not None and all(-INT32_LIMIT <= value < INT32_LIMIT for value in tensor.values)


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
    return _at_most_4(node.inputs[:1])


def _rank_4_of_both(node: Node) -> str:
    return _at_most_4(node.inputs[:2])


def _at_most_4(tensors: list[Tensor]) -> str:
    for tensor in tensors:
        if rank(tensor) > 4:
            return f"input {called(tensor)} has {rank(tensor)} dimensions: the delegate takes 4"
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


def _not_last_axis(node: Node) -> str:
    axis = node.number("axis", 0)
    return f"axis {axis} is the last" if axis in (-1, rank(node.inputs[0])) else ""


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


def _rank_4_before_29(node: Node) -> str:
    door = node.inputs[0]
    if node.level < NNAPI_1_2 and rank(door) != 4:
        return f"input {called(door)} has {rank(door)} dimensions: before level {NNAPI_1_2} 4"
    return ""


def _no_activation_before_29(node: Node) -> str:
    return _NO_ACTIVATION(node) if node.level < NNAPI_1_2 else ""


def _int32_begin_and_size(node: Node) -> str:
    for tensor, what in ((node.input(1), "begin"), (node.input(2), "size")):
        if tensor is None or tensor.dtype != "int32":
            return f"{what} {called(tensor) if tensor else 'is missing'}: the delegate takes int32"
    return ""


def _pad(node: Node) -> str:
    door, count = node.inputs[0], len(node.op.inputs)
    if 0 in door.shape:
        return f"input {called(door)} has no elements"
    if count < 2:
        return "no paddings"
    if node.level < NNAPI_1_2 and (count == 3 or door.dtype != "float32"):
        return f"a padding value, or input {called(door)}: since Android API level {NNAPI_1_2}"
    return ""


def _no_scalar_input(node: Node) -> str:
    return "" if node.inputs[0].shape else f"input {called(node.inputs[0])}: the delegate reduces no scalars"


def _new_shape(node: Node) -> str:
    if len(node.op.inputs) > 1:
        return _CONSTANT_SHAPE(node)
    shape = node.option("new_shape", ())
    # An old file's [0] means a scalar.
    return "to a scalar: the delegate takes one dimension and more" if shape in ((), (0,)) else ""


def _softmax_output(node: Node) -> str:
    output = node.outputs[0]
    if output.dtype in ("float32", "uint8", "int8"):
        return ""
    return f"output {called(output)}: the delegate gives float32, uint8, int8"


def _float_output(node: Node) -> str:
    output = node.outputs[0]
    return "" if output.dtype == "float32" else f"output {called(output)}: the delegate gives float32"


class _ConstantInt32:
    """A rule that an input is an int32 constant."""

    def __init__(self, position: int, what: str, *, constant: bool = True) -> None:
        self._position, self._what, self._constant = position, what, constant

    def __call__(self, node: Node) -> str:
        tensor = node.input(self._position)
        if tensor is None or tensor.dtype != "int32":
            return f"{self._what} {called(tensor) if tensor else 'is missing'}: the delegate takes int32"
        if self._constant and not node.constant(tensor):
            return f"{self._what} {called(tensor)} is computed at run time: the delegate needs a constant"
        return ""


_NO_ACTIVATION = activation_among("NONE")
_CONSTANT_SHAPE = constant_input(1, "new shape")

CHECKS: Mapping[str, Check] = {
    "arg": _arg,
    "bias": _bias,
    "cast_to": _cast_to,
    "constant_axis": _ConstantInt32(1, "axis"),
    "constant_data": constant_data,
    "constant_k": _ConstantInt32(1, "number of results"),
    "constant_output_size": constant_input(0, "output size"),
    "constant_permutation": constant_input(1, "permutation"),
    "constant_scalars": _constant_scalars,
    "constant_size": constant_input(1, "size"),
    "constant_split_axis": _ConstantInt32(0, "axis"),
    "constant_weights": constant_input(1, "weights"),
    "dequantize": dequantize,
    "dilation": _dilation,
    "early_weights": early_weights,
    "even_rank_before_29": _even_rank_before_29,
    "fill": fill,
    "five_inputs": five_inputs,
    "float_output": _float_output,
    "float_second": float_second,
    "image_rank": image_rank,
    "int32_begin_and_size": _int32_begin_and_size,
    "int32_multipliers": _ConstantInt32(1, "multipliers", constant=False),
    "int32_positions": _int32_positions,
    "keep_num_dims": _keep_num_dims,
    "lsh": lsh,
    "lstm": lstm,
    "mul_version": mul_version,
    "new_shape": _new_shape,
    "no_activation": _NO_ACTIVATION,
    "no_activation_before_29": _no_activation_before_29,
    "no_crops": _no_crops,
    "no_scalar_input": _no_scalar_input,
    "no_scalar_output": _no_scalar_output,
    "not_hybrid": not_hybrid,
    "not_int16_out": _not_int16_out,
    "not_last_axis": _not_last_axis,
    "pad": _pad,
    "per_tensor_dense": per_tensor_dense,
    "plain_int32": _plain_int32,
    "plain_resize": _plain_resize,
    "quantize_to": quantize_to,
    "rank_4": _rank_4,
    "rank_4_before_29": _rank_4_before_29,
    "rank_4_of_both": _rank_4_of_both,
    "restricted_scales": restricted_scales,
    "same_scale_out": same_scale_out,
    "same_scales": same_scales,
    "same_shapes": _same_shapes,
    "sequence_inputs": sequence_inputs,
    "softmax_output": _softmax_output,
    "square_before_29": _square_before_29,
    "squeeze_dims_at_28": _squeeze_dims_at_28,
    "window": window,
}
"""The rules that rows name."""
