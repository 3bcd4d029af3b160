"""An op as a delegate looks at it: its tensors by role, constants told from what is computed."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from converters.delegates.run_time_shapes import sized_at_run_time
from converters.tflite.graph import Op, Subgraph, Tensor
from converters.tflite.options import Option


@dataclass(frozen=True, kw_only=True)
class Links:
    """Who reads and who gives each tensor of a graph: built once, as a search for each op is its square.

    Attributes:
        readers: tensor index to the ops that read it, once for every reference.
        producers: tensor index to the ops that give it: one, in sound files.
        unsized: indices of tensors that have no size before the graph has run.
    """

    readers: Mapping[int, Sequence[Op]]
    producers: Mapping[int, Sequence[Op]]
    unsized: Set[int] = frozenset()


def links(graph: Subgraph) -> Links:
    """The links of a graph; the work is its references."""
    readers: dict[int, list[Op]] = {}
    producers: dict[int, list[Op]] = {}
    for op in graph.ops:
        for index in op.inputs:
            readers.setdefault(index, []).append(op)
        for index in op.outputs:
            producers.setdefault(index, []).append(op)
    return Links(readers=readers, producers=producers, unsized=sized_at_run_time(graph))


@dataclass(frozen=True, kw_only=True)
class Node:
    """One op in its graph.

    Attributes:
        op: the op.
        graph: it stands in.
        links: of the graph.
        unpacked: tensors that are constants once the file is loaded: float16 weights after DEQUANTIZE,
            sparse ones after DENSIFY. Tensor index to the constant that they come from.
        level: Android API level, Core ML version; 0 where a delegate has none.
        quantized: whether the delegate was opened for quantised models.
        accelerator: whether NNAPI's own CPU path is shut out, so that only drivers are asked.
    """

    op: Op
    graph: Subgraph = field(repr=False)
    links: Links = field(repr=False)
    unpacked: Mapping[int, Tensor] = field(default_factory=dict, repr=False)
    level: int = 0
    quantized: bool = True
    accelerator: bool = False

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

    def readers(self, tensor: Tensor) -> Sequence[Op]:
        """Ops that read a tensor."""
        return self.links.readers.get(tensor.index, ())

    def producers(self, tensor: Tensor) -> Sequence[Op]:
        """Ops that give a tensor."""
        return self.links.producers.get(tensor.index, ())

    def option(self, name: str, default: Option) -> Option:
        """A builtin option; the schema's default where the file leaves it out."""
        return self.op.options.get(name, default)

    def number(self, name: str, default: int) -> int:
        """An option that is a whole number."""
        value = self.option(name, default)
        return value if isinstance(value, int) else default


def called(tensor: Tensor) -> str:
    """A tensor in a message: ``'conv/Relu' (int8, 1x28x28x32)``. Bounded, whatever a file calls it."""
    sizes = [str(size) for size in tensor.shape[:MOST_SIZES]]
    shape = "x".join((*sizes, "...") if len(tensor.shape) > MOST_SIZES else sizes) or "scalar"
    return f"'{short(tensor.name)}' ({tensor.dtype}, {shape})"


_CALLED = re.compile(r"'[^']*' \([a-z0-9_]+, (?:scalar|[-0-9x.]+)\)")


def without_tensors(reason: str) -> str:
    """A reason without the tensors that it names: ``input ...: the delegate takes float32``."""
    return _CALLED.sub("...", reason)


def short(name: str) -> str:
    """A name of the file in a message: cut first, so that a long one costs nothing."""
    return printable(name[:LONGEST_NAME]) + ("..." if len(name) > LONGEST_NAME else "")


def printable(name: str) -> str:
    """A name of the file without what would move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


LONGEST_NAME = 60
"""Letters of a name in a message: fused ops join the names of all their parts."""

MOST_SIZES = 8
"""Dimensions of a shape in a message: twice what any delegate takes."""


def unpacked_constants(graph: Subgraph, unpacks: Set[str]) -> tuple[dict[int, Tensor], frozenset[int]]:
    """Tensors that an op makes from constants alone, and the indices of those ops.

    A delegate does this once, as it is made: DEQUANTIZE of float16 weights, DENSIFY of sparse ones, and one
    after the other.

    Args:
        graph: the graph.
        unpacks: ops that the delegate does so with.
    """
    constants: dict[int, Tensor] = {}
    ops = set()
    for op in graph.ops:
        if op.name not in unpacks or op.custom or len(op.inputs) != 1 or len(op.outputs) != 1:
            continue
        source = graph.tensor(op.inputs[0])
        # A damaged file may have several ops give one tensor: only the first is the constant's.
        if source is None or op.outputs[0] in constants:
            continue
        origin = source if source.constant else constants.get(source.index)
        # An integer constant that is dequantised is an op as any other.
        if origin is not None and (op.name == "DENSIFY" or source.dtype == "float16"):
            constants[op.outputs[0]] = origin
            ops.add(op.index)
    return constants, frozenset(ops)


def nodes(
    graph: Subgraph,
    *,
    unpacks: Set[str],
    level: int = 0,
    quantized: bool = True,
    accelerator: bool = False,
) -> Sequence[Node]:
    """Every op of a graph that is computed at run time, in order of execution."""
    unpacked, folded = unpacked_constants(graph, unpacks)
    linked = links(graph)
    return [
        Node(
            op=op,
            graph=graph,
            links=linked,
            unpacked=unpacked,
            level=level,
            quantized=quantized,
            accelerator=accelerator,
        )
        for op in graph.ops
        if op.index not in folded
    ]
