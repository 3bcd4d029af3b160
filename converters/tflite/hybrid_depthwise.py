"""DEPTHWISE_CONV_2D of float32 by int8 weights in one scale: no release of TensorFlow Lite computes it right.

The kernel for float32 activations looks up a scale for each channel. When it is prepared it only compares the
number of scales with the size of the weights' quantised dimension (``depthwise_conv.cc``, ``Prepare``):

    one scale along a dimension of size 1    prepared, then the kernel reads past the one scale: nonsense
    one scale along a longer dimension       refused as the tensors are allocated
"""

from typing import Literal

from converters.tflite.graph import Op, Subgraph, Tensor

Outcome = Literal["right", "nonsense", "refused"]


def outcome(graph: Subgraph, op: Op) -> Outcome:
    """What every runtime makes of an op; ``right`` of all that are none of these."""
    door, kernel = _input(graph, op, 0), _input(graph, op, 1)
    if op.name != "DEPTHWISE_CONV_2D" or op.custom or door is None or kernel is None or not kernel.shape:
        return "right"
    hybrid = door.dtype == "float32" and kernel.dtype == "int8"
    if not hybrid or len(kernel.scales) != 1 or kernel.shape[-1] <= 1:
        return "right"
    along = kernel.quantized_dimension
    inside = 0 <= along < len(kernel.shape)
    return "nonsense" if inside and kernel.shape[along] == 1 else "refused"


def _input(graph: Subgraph, op: Op, position: int) -> Tensor | None:
    return graph.tensor(op.inputs[position]) if position < len(op.inputs) else None
