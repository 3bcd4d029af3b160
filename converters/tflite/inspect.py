"""Reads a .tflite flatbuffer: ops, tensors, quantisation, sizes. Needs no TensorFlow.

Slots are those of TensorFlow Lite's ``schema.fbs``; the names of ops, dtypes and options come from the
generated schema that ai-edge-litert ships.
"""

import mmap
import stat
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from converters.errors import InvalidTfliteError
from converters.tflite import options, packed
from converters.tflite.buffers import Buffers
from converters.tflite.flatbuffer import I8, I32, U32, DamagedFlatbufferError, Flatbuffer, Table
from converters.tflite.graph import Inspection, Op, Signature, Subgraph, Tensor
from converters.tflite.names import bounded

__all__ = [
    "FILE_IDENTIFIER",
    "Inspection",
    "Op",
    "Signature",
    "Subgraph",
    "Tensor",
    "inspect",
    "inspect_bytes",
]

FILE_IDENTIFIER = b"TFL3"
"""Bytes 4..8 of every TensorFlow Lite flatbuffer of schema version 3."""

MOST_DIMENSIONS = 64
"""No kernel takes so many; a longer shape is damage, and its product a number of millions of digits."""

MOST = {"ops": 20_000, "tensors": 50_000, "subgraphs": 1_000}
"""Of all subgraphs together. A hostile file names one table over and over, and each reference is told in
full; the largest networks of phones, language models with several entry points, have some thousand ops."""

MAPPED_BYTES = 256_000_000
"""From this size on a file is mapped instead of read, so that it need not fit into memory. A mapped file must
not be cut short meanwhile (that ends the process), so that others are read."""

MIN_RUNTIME = "min_runtime_version"
"""Metadata entry in which the converter claims the oldest runtime, as text padded with zeros."""


def inspect(path: str | Path) -> Inspection:
    """Reads a file.

    Raises:
        InvalidTfliteError: no such file, or not a readable TensorFlow Lite flatbuffer.
    """
    try:
        facts = Path(path).stat()
        if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
            raise InvalidTfliteError(f"{path}: a device or pipe, which may have no end: give a regular file")
        content = _mapped(path) if facts.st_size >= MAPPED_BYTES else Path(path).read_bytes()
    except OSError as error:
        raise InvalidTfliteError(f"{path}: {error.strerror}") from error
    return inspect_bytes(content, where=str(path))


def _mapped(path: str | Path) -> mmap.mmap:
    with Path(path).open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def inspect_bytes(content: bytes | mmap.mmap, *, where: str) -> Inspection:
    """Reads a flatbuffer in memory; ``where`` names it in messages.

    Raises:
        InvalidTfliteError: not a readable TensorFlow Lite flatbuffer.
    """
    if content[4:8] != FILE_IDENTIFIER:
        raise InvalidTfliteError(
            f"{where}: not a TensorFlow Lite file (bytes 4..8 are {content[4:8]!r}, not {FILE_IDENTIFIER!r})"
        )
    try:
        return replace(_read(Flatbuffer(content).root(), where), packed=packed.read(content))
    except DamagedFlatbufferError as error:
        raise InvalidTfliteError(f"{where}: damaged TensorFlow Lite file ({error})") from error


def _read(model: Table, where: str) -> Inspection:
    buffers = Buffers(model)
    _check_size(model, where)
    codes = tuple(_op_code(code) for code in model.tables(1))
    graphs = tuple(_subgraph(graph, i, codes, buffers) for i, graph in enumerate(model.tables(2)))
    if not graphs:
        raise DamagedFlatbufferError("no subgraph")
    metadata = _metadata(model, buffers)
    claim = metadata.get(MIN_RUNTIME, b"").rstrip(b"\0").decode("utf-8", errors="replace")
    return Inspection(
        file_bytes=model.buffer.size,
        description=model.text(3),
        claimed_min_runtime=claim or None,
        subgraphs=len(graphs),
        inputs=graphs[0].inputs,
        outputs=graphs[0].outputs,
        tensors=graphs[0].tensors,
        ops=graphs[0].ops,
        all_subgraphs=graphs,
        signatures=tuple(_signature(signature, graphs) for signature in model.tables(7)),
        metadata=metadata,
        external_files=tuple(group.text(0) for group in model.tables(8)),
        schema_version=model.number(0, U32),
    )


def _check_size(model: Table, where: str) -> None:
    """Refuses a file whose tables are so many that no answer about them could be read or printed.

    Raises:
        InvalidTfliteError: naming the count and the limit.
    """
    found = dict.fromkeys(MOST, 0)
    for graph in model.tables(2):
        found["subgraphs"] += 1
        found["tensors"] += graph.length(0)
        found["ops"] += graph.length(3)
    for what, most in MOST.items():
        if found[what] > most:
            raise InvalidTfliteError(
                f"{where}: {found[what]:,} {what}; files of up to {most:,} are inspected"
            )


def _op_code(code: Table) -> tuple[str, int, bool, bool]:
    """Name, version, whether it is a custom op, whether the schema knows it."""
    # Files of before 2020 keep the code in the deprecated byte; the larger of both is right.
    number = max(code.number(3, I32), code.number(0, I8))
    version = code.number(2, I32, 1)
    builtin = options.names("BuiltinOperator").get(number)
    custom = code.text(1)
    if custom or builtin == "CUSTOM":
        return bounded(custom) or "CUSTOM without a name", version, True, True
    return builtin or f"op {number}", version, False, builtin is not None


def _subgraph(
    graph: Table, index: int, codes: tuple[tuple[str, int, bool, bool], ...], buffers: Buffers
) -> Subgraph:
    ops = tuple(_op(op, i, codes) for i, op in enumerate(graph.tables(3)))
    producers = {tensor: op.index for op in ops for tensor in op.outputs}
    tensors = tuple(
        replace(_tensor(tensor, i, buffers), producer=producers.get(i))
        for i, tensor in enumerate(graph.tables(0))
    )
    for op in ops:
        for reference in (*op.inputs, *op.outputs, *op.intermediates):
            if reference != -1:  # an optional tensor that is left out
                _at(tensors, reference)
    return Subgraph(
        index=index,
        name=graph.text(4),
        inputs=tuple(_at(tensors, i) for i in graph.ints(1)),
        outputs=tuple(_at(tensors, i) for i in graph.ints(2)),
        tensors=tensors,
        ops=ops,
    )


def _op(op: Table, index: int, codes: tuple[tuple[str, int, bool, bool], ...]) -> Op:
    name, version, custom, known = _at(codes, op.number(0, U32))
    return Op(
        name=name,
        version=version,
        custom=custom,
        inputs=op.ints(1),
        outputs=op.ints(2),
        index=index,
        options=options.read(op),
        known=known,
        intermediates=op.ints(8),
    )


def _tensor(tensor: Table, index: int, buffers: Buffers) -> Tensor:
    shape = _shape(tensor, 0)
    dtype = options.dtype(tensor.number(1, I8))
    scales, zero_points, along = _quantisation(tensor)
    number = tensor.number(2, U32)
    sparse = tensor.place(6) is not None
    data = buffers.data(number, external=tensor.number(10, U32))
    return Tensor(
        index=index,
        name=tensor.text(3),
        shape=shape,
        dtype=dtype,
        scales=scales,
        zero_points=zero_points,
        axis=along if len(scales) > 1 else None,
        quantized_dimension=along,
        constant_bytes=data.length,
        constant=data.length > 0,
        sparse=sparse,
        variable=tensor.flag(5),
        shape_signature=_shape(tensor, 7),
        buffer=number,
        values=buffers.small_integers(data, dtype),
        zeros=buffers.zeros(data, dtype, zero_points, shape if sparse else None),
    )


def _shape(tensor: Table, slot: int) -> tuple[int, ...]:
    shape = tensor.ints(slot)
    if len(shape) > MOST_DIMENSIONS:
        raise DamagedFlatbufferError(f"a tensor of {len(shape)} dimensions")
    return shape


def _quantisation(tensor: Table) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    parameters = tensor.table(4)
    if parameters is None:
        return (), (), 0
    scales = tuple(parameters.array(2, "<f4").tolist())
    zero_points = parameters.ints(3, "<i8") if scales else ()
    return scales, zero_points, parameters.number(6, I32)


def _metadata(model: Table, buffers: Buffers) -> dict[str, bytes]:
    """Name to content; of two entries of one name the first counts, as for TensorFlow Lite."""
    found: dict[str, bytes] = {}
    for entry in model.tables(6):
        name = entry.text(0)
        if name not in found:
            found[name] = buffers.copy(entry.number(1, U32))
    return found


def _signature(signature: Table, graphs: tuple[Subgraph, ...]) -> Signature:
    graph = _at(graphs, signature.number(4, U32))

    def tensors(slot: int) -> dict[str, int]:
        return {
            entry.text(0): _at(graph.tensors, entry.number(1, U32)).index for entry in signature.tables(slot)
        }

    return Signature(key=signature.text(2), subgraph=graph.index, inputs=tensors(0), outputs=tensors(1))


Element = TypeVar("Element")


def _at(elements: tuple[Element, ...], index: int) -> Element:
    if not 0 <= index < len(elements):
        raise DamagedFlatbufferError(f"index {index} into {len(elements)} elements")
    return elements[index]
