"""TensorFlow Lite metadata and the zip behind a model."""

import struct
import zipfile
from io import BytesIO

import pytest

from converters.tflite import metadata, packed
from converters.tflite.flatbuffer import DamagedFlatbufferError
from converters.tflite.inspect import inspect_bytes
from tests.converters import built
from tests.converters.described import LABELS, described


def zipped(*files: tuple[str, bytes], comment: bytes = b"", compression: int = zipfile.ZIP_STORED) -> bytes:
    """The built CNN with a zip behind it."""
    tail = BytesIO(built.cnn())
    tail.seek(0, 2)
    with zipfile.ZipFile(tail, "a", compression=compression) as archive:
        for name, content in files:
            archive.writestr(name, content)
        archive.comment = comment
    return tail.getvalue()


class TestMetadata:
    """What the model says of itself."""

    def test_model_and_tensors(self) -> None:
        """Every part that is told."""
        inspection = inspect_bytes(described(), where="test")
        model = metadata.read(inspection.metadata[metadata.ENTRY])

        assert (model.name, model.description, model.version) == ("flowers", "tells flowers apart", "v1")
        assert (model.author, model.license, model.min_parser_version) == (
            "a gardener",
            "Apache-2.0",
            "1.0.0",
        )
        (door,), (answer,) = model.inputs, model.outputs
        assert (door.name, door.description, door.content) == ("image", "an RGB photo", "image")
        assert (door.mean, door.std, door.minimum, door.maximum) == ((127.5,), (127.5,), (0.0,), (255.0,))
        assert (answer.content, answer.threshold, answer.mean) == ("feature", 0.25, ())
        assert [(file.name, file.kind) for file in answer.files] == [("labels.txt", "axis labels")]

    def test_it_does_not_hide_the_claimed_runtime(self) -> None:
        """Both entries are read."""
        inspection = inspect_bytes(described(), where="test")
        assert inspection.claimed_min_runtime == "1.14.0"
        assert list(inspection.metadata) == ["min_runtime_version", "TFLITE_METADATA"]

    @pytest.mark.parametrize("content", [b"", b"M001", bytes(64), b"\xff\xff\xff\xffM001" + bytes(9)])
    def test_what_is_none_is_refused(self, content: bytes) -> None:
        """The model itself may still be sound."""
        with pytest.raises(DamagedFlatbufferError):
            metadata.read(content)

    def test_a_model_without_any(self) -> None:
        """Nothing is made up."""
        assert list(inspect_bytes(built.cnn(), where="test").metadata) == ["min_runtime_version"]


class TestZip:
    """Files behind the model."""

    def test_labels_are_listed(self) -> None:
        """Name, sizes, lines."""
        (labels,) = inspect_bytes(described(), where="test").packed.files
        assert (labels.name, labels.lines) == ("labels.txt", LABELS)
        assert labels.bytes == labels.stored_bytes == sum(len(label) + 1 for label in LABELS)

    def test_packed_files_other_files_and_a_comment(self) -> None:
        """A file that is no text is listed without its content."""
        content = zipped(
            ("a.txt", b"x\ny"), ("b.bin", bytes(99)), comment=b"hello", compression=zipfile.ZIP_DEFLATED
        )
        text, other = packed.read(content).files
        assert text.lines == ("x", "y")
        assert (other.name, other.bytes, other.lines) == ("b.bin", 99, None)
        assert other.stored_bytes < 99

    def test_a_model_alone(self) -> None:
        """No zip, no trouble."""
        assert packed.read(built.cnn()) == packed.Packed()
        assert packed.read(b"") == packed.Packed()

    def test_bytes_that_look_like_the_end_of_one(self) -> None:
        """The signature within a constant."""
        assert packed.read(built.cnn() + b"PK\x05\x06" + b"\xff" * 40) == packed.Packed()

    def test_a_bomb_is_not_unpacked(self) -> None:
        """A text of 20 MB is listed, its content left alone; one that lies about its size is read in part."""
        bomb = zipped(("a.txt", bytes(20_000_000)), compression=zipfile.ZIP_DEFLATED)
        (file,) = packed.read(bomb).files
        assert (file.bytes, file.lines) == (20_000_000, None)
        lying = bomb.replace(struct.pack("<I", 20_000_000), struct.pack("<I", 100))
        assert packed.read(lying).trouble or len("".join(packed.read(lying).files[0].lines or ())) <= 100

    def test_damage_is_told(self) -> None:
        """A directory that is not there; a wrong checksum; encryption."""
        sound = zipped(("a.txt", b"hello"))
        assert "damaged zip" in packed.read(sound.replace(b"PK\x01\x02", b"PK\x01\x09")).trouble
        assert "damaged zip" in packed.read(sound.replace(b"hello", b"jello")).trouble
        flags = sound.index(b"PK\x01\x02") + 8
        assert "damaged zip" in packed.read(sound[:flags] + b"\x01" + sound[flags + 1 :]).trouble

    def test_a_directory_of_gigabytes_is_not_read(self) -> None:
        """Nor is a zip64."""
        sound = zipped(("a.txt", b"hello"))
        end = sound.rindex(b"PK\x05\x06")
        large = sound[: end + 12] + struct.pack("<I", 2**31) + sound[end + 16 :]
        assert "2,147,483,648 bytes" in packed.read(large).trouble
        assert "zip64" in packed.read(sound[:end] + b"PK\x06\x07" + bytes(16) + sound[end:]).trouble


def test_texts_are_read_within_one_budget() -> None:
    """A small zip can say that it holds gigabytes of lines; the rest is listed all the same."""
    lines = b"\n" * (packed.MOST_TEXT_BYTES // 2)
    content = zipped(*((f"{i}.txt", lines) for i in range(9)), compression=zipfile.ZIP_DEFLATED)
    files = inspect_bytes(content, where="test").packed.files
    assert len(files) == 9
    assert [file.lines is not None for file in files] == [True, True] + [False] * 7
