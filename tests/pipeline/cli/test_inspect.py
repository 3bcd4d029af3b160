"""``pipeline inspect``."""

import json
import resource
import shutil
from pathlib import Path

import pytest

from tests.conftest import Pipeline, SmokeBuild
from tests.converters import built
from tests.converters.described import described, metadata
from tests.pipeline.cli import fresh

SCHEMES = ("float32", "float16", "dynamic_range", "int8", "int16x8")

LONGEST_ANSWER = 1.0
"""Seconds of processor time, which other work on the machine hardly changes, of a fresh process on a file of
4 MB."""


def variant(build: SmokeBuild, scheme: str) -> Path:
    """One .tflite file of the shared build."""
    return build.stage("convert") / f"{scheme}.tflite"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file with metadata and labels that no TensorFlow was needed for."""
    path = tmp_path / "small.tflite"
    path.write_bytes(described())
    return path


@pytest.mark.tensorflow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_shown_with_ops_and_doors(
    cli: Pipeline, smoke_build: SmokeBuild, scheme: str
) -> None:
    """What an app developer looks for first."""
    path = variant(smoke_build, scheme)
    answer = cli("inspect", path)
    assert (answer.code, answer.err) == (0, "")
    first, *lines = (line.strip() for line in answer.out.splitlines())
    assert first.startswith(f"{path}: {path.stat().st_size:,} bytes, ")
    door = "uint8 1x28x28" if scheme == "int8" else "float32 1x28x28"
    assert any(line.startswith("input: ") and door in line for line in lines)
    assert any(line.startswith("output: ") and "1x10" in line for line in lines)
    assert any("CONV_2D" in line for line in lines)


def test_sections(cli: Pipeline, small: Path) -> None:
    """Each under its heading, in an order that is kept."""
    lines = cli("inspect", small).out.splitlines()
    headings = ["inputs and outputs", "where the time will go", "weights", "activation memory",
                "metadata and files", "ops"]  # fmt: skip
    assert [line for line in lines if line in headings] == headings
    assert "  4,032 multiply-accumulates in one run" in lines
    assert "  at least 352 bytes, at op 1 DEPTHWISE_CONV_2D" in lines
    assert "  signature serving_default: image -> StatefulPartitionedCall:0" in lines
    assert "  file labels.txt: 22 bytes, 3 lines: daisy, dandelion, roses" in lines
    assert any("normalised by mean 127.5 and std 127.5" in line for line in lines)
    (dense,) = [line for line in lines if line.startswith(" dense ")]
    assert dense.split() == ["dense", "1,440", "35.7", "%"]


def test_numbers_stand_under_each_other(cli: Pipeline, small: Path) -> None:
    """Right-aligned, so that sizes can be compared at a glance."""
    lines = cli("inspect", small).out.splitlines()
    rows = [line for line in lines if line.startswith((" conv ", " dense ", " depth "))]
    assert len(rows) == 3
    assert len({line.index(" %") for line in rows}) == 1


def test_json_is_complete(cli: Pipeline, small: Path) -> None:
    """All that is told to people, and every tensor."""
    found = cli("inspect", small, "--json").json
    assert found["macs"] == 4_032
    assert [cost["layer"] for cost in found["costs"]] == ["conv", "depth", "flatten", "dense", ""]
    assert found["time_by_layer"][0]["what"] == "dense"
    assert found["activation_memory"][0]["bytes"] == 352
    assert found["weights"][0]["dtype"] == "int8"
    assert found["metadata"] == {
        "min_runtime_version": {"bytes": 7},
        "TFLITE_METADATA": {"bytes": len(metadata())},
    }
    assert found["model_metadata"]["author"] == "a gardener"
    assert found["packed"]["files"][0]["lines"] == ["daisy", "dandelion", "roses"]
    assert found["signatures"][0]["inputs"] == {"image": 0}
    assert found["ops"][0]["options"]["padding"] == "VALID"
    assert found["tensors"][3]["producer"] == 0


def test_many_references_to_one_input_are_written_once(cli: Pipeline, tmp_path: Path) -> None:
    """As JSON and as text; the references themselves are numbers."""
    sizes = {}
    for count in (100, 400):
        path = tmp_path / f"{count}.tflite"
        doors = [built.tensor("door", (1, 4), "INT8", scales=(0.5,) * 4, axis=1), built.tensor("b", (1, 4))]
        graph = built.graph(doors, [built.op("RELU", (0,), (1,))], inputs=(0,) * count, outputs=(1,))
        path.write_bytes(built.model(graph))
        answer = cli("inspect", path, "--json")
        assert [door["name"] for door in answer.json["inputs"]] == ["door"]
        assert answer.json["input_indices"] == [0] * count
        sizes[count] = len(json.dumps(answer.json, separators=(",", ":")))
        assert cli("inspect", path).out.count("input: door") == 1
    assert sizes[400] - sizes[100] < 10 * 300


def test_nnapi_is_asked_at_the_level_that_is_named(cli: Pipeline, small: Path) -> None:
    """In full at one, in a line at all of them."""
    for level, title in ((27, "nnapi (API 27)"), (34, "nnapi (API 34)")):
        out = cli("inspect", small, "--android-api", str(level)).out
        assert title in out
        assert "ops that it takes by Android API level: 27: " in out
        found = cli("inspect", small, "--android-api", str(level), "--json").json
        (nnapi,) = [each for each in found["delegates"] if each["delegate"] == "nnapi"]
        (run,) = [one for one in found["nnapi_by_level"] if one["lowest"] <= level <= one["highest"]]
        assert found["android_api"] == level
        assert sum(op["delegated"] for op in nnapi["ops"]) == run["delegated"]
    assert cli("inspect", small).out == cli("inspect", small, "--android-api", "30").out


@pytest.mark.parametrize("level", ["26", "35"])
def test_a_level_without_nnapi_is_wrong_usage(cli: Pipeline, small: Path, level: str) -> None:
    """Before Android 8.1, and once NNAPI is deprecated."""
    answer = cli("inspect", small, "--android-api", level)
    assert answer.code == 2
    assert "27<=x<=34" in answer.err


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


def test_custom_unknown_and_looping_ops_are_named_as_such(cli: Pipeline, tmp_path: Path) -> None:
    """Their arithmetic is not made up, and a body is shown as a subgraph of its own."""
    path = tmp_path / "model.tflite"
    tensors = [built.tensor(name, (1, 4), signature=(-1, 4)) for name in "abcd"]
    loop = built.op("WHILE", (1,), (2,), options=("WhileOptions", {"bodySubgraphIndex": 1}))
    ops = [built.op("FancyBlur", (0,), (1,)), loop, built.op("SVDF", (2,), (3,))]
    dense = [built.tensor("x", (1, 4)), built.tensor("w", (4, 4), data=built.floats(4, 4)),
             built.tensor("net/inner/MatMul", (1, 4))]  # fmt: skip
    body = built.graph(
        dense, [built.op("FULLY_CONNECTED", (0, 1), (2,))], inputs=(0,), outputs=(2,), name="body"
    )
    path.write_bytes(built.model(built.graph(tensors, ops, inputs=(0,), outputs=(3,)), body))
    answer = cli("inspect", path)
    assert answer.code == 0
    assert "FancyBlur (custom)" in answer.out
    assert "  FancyBlur: not counted: its arithmetic is not known" in answer.out
    assert "  WHILE: control flow: what it runs counts as often as the values say" in answer.out
    assert "  subgraph 1 'body': 16 each time it runs" in answer.out
    assert "\nops of subgraph 1 'body'\n" in answer.out
    assert "float32 1x4 (?x4 at run time)" in answer.out
    assert "sizes that are only known at run time" in answer.out


def test_names_of_a_file_do_not_reach_the_terminal_as_commands(cli: Pipeline, tmp_path: Path) -> None:
    """Escape sequences are made visible; a name of a megabyte is cut."""
    path = tmp_path / "model.tflite"
    tensors = [built.tensor("\x1b[31mred\n", (1,)), built.tensor("long" * 250_000, (1,))]
    graph = built.graph(tensors, [built.op("\x1b]0;title\x07", (0,), (1,))], inputs=(0,), outputs=(1,))
    path.write_bytes(built.model(graph))
    out = cli("inspect", path).out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\\x1b[31mred\\n" in out
    assert len(out) < 10_000


@pytest.mark.tensorflow
def test_a_bundle_is_inspected_by_its_folder(cli: Pipeline, smoke_build: SmokeBuild) -> None:
    """Its model.tflite."""
    model = smoke_build.bundle / "model.tflite"
    assert cli("inspect", smoke_build.bundle, "--json").json == cli("inspect", model, "--json").json


@pytest.mark.tensorflow
def test_the_bundles_model_is_inspected_without_tensorflow(smoke_build: SmokeBuild) -> None:
    """Reading a flatbuffer needs no runtime."""
    answer = fresh.run("inspect", smoke_build.bundle / "model.tflite")
    assert answer.code == 0
    assert answer.loaded(*fresh.TENSORFLOW, "sklearn", "requests") == set()


def test_four_megabytes_are_inspected_in_less_than_a_second(tmp_path: Path) -> None:
    """A fresh process, without TensorFlow: 250 layers and 4 MB of weights."""
    path = tmp_path / "large.tflite"
    tensors, ops = [built.tensor("image", (1, 64))], []
    for i in range(250):
        tensors.append(built.tensor(f"net/dense_{i}/kernel", (64, 64), data=built.floats(64, 64, seed=i)))
        tensors.append(built.tensor(f"net/dense_{i}/MatMul", (1, 64)))
        ops.append(built.op("FULLY_CONNECTED", (2 * i, 2 * i + 1), (2 * i + 2,), options=(
            "FullyConnectedOptions", {})))  # fmt: skip
    path.write_bytes(built.model(built.graph(tensors, ops, inputs=(0,), outputs=(500,))))
    assert path.stat().st_size > 4_000_000
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = fresh.run("inspect", path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answer.code == 0
    assert answer.loaded(*fresh.TENSORFLOW) == set()
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < LONGEST_ANSWER


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
    """Nor is a folder taken that is no bundle, or a device without an end."""
    answer = cli("inspect", tmp_path / "none.tflite")
    assert (answer.code, answer.err) == (1, f"error: {tmp_path / 'none.tflite'}: No such file or directory\n")
    folder = cli("inspect", tmp_path)
    assert folder.code == 1
    assert (
        folder.err == f"error: {tmp_path}: a folder without model.tflite: name a bundle, or a .tflite file\n"
    )
    assert "a device or pipe" in cli("inspect", Path("/dev/zero")).err


def test_damaged_metadata_does_not_hide_the_model(cli: Pipeline, tmp_path: Path) -> None:
    """It is told, and the rest is shown."""
    path = tmp_path / "model.tflite"
    path.write_bytes(built.cnn(metadata={"TFLITE_METADATA": b"\xff\xff\xff\xffM001"}))
    assert "  TFLITE_METADATA cannot be read: " in cli("inspect", path).out
    assert "damaged" in cli("inspect", path, "--json").json["model_metadata"]


@pytest.mark.tensorflow
def test_a_copy_gives_the_same_answer(cli: Pipeline, smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """But for its name."""
    path = variant(smoke_build, "float16")
    shutil.copy(path, tmp_path / "copy.tflite")
    original, copied = cli("inspect", path).out, cli("inspect", tmp_path / "copy.tflite").out
    assert original.splitlines()[1:] == copied.splitlines()[1:]


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_weights_that_an_op_makes_of_nothing_are_no_crash(
    cli: Pipeline, flags: tuple[str, ...], tmp_path: Path
) -> None:
    """Sound, if strange; and scales whose product overflows are compared without a word on stderr."""
    made = [built.tensor("x", (1, 4)), built.tensor("k", (2, 4)), built.tensor("y", (1, 2))]
    ops = [built.op("RANDOM_UNIFORM", [], [1]), built.op("FULLY_CONNECTED", [0, 1], [2])]
    large = [built.tensor(n, (1, 4), "INT8", scales=[s]) for n, s in (("a", 3e38), ("b", 3e38), ("c", 1e-3))]
    for number, graph in enumerate(
        (
            built.graph(made, ops, inputs=[0], outputs=[2]),
            built.graph(large, [built.op("MUL", [0, 1], [2], version=2)], inputs=[0, 1], outputs=[2]),
        )
    ):
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(built.model(graph))
        answer = cli("inspect", path, *flags)
        assert (answer.code, answer.err) == (0, "")
