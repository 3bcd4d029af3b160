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
import zipfile
from collections.abc import Iterator

from converters.errors import MetadataError
from converters.tflite.description import PIXEL_ENDS, Description, labels_text
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

STORED_AT = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can tell: the same words give the same bytes."""

_UNIX, _READABLE = 3, 0o644
"""Written into the zip as system and permissions, whatever system writes it."""

_NORMALISATION, _FEATURE, _IMAGE, _AXIS_LABELS = 1, 1, 2, 2
"""Of ProcessUnitOptions, ContentProperties (two) and AssociatedFileType."""

_RGB, _GRAYSCALE = 1, 2
"""Of ColorSpaceType."""

_KNOWN_SLOTS, _MOST_SLOTS = range(10), range(10, 32)
"""Of the schema's Model, and those that a newer schema may add."""


def describe(content: bytes, description: Description, *, where: str) -> bytes:
    """The same model with metadata.

    Args:
        content: a .tflite file; where labels are told, of one input, a picture, and one output of a number
            for each class.
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
    whole = _with_metadata(content, buffer, where)
    return whole if description.labels is None else _with_labels(whole, description.labels)


def check_shapes(
    door: tuple[int, ...], scores: tuple[int, ...], description: Description, *, where: str
) -> None:
    """Refuses a model that a description with labels does not fit, before or after it is converted.

    Args:
        door: shape of the input, with the batch.
        scores: shape of the output, with the batch.
        description: of which no more than the labels is looked at.
        where: names the model in messages.

    Raises:
        MetadataError: the labels are not as many as the output's numbers, or the input is no picture.
    """
    if description.labels is None:
        return
    classes = scores[-1] if scores else 0
    if classes != len(description.labels):
        raise MetadataError(
            f"{where}: {len(description.labels)} labels for an output of {classes} numbers: give one for each"
        )
    if door[:1] != (1,) or not (len(door) == 3 or (len(door) == 4 and door[3] in (1, 3))):
        raise MetadataError(
            f"{where}: the input has shape {door}, no picture's: (1, height, width) or that and 1 or 3 "
            "channels"
        )


def _model_metadata(inspection: Inspection, description: Description, where: str) -> bytes:
    """The content of the metadata buffer."""
    texts = {
        0: description.name,
        1: description.description,
        2: description.version,
        4: description.author,
        5: description.license,
        7: MIN_PARSER_VERSION,
    }
    said: dict[int, Number | Part] = {slot: Text(text) for slot, text in texts.items() if text}
    if description.labels is not None:
        said[3] = Vector((_doors(inspection, description, where),))
    return write(New(said), identifier=IDENTIFIER)


def _doors(inspection: Inspection, description: Description, where: str) -> New:
    """What is said of input and output."""
    if len(inspection.inputs) != 1 or len(inspection.outputs) != 1:
        raise MetadataError(
            f"{where}: {len(inspection.inputs)} inputs and {len(inspection.outputs)} outputs: only models of "
            "one picture and one vector of scores are described"
        )
    (door,), (scores,) = inspection.inputs, inspection.outputs
    check_shapes(door.shape, scores.shape, description, where=where)
    labels = New({0: Text(LABELS_FILE), 1: Text("one label a line"), 2: Number(I8, _AXIS_LABELS)})
    answer = New(
        {
            0: Text("scores"),
            1: Text("one number for each label"),
            3: _content(_FEATURE, New()),
            6: Vector((labels,)),
        }
    )
    return New({2: Vector((_picture(door, description),)), 3: Vector((answer,))})


def _picture(door: Tensor, description: Description) -> New:
    """What is said of the input."""
    shape = door.shape
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
    ends = sorted(end * scale + offset for end in PIXEL_ENDS)
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
    return all(round((v * scale + offset) / step) + zero == v for v in PIXEL_ENDS)


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
