"""What the GPU's model builder refuses once the delegate has claimed an op.

The delegate asks ``IsSupported`` for each op, claims those that pass, and builds its model by ``Parse``. A
refusal there comes too late for the op to stay on the CPU: the whole delegate fails. Some shapes are not even
refused, but computed along the wrong axis; they count as refused here.
"""

from collections.abc import Sequence

from converters.delegates.checks import RANK_OF_AN_IMAGE, constant_input, rank
from converters.delegates.node import Node, called
from converters.tflite.graph import Tensor

LAYOUTS = {1: "b", 2: "bc", 3: "bwc", 4: "bhwc"}
"""Number of dimensions to what each is on the GPU: batch, height, width, channels (ExtractTensorShape)."""

AXES = "bhwc"
GROUP = 4
"""Channels that the GPU computes at once."""

CALLED = {"b": "batch", "h": "height", "w": "width", "c": "channels"}

SLICED = (3, 4)
"""Numbers of a slice's begin, end and strides: without and with batch."""


def laid_out(shape: Sequence[int]) -> tuple[int, ...]:
    """Batch, height, width, channels of a shape of up to 4 dimensions; those that it has not are 1."""
    sizes = dict(zip(LAYOUTS.get(len(shape), ""), shape, strict=False))
    return tuple(sizes.get(axis, 1) for axis in AXES)


def channels_match(node: Node) -> str:
    """FULLY_CONNECTED: channels of the input, as the GPU lays it out, are the weights'; no flattening."""
    door, weights = node.input(0), node.input(1)
    if door is None or weights is None:
        return "an input is missing"
    if rank(weights) != 2:
        return f"weights {called(weights)}: the delegate takes 2 dimensions"
    channels = laid_out(door.shape)[3]
    if channels != weights.shape[1]:
        return (
            f"input {called(door)}: the GPU takes {weights.shape[1]} channels in the last dimension, as the "
            f"weights have, not {channels}; flatten before it"
        )
    return ""


def ungrouped(node: Node) -> str:
    """CONV_2D in groups: by constant weights, and in groups as the GPU computes channels.

    Other groups become a split, convolutions and a concatenation. LiteRT 2.3's accelerator makes an invalid
    program of that ("Binding size ... is zero") and answers nonsense, measured for groups of 1, 2 and 3.
    """
    door, weights, output = node.input(0), node.input(1), node.output()
    if door is None or weights is None or output is None:
        return "an input or output is missing"
    channels, own, given = laid_out(door.shape)[3], laid_out(weights.shape)[3], laid_out(output.shape)[3]
    if channels == own or own < 1:
        return ""
    if not node.constant(weights):
        return f"grouped by weights {called(weights)} that are computed: the delegate needs a constant"
    groups = max(1, channels // own)
    each = laid_out(weights.shape)[0] // groups
    depthwise = own == 1 and channels == given
    if depthwise or (own % GROUP == 0 and each % GROUP == 0):
        return ""
    return (
        f"{groups} groups of {own} to {each} channels: the GPU computes multiples of {GROUP}, or one to "
        "one; the program for others is wrong (LiteRT 2.3, measured)"
    )


def one_depth(node: Node) -> str:
    """DEPTHWISE_CONV_2D with several outputs for a channel: by constant weights only."""
    multiplier, weights = node.number("depth_multiplier", 0), node.input(1)
    if multiplier == 1 or node.constant(weights):
        return ""
    return f"depth_multiplier is {multiplier}, and weights are computed: the delegate needs a constant"


def operand(node: Node) -> str:
    """An elementwise op of two inputs: at most one of them is constant, and that has batch 1."""
    if not node.computed:
        return "no input is computed at run time: the delegate takes one constant at most"
    for tensor in node.inputs:
        if node.constant(tensor) and rank(tensor) == RANK_OF_AN_IMAGE and tensor.shape[0] != 1:
            return f"constant {called(tensor)}: the delegate takes constants of batch 1"
    return ""


def joined_constants(node: Node) -> str:
    """CONCATENATION and PACK: constants have four dimensions."""
    if node.op.name == "PACK" and len(node.inputs) == 1:
        return ""
    odd = next((t for t in node.inputs if node.constant(t) and rank(t) != RANK_OF_AN_IMAGE), None)
    return "" if odd is None else f"constant {called(odd)}: the delegate joins constants of 4 dimensions only"


def slope(node: Node) -> str:
    """PRELU: a constant slope for each channel, or for each value of a picture."""
    door, alpha = node.input(0), node.input(1)
    if door is None or alpha is None or not node.constant(alpha):
        return constant_input(1, "slope")(node)
    _, height, width, channels = laid_out(door.shape)
    linear = bool(alpha.shape) and all(size == 1 for size in alpha.shape[:-1]) and alpha.shape[-1] == channels
    picture = alpha.shape in ((height, width, channels), (1, height, width, channels))
    if linear or picture:
        return ""
    return f"slope {called(alpha)} on {called(door)}: the delegate takes one for each channel or each value"


def axis_inside(node: Node) -> str:
    """GATHER: an axis that the input has."""
    door, axis = node.input(0), node.number("axis", 0)
    if door is None or -rank(door) <= axis < rank(door):
        return ""
    return f"axis is {axis} on input {called(door)}"


def summed_axis(node: Node) -> str:
    """CUMSUM: an axis that the delegate finds; it counts from the channels, as if there were no layout.

    LiteRT 2.3's accelerator sums a vector's batch along another axis, and from behind (-1) ends the process.
    """
    door, axes = node.input(0), node.input(1)
    if door is None or axes is None or not axes.values:
        return "the axis is not known: the delegate needs a constant"
    axis, layout = axes.values[0], LAYOUTS.get(rank(door), "")
    taken = axis + len(AXES) - rank(door)
    right = 0 <= axis < len(layout) and AXES[taken] == layout[axis]
    if right:
        return ""
    return f"axis is {axis} on input {called(door)}: the delegate would sum along another one"


def constant_axis(node: Node) -> str:
    """SPLIT and SPLIT_V: where there is more than one part, along a constant axis."""
    if node.number("num_splits", 0) == 1:
        return ""
    return constant_input(0 if node.op.name == "SPLIT" else 2, "axis")(node)


def permutation(node: Node) -> str:
    """TRANSPOSE: a constant permutation of 2 to 4 dimensions."""
    order = node.input(1)
    if order is None or not node.constant(order):
        return constant_input(1, "permutation")(node)
    if order.dtype == "int32" and order.shape in ((2,), (3,), (4,)):
        return ""
    return f"permutation {called(order)}: the delegate takes int32 of 2 to 4 dimensions"


def constant_paddings(node: Node) -> str:
    """PAD and its like: amounts that stand in the file, as int32."""
    amounts = node.input(1)
    if amounts is None or not node.constant(amounts):
        return constant_input(1, "paddings")(node)
    return "" if amounts.dtype == "int32" else f"paddings {called(amounts)}: the delegate takes int32"


def sparse(node: Node) -> str:
    """DENSIFY: of what is stored sparsely."""
    tensor = node.inputs[0]
    return "" if tensor.sparse else f"input {called(tensor)} is not stored sparsely"


def resampled(node: Node) -> str:
    """Resampler: positions for each picture of the batch, two numbers and more each."""
    door, positions = node.input(0), node.input(1)
    if door is None or positions is None:
        return "an input is missing"
    if laid_out(door.shape)[0] == laid_out(positions.shape)[0] and laid_out(positions.shape)[3] > 1:
        return ""
    return f"positions {called(positions)} do not fit input {called(door)}"


def slice_sizes(node: Node) -> str:
    """SLICE and STRIDED_SLICE: constants, forwards, and what they cut out is as large as the output."""
    door, output = node.input(0), node.output()
    strided = node.op.name == "STRIDED_SLICE"
    names = ("begin", "end", "strides") if strided else ("begin", "size")
    numbers = []
    for position, what in enumerate(names, 1):
        tensor = node.input(position)
        if tensor is None or not node.constant(tensor):
            return constant_input(position, what)(node)
        if tensor.dtype != "int32" or tensor.values is None or len(tensor.values) not in SLICED:
            return f"{what} {called(tensor)}: the delegate takes 3 or 4 of int32"
        numbers.append(tensor.values)
    if door is None or output is None or len({len(each) for each in numbers}) > 1:
        return f"{', '.join(names)} differ in length"
    if not strided:
        fits = len(numbers[0]) in ((3,) if rank(door) == 3 else SLICED)
        return "" if fits else f"{len(numbers[0])} numbers on input {called(door)}"
    return _strided(node, door, output, numbers)


def _strided(node: Node, door: Tensor, output: Tensor, numbers: Sequence[tuple[int, ...]]) -> str:
    """As the delegate counts: the last three numbers are height, width, channels, of three dimensions too."""
    begins, ends, strides = numbers
    there, given = laid_out(door.shape), laid_out(output.shape)
    first = len(AXES) - len(begins)
    sizes = list(there[:first])
    for i, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        if stride < 1:
            return f"strides are {strides}: the delegate takes 1 and more"
        size = there[first + i]
        start = 0 if node.number("begin_mask", 0) >> i & 1 else begin + (size if begin < 0 else 0)
        stop = size if node.number("end_mask", 0) >> i & 1 else end + (size if end < 0 else 0)
        sizes.append((stop - start + stride - 1) // stride)
    for axis, size, wanted in zip(AXES, sizes, given, strict=True):
        if size != wanted:
            read = f"the delegate reads begin and end as {size} in {CALLED[axis]}"
            return f"{read}, output {called(output)} has {wanted}"
    return ""
