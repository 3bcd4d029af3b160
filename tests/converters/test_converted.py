"""The door of the package: what it loads, and how it writes a file."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from converters import ConversionSpec, Converted

CONTENT = b"\x1c\x00\x00\x00TFL3" + bytes(100)

PLAIN_MODULES = """
import sys
import converters
import converters.errors
import converters.representative
import converters.spec
import converters.stack
import converters.tflite.convert
import converters.tflite.inspect
import converters.tflite.keras
import converters.tflite.schemes
import converters.tflite.versions
heavy = ("ai_edge_litert", "keras", "tensorflow", "tf_keras", "tflite_runtime")
print([name for name in heavy if name in sys.modules])
"""


@pytest.fixture
def converted() -> Converted:
    """A conversion that needs no TensorFlow to be written."""
    return Converted(spec=ConversionSpec(scheme="float32"), content=CONTENT)


def test_importing_the_package_loads_no_tensorflow() -> None:
    """None of its modules does: TensorFlow is loaded by the first conversion."""
    answer = subprocess.run(
        [sys.executable, "-c", PLAIN_MODULES], capture_output=True, text=True, check=False
    )

    assert (answer.stdout, answer.stderr) == ("[]\n", "")


def test_the_hash_is_that_of_the_file(converted: Converted, tmp_path: Path) -> None:
    """As sha256sum gives it."""
    converted.write(tmp_path / "model.tflite")

    assert converted.sha256 == hashlib.sha256((tmp_path / "model.tflite").read_bytes()).hexdigest()


def test_writing_replaces_what_was_there_and_leaves_nothing_else(
    converted: Converted, tmp_path: Path
) -> None:
    """A path as text is taken too."""
    target = tmp_path / "model.tflite"
    target.write_bytes(b"the one before")

    converted.write(str(target))

    assert target.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_leaves_neither_file_nor_part(
    converted: Converted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a model must not be found by the next step."""
    write_bytes = Path.write_bytes

    def fill_up(path: Path, content: bytes) -> int:
        write_bytes(path, content[:50])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)

    with pytest.raises(OSError, match="No space left"):
        converted.write(tmp_path / "model.tflite")

    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_file_that_was_there(
    converted: Converted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old model is better than none."""
    target = tmp_path / "model.tflite"
    target.write_bytes(b"the one before")

    def refuse(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OSError, match="No space left"):
        converted.write(target)

    assert target.read_bytes() == b"the one before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_target_that_cannot_be_replaced_leaves_no_part(converted: Converted, tmp_path: Path) -> None:
    """A folder of that name is in the way."""
    target = tmp_path / "model.tflite"
    target.mkdir()

    with pytest.raises(IsADirectoryError):
        converted.write(target)

    assert list(tmp_path.iterdir()) == [target]
