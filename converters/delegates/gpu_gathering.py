"""Rules of the GPU delegate for ops that pick, choose and remember: GATHER, ONE_HOT, SELECT, LSTM."""

from converters.delegates.checks import outputs, rank
from converters.delegates.gpu_parse import GROUP
from converters.delegates.node import Node, called
from converters.tflite.graph import Tensor

LSTM_INPUTS = (20, 24)
"""Of the full kernel, optional ones included: without and with layer normalisation."""


def gather(node: Node) -> str:
    """Picks along an axis by int32 positions, one after the other."""
    if (len(node.inputs), len(node.computed)) not in ((2, 2), (2, 1)):
        return (
            f"{len(node.computed)} of {len(node.inputs)} inputs are computed: the delegate takes 1 or 2 of 2"
        )
    door, positions = node.inputs
    if door.dtype == "int32":
        return f"input {called(door)}: the delegate picks no int32"
    if rank(positions) != 1 or positions.dtype != "int32":
        return f"positions {called(positions)}: the delegate takes int32 in one dimension"
    return outputs(node, 1)


def one_hot(node: Node) -> str:
    """Indices to float rows, along the last axis, between two constants."""
    if len(node.inputs) != 4:
        return f"{len(node.inputs)} inputs: the delegate takes 4"
    indices, _, on, off = node.inputs
    axis = node.number("axis", 0)
    # The source compares the axis with the size of the last dimension, not with its position.
    if not indices.shape or axis not in (-1, indices.shape[-1]):
        return f"axis is {axis} on indices {called(indices)}: the delegate takes the last, -1"
    batch = 1 if rank(indices) > 3 else 0
    if any(size != 1 for size in indices.shape[batch:-1]):
        return f"indices {called(indices)}: only batch and channels may be larger than 1"
    for value in (on, off):
        if value.dtype != "float32" or not node.constant(value) or not _scalar(value):
            return f"on or off value {called(value)}: the delegate takes a float32 constant of one element"
    return outputs(node, 1)


def select(node: Node) -> str:
    """Chooses between two float tensors, each as large as the output, or one value."""
    output = node.output()
    if len(node.inputs) != 3 or output is None:
        return f"{len(node.inputs)} inputs: the delegate takes 3"
    condition, *values = node.inputs
    if condition.dtype not in ("bool", "float16", "float32"):
        return f"condition {called(condition)}: the delegate takes bool and floats"
    for position, value in enumerate(values):
        if value.dtype not in ("float16", "float32"):
            return f"value {called(value)}: the delegate chooses floats"
        if value.shape != output.shape and not _scalar(value):
            return f"value {called(value)}: as large as output {called(output)}, or of one element"
        # The builder reads a first constant as four dimensions, a second as four or three.
        if node.constant(value) and not _scalar(value) and rank(value) not in ((4,), (3, 4))[position]:
            return f"value {called(value)}: a constant of {rank(value)} dimensions"
    return outputs(node, 1)


def _scalar(tensor: Tensor) -> bool:
    return tensor.shape in ((), (0,), (1,))


def lstm(node: Node) -> str:
    """One step of an LSTM, with the full kernel or the basic one."""
    if node.option("fused_activation_function", "NONE") != "TANH":
        return f"fused activation {node.option('fused_activation_function', 'NONE')}: the delegate takes TANH"
    if node.option("kernel_type", "FULL") == "FULL":
        if len(node.op.inputs) not in LSTM_INPUTS:
            return f"{len(node.op.inputs)} inputs: the delegate takes 20 or 24"
        return outputs(node, 1)
    constants = len(node.inputs) - len(node.computed)
    if (len(node.computed), constants) != (3, 2):
        return f"{len(node.computed)} computed and {constants} constant inputs: the delegate takes 3 and 2"
    for clip in ("cell_clip", "proj_clip"):
        if node.option(clip, 0.0):
            return f"{clip} is {node.option(clip, 0.0)}: the delegate takes 0"
    depth = node.output(3)
    if depth is not None and depth.shape and depth.shape[-1] % GROUP:
        return f"output {called(depth)}: the delegate takes multiples of {GROUP} channels"
    return outputs(node, 4)
