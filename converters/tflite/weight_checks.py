"""Checks of the weights: scales, zero points and dtypes that kernels misread or refuse.

P006 to P010, P016, P018, P020.
"""

from collections.abc import Iterator
from math import isclose

from converters.diagnostics import Diagnostic
from converters.tflite.hybrid_depthwise import outcome
from converters.tflite.names import bounded
from converters.tflite.question import BIAS, CONVOLUTIONS, DOOR, WEIGHTED, Question, at, kernel_of, part

BIAS_TOLERANCE = 1e-3
"""Relative. Scales are float32, and two of them multiplied are off by 1e-7; converters that widen a weight's
scale for the sake of its bias do so in both. Kernels themselves refuse 2 % of the output's scale."""

QUANTISED = frozenset({"int8", "uint8", "int16"})


def asymmetric(question: Question) -> Iterator[Diagnostic]:
    """P006: int8 weights with a zero point, where kernels take it for 0."""
    # Many ops may share weights of many channels: each tensor is gone through once.
    first: dict[tuple[int, int], int] = {}
    for graph, op in question.ops():
        kernel = kernel_of(graph, op)
        if kernel is None or kernel.dtype != "int8":
            continue
        which = (graph.index, kernel.index)
        if which not in first:
            first[which] = next((point for point in kernel.zero_points if point), 0)
        wrong = first[which]
        if wrong and (op.name in CONVOLUTIONS or len(kernel.scales) > 1):
            yield at("P006", "error", f"{op.name} has weights with zero point {wrong}", graph, op)


def scaleless(question: Question) -> Iterator[Diagnostic]:
    """P007: quantised arithmetic without a scale."""
    for graph, op in question.ops():
        if op.name not in WEIGHTED:
            continue
        parts = (part(graph, op, DOOR.get(op.name, 0)), kernel_of(graph, op), *map(graph.tensor, op.outputs))
        for tensor in parts:
            if tensor is not None and tensor.dtype in QUANTISED and not tensor.scales:
                yield at(
                    "P007",
                    "error",
                    f"{op.name}: {tensor.dtype} tensor '{bounded(tensor.name)}' has no scale",
                    graph,
                    op,
                )


def bias_scale(question: Question) -> Iterator[Diagnostic]:
    """P008: a bias whose scale is not that of the products it is added to."""
    # Many ops may share tensors of many channels: each combination is looked at once.
    seen: set[tuple[int, str, tuple[int, ...]]] = set()
    for graph, op in question.ops():
        which = (graph.index, op.name, tuple(op.inputs))
        if which in seen:
            continue
        seen.add(which)
        door, kernel = part(graph, op, DOOR.get(op.name, 0)), kernel_of(graph, op)
        bias = part(graph, op, BIAS.get(op.name, 2))
        if door is None or kernel is None or bias is None or len(door.scales) != 1:
            continue
        if not bias.scales or len(bias.scales) != len(kernel.scales):
            continue
        for channel, (weight, own) in enumerate(zip(kernel.scales, bias.scales, strict=True)):
            if not isclose(own, door.scales[0] * weight, rel_tol=BIAS_TOLERANCE):
                message = (
                    f"{op.name}: bias scale {own:.6g} of channel {channel} is not input scale times weight "
                    f"scale, {door.scales[0] * weight:.6g}"
                )
                yield at("P008", "error", message, graph, op)
                break


def float16(question: Question) -> Iterator[Diagnostic]:
    """P009: float16 constants that an op reads without widening."""
    for graph, op in question.ops():
        kernel = kernel_of(graph, op)
        if kernel is not None and kernel.dtype == "float16" and kernel.constant:
            yield at("P009", "error", f"{op.name} reads float16 weights directly", graph, op)


def narrow(question: Question) -> Iterator[Diagnostic]:
    """P010: weights of 4 bits or less."""
    for graph, op in question.ops():
        kernel = kernel_of(graph, op)
        if kernel is not None and kernel.dtype in {"int4", "int2", "uint4"}:
            yield at("P010", "warning", f"{op.name} has {kernel.dtype} weights", graph, op)


def nnapi(question: Question) -> Iterator[Diagnostic]:
    """P016: per-channel Dense weights for NNAPI."""
    if "nnapi" not in question.delegates:
        return
    for graph, op in question.ops():
        kernel = kernel_of(graph, op)
        if op.name == "FULLY_CONNECTED" and kernel is not None and len(kernel.scales) > 1:
            message = f"FULLY_CONNECTED has {len(kernel.scales)} scales, NNAPI knows one"
            yield at("P016", "error", message, graph, op)


def old_scheme(question: Question) -> Iterator[Diagnostic]:
    """P018: uint8 weights."""
    for graph, op in question.ops():
        kernel = kernel_of(graph, op)
        if kernel is not None and kernel.dtype == "uint8":
            yield at("P018", "info", f"{op.name} has uint8 weights", graph, op)


def one_depthwise_scale(question: Question) -> Iterator[Diagnostic]:
    """P020: depthwise weights of one scale on float activations."""
    for graph, op in question.ops():
        made = outcome(graph, op)
        if made == "right":
            continue
        message = "DEPTHWISE_CONV_2D on float32 has one scale for all channels of its int8 weights"
        if made == "refused":
            kernel = kernel_of(graph, op)
            along = 0 if kernel is None else kernel.quantized_dimension
            message += (
                f", along dimension {along}: every runtime refuses the file as it allocates the tensors"
            )
        else:
            message += ": every runtime answers nonsense"
        yield at("P020", "error", message, graph, op)
