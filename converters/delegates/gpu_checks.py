"""The rules of the GPU delegate that its table names; see ``gpu.toml`` for their source."""

from collections.abc import Mapping
from itertools import zip_longest

from converters.delegates import gpu_parse
from converters.delegates.checks import (
    RANK_OF_AN_IMAGE,
    activation_among,
    beta_one,
    block_above_one,
    computed_inputs,
    constant_data,
    constant_input,
    default_weights_format,
    in_and_out,
    one_computed_input,
    outputs,
    rank,
    reflecting,
    two_inputs,
)
from converters.delegates.gpu_gathering import gather, lstm, one_hot, select
from converters.delegates.node import Node, called
from converters.delegates.rules import Check, table

NAME = "gpu"

FLOATS = frozenset({"float16", "float32"})


def _runtime_dtypes(node: Node) -> str:
    """Dtypes of what is computed, in and out. Constants are converted, whatever they are."""
    settings = table(NAME).settings
    name = node.op.name
    quantised = frozenset(settings["quantized_dtypes"])
    taken = (*settings["float_dtypes"], *(settings["quantized_dtypes"] if node.quantized else ()))
    for tensors, more in ((node.computed, "more_inputs"), (node.outputs, "more_outputs")):
        allowed = {*taken, *settings[more].get(name, ())}
        odd = next((tensor for tensor in tensors if tensor.dtype not in allowed), None)
        if odd is not None:
            way = "; open it with quantised models allowed" if odd.dtype in quantised else ""
            return f"tensor {called(odd)}: the GPU computes {', '.join(taken)}{way}"
        scaled = next((t for t in tensors if t.dtype in quantised and len(t.scales) != 1), None)
        if scaled is not None:
            count = len(scaled.scales)
            return f"tensor {called(scaled)} has {count} scales: the GPU takes one of what is computed"
    return ""


def _dimensions(node: Node) -> str:
    most: int = table(NAME).settings["most_dimensions"]
    for tensor in (*node.inputs, *node.outputs):
        if rank(tensor) > most:
            return f"tensor {called(tensor)} has {rank(tensor)} dimensions: the GPU takes {most}"
    return ""


def _fixed_size(node: Node) -> str:
    unsized = node.links.unsized
    tensor = next((each for each in (*node.inputs, *node.outputs) if each.index in unsized), None)
    return (
        f"tensor {called(tensor)} has no size before the graph has run: convert with batch 1"
        if tensor
        else ""
    )


def _unary(node: Node) -> str:
    if len(node.inputs) != 1:
        return f"{len(node.inputs)} inputs: the delegate takes 1"
    return one_computed_input(node)


def _binary(node: Node) -> str:
    reason = two_inputs(node) or computed_inputs(node, 2) or outputs(node, 1)
    if reason:
        return reason
    if len(set(node.op.inputs)) == 1:
        return f"both inputs are {called(node.inputs[0])}: the delegate takes two different ones"
    return ""


def _convolution(node: Node) -> str:
    reason = computed_inputs(node, 2) or outputs(node, 1)
    return reason or (gpu_parse.ungrouped(node) if node.op.name == "CONV_2D" else "")


def _strides(node: Node) -> str:
    """Strides, dilations and pooling windows of 1 and more, where the op has them."""
    for name in ("stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor", "filter_height",
                 "filter_width"):  # fmt: skip
        value = node.option(name, 1)
        if isinstance(value, int) and value < 1:
            return f"{name} is {value}: the delegate takes 1 and more"
    return ""


def _depthwise(node: Node) -> str:
    door, weights, output, bias = node.input(0), node.input(1), node.output(), node.input(2)
    if door is None or weights is None or output is None:
        return "an input or output is missing"
    for tensor in (door, weights, output):
        if rank(tensor) != RANK_OF_AN_IMAGE:
            return f"{called(tensor)} has {rank(tensor)} dimensions: the delegate takes 4"
    multiplier = node.number("depth_multiplier", 0)
    channels, given = door.shape[3], output.shape[3]
    if given != channels * multiplier or weights.shape[3] != given or door.shape[0] != output.shape[0]:
        return (
            f"depth_multiplier is {multiplier}: input {called(door)}, weights {called(weights)} and output "
            f"{called(output)} do not fit it"
        )
    if bias is not None and bias.elements != given:
        return f"bias {called(bias)} on {given} channels"
    if multiplier != 1 and channels != 1:
        return f"depth_multiplier is {multiplier} on {channels} channels: one of them must be 1"
    return ""


def _dense(node: Node) -> str:
    reason = default_weights_format(node) or computed_inputs(node, 2) or gpu_parse.channels_match(node)
    door, output = node.input(0), node.output()
    if reason or door is None or output is None:
        return reason
    if node.constant(door):
        return f"input {called(door)} is a constant"
    if node.option("keep_num_dims", False) and rank(door) != rank(output):
        return f"keep_num_dims, but input {called(door)} and output {called(output)} differ in dimensions"
    return ""


def _batch_matmul(node: Node) -> str:
    second = node.input(1)
    if node.constant(node.input(0)):
        return "the first input is a constant"
    if node.constant(second) and rank(second) != 2:
        return f"a constant second input of {rank(second)} dimensions: the delegate takes 2"
    return ""


def _axes(node: Node) -> str:
    axes = node.input(1)
    if axes is None or not node.constant(axes):
        return "the axes are computed at run time: the delegate needs a constant"
    return "" if axes.dtype == "int32" else f"axes {called(axes)}: the delegate takes int32"


def _padding(node: Node) -> str:
    amounts = node.input(1)
    if amounts is None or amounts.shape not in ((3, 2), (4, 2)):
        return f"paddings {called(amounts) if amounts else 'missing'}: the delegate takes 3x2 or 4x2"
    return ""


def _resize(node: Node) -> str:
    if node.option("align_corners", False) and node.option("half_pixel_centers", False):
        return "align_corners and half_pixel_centers are both set"
    return ""


def _sliced(node: Node) -> str:
    tensor, needed = node.input(0), 4 if node.op.name == "STRIDED_SLICE" else 3
    if tensor is not None and rank(tensor) not in (3, 4):
        return f"input {called(tensor)} has {rank(tensor)} dimensions: the delegate takes 3 or 4"
    return "" if len(node.inputs) >= needed else f"{len(node.inputs)} inputs: the delegate takes {needed}"


def _masks(node: Node) -> str:
    for mask in ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask"):
        if node.number(mask, 0):
            return f"{mask} is {node.number(mask, 0)}: the delegate takes 0"
    return ""


def _quantized_models(node: Node) -> str:
    return "" if node.quantized else "the delegate was opened without quantised models"


def _not_int16(node: Node) -> str:
    tensor = node.inputs[0]
    return f"input {called(tensor)}: the delegate takes no int16" if tensor.dtype == "int16" else ""


def _cast(node: Node) -> str:
    door, output = node.inputs[0], node.outputs[0]
    between = {door.dtype, output.dtype}
    if door.dtype == "bool" and output.dtype in FLOATS:
        if len(node.producers(door)) != 1 or len(node.readers(door)) != 1:
            return f"input {called(door)} is not made by one op for this CAST alone"
        if len(node.readers(output)) != 1:
            return f"output {called(output)} is not read by one op: truth values are cast on the way only"
        return ""
    if (door.dtype in FLOATS and output.dtype == "bool") or between <= {"float32", "int32"}:
        return ""
    return f"casts {door.dtype} to {output.dtype}: the delegate casts float32 and int32, floats and bool"


def _logical(node: Node) -> str:
    """Truth values live on the GPU only between a comparison and the op that alone reads it."""
    output = node.outputs[0]
    readers = node.readers(output)
    if len(readers) == 1 and len(node.producers(output)) == 1:
        (reader,) = readers
        given = node.graph.tensor(reader.outputs[0]) if reader.outputs else None
        if reader.name in ("CAST", "SELECT", "SELECT_V2") and given is not None and given.dtype in FLOATS:
            return ""
    return f"output {called(output)} is not read by one CAST or SELECT alone"


def _broadcast(node: Node) -> str:
    """Shapes of different ranks, as releases before the enhanced broadcasting take them."""
    first, second = node.inputs
    if rank(first) <= 1 or rank(second) <= 1 or rank(first) == rank(second):
        return ""
    longer, shorter = sorted((first.shape, second.shape), key=len, reverse=True)
    if len(longer) == RANK_OF_AN_IMAGE:
        by_batch = len(shorter) == 3 and longer[0] == 1
        by_one = longer[0] == 1 and shorter == (1, 1)
        by_channel = len(shorter) == 2 and shorter == (longer[0], longer[3])
        if by_batch or by_one or by_channel:
            return ""
    return f"broadcasting {called(first)} with {called(second)}: the delegate does not broadcast so"


def _one_covers_the_other(node: Node) -> str:
    first, second = node.inputs
    if rank(first) != rank(second):
        return _broadcast(node)
    pairs = list(zip_longest(first.shape, second.shape))
    if any(a < b for a, b in pairs) and any(b < a for a, b in pairs):
        return f"{called(first)} times {called(second)}: one must be as large as the other in every dimension"
    return ""


CHECKS: Mapping[str, Check] = {
    "activation": activation_among(*table(NAME).settings["activations"]),
    "axes": _axes,
    "batch_matmul": _batch_matmul,
    "beta": beta_one,
    "binary": _binary,
    "block": block_above_one,
    "broadcast": _broadcast,
    "cast": _cast,
    "constant_data": constant_data,
    "convolution": _convolution,
    "dense": _dense,
    "depthwise": _depthwise,
    "gather": gather,
    "axis_inside": gpu_parse.axis_inside,
    "constant_axis": gpu_parse.constant_axis,
    "constant_paddings": gpu_parse.constant_paddings,
    "joined_constants": gpu_parse.joined_constants,
    "one_depth": gpu_parse.one_depth,
    "operand": gpu_parse.operand,
    "permutation": gpu_parse.permutation,
    "resampled": gpu_parse.resampled,
    "slice_sizes": gpu_parse.slice_sizes,
    "slope": gpu_parse.slope,
    "sparse": gpu_parse.sparse,
    "summed_axis": gpu_parse.summed_axis,
    "logical": _logical,
    "lstm": lstm,
    "masks": _masks,
    "mirror": reflecting,
    "not_int16": _not_int16,
    "one_computed_input": one_computed_input,
    "one_covers_the_other": _one_covers_the_other,
    "one_hot": one_hot,
    "one_in_two_out": in_and_out(1, 2),
    "padding": _padding,
    "quantized_models": _quantized_models,
    "resize": _resize,
    "select": select,
    "sliced": _sliced,
    "strides": _strides,
    "two_in_one_out": in_and_out(2, 1),
    "two_inputs": two_inputs,
    "unary": _unary,
    "weights": constant_input(1, "weights"),
}
"""The rules that rows name."""

EVERY: Mapping[str, Check] = {
    "runtime_dtypes": _runtime_dtypes,
    "dimensions": _dimensions,
    "fixed_size": _fixed_size,
}
"""Rules for every op that has a row."""
