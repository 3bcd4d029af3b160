"""What stands in a .tflite file, as plain values: tensors, ops, subgraphs, signatures."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from converters.tflite.names import layer_of_names
from converters.tflite.options import Option
from converters.tflite.packed import Packed

BITS = {
    "int2": 2, "int4": 4, "uint4": 4, "int8": 8, "uint8": 8, "bool": 8, "float8_e4m3fn": 8, "float8_e5m2": 8,
    "int16": 16, "uint16": 16, "float16": 16, "bfloat16": 16, "int32": 32, "uint32": 32, "float32": 32,
    "int64": 64, "uint64": 64, "float64": 64, "complex64": 64, "complex128": 128,
}  # fmt: skip
"""Dtype to bits of one element. Strings, resources and variants have no fixed size."""


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One tensor of the file.

    Attributes:
        index: position in its subgraph.
        name: as the converter named it.
        shape: with batch; where ``shape_signature`` has -1, the size for which the file is laid out at first.
        dtype: ``float32``, ``int8`` ...
        scales: one per tensor, or one per slice along ``axis``; empty where not quantised.
        zero_points: as many as scales.
        axis: quantised dimension; None unless per channel.
        constant_bytes: bytes of its constant data; 0 for activations.
        quantized_dimension: as the file states it, also where there is one scale, which needs none.
        constant: whether its values stand in the file (or in one beside it).
        sparse: whether constant data leaves out zeros, in TensorFlow Lite's sparse storage.
        variable: whether it keeps its values from one run to the next.
        shape_signature: the shape with -1 where a dimension is only known at run time; empty where all are.
        producer: position of the op that computes it; None for constants and inputs.
        buffer: which of the file's buffers holds the data; tensors may share one.
        values: of integer constants with few elements, as axes, shapes and paddings are; else None.
        zeros: how many elements of the constant are zero (its zero point, where quantised); None where it
            is no constant or of a dtype that is not counted.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None
    constant_bytes: int
    quantized_dimension: int = 0
    constant: bool = False
    sparse: bool = False
    variable: bool = False
    shape_signature: tuple[int, ...] = ()
    producer: int | None = None
    buffer: int = 0
    values: tuple[int, ...] | None = None
    zeros: int | None = None

    @property
    def dynamic(self) -> bool:
        """Whether a dimension is only known at run time."""
        return any(size < 0 for size in (*self.shape, *self.shape_signature))

    @property
    def elements(self) -> int | None:
        """How many elements it has; None where a dimension of ``shape`` is negative."""
        return None if any(size < 0 for size in self.shape) else math.prod(self.shape)

    @property
    def dense_bytes(self) -> int | None:
        """Bytes of all elements in memory; None where that cannot be told (strings, unknown dtypes)."""
        bits, elements = BITS.get(self.dtype), self.elements
        return None if bits is None or elements is None else (elements * bits + 7) // 8


@dataclass(frozen=True, kw_only=True)
class Op:
    """One operator.

    Attributes:
        name: builtin name, or custom code; ``op 4000`` where the schema does not know it.
        version: as the file claims.
        custom: whether the app has to bring the kernel.
        inputs: tensor indices; -1 for an optional input that is left out.
        outputs: tensor indices.
        index: position in its subgraph.
        options: builtin options by the schema's names; enums by their member's name.
        known: whether it is a builtin of the schema.
        intermediates: tensors that it keeps for itself (LSTM).
    """

    name: str
    version: int
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    index: int = 0
    options: Mapping[str, Option] = field(default_factory=dict, hash=False)
    known: bool = True
    intermediates: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One entry point: the names that an app uses, and the tensor indices behind them."""

    key: str
    subgraph: int
    inputs: Mapping[str, int] = field(hash=False)
    outputs: Mapping[str, int] = field(hash=False)


@dataclass(frozen=True, kw_only=True)
class Subgraph:
    """One graph of the file; those after the first are bodies of WHILE, IF ... or further entry points."""

    index: int
    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]

    def tensor(self, index: int) -> Tensor | None:
        """A tensor by an op's reference to it; None for the -1 of an optional one."""
        return self.tensors[index] if 0 <= index < len(self.tensors) else None

    def source_layer(self, op: Op) -> str:
        """The Keras layer of an op, by the names of what it gives and of its constants; "" if untold."""
        given = [self.tensors[i].name for i in op.outputs if 0 <= i < len(self.tensors)]
        constants = [t.name for i in op.inputs if (t := self.tensor(i)) is not None and t.constant]
        return layer_of_names(given) or layer_of_names(constants)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What stands in a .tflite file.

    Attributes:
        file_bytes: size of the file.
        description: the file's own description.
        claimed_min_runtime: what the file says of itself, not checked; None where it says nothing.
        subgraphs: how many there are; tensors and ops are those of the first.
        inputs: tensors an app fills.
        outputs: tensors an app reads.
        tensors: all of them.
        ops: in order of execution.
        all_subgraphs: every one, the first included.
        signatures: entry points by name.
        metadata: name to content of every metadata entry.
        external_files: files beside this one that hold constants; empty as a rule.
        packed: files in the zip that follows the flatbuffer, as labels do with metadata.
        schema_version: 3 in every file of today.
    """

    file_bytes: int
    description: str
    claimed_min_runtime: str | None
    subgraphs: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    all_subgraphs: tuple[Subgraph, ...] = ()
    signatures: tuple[Signature, ...] = ()
    metadata: Mapping[str, bytes] = field(default_factory=dict, hash=False)
    external_files: tuple[str, ...] = ()
    packed: Packed = field(default_factory=Packed)
    schema_version: int = 3

    @property
    def main(self) -> Subgraph:
        """The first subgraph."""
        return Subgraph(
            index=0,
            name=self.all_subgraphs[0].name if self.all_subgraphs else "",
            inputs=self.inputs,
            outputs=self.outputs,
            tensors=self.tensors,
            ops=self.ops,
        )

    @property
    def graphs(self) -> tuple[Subgraph, ...]:
        """Every subgraph, also of an inspection that was made by hand from one."""
        return self.all_subgraphs or (self.main,)

    @property
    def op_counts(self) -> dict[str, int]:
        """Op name to how often it stands in the first subgraph, most frequent first."""
        return dict(Counter(op.name for op in self.ops).most_common())

    @property
    def constant_bytes_by_dtype(self) -> dict[str, int]:
        """Dtype to bytes of constants (weights, biases, shapes) of all subgraphs; shared ones count once."""
        sizes: Counter[str] = Counter()
        seen: set[int] = set()
        for graph in self.graphs:
            for tensor in graph.tensors:
                if tensor.constant_bytes and (tensor.buffer == 0 or tensor.buffer not in seen):
                    seen.add(tensor.buffer)
                    sizes[tensor.dtype] += tensor.constant_bytes
        return dict(sizes.most_common())

    def source_layer(self, op: Op) -> str:
        """The Keras layer of an op of the first subgraph; see :meth:`Subgraph.source_layer`."""
        return self.main.source_layer(op)
