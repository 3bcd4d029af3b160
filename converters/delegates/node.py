"""An op as a delegate looks at it: its tensors by role, constants told from what is computed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from converters.tflite.graph import Op, Subgraph, Tensor
from converters.tflite.options import Option

UNPACKING = frozenset({"DEQUANTIZE", "DENSIFY"})
"""Ops that every delegate here computes once, when it is made, where their input is a constant."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One op in its graph.

    Attributes:
        op: the op.
        graph: it stands in.
        unpacked: tensors that are constants once the file is loaded: float16 weights after DEQUANTIZE,
            sparse ones after DENSIFY. Tensor index to the constant that they come from.
        level: Android API level, Core ML version; 0 where a delegate has none.
        quantized: whether the delegate was opened for quantised models.
    """

    op: Op
    graph: Subgraph = field(repr=False)
    unpacked: dict[int, Tensor] = field(default_factory=dict, repr=False)
    level: int = 0
    quantized: bool = True

    def input(self, position: int) -> Tensor | None:
        """An input; None where the op has not so many, or this optional one is left out."""
        return self.graph.tensor(self.op.inputs[position]) if position < len(self.op.inputs) else None

    def output(self, position: int = 0) -> Tensor | None:
        """An output; None where the op has not so many."""
        return self.graph.tensor(self.op.outputs[position]) if position < len(self.op.outputs) else None

    @property
    def inputs(self) -> list[Tensor]:
        """Inputs that are there."""
        return [tensor for i in self.op.inputs if (tensor := self.graph.tensor(i)) is not None]

    @property
    def outputs(self) -> list[Tensor]:
        """Outputs."""
        return [tensor for i in self.op.outputs if (tensor := self.graph.tensor(i)) is not None]

    @property
    def computed(self) -> list[Tensor]:
        """Inputs that are computed at run time."""
        return [tensor for tensor in self.inputs if not self.constant(tensor)]

    def constant(self, tensor: Tensor | None) -> bool:
        """Whether a tensor is known when the delegate is made."""
        return tensor is not None and (tensor.constant or tensor.index in self.unpacked)

    def option(self, name: str, default: Option) -> Option:
        """A builtin option; the schema's default where the file leaves it out."""
        return self.op.options.get(name, default)

    def number(self, name: str, default: int) -> int:
        """An option that is a whole number."""
        value = self.option(name, default)
        return value if isinstance(value, int) else default


def called(tensor: Tensor) -> str:
    """A tensor in a message: ``'conv/Relu' (int8, 1x28x28x32)``."""
    shape = "x".join(map(str, tensor.shape)) or "scalar"
    name = printable(tensor.name)
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}..."
    return f"'{name}' ({tensor.dtype}, {shape})"


def printable(name: str) -> str:
    """A name of the file without what would move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


LONGEST_NAME = 60
"""Letters of a tensor's name in a message: fused ops join the names of all their parts."""


def unpacked_constants(graph: Subgraph) -> tuple[dict[int, Tensor], frozenset[int]]:
    """Tensors that an op makes from constants alone, and the indices of those ops.

    A delegate does this once, as it is made: DEQUANTIZE of float16 weights, DENSIFY of sparse ones, and one
    after the other.
    """
    constants: dict[int, Tensor] = {}
    ops = set()
    for op in graph.ops:
        if op.name not in UNPACKING or op.custom or len(op.inputs) != 1 or len(op.outputs) != 1:
            continue
        source = graph.tensor(op.inputs[0])
        if source is None:
            continue
        origin = source if source.constant else constants.get(source.index)
        # An integer constant that is dequantised is an op as any other.
        if origin is not None and (op.name == "DENSIFY" or source.dtype == "float16"):
            constants[op.outputs[0]] = origin
            ops.add(op.index)
    return constants, frozenset(ops)


def nodes(graph: Subgraph, *, level: int = 0, quantized: bool = True) -> Sequence[Node]:
    """Every op of a graph that is computed at run time, in order of execution."""
    unpacked, folded = unpacked_constants(graph)
    return [
        Node(op=op, graph=graph, unpacked=unpacked, level=level, quantized=quantized)
        for op in graph.ops
        if op.index not in folded
    ]
