"""Writes TensorFlow Lite metadata: what a model is, what its pixels mean, and its labels.

:func:`describe` puts a new head before the flatbuffer and a zip behind it; what was there stays as it was,
byte for byte and aligned as it was::

    head: root, list of buffers with one more, its content (M001)  |  the flatbuffer  |  zip: labels.txt

Slots are those of ``metadata_schema.fbs`` in tensorflow/tflite-support, read by
:mod:`converters.tflite.metadata`, and of TensorFlow Lite's ``schema.fbs``.

Clients such as MediaPipe's ImageClassifier take pictures of 4 dimensions, (1, height, width, 3), as float32
or uint8. Grey pictures without a channel axis, (1, height, width), are described too, but no client of that
kind can feed them.
"""

import io
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from converters.errors import MetadataError
from converters.tflite import packed
from converters.tflite.flatbuffer import I8, U8, U32, U64, Flatbuffer, Table
from converters.tflite.flatbuffer_writer import (
    ALIGNMENT,
    Existing,
    Number,
    Numbers,
    Part,
    Text,
    Vector,
    floats,
    write,
)
from converters.tflite.flatbuffer_writer import Table as New
from converters.tflite.graph import Inspection, Tensor
from converters.tflite.inspect import FILE_IDENTIFIER, inspect_bytes
from converters.tflite.metadata import ENTRY, IDENTIFIER

LABELS_FILE = "labels.txt"
"""In the zip: one label a line, in the order of the classes."""

MIN_PARSER_VERSION = "1.0.0"
"""Of the metadata schema: every field that is written was there from the beginning."""

LONGEST_TEXT = 1_000
"""Characters of a name, description and the like: a paragraph; the metadata is read whole at every start."""

LONGEST_LABEL = 500
"""Characters of a label. The longest of ImageNet's, which list synonyms, have some 120."""

STORED_AT = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can tell: the same words give the same bytes."""

_UNIX, _READABLE = 3, 0o644
"""Written into the zip as system and permissions, whatever system writes it."""

_UNPRINTABLE = {"Cc": "control character", "Cs": "half of a surrogate pair", "Zl": "line separator",
                "Zp": "paragraph separator"}  # fmt: skip
"""Categories of Unicode that would break a line of the labels or move a terminal's cursor."""

_NORMALISATION, _FEATURE, _IMAGE, _AXIS_LABELS = 1, 1, 2, 2
"""Of ProcessUnitOptions, ContentProperties (two) and AssociatedFileType."""

_RGB, _GRAYSCALE = 1, 2
"""Of ColorSpaceType."""

_KNOWN_SLOTS, _MOST_SLOTS = range(10), range(10, 32)
"""Of the schema's Model, and those that a newer schema may add."""

_ENDS = (0, 255)
"""Darkest and brightest value of a pixel."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is written of a model; texts are one line each, and left out where they are empty.

    Attributes:
        name: of the model.
        description: what it does.
        version: of the model.
        author: who made it.
        license: under which it may be used.
        labels: what each class stands for, in the order of the output.
        pixel_scale: a pixel v of 0..255 becomes the number v * pixel_scale + pixel_offset, which the input
            stands for; 1 and 0 where that happens within the graph.
        pixel_offset: see there.

    Raises:
        MetadataError: a text is too long or holds control characters; a label is empty.
    """

    name: str
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    labels: tuple[str, ...]
    pixel_scale: float = 1.0
    pixel_offset: float = 0.0

    def __post_init__(self) -> None:
        for field in ("name", "description", "version", "author", "license"):
            _check_text(getattr(self, field), what=f"the model's {field}", longest=LONGEST_TEXT)
        for i, label in enumerate(self.labels):
            if not label:
                raise MetadataError(f"label {i} is empty: its class would have no name in the app")
            _check_text(label, what=f"label {i}", longest=LONGEST_LABEL)
        size = len(labels_text(self.labels))
        if size > packed.MOST_TEXT_BYTES:
            raise MetadataError(
                f"{len(self.labels):,} labels take {size:,} bytes, {packed.MOST_TEXT_BYTES:,} are read of a "
                "file of labels: shorten them"
            )
        if self.pixel_scale == 0.0:
            raise MetadataError("pixel_scale 0 makes every picture the same")


def labels_text(labels: tuple[str, ...]) -> bytes:
    """The content of the labels file: UTF-8, a newline after each."""
    return "".join(f"{label}\n" for label in labels).encode()


def describe(content: bytes, description: Description, *, where: str) -> bytes:
    """The same model with metadata.

    Args:
        content: a .tflite file of one input, a picture, and one output of a number for each class.
        description: what is written of it.
        where: names the file in messages.

    Raises:
        MetadataError: the labels are not as many as the output's numbers, the input is no picture, or the
            file has metadata already, files behind it, or places that count from its first byte.
        InvalidTfliteError: not a readable TensorFlow Lite flatbuffer.
    """
    inspection = inspect_bytes(content, where=where)
    if ENTRY in inspection.metadata:
        raise MetadataError(f"{where}: has {ENTRY} already: describe the file that the converter gave")
    if inspection.packed.files or inspection.packed.trouble:
        raise MetadataError(f"{where}: a zip stands behind the model: describe the file without it")
    buffer = _model_metadata(inspection, description, where)
    return _with_labels(_with_metadata(content, buffer, where), description.labels)


def _model_metadata(inspection: Inspection, description: Description, where: str) -> bytes:
    """The content of the metadata buffer."""
    if len(inspection.inputs) != 1 or len(inspection.outputs) != 1:
        raise MetadataError(
            f"{where}: {len(inspection.inputs)} inputs and {len(inspection.outputs)} outputs: only models of "
            "one picture and one vector of scores are described"
        )
    (door,), (scores,) = inspection.inputs, inspection.outputs
    classes = scores.shape[-1] if scores.shape else 0
    if classes != len(description.labels):
        raise MetadataError(
            f"{where}: {len(description.labels)} labels for an output of {classes} numbers: give one for each"
        )
    labels = New({0: Text(LABELS_FILE), 1: Text("one label a line"), 2: Number(I8, _AXIS_LABELS)})
    answer = New(
        {
            0: Text("scores"),
            1: Text("one number for each label"),
            3: _content(_FEATURE, New()),
            6: Vector((labels,)),
        }
    )
    graph = New({2: Vector((_picture(door, description, where),)), 3: Vector((answer,))})
    texts = {
        0: description.name,
        1: description.description,
        2: description.version,
        4: description.author,
        5: description.license,
        7: MIN_PARSER_VERSION,
    }
    said: dict[int, Number | Part] = {slot: Text(text) for slot, text in texts.items() if text}
    return write(New({**said, 3: Vector((graph,))}), identifier=IDENTIFIER)


def _picture(door: Tensor, description: Description, where: str) -> New:
    """What is said of the input."""
    shape = door.shape
    if shape[:1] != (1,) or not (len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))):
        raise MetadataError(
            f"{where}: the input has shape {shape}, no picture's: (1, height, width) or that and 1 or 3 "
            "channels"
        )
    scale, offset = description.pixel_scale, description.pixel_offset
    colours = "RGB" if shape[3:] == (3,) else "grey"
    text = f"a {colours} picture, {shape[1]} pixels high, {shape[2]} wide"
    content = _content(_FEATURE, New())
    if not _takes_pixels(door, scale, offset):
        text += "; pixels are to be normalised, then quantised: they do not go in as they are"
    elif len(shape) == 4:
        content = _content(_IMAGE, New({0: Number(I8, _RGB if shape[3] == 3 else _GRAYSCALE)}))
    # The schema's formula is (v - mean) / std, quantised doors take what it gives through their own scale.
    normal = New({0: floats(-offset / scale or 0.0), 1: floats(1 / scale)})
    ends = sorted(end * scale + offset for end in _ENDS)
    return New(
        {
            0: Text("image"),
            1: Text(text),
            3: content,
            4: Vector((New({0: Number(U8, _NORMALISATION), 1: normal}),)),
            5: New({0: floats(ends[1]), 1: floats(ends[0])}),
        }
    )


def _takes_pixels(door: Tensor, scale: float, offset: float) -> bool:
    """Whether clients feed it right: a uint8 input gets the bytes of the picture, whatever else is said."""
    if door.dtype != "uint8" or not door.scales:
        return True
    step, zero = door.scales[0], door.zero_points[0] if door.zero_points else 0
    return all(round((v * scale + offset) / step) + zero == v for v in _ENDS)


def _content(kind: int, properties: New) -> New:
    return New({0: Number(U8, kind), 1: properties})


def _with_metadata(content: bytes, buffer: bytes, where: str) -> bytes:
    """Puts a head before a flatbuffer: the root of it, with one more buffer and metadata entry."""
    old = Flatbuffer(content).root()
    _check_movable(old, where)
    count = old.length(4)
    fields: dict[int, Number | Part] = {0: Number(U32, old.number(0, U32))}
    fields |= {
        slot: Existing(place) for slot in _KNOWN_SLOTS[1:] if (place := _vector(old, slot)) is not None
    }
    fields[4] = Vector((*_tables(old, 4), New({0: Numbers(buffer, len(buffer), ALIGNMENT)})))
    fields[6] = Vector((*_tables(old, 6), New({0: Text(ENTRY), 1: Number(U32, count)})))
    return write(New(fields), identifier=FILE_IDENTIFIER, followed_by=content)


def _check_movable(old: Table, where: str) -> None:
    """Refuses what would be lost, or would point elsewhere behind a head."""
    unknown = [slot for slot in _MOST_SLOTS if old.place(slot) is not None]
    if unknown:
        raise MetadataError(f"{where}: field {unknown[0]} of the model is of a newer schema than is known")
    absolute = any(buffer.number(1, U64) > 1 for buffer in old.tables(4)) or any(
        op.number(9, U64) > 1 for graph in old.tables(2) for op in graph.tables(3)
    )
    if absolute:
        raise MetadataError(
            f"{where}: constants stand behind the flatbuffer, at places that count from the file's first "
            "byte, as in models of 2 GB: such files are not described"
        )


def _vector(table: Table, slot: int) -> int | None:
    """Where the length of a vector or string stands."""
    found = table.vector(slot, 1)
    return None if found is None else found[0] - 4


def _tables(table: Table, slot: int) -> Iterator[Existing]:
    return (Existing(element.position) for element in table.tables(slot))


def _with_labels(content: bytes, labels: tuple[str, ...]) -> bytes:
    """Puts a zip behind the flatbuffer; its offsets count from the file's first byte."""
    file = zipfile.ZipInfo(LABELS_FILE, STORED_AT)
    file.create_system, file.external_attr = _UNIX, _READABLE << 16
    tail = io.BytesIO(content)
    with zipfile.ZipFile(tail, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(file, labels_text(labels))
    return tail.getvalue()


def _check_text(text: str, *, what: str, longest: int) -> None:
    if len(text) > longest:
        raise MetadataError(
            f"{what} has {len(text):,} characters, at most {longest:,} are written: shorten it"
        )
    for character in text:
        kind = _UNPRINTABLE.get(unicodedata.category(character))
        if kind is not None:
            raise MetadataError(f"{what} holds {kind} {character!r}: take it out")
