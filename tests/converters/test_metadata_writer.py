"""Metadata and labels written into a model: read back, and nothing else changed."""

import subprocess
import zipfile
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from converters.tflite import metadata
from converters.tflite.description import Description
from converters.tflite.flatbuffer import I8, Flatbuffer
from converters.tflite.inspect import inspect_bytes
from converters.tflite.metadata_writer import describe
from converters.tflite.weights import weights
from tests.converters import built
from tests.converters.conftest import OldRuntime, TrainedCnn, run_tflite

LABELS = tuple(f"class {i}" for i in range(10))

WORDS = Description(
    name="digits",
    description="tells digits apart, even in Größe",
    version="v2",
    author="a tester",
    license="MIT",
    labels=LABELS,
    pixel_scale=1 / 127.5,
    pixel_offset=-1.0,
)

MOST_ADDED_BYTES = 1_600
"""Head and zip of the digits: texts and ten labels, 0.6 kB; a reference of 4 bytes for each buffer; 0.3 kB of
zip directory."""

BUFFER_ALIGNMENT = 16
"""Of a buffer's data in the schema (``force_align``); kernels read weights in such steps."""


def described(content: bytes | None = None, **changed: Any) -> bytes:
    """The built CNN, or another model, with the words above."""
    return describe(built.cnn() if content is None else content, replace(WORDS, **changed), where="test")


def read(content: bytes) -> metadata.ModelMetadata:
    """The metadata of a file."""
    return metadata.read(inspect_bytes(content, where="test").metadata[metadata.ENTRY])


def images(*shape: int, dtype: str = "FLOAT32", scale: float | None = None) -> bytes:
    """A model of one op on pictures of this shape, whose ten numbers come out of nowhere."""
    tensors = [
        built.tensor("image", shape, dtype, scales=() if scale is None else (scale,)),
        built.tensor("scores", (1, 10)),
    ]
    return built.model(built.graph(tensors, [built.op("CUSTOM_NET", (0,), (1,))], inputs=(0,), outputs=(1,)))


class TestReadBack:
    """What was written is what the reader says."""

    def test_the_model(self) -> None:
        """Every text."""
        model = read(described())
        assert (model.name, model.description) == (WORDS.name, WORDS.description)
        assert (model.version, model.author, model.license) == ("v2", "a tester", "MIT")
        assert model.min_parser_version == "1.0.0"

    def test_texts_may_be_left_out(self) -> None:
        """Only the parser's version is always there."""
        model = read(described(description="", version="", author="", license=""))
        assert (model.description, model.version, model.author, model.license) == ("", "", "", "")

    def test_words_alone(self) -> None:
        """Without labels nothing is said of doors, no zip follows, and the model need not take pictures."""
        for content in (built.cnn(), images(2, 8)):
            words = described(content, labels=None)
            model = read(words)
            assert (model.name, model.author) == (WORDS.name, WORDS.author)
            assert (model.inputs, model.outputs) == ((), ())
            assert inspect_bytes(words, where="test").packed.files == ()
            assert b"PK" not in words[-100:]

    def test_the_picture(self) -> None:
        """(v - mean) / std gives what v * scale + offset gives; the range is its."""
        (door,) = read(described()).inputs
        assert (door.name, door.content) == ("image", "image")
        assert door.description == "a grey picture, 8 pixels high, 8 wide"
        pixels = np.arange(256)
        expected = pixels * WORDS.pixel_scale + WORDS.pixel_offset
        # float32 holds 1 / (1 / 127.5) to 24 bits.
        assert (pixels - door.mean[0]) / door.std[0] == pytest.approx(expected, abs=1e-6)
        assert (*door.minimum, *door.maximum) == pytest.approx((expected[0], expected[-1]))

    def test_pixels_as_they_are(self) -> None:
        """Scaled within the graph: mean 0 without a sign, std 1, 0..255."""
        (door,) = read(described(pixel_scale=1.0, pixel_offset=0.0)).inputs
        assert (door.mean, door.std, door.minimum, door.maximum) == ((0.0,), (1.0,), (0.0,), (255.0,))
        assert not np.signbit(door.mean[0])

    def test_the_labels(self) -> None:
        """In the zip, and named as those of the output's axis."""
        content = described()
        (answer,) = read(content).outputs
        assert [(file.name, file.kind) for file in answer.files] == [("labels.txt", "axis labels")]
        (file,) = inspect_bytes(content, where="test").packed.files
        assert (file.name, file.lines, file.bytes) == ("labels.txt", LABELS, file.stored_bytes)

    @pytest.mark.parametrize(
        ("shape", "content", "words"),
        [
            ((1, 9, 8, 3), "image", "a RGB picture, 9 pixels high, 8 wide"),
            ((1, 9, 8, 1), "image", "a grey picture, 9 pixels high, 8 wide"),
            ((1, 9, 8), "feature", "a grey picture, 9 pixels high, 8 wide"),
        ],
    )
    def test_kinds_of_pictures(self, shape: tuple[int, ...], content: str, words: str) -> None:
        """Without a channel axis it is none that a client could feed."""
        (door,) = read(described(images(*shape))).inputs
        assert (door.content, door.description) == (content, words)

    @pytest.mark.parametrize(("channels", "colour_space"), [(3, 1), (1, 2)])
    def test_colour_space(self, channels: int, colour_space: int) -> None:
        """RGB is 1, grey is 2: the schema's numbers, which the reader does not tell."""
        entry = inspect_bytes(described(images(1, 9, 8, channels)), where="test").metadata[metadata.ENTRY]
        graph = next(Flatbuffer(entry).root().tables(3))
        content = next(graph.tables(2)).table(3)
        assert content is not None
        image = content.table(1)
        assert image is not None
        assert image.number(0, I8) == colour_space

    def test_bytes_of_a_picture_that_go_in_as_they_are(self) -> None:
        """Clients feed a uint8 input the bytes of the picture: it is called one where that is right."""
        straight = images(1, 8, 8, 3, dtype="UINT8", scale=1.0)
        assert read(described(straight, pixel_scale=1.0, pixel_offset=0.0)).inputs[0].content == "image"
        halved = images(1, 8, 8, 3, dtype="UINT8", scale=2.0)
        (door,) = read(described(halved, pixel_scale=1.0, pixel_offset=0.0)).inputs
        assert door.content == "feature"
        assert "do not go in as they are" in door.description
        assert read(described(halved, pixel_scale=2.0, pixel_offset=0.0)).inputs[0].content == "image"


class TestNothingElseChanges:
    """The flatbuffer that was there."""

    def test_it_follows_byte_for_byte(self) -> None:
        """Behind the head, at a multiple of its largest alignment."""
        place = described().index(built.cnn())
        assert place % BUFFER_ALIGNMENT == 0

    def test_tensors_ops_and_doors(self) -> None:
        """All that inspect tells but the metadata."""
        before, after = inspect_bytes(built.cnn(), where="test"), inspect_bytes(described(), where="test")
        for field in ("tensors", "ops", "inputs", "outputs", "signatures", "description", "all_subgraphs"):
            assert getattr(before, field) == getattr(after, field), field
        assert after.claimed_min_runtime == "1.14.0"
        assert list(after.metadata) == ["min_runtime_version", "TFLITE_METADATA"]

    def test_weights_are_aligned_as_they_were(self, cnn: TrainedCnn) -> None:
        """Each buffer's data, as far as TensorFlow's converter aligned it; the metadata by 16 bytes."""
        before, after = cnn.converted("int8").content, described(cnn.converted("int8").content)
        assert alignments(after) == [*alignments(before), 0]
        assert len(after) - len(before) < MOST_ADDED_BYTES

    def test_the_generated_schema_reads_it(self, cnn: TrainedCnn) -> None:
        """Another reader's view of the same file."""
        read_by = built.schema().ModelT.InitFromPackedBuf
        before = read_by(cnn.converted("int8").content, 0)
        after = read_by(described(cnn.converted("int8").content), 0)
        assert [entry.name for entry in after.metadata][:-1] == [entry.name for entry in before.metadata]
        assert after.metadata[-1].name == b"TFLITE_METADATA"
        assert after.metadata[-1].buffer == len(before.buffers)
        for old, new in zip(before.buffers, after.buffers, strict=False):
            assert np.array_equal(np.asarray(old.data), np.asarray(new.data))

    @pytest.mark.parametrize("scheme", ["float32", "int8"])
    def test_runtimes_answer_the_same(self, cnn: TrainedCnn, old_runtime: OldRuntime, scheme: str) -> None:
        """TensorFlow's and LiteRT's interpreters and tflite_runtime 2.14, bit for bit."""
        plain = cnn.converted(scheme).content
        words = described(plain)
        assert np.array_equal(run_tflite(plain, cnn.images), run_tflite(words, cnn.images))
        for run in (litert, old_runtime):
            before, after = run(plain, cnn.images), run(words, cnn.images)
            assert not isinstance(before, subprocess.CompletedProcess), before
            assert not isinstance(after, subprocess.CompletedProcess), after
            assert np.array_equal(before, after)

    def test_weights_are_the_same(self, cnn: TrainedCnn) -> None:
        """As claims of optimisations read them."""
        plain = cnn.converted("int8").content
        before, after = weights(plain, where="test"), weights(described(plain), where="test")
        assert len(before) == len(after) > 0
        assert all(str(b) == str(a) for b, a in zip(before, after, strict=True))

    def test_the_same_words_give_the_same_bytes(self) -> None:
        """Also the zip, whatever the clock says."""
        assert described() == described()
        (info,) = zipfile.ZipFile(BytesIO(described())).infolist()
        assert (info.date_time, info.compress_type) == ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)
        assert (info.extra, info.comment, info.create_system) == (b"", b"", 3)


def litert(content: bytes, inputs: Any) -> Any:
    """Runs a file in today's LiteRT, from memory."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (door,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for row in inputs:
        interpreter.set_tensor(door["index"], row[np.newaxis])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(output["index"])[0])
    return np.stack(rows)


def alignments(content: bytes) -> list[int]:
    """For each buffer with data, by how many bytes it misses a multiple of 16."""
    found = [buffer.vector(0, 1) for buffer in Flatbuffer(content).root().tables(4)]
    return [place[0] % BUFFER_ALIGNMENT for place in found if place is not None and place[1]]
