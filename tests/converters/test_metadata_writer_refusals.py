"""What the metadata writer refuses: words, and models that they do not fit."""

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import pytest

from converters.errors import InvalidTfliteError, MetadataError
from converters.tflite import packed
from converters.tflite.flatbuffer import Flatbuffer
from converters.tflite.flatbuffer_writer import Existing, Table, Text, Vector, write
from tests.converters import built
from tests.converters.test_metadata_writer import LABELS, WORDS, described, images


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "x" * 1_001}, "name has 1,001 characters, at most 1,000"),
        ({"description": "two\nlines"}, "description holds control character '\\\\n'"),
        ({"author": "\x1b[2J"}, "author holds control character '\\\\x1b'"),
        ({"license": "a\u2028b"}, "license holds line separator"),
        ({"labels": ("a", "", "c")}, "line 2 of the labels is empty: class 1"),
        ({"labels": ("a", "b" * 501)}, "line 2 of the labels has 501 characters"),
        ({"labels": ("a\rb",)}, "line 1 of the labels holds control character"),
        ({"labels": ("\ud800",)}, "line 1 of the labels holds half of a surrogate"),
        ({"labels": ("x" * 499,) * 600}, "600 labels take 300,000 bytes"),
        ({"pixel_scale": 0.0}, "pixel_scale 0, pixel_offset -1: scale 0 makes"),
        ({"pixel_scale": float("nan")}, "pixel_scale nan, .* must be finite"),
        ({"pixel_offset": float("inf")}, "pixel_offset inf: .* must be finite"),
        ({"pixel_scale": -1.0}, "pixel_scale -1, .* negative standard deviation"),
        ({"pixel_scale": 1e-50}, "standard deviation 1 / scale is beyond float32"),
        ({"pixel_scale": 5e-324}, "standard deviation 1 / scale is beyond float32"),
        ({"pixel_scale": 1e308}, "brightest value .* is beyond float32"),
    ],
)
def test_words(changed: Mapping[str, Any], message: str) -> None:
    """Texts that are too long or would break a line or a terminal."""
    with pytest.raises(MetadataError, match=message):
        replace(WORDS, **changed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (images(1, 8, 8, 2), "no picture's"),
        (images(2, 8, 8, 3), "no picture's"),
        (images(1, 8), "no picture's"),
        (built.cnn(metadata={"TFLITE_METADATA": b"M001"}), "has TFLITE_METADATA already"),
    ],
)
def test_models(content: bytes, message: str) -> None:
    """No picture; described before."""
    with pytest.raises(MetadataError, match=message):
        described(content)


def test_labels_for_another_model() -> None:
    """One for each number of the output."""
    with pytest.raises(MetadataError, match="9 labels for an output of 10 numbers"):
        described(labels=LABELS[1:])


def test_two_inputs() -> None:
    """The labels of which, and which is the picture?"""
    tensors = [built.tensor(name, (1, 8, 8, 3)) for name in "ab"] + [built.tensor("scores", (1, 10))]
    op = built.op("ADD", (0, 1), (2,))
    with pytest.raises(MetadataError, match="2 inputs and 1 outputs"):
        described(built.model(built.graph(tensors, [op], inputs=(0, 1), outputs=(2,))))


def test_a_zip_that_is_there() -> None:
    """Its offsets would be wrong behind a head."""
    tail = BytesIO(built.cnn())
    tail.seek(0, 2)
    with zipfile.ZipFile(tail, "a") as archive:
        archive.writestr("a.txt", "x")
    assert packed.read(tail.getvalue()).files
    with pytest.raises(MetadataError, match="a zip stands behind the model"):
        described(tail.getvalue())


def test_constants_behind_the_flatbuffer() -> None:
    """Their places count from the first byte."""
    content = built.cnn()
    model = built.schema().ModelT.InitFromPackedBuf(content, 0)
    model.buffers[1].data, model.buffers[1].offset, model.buffers[1].size = None, 64, 8
    with pytest.raises(MetadataError, match="count from the file's first"):
        described(packed_again(model))
    model.buffers[1].offset = 1  # a placeholder, as some writers leave it
    described(packed_again(model))


def test_a_newer_schema() -> None:
    """A field that is not known would be lost."""
    old = Flatbuffer(built.cnn()).root()
    fields = {slot: Vector(tuple(Existing(t.position) for t in old.tables(slot))) for slot in (1, 2, 4)}
    newer = write(Table({**fields, 12: Text("new")}), identifier=b"TFL3", followed_by=built.cnn())
    with pytest.raises(MetadataError, match="field 12 of the model is of a newer schema"):
        described(newer)


def test_no_model() -> None:
    """What inspect refuses."""
    with pytest.raises(InvalidTfliteError):
        described(b"nothing")


def packed_again(model: Any) -> bytes:
    """A model of the generated schema as a file."""
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
