"""Reads TensorFlow Lite metadata: what a model says of itself in the TFLITE_METADATA buffer.

The buffer is a flatbuffer of its own (identifier ``M001``). Slots are those of ``metadata_schema.fbs`` in
tensorflow/tflite-support. Parts that are not told here (tokenizers, calibration) are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from converters.tflite.flatbuffer import F32, I8, U8, DamagedFlatbufferError, Flatbuffer, Table

ENTRY = "TFLITE_METADATA"
"""Name of the metadata entry."""

IDENTIFIER = b"M001"
"""Bytes 4..8 of the buffer."""

_NORMALISATION, _THRESHOLD = 1, 3
"""Members of the union ProcessUnitOptions."""

FILE_TYPES = (
    "unknown", "descriptions", "axis labels", "value labels", "axis score calibration", "vocabulary",
    "scann index",
)  # fmt: skip
"""AssociatedFileType."""

CONTENTS = ("unknown", "feature", "image", "bounding box", "audio")
"""ContentProperties."""


@dataclass(frozen=True, kw_only=True)
class NamedFile:
    """A file that the metadata refers to; it stands in the zip tail."""

    name: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class TensorMetadata:
    """What is said of one input or output.

    Attributes:
        name: for people.
        description: for people.
        content: ``image``, ``feature`` ... or "" where nothing is said.
        mean: per channel, or one for all: a value is normalised by (value - mean) / std; empty where nothing
            is said.
        std: as mean.
        threshold: score below which results are dropped; None where nothing is said.
        minimum: per channel, of the values.
        maximum: per channel, of the values.
        files: labels and the like.
    """

    name: str
    description: str
    content: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    threshold: float | None
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    files: tuple[NamedFile, ...]


@dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """What a model says of itself; texts are empty where it says nothing."""

    name: str
    description: str
    version: str
    author: str
    license: str
    min_parser_version: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]
    files: tuple[NamedFile, ...]


def read(content: bytes) -> ModelMetadata:
    """Reads the buffer.

    Raises:
        DamagedFlatbufferError: it is none, or damaged.
    """
    if content[4:8] != IDENTIFIER:
        raise DamagedFlatbufferError(f"bytes 4..8 are {content[4:8]!r}, not {IDENTIFIER!r}")
    model = Flatbuffer(content).root()
    graph = next(model.tables(3), None)
    inputs = tuple(_tensors(graph, 2))
    outputs = tuple(_tensors(graph, 3))
    own = () if graph is None else _files(graph, 4)
    return ModelMetadata(
        name=model.text(0),
        description=model.text(1),
        version=model.text(2),
        author=model.text(4),
        license=model.text(5),
        min_parser_version=model.text(7),
        inputs=inputs,
        outputs=outputs,
        files=(*_files(model, 6), *own),
    )


def _tensors(graph: Table | None, slot: int) -> Iterator[TensorMetadata]:
    for tensor in () if graph is None else graph.tables(slot):
        units = [(unit.number(0, U8), unit.table(1)) for unit in tensor.tables(4)]
        normal = next((options for kind, options in units if kind == _NORMALISATION), None)
        score = next((options for kind, options in units if kind == _THRESHOLD), None)
        content, stats = tensor.table(3), tensor.table(5)
        yield TensorMetadata(
            name=tensor.text(0),
            description=tensor.text(1),
            content="" if content is None else _name(CONTENTS, content.number(0, U8)),
            mean=_floats(normal, 0),
            std=_floats(normal, 1),
            threshold=None if score is None else float(score.number(0, F32)),
            minimum=_floats(stats, 1),
            maximum=_floats(stats, 0),
            files=_files(tensor, 6),
        )


def _files(table: Table, slot: int) -> tuple[NamedFile, ...]:
    return tuple(
        NamedFile(name=file.text(0), kind=_name(FILE_TYPES, file.number(2, I8)))
        for file in table.tables(slot)
    )


def _floats(table: Table | None, slot: int) -> tuple[float, ...]:
    return () if table is None else tuple(float(value) for value in table.array(slot, "<f4").tolist())


def _name(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 <= number < len(names) else f"kind {number}"
