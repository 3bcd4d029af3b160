"""A small model with TensorFlow Lite metadata and a zip of labels behind it, written without its schema."""

import zipfile
from io import BytesIO

import flatbuffers  # type: ignore[import-untyped]

from tests.converters import built

LABELS = ("daisy", "dandelion", "roses")


def described(*, labels: tuple[str, ...] = LABELS) -> bytes:
    """The built CNN, its TFLITE_METADATA, and labels.txt."""
    content = built.cnn(metadata={"min_runtime_version": b"1.14.0\0", "TFLITE_METADATA": metadata()})
    tail = BytesIO(content)
    tail.seek(0, 2)
    with zipfile.ZipFile(tail, "a") as archive:
        archive.writestr(zipfile.ZipInfo("labels.txt"), "\n".join(labels) + "\n")
    return tail.getvalue()


def metadata() -> bytes:
    """A model of one input, normalised by 127.5, and one output with labels."""
    builder = flatbuffers.Builder(0)
    file = _table(builder, 4, {0: builder.CreateString("labels.txt")}, bytes_={2: 2})
    door = _tensor(
        builder, "image", "an RGB photo", content=2, normalised=([127.5], [127.5]), range_=([0.0], [255.0])
    )
    answer = _tensor(builder, "probability", "of each class", content=1, files=[file], threshold=0.25)
    doors, answers = _vector(builder, [door]), _vector(builder, [answer])
    graph = _table(builder, 5, {2: doors, 3: answers})
    graphs = _vector(builder, [graph])
    texts = {slot: builder.CreateString(text) for slot, text in (
        (0, "flowers"), (1, "tells flowers apart"), (2, "v1"), (4, "a gardener"), (5, "Apache-2.0"),
        (7, "1.0.0"))}  # fmt: skip
    root = _table(builder, 8, {**texts, 3: graphs})
    builder.Finish(root, b"M001")
    return bytes(builder.Output())


def _tensor(
    builder: flatbuffers.Builder,
    name: str,
    description: str,
    *,
    content: int,
    normalised: tuple[list[float], list[float]] | None = None,
    range_: tuple[list[float], list[float]] | None = None,
    files: list[int] | None = None,
    threshold: float | None = None,
) -> int:
    fields = {0: builder.CreateString(name), 1: builder.CreateString(description)}
    properties = _table(builder, 1, {})
    fields[3] = _table(builder, 3, {1: properties}, bytes_={0: content})
    if normalised is not None:
        mean, std = (builder.CreateNumpyVector(_floats(values)) for values in normalised)
        unit = _table(builder, 2, {1: _table(builder, 2, {0: mean, 1: std})}, bytes_={0: 1})
        fields[4] = _vector(builder, [unit])
    if threshold is not None:
        builder.StartObject(1)
        builder.PrependFloat32Slot(0, threshold, 0.0)
        score = builder.EndObject()
        fields[4] = _vector(builder, [_table(builder, 2, {1: score}, bytes_={0: 3})])
    if range_ is not None:
        least, most = (builder.CreateNumpyVector(_floats(values)) for values in range_)
        fields[5] = _table(builder, 2, {0: most, 1: least})
    if files:
        fields[6] = _vector(builder, files)
    return _table(builder, 7, fields)


def _table(
    builder: flatbuffers.Builder, slots: int, offsets: dict[int, int], *, bytes_: dict[int, int] | None = None
) -> int:
    builder.StartObject(slots)
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, number in (bytes_ or {}).items():
        builder.PrependInt8Slot(slot, number, 0)
    return int(builder.EndObject())


def _vector(builder: flatbuffers.Builder, tables: list[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())


def _floats(values: list[float]) -> built.Array:
    import numpy as np

    return np.array(values, np.float32)
