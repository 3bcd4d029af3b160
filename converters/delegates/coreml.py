"""The Core ML delegate of TensorFlow Lite for iOS: float models, in float32 or float16 weights."""

from collections.abc import Mapping

from converters.delegates.checks import (
    RANK_OF_AN_IMAGE,
    activation_among,
    beta_one,
    constant_input,
    default_weights_format,
    dynamic,
    image_rank,
    rank,
    reflecting,
)
from converters.delegates.node import Node, called
from converters.delegates.rules import Check, refusals, table
from converters.delegates.verdict import Limits, Verdict, assemble
from converters.tflite.graph import Inspection

NAME = "coreml"

COREML_VERSION = 3
"""What the delegate takes by itself from iOS 13 on."""

VERSIONS = (2, 3)
"""What the delegate may be opened with."""


def verdict(
    inspection: Inspection,
    *,
    coreml_version: int = COREML_VERSION,
    most_partitions: int | None = None,
) -> Verdict:
    """What the Core ML delegate would compute.

    Args:
        inspection: of the file.
        coreml_version: 2 or 3, as the delegate is opened.
        most_partitions: parts it takes; None for all, which is its default.
    """
    if coreml_version not in VERSIONS:
        raise ValueError(f"Core ML version {coreml_version}: the delegate knows 2 and 3")
    rules = table(NAME)
    found = refusals(inspection, rules, CHECKS, every=EVERY, level=coreml_version)
    resized = next((t for t in inspection.inputs if t.dynamic), None)
    return assemble(
        NAME,
        inspection,
        found,
        limits=Limits(most_partitions=most_partitions, fewest_ops=rules.settings["fewest_ops"]),
        unpacks=rules.unpacks_at(coreml_version),
        warnings=[f"input {called(resized)} has no fixed size: resizing it undoes the delegation"]
        if resized
        else (),
        notes=["by itself it opens only where there is a Neural Engine (A12 and later)"],
    )


def _constants_are_floats(node: Node) -> str:
    """Hybrid ops: float input, int8 weights."""
    if node.op.name not in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"}:
        return ""
    weights = node.input(1)
    if weights is None:
        return "no weights"
    stored = node.unpacked.get(weights.index, weights)
    if stored.dtype in {"float32", "float16"}:
        return ""
    return f"weights {called(stored)}: Core ML takes float32 and float16"


def _kernel(node: Node) -> str:
    weights = node.input(1)
    largest: int = table(NAME).settings["largest_kernel"]
    if weights is None or not node.constant(weights):
        return "the weights are computed at run time: the delegate needs constants"
    if rank(weights) != RANK_OF_AN_IMAGE:
        return f"weights {called(weights)} have {rank(weights)} dimensions: the delegate takes 4"
    if max(weights.shape[1:3]) > largest:
        return f"weights {called(weights)}: the delegate takes kernels up to {largest}"
    return ""


def _dense(node: Node) -> str:
    door, weights = node.input(0), node.input(1)
    reason = default_weights_format(node)
    if reason or door is None:
        return reason
    if not node.constant(weights):
        return "the weights are computed at run time: the delegate needs constants"
    if door.elements != (door.shape or (1,))[-1]:
        return f"input {called(door)}: all dimensions but the last must be 1"
    return _CONSTANT_BIAS(node)


def _by_channel(node: Node) -> str:
    door = node.inputs[0]
    axis = node.number("axis", 0)
    if rank(door) in (3, 4) and axis in (-1, rank(door) - 1):
        return ""
    return f"joins {called(door)} along axis {axis}: the delegate joins channels of 3 or 4 dimensions"


def _spatial_mean(node: Node) -> str:
    axes = node.input(1)
    if not node.option("keep_dims", False):
        return "keep_dims is not set: use GlobalAveragePooling2D(keepdims=True), or average pooling"
    if reason := image_rank(node):
        return reason
    if axes is None or axes.values is None or not {axis % RANK_OF_AN_IMAGE for axis in axes.values} <= {1, 2}:
        return "the delegate averages over height and width only"
    return ""


def _padding(node: Node) -> str:
    amounts = node.input(1)
    if amounts is None or not node.constant(amounts) or amounts.values is None:
        return "the paddings are computed at run time: the delegate needs a constant"
    if amounts.shape != (4, 2):
        return f"paddings {called(amounts)}: the delegate takes 4x2"
    if any(amounts.values[:2]) or any(amounts.values[6:]):
        return f"paddings {list(amounts.values)}: the delegate pads height and width only"
    return ""


def _reshape(node: Node) -> str:
    if node.level >= COREML_VERSION:
        return f"Core ML {node.level}: the delegate reshapes under version 2 only"
    output = node.output()
    if output is None or rank(output) not in (3, 4):
        return f"output {called(output) if output else ''}: the delegate reshapes to 3 or 4 dimensions"
    if dynamic(node):
        return "the new shape is computed at run time"
    return ""


def _broadcast(node: Node) -> str:
    first, second = node.inputs[:2] if len(node.inputs) > 1 else (None, None)
    if first is None or second is None:
        return "two inputs are needed"
    if max(rank(first), rank(second)) > RANK_OF_AN_IMAGE:
        return f"{called(first)} with {called(second)}: the delegate takes up to 4 dimensions"
    for tensor in (first, second):
        stored = node.unpacked.get(tensor.index, tensor)
        if stored.dtype != "float32" and not (stored.dtype == "float16" and node.constant(tensor)):
            return f"input {called(stored)}: the delegate takes float32, and float16 constants"
    one, other = (
        (1,) * (RANK_OF_AN_IMAGE - rank(tensor)) + tensor.shape for tensor in (first, second)
    )  # batch, height, width, channels
    scalar = any(node.constant(tensor) and tensor.elements == 1 for tensor in (first, second))
    batch = one[0] == other[0] or scalar
    spatial = one[1:3] == other[1:3] or (1, 1) in (one[1:3], other[1:3])
    channels = one[3] == other[3] or 1 in (one[3], other[3])
    if batch and spatial and channels:
        return ""
    return f"broadcasting {called(first)} with {called(second)}: the delegate does not broadcast so"


_CONSTANT_BIAS = constant_input(2, "bias", optional=True)

CHECKS: Mapping[str, Check] = {
    "activation": activation_among(*table(NAME).settings["activations"]),
    "beta": beta_one,
    "broadcast": _broadcast,
    "by_channel": _by_channel,
    "constant_bias": _CONSTANT_BIAS,
    "constant_output_size": constant_input(0, "output size"),
    "constant_size": constant_input(1, "size"),
    "dense": _dense,
    "kernel": _kernel,
    "mirror": reflecting,
    "no_activation": activation_among("NONE"),
    "padding": _padding,
    "reshape": _reshape,
    "spatial_mean": _spatial_mean,
}
"""The rules that rows name."""

EVERY: Mapping[str, Check] = {"constants_are_floats": _constants_are_floats}
"""Rules for every op that has a row."""
