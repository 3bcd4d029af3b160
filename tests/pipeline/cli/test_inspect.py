"""``pipeline inspect``."""

from pathlib import Path

import pytest

from tests.conftest import Pipeline, SmokeBuild
from tests.pipeline.cli import fresh

SCHEMES = ("float32", "float16", "dynamic_range", "int8", "int16x8")


def variant(build: SmokeBuild, scheme: str) -> Path:
    """One .tflite file of the shared build."""
    return build.stage("convert") / f"{scheme}.tflite"


@pytest.mark.tensorflow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_shown_with_ops_and_doors(
    cli: Pipeline, smoke_build: SmokeBuild, scheme: str
) -> None:
    """What an app developer looks for first."""
    path = variant(smoke_build, scheme)
    answer = cli("inspect", path)
    assert (answer.code, answer.err) == (0, "")
    first, *lines = answer.out.splitlines()
    assert first.startswith(f"{path}: {path.stat().st_size:,} bytes, ")
    door = "uint8 1x28x28" if scheme == "int8" else "float32 1x28x28"
    assert any(line.startswith("input: ") and door in line for line in lines)
    assert any(line.startswith("output: ") and "1x10" in line for line in lines)
    assert any("CONV_2D" in line for line in lines)


@pytest.mark.tensorflow
def test_json_is_one_document_with_every_tensor(cli: Pipeline, smoke_build: SmokeBuild) -> None:
    """Scales and zero points in full."""
    path = variant(smoke_build, "int8")
    found = cli("inspect", path, "--json").json
    assert found["file"] == str(path)
    assert found["file_bytes"] == path.stat().st_size
    assert sum(found["op_counts"].values()) == len(found["ops"])
    (door,) = found["inputs"]
    assert (door["shape"], door["dtype"]) == ([1, 28, 28], "uint8")
    assert len(door["scales"]) == len(door["zero_points"]) == 1
    assert {"index", "name", "shape", "dtype", "scales", "constant_bytes"} <= set(found["tensors"][0])


@pytest.mark.tensorflow
def test_the_bundles_model_is_inspected_without_tensorflow(smoke_build: SmokeBuild) -> None:
    """Reading a flatbuffer needs no runtime."""
    answer = fresh.run("inspect", smoke_build.bundle / "model.tflite")
    assert answer.code == 0
    assert answer.loaded(*fresh.TENSORFLOW, "sklearn", "requests") == set()


@pytest.mark.tensorflow
@pytest.mark.parametrize("kept", [0, 3, 8, 64, 1000, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_is_refused(
    cli: Pipeline, smoke_build: SmokeBuild, tmp_path: Path, kept: float
) -> None:
    """Exit code 1 and one sentence, wherever it ends."""
    content = variant(smoke_build, "int8").read_bytes()
    path = tmp_path / "cut.tflite"
    path.write_bytes(content[: int(kept if kept >= 1 or kept == 0 else kept * len(content))])
    answer = cli("inspect", path)
    assert (answer.code, answer.out) == (1, "")
    (line,) = answer.err.splitlines()
    assert line.startswith(f"error: {path}: ")
    assert "TensorFlow Lite file" in line


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a TensorFlow Lite file"),
        (b"PK\x03\x04" + bytes(99), "not a TensorFlow Lite file"),
        (b"\x1c\x00\x00\x00TFL3" + b"\xff" * 99, "damaged TensorFlow Lite file"),
        (b"\xff\xff\xff\xffTFL3", "damaged TensorFlow Lite file"),
    ],
)
def test_a_file_of_another_kind_is_refused(cli: Pipeline, tmp_path: Path, content: bytes, says: str) -> None:
    """Nor is a file believed that only begins like one."""
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    answer = cli("inspect", path, "--json")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"error: {path}: {says}")


def test_a_file_that_is_not_there_is_refused(cli: Pipeline, tmp_path: Path) -> None:
    """Neither is a folder a file."""
    answer = cli("inspect", tmp_path / "none.tflite")
    assert (answer.code, answer.err) == (1, f"error: {tmp_path / 'none.tflite'}: No such file or directory\n")
    assert cli("inspect", tmp_path).err == f"error: {tmp_path}: Is a directory\n"
