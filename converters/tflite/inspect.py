"""Reads a .tflite flatbuffer: ops, tensors, quantisation, sizes. Needs no TensorFlow.

The schema is the one that ai-edge-litert ships (``schema_py_generated``).
"""

import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from converters.errors import InvalidTfliteError

FILE_IDENTIFIER = b"TFL3"
"""Bytes 4..8 of every TensorFlow Lite flatbuffer of schema version 3."""


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One tensor of the file.

    Attributes:
        index: position in its subgraph.
        name: as the converter named it.
        shape: with batch.
        dtype: ``float32``, ``int8`` ...
        scales: one per tensor, or one per slice along ``axis``; empty where not quantised.
        zero_points: as many as scales.
        axis: quantised dimension; None unless per channel.
        constant_bytes: bytes of its constant data; 0 for activations.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None
    constant_bytes: int


@dataclass(frozen=True, kw_only=True)
class Op:
    """One operator: builtin name (or custom code), version, and the tensors it reads and writes."""

    name: str
    version: int
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


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
    """

    file_bytes: int
    description: str
    claimed_min_runtime: str | None
    subgraphs: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]

    @property
    def op_counts(self) -> dict[str, int]:
        """Op name to how often it stands in the file, most frequent first."""
        return dict(Counter(op.name for op in self.ops).most_common())

    @property
    def constant_bytes_by_dtype(self) -> dict[str, int]:
        """Dtype to bytes of constant tensors (weights, biases, shapes)."""
        sizes: Counter[str] = Counter()
        for tensor in self.tensors:
            if tensor.constant_bytes:
                sizes[tensor.dtype] += tensor.constant_bytes
        return dict(sizes.most_common())


def inspect(path: str | Path) -> Inspection:
    """Reads a file.

    Raises:
        InvalidTfliteError: no such file, or not a readable TensorFlow Lite flatbuffer.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InvalidTfliteError(f"{path}: {error.strerror}") from error
    return inspect_bytes(content, where=str(path))


def inspect_bytes(content: bytes, *, where: str) -> Inspection:
    """Reads a flatbuffer in memory; ``where`` names it in messages.

    Raises:
        InvalidTfliteError: not a readable TensorFlow Lite flatbuffer.
    """
    if content[4:8] != FILE_IDENTIFIER:
        raise InvalidTfliteError(
            f"{where}: not a TensorFlow Lite file (bytes 4..8 are {content[4:8]!r}, not {FILE_IDENTIFIER!r})"
        )
    from ai_edge_litert import schema_py_generated as schema

    try:
        return _read(schema.Model.GetRootAs(content, 0), content)
    # What a flatbuffer reader without bounds checks runs into on damaged offsets.
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError,
            MemoryError) as error:  # fmt: skip
        raise InvalidTfliteError(f"{where}: damaged TensorFlow Lite file ({error})") from error


def _read(model: Any, content: bytes) -> Inspection:
    if model.SubgraphsLength() < 1:
        raise ValueError("no subgraph")
    graph = model.Subgraphs(0)
    tensors = tuple(_tensor(model, graph.Tensors(i), i) for i in range(graph.TensorsLength()))
    ops = tuple(_op(model, graph.Operators(i)) for i in range(graph.OperatorsLength()))
    return Inspection(
        file_bytes=len(content),
        description=_text(model.Description()),
        claimed_min_runtime=_claimed_min_runtime(model),
        subgraphs=model.SubgraphsLength(),
        inputs=tuple(_at(tensors.__getitem__, len(tensors), i) for i in _ints(graph.InputsAsNumpy())),
        outputs=tuple(_at(tensors.__getitem__, len(tensors), i) for i in _ints(graph.OutputsAsNumpy())),
        tensors=tensors,
        ops=ops,
    )


def _tensor(model: Any, tensor: Any, index: int) -> Tensor:
    quantisation = tensor.Quantization()
    scales: Sequence[float] = ()
    zero_points: Sequence[int] = ()
    if quantisation is not None and quantisation.ScaleLength():
        scales = quantisation.ScaleAsNumpy().tolist()
        zero_points = _ints(quantisation.ZeroPointAsNumpy())
    buffer = _at(model.Buffers, model.BuffersLength(), tensor.Buffer())
    return Tensor(
        index=index,
        name=_text(tensor.Name()),
        shape=tuple(_ints(tensor.ShapeAsNumpy())),
        dtype=_names("TensorType").get(tensor.Type(), f"type {tensor.Type()}").lower(),
        scales=tuple(scales),
        zero_points=tuple(zero_points),
        axis=quantisation.QuantizedDimension() if len(scales) > 1 else None,
        constant_bytes=len(_data(buffer)),
    )


def _op(model: Any, operator: Any) -> Op:
    code = _at(model.OperatorCodes, model.OperatorCodesLength(), operator.OpcodeIndex())
    # Files of before 2020 keep the code in the deprecated byte; the larger of both is right.
    builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    custom = code.CustomCode()
    name = _text(custom) if custom else _names("BuiltinOperator").get(builtin, f"op {builtin}")
    return Op(
        name=name,
        version=code.Version(),
        custom=bool(custom),
        inputs=tuple(_ints(operator.InputsAsNumpy())),
        outputs=tuple(_ints(operator.OutputsAsNumpy())),
    )


def _claimed_min_runtime(model: Any) -> str | None:
    for i in range(model.MetadataLength()):
        entry = model.Metadata(i)
        if entry.Name() == b"min_runtime_version":
            data = _data(_at(model.Buffers, model.BuffersLength(), entry.Buffer()))
            return data.tobytes().rstrip(b"\0").decode() or None
    return None


Element = TypeVar("Element")


def _at(element: Callable[[int], Element], length: int, index: int) -> Element:
    """One element of a vector; the generated reader itself reads on past the end of one."""
    if not 0 <= index < length:
        raise IndexError(f"index {index} into {length} elements")
    return element(index)


def _data(buffer: Any) -> memoryview:
    """The bytes of a buffer, empty for an activation's; fails where the file ends before they do."""
    data = buffer.DataAsNumpy()
    return memoryview(b"") if isinstance(data, int) else memoryview(data)


def _ints(values: Any) -> list[int]:
    """A flatbuffer vector as a list; the reader gives the number 0 for an absent one."""
    return [] if isinstance(values, int) else [int(value) for value in values]


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", errors="replace")


@cache
def _names(enum: str) -> dict[int, str]:
    from ai_edge_litert import schema_py_generated as schema

    members = vars(getattr(schema, enum))
    return {value: name for name, value in members.items() if isinstance(value, int)}
