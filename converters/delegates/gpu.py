"""The GPU delegate of TensorFlow Lite and LiteRT: OpenCL and OpenGL on Android, Metal on iOS.

The rules are those of its model builder; see ``gpu.toml``. Drivers refuse more: only a run on the real thing
shows that (runtime ``litert_gpu``).
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from converters.delegates.checks import (
    RANK_OF_AN_IMAGE,
    activation_among,
    beta_one,
    block_above_one,
    computed_inputs,
    constant_input,
    default_weights_format,
    dynamic,
    one_computed_input,
    outputs,
    rank,
    reflecting,
    two_inputs,
)
from converters.delegates.node import Node, called
from converters.delegates.rules import Check, refusals, table
from converters.delegates.verdict import Limits, Verdict, assemble
from converters.tflite.graph import Inspection

NAME = "gpu"

_LOGICAL = frozenset({"EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"})
"""Ops that give truth values, which the GPU only has on the way into a CAST."""


def verdict(
    inspection: Inspection,
    *,
    quantized: bool = True,
    most_partitions: int | None = None,
) -> Verdict:
    """What the GPU delegate would compute.

    Args:
        inspection: of the file.
        quantized: whether it is opened for quantised models (the default: TFLITE_GPU_EXPERIMENTAL_FLAGS_
            ENABLE_QUANT, ``GpuDelegate.Options.setQuantizedModelsAllowed``).
        most_partitions: parts it takes; the delegate's own default where None.
    """
    rules = table(NAME)
    found = refusals(
        inspection, rules, _CHECKS, every=(_runtime_dtypes, _dimensions, _fixed_size), quantized=quantized
    )
    default: int = rules.settings["most_partitions"]
    return assemble(
        NAME,
        inspection,
        found,
        limits=Limits(most_partitions=most_partitions or default),
        warnings=_warnings(inspection),
        notes=_notes(inspection, quantized=quantized),
    )


def _warnings(inspection: Inspection) -> list[str]:
    batch = next((t for t in inspection.inputs if t.shape and t.shape[0] > 1), None)
    return [f"input {called(batch)}: GPUs are tuned and tested for batch 1"] if batch else []


def _notes(inspection: Inspection, *, quantized: bool) -> list[str]:
    dtypes = {tensor.dtype for tensor in inspection.tensors}
    notes = []
    if dtypes & {"int8", "uint8"} and quantized:
        notes.append(
            "quantised tensors are computed in floating point and rounded to their scale after each op"
        )
    notes.append(
        "half precision by default: differences of 1e-3 and more; precision loss can be switched off"
    )
    return notes


def _runtime_dtypes(node: Node) -> str:
    """Dtypes of what is computed, in and out. Constants are converted, whatever they are."""
    settings = table(NAME).settings
    taken: Sequence[str] = (
        *settings["float_dtypes"],
        *(settings["quantized_dtypes"] if node.quantized else ()),
    )
    inwards, outwards = set(taken), set(taken)
    if node.op.name in _LOGICAL:
        outwards.add("bool")
    if node.op.name == "CAST":
        inwards |= {"bool", "int32"}
        outwards |= {"int32"}
    for tensor, allowed in (*((t, inwards) for t in node.computed), *((t, outwards) for t in node.outputs)):
        if tensor.dtype not in allowed:
            quantised = tensor.dtype in settings["quantized_dtypes"]
            way = "; open it with quantised models allowed" if quantised else ""
            return f"tensor {called(tensor)}: the GPU computes {', '.join(taken)}{way}"
    return ""


def _dimensions(node: Node) -> str:
    most: int = table(NAME).settings["most_dimensions"]
    for tensor in (*node.inputs, *node.outputs):
        if rank(tensor) > most:
            return f"tensor {called(tensor)} has {rank(tensor)} dimensions: the GPU takes {most}"
    return ""


def _fixed_size(node: Node) -> str:
    tensor = dynamic(node)
    return (
        f"tensor {called(tensor)} has no fixed size (dynamic batch): convert with batch 1" if tensor else ""
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
    return computed_inputs(node, 2) or outputs(node, 1)


def _depthwise(node: Node) -> str:
    door, weights = node.input(0), node.input(1)
    if door is None or weights is None or rank(door) != RANK_OF_AN_IMAGE:
        return "input and weights must have 4 dimensions"
    multiplier = node.number("depth_multiplier", 1)
    if multiplier not in (0, 1) and door.shape[3] != 1:
        return f"depth_multiplier is {multiplier} on {door.shape[3]} channels: one of them must be 1"
    return ""


def _dense(node: Node) -> str:
    reason = default_weights_format(node) or computed_inputs(node, 2)
    door, output = node.input(0), node.output()
    if reason or door is None or output is None:
        return reason
    if node.constant(door):
        return f"input {called(door)} is a constant"
    if node.option("keep_num_dims", False) and rank(door) != rank(output):
        return f"keep_num_dims, but input {called(door)} and output {called(output)} differ in dimensions"
    return _activation(node)


def _axes(node: Node) -> str:
    axes = node.input(1)
    if axes is None or not node.constant(axes):
        return "the axes are computed at run time: the delegate needs a constant"
    return "" if axes.dtype == "int32" else f"axes {called(axes)}: the delegate takes int32"


def _padding(node: Node) -> str:
    amounts = node.input(1)
    if amounts is None or amounts.shape not in ((3, 2), (4, 2)):
        return f"paddings {called(amounts) if amounts else 'missing'}: the delegate takes 3x2 or 4x2"
    return "" if node.constant(amounts) else f"paddings {called(amounts)} are computed at run time"


def _resize(node: Node) -> str:
    if node.option("align_corners", False) and node.option("half_pixel_centers", False):
        return "align_corners and half_pixel_centers are both set"
    return ""


def _sliced(node: Node) -> str:
    tensor = node.input(0)
    if tensor is not None and rank(tensor) not in (3, 4):
        return f"input {called(tensor)} has {rank(tensor)} dimensions: the delegate takes 3 or 4"
    return ""


def _masks(node: Node) -> str:
    for mask in ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask"):
        if node.number(mask, 0):
            return f"{mask} is {node.number(mask, 0)}: the delegate takes 0"
    return ""


def _quantized_models(node: Node) -> str:
    return "" if node.quantized else "the delegate was opened without quantised models"


def _cast(node: Node) -> str:
    door, output = node.inputs[0].dtype, node.outputs[0].dtype
    floats = {"float16", "float32"}
    numbers = {"float32", "int32"}
    if (door == "bool" and output in floats) or (door in floats and output == "bool"):
        return ""
    return (
        "" if {door, output} <= numbers else f"casts {door} to {output}: the delegate casts float32 and int32"
    )


def _logical(node: Node) -> str:
    """Truth values live on the GPU only between a comparison and the CAST that alone reads it."""
    output = node.outputs[0]
    readers = [op for op in node.graph.ops if output.index in op.inputs]
    if len(readers) == 1 and readers[0].name == "CAST":
        return ""
    return f"output {called(output)} is not read by one CAST alone"


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


_activation = activation_among(*table(NAME).settings["activations"])

_CHECKS: Mapping[str, Check] = {
    "activation": _activation,
    "axes": _axes,
    "beta": beta_one,
    "binary": _binary,
    "block": block_above_one,
    "broadcast": _broadcast,
    "cast": _cast,
    "constant_slope": constant_input(1, "slope"),
    "convolution": _convolution,
    "dense": _dense,
    "depthwise": _depthwise,
    "logical": _logical,
    "masks": _masks,
    "mirror": reflecting,
    "one_computed_input": one_computed_input,
    "one_covers_the_other": _one_covers_the_other,
    "padding": _padding,
    "quantized_models": _quantized_models,
    "resize": _resize,
    "sliced": _sliced,
    "two_inputs": two_inputs,
    "unary": _unary,
}
