"""``pipeline verify BUNDLE`` and ``pipeline verify FILE.tflite``."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import ConversionSpec, convert, stack
from converters.tflite.inspect import inspect_bytes
from converters.tflite.keras import from_keras
from pipeline import recipe, runtimes, shelf
from pipeline.cli import _verify_file
from pipeline.cli._verify_file import Subject, verify_file
from pipeline.console import Console
from pipeline.errors import GateError, UsageError
from pipeline.sections import Gate
from tests.conftest import Pipeline, SmokeBuild
from tests.converters.saved_models import save

IMAGES = 64
"""Test images to verify on: enough to tell a right model from a wrong one, few enough for a quick test."""

CHANCE = 0.5
"""Agreement that a model with shuffled weights stays below: ten classes agree by chance on about a tenth."""

RUNTIMES = tuple(n for n in shelf.names("runtimes") if n != "keras" and not recipe.stands_for(n))


@pytest.fixture
def images(smoke_build: SmokeBuild, tmp_path: Path) -> Path:
    """The first test images."""
    path = tmp_path / "images.npy"
    np.save(path, np.load(smoke_build.stage("data") / "test_images.npy", mmap_mode="r")[:IMAGES])
    return path


@pytest.fixture
def labels(smoke_build: SmokeBuild, tmp_path: Path) -> Path:
    """Their classes."""
    path = tmp_path / "labels.npy"
    np.save(path, np.load(smoke_build.stage("data") / "test_labels.npy")[:IMAGES])
    return path


@pytest.fixture
def reference(smoke_build: SmokeBuild) -> Path:
    """The Keras model that the variants were made from."""
    return smoke_build.stage("convert") / "served.h5"


@pytest.mark.tensorflow
def test_a_right_file_passes_on_every_runtime(
    cli: Pipeline, smoke_build: SmokeBuild, reference: Path, images: Path, labels: Path
) -> None:
    """One JSON document: a cell for each runtime, every gate passed; progress on stderr."""
    file = smoke_build.stage("convert") / "int8.tflite"
    answer = cli(
        "verify", file, "--reference", reference, "--images", images, "--labels", labels,
        "--max-drop", "5", "--json",
    )  # fmt: skip
    assert answer.code == 0
    document = answer.json
    assert (document["file"], document["passed"]) == (str(file), True)
    assert [cell["runtime"] for cell in document["cells"]] == list(RUNTIMES)
    for cell in document["cells"]:
        assert (cell["scheme"], cell["status"], cell["images"]) == ("int8.tflite", "ran", IMAGES)
        assert cell["agreement"] >= 0.98
        assert cell["accuracy_drop_points"] <= 5
    gates = {(gate["runtime"], gate["gate"]) for gate in document["gates"]}
    assert gates == {
        (runtime, gate) for runtime in RUNTIMES for gate in ("min_top1_agreement", "max_accuracy_drop_points")
    }
    assert f"keras served.h5: {IMAGES} images in " in answer.err


def shuffle_weights(content: bytes) -> bytes:
    """The same file with the values of its largest constant in another order."""
    from ai_edge_litert import schema_py_generated as schema

    damaged = bytearray(content)
    model = schema.Model.GetRootAs(damaged, 0)
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    largest = max(buffers, key=lambda buffer: buffer.DataLength()).DataAsNumpy().view(np.float32)
    largest[:] = np.random.default_rng(1).permutation(largest)
    return bytes(damaged)


@pytest.mark.tensorflow
def test_a_wrong_file_fails_the_gate_on_every_runtime_with_exit_code_3(
    cli: Pipeline, smoke_build: SmokeBuild, reference: Path, images: Path, tmp_path: Path
) -> None:
    """A model that loads, runs, and answers nonsense; the table is printed first."""
    file = tmp_path / "wrong.tflite"
    file.write_bytes(shuffle_weights((smoke_build.stage("convert") / "float32.tflite").read_bytes()))
    answer = cli("verify", file, "--reference", reference, "--images", images)
    assert answer.code == 3
    heading, _, *rows = answer.out.splitlines()
    assert heading.split()[:3] == ["scheme", "runtime", "bytes"]
    assert [row.split()[1] for row in rows] == list(RUNTIMES)
    assert all(row.endswith("FAILED") for row in rows)
    last = answer.err.splitlines()[-1]
    assert last.startswith(f"error: {len(RUNTIMES)} gate(s) failed: wrong.tflite on ")
    for runtime in RUNTIMES:
        measured = last.split(f"wrong.tflite on {runtime}: min_top1_agreement is 0.98, measured ")[1]
        assert float(measured.split(";")[0]) < CHANCE


def with_another_bias_scale(content: bytes) -> bytes:
    """The same file, the bias of its first convolution said to be 1 % larger: kernels look no closer."""
    from ai_edge_litert import schema_py_generated as schema

    damaged = bytearray(content)
    graph = schema.Model.GetRootAs(damaged, 0).Subgraphs(0)
    bias = next(op for op in inspect_bytes(content, where="int8").ops if op.name == "CONV_2D").inputs[2]
    scales = graph.Tensors(bias).Quantization().ScaleAsNumpy()
    scales *= np.float32(1.01)
    return bytes(damaged)


@pytest.mark.tensorflow
def test_a_file_with_a_known_fault_fails_although_it_answers_right(
    cli: Pipeline, smoke_build: SmokeBuild, reference: Path, images: Path, tmp_path: Path
) -> None:
    """The runtimes of this machine overlook it; the code says where more is told."""
    file = tmp_path / "scaled.tflite"
    file.write_bytes(with_another_bias_scale((smoke_build.stage("convert") / "int8.tflite").read_bytes()))
    answer = cli("verify", file, "--reference", reference, "--images", images, "--min-agreement", "0.9")
    assert answer.code == 3
    assert "scaled.tflite: error P008 op " in answer.out
    last = answer.err.splitlines()[-1]
    assert last.startswith("error: 1 gate(s) failed: scaled.tflite: P008 op ")
    assert last.endswith("(pipeline explain P008)")


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "given", [(), ("--reference",), ("--images",)], ids=["neither", "reference", "images"]
)
def test_a_file_needs_reference_and_images(
    cli: Pipeline, smoke_build: SmokeBuild, reference: Path, images: Path, given: tuple[str, ...]
) -> None:
    """Wrong usage: both are named in the words."""
    values = {"--reference": reference, "--images": images}
    file = smoke_build.stage("convert") / "int8.tflite"
    answer = cli("verify", file, *(part for option in given for part in (option, values[option])))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"error: {file}: verifying a file needs --reference MODEL and --images FILE.npy\n"


ARRAYS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(), "not a readable .npy file of images: "),
    "empty": (lambda path: path.write_bytes(b""), "not a readable .npy file of images: "),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-1]), "not a readable .npy file of images: "),
    "float": (lambda path: np.save(path, np.zeros((2, 28, 28))), "float64 (2, 28, 28), not u8 (n, height"),
    "flat": (lambda path: np.save(path, np.zeros((2, 784), np.uint8)), "uint8 (2, 784), not u8"),
    "two channels": (
        lambda path: np.save(path, np.zeros((2, 28, 28, 2), np.uint8)),
        "uint8 (2, 28, 28, 2), not u8 (n, height, width) or (n, height, width, 1 or 3)",
    ),
    "large": (
        lambda path: np.save(path, np.zeros((1, 5000, 2), np.uint8)),
        "5000x2 pixels are too many: height: Input should be less than or equal to 4096",
    ),
    "none": (lambda path: np.save(path, np.zeros((0, 28, 28), np.uint8)), "uint8 (0, 28, 28), not u8"),
    "no height": (lambda path: np.save(path, np.zeros((2, 0, 28), np.uint8)), "uint8 (2, 0, 28), not u8"),
}
"""What --images names: (how it comes there, what is said)."""


@pytest.mark.tensorflow
@pytest.mark.parametrize("case", ARRAYS)
def test_images_that_do_not_fit_are_refused(
    cli: Pipeline, smoke_build: SmokeBuild, reference: Path, images: Path, case: str
) -> None:
    """Before a runtime is started."""
    make, says = ARRAYS[case]
    make(images)
    file = smoke_build.stage("convert") / "int8.tflite"
    answer = cli("verify", file, "--reference", reference, "--images", images)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {images}: {says}")
    assert len(answer.err.splitlines()) == 1


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "values", [np.zeros(IMAGES - 1, np.int64), np.zeros(IMAGES), np.zeros((IMAGES, 10), np.int64)]
)
def test_labels_that_do_not_fit_the_images_are_refused(
    cli: Pipeline, smoke_build: SmokeBuild, reference: Path, images: Path, labels: Path, values: Any
) -> None:
    """One whole number for each image."""
    np.save(labels, values)
    file = smoke_build.stage("convert") / "int8.tflite"
    answer = cli("verify", file, "--reference", reference, "--images", images, "--labels", labels)
    assert (answer.code, answer.out) == (2, "")
    says = f"{values.dtype} {values.shape}, not one class index for each of the {IMAGES} images"
    assert answer.err == f"error: {labels}: {says}\n"


@pytest.mark.tensorflow
@pytest.mark.parametrize(("first", "says"), [(-1, "labels -1 to "), (10, " to 10 for a model of 10 classes")])
def test_labels_that_are_no_class_are_refused(
    cli: Pipeline,
    smoke_build: SmokeBuild,
    reference: Path,
    images: Path,
    labels: Path,
    first: int,
    says: str,
) -> None:
    """Counted from 1, they would make every accuracy nonsense."""
    values = np.load(labels)
    values = values.astype(np.int64)
    values[0] = first
    np.save(labels, values)
    file = smoke_build.stage("convert") / "int8.tflite"
    answer = cli("verify", file, "--reference", reference, "--images", images, "--labels", labels)
    assert (answer.code, answer.out) == (2, "")
    last = answer.err.splitlines()[-1]
    assert last.startswith(f"error: {labels}: labels ")
    assert says in last
    assert "which are 0 to 9" in last


@pytest.mark.tensorflow
def test_scaling_by_zero_is_refused(
    cli: Pipeline, smoke_build: SmokeBuild, reference: Path, images: Path
) -> None:
    """Every picture would be the same."""
    file = smoke_build.stage("convert") / "int8.tflite"
    answer = cli("verify", file, "--reference", reference, "--images", images, "--pixel-scale", "0")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "error: --pixel-scale 0 makes every picture the same\n"


SIDE = 6
"""Pixels along a side of the images of the small gray models."""


@pytest.fixture(scope="module")
def gray_models(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, ...], tuple[Path, Path]]:
    """Untrained models with the same weights: input shape -> (.h5 of Keras 2, .tflite)."""
    keras, folder = stack.load().keras, tmp_path_factory.mktemp("gray")
    models: dict[tuple[int, ...], tuple[Path, Path]] = {}
    for shape in [(SIDE, SIDE), (SIDE, SIDE, 1)]:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(3)])
        name = "x".join(map(str, shape))
        file = folder / f"{name}.tflite"
        file.write_bytes(convert(from_keras(model), ConversionSpec(scheme="float32")).content)
        models[shape] = save(model, folder / f"{name}.h5"), file
    return models


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("images_shape", [(SIDE, SIDE), (SIDE, SIDE, 1)])
@pytest.mark.parametrize("reference_shape", [(SIDE, SIDE), (SIDE, SIDE, 1)])
@pytest.mark.parametrize("file_shape", [(SIDE, SIDE), (SIDE, SIDE, 1)])
def test_a_gray_model_may_or_may_not_write_its_channel(
    gray_models: dict[tuple[int, ...], tuple[Path, Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    images_shape: tuple[int, ...],
    reference_shape: tuple[int, ...],
    file_shape: tuple[int, ...],
) -> None:
    """Images, reference and file may each have an axis of one channel or none."""
    monkeypatch.setattr(_verify_file, "names", lambda _: ["keras", "litert"])
    values = np.random.default_rng(1).integers(0, 256, (IMAGES, *images_shape), np.uint8)
    np.save(tmp_path / "images.npy", values)
    subject = subject_of(gray_models[file_shape][1], gray_models[reference_shape][0], tmp_path / "images.npy")
    (cell,) = verify_file(subject, Gate(min_top1_agreement=0.98), Console(quiet=True)).cells
    assert (cell.status, cell.reason, cell.images, cell.agreement) == ("ran", "", IMAGES, 1.0)


def subject_of(file: Path, reference: Path, images: Path, labels: Path | None = None) -> Subject:
    """What to compare, pixels scaled to 0..1."""
    return Subject(file=file, reference=reference, images=images, labels=labels, scaling=(1 / 255, 0.0))


@pytest.mark.tensorflow
def test_labels_from_one_on_are_called_so(
    gray_models: dict[tuple[int, ...], tuple[Path, Path]], tmp_path: Path
) -> None:
    """The commonest mistake."""
    np.save(tmp_path / "images.npy", np.zeros((3, SIDE, SIDE), np.uint8))
    np.save(tmp_path / "labels.npy", np.array([1, 2, 3]))
    reference, file = gray_models[SIDE, SIDE]
    subject = subject_of(file, reference, tmp_path / "images.npy", tmp_path / "labels.npy")
    with pytest.raises(UsageError, match=r"labels 1 to 3 for a model of 3 classes.*count from 1"):
        verify_file(subject, Gate(), Console(quiet=True))


@pytest.mark.tensorflow
def test_a_reference_with_other_classes_is_refused(
    gray_models: dict[tuple[int, ...], tuple[Path, Path]], tmp_path: Path
) -> None:
    """The file was not made from it."""
    keras = stack.load().keras
    model = keras.Sequential([keras.Input((SIDE, SIDE)), keras.layers.Flatten(), keras.layers.Dense(4)])
    np.save(tmp_path / "images.npy", np.zeros((3, SIDE, SIDE), np.uint8))
    subject = subject_of(
        gray_models[SIDE, SIDE][1], save(model, tmp_path / "four.h5"), tmp_path / "images.npy"
    )
    with pytest.raises(UsageError, match=r"answers \(3,\), .* \(4,\): it was not converted from that"):
        verify_file(subject, Gate(), Console(quiet=True))


@pytest.mark.tensorflow
def test_nothing_passes_where_no_runtime_is(
    gray_models: dict[tuple[int, ...], tuple[Path, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed gate that names every runtime, not an empty table."""
    monkeypatch.setattr(runtimes, "unavailable", lambda name: f"{name} is not installed")
    np.save(tmp_path / "images.npy", np.zeros((3, SIDE, SIDE), np.uint8))
    reference, file = gray_models[SIDE, SIDE]
    with pytest.raises(GateError) as caught:
        verify_file(subject_of(file, reference, tmp_path / "images.npy"), Gate(), Console(quiet=True))
    for name in RUNTIMES:
        assert f"{name} is absent: {name} is not installed" in str(caught.value)


@pytest.mark.tensorflow
@pytest.mark.parametrize("option", ["--pixel-scale", "--pixel-offset"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_scaling_by_no_number_is_refused(
    cli: Pipeline, smoke_build: SmokeBuild, reference: Path, images: Path, option: str, value: str
) -> None:
    """Every pixel would be none, either."""
    file = smoke_build.stage("convert") / "int8.tflite"
    answer = cli("verify", file, "--reference", reference, "--images", images, option, value)
    assert (answer.code, answer.out) == (2, "")
    assert "not finite numbers" in answer.err


@pytest.mark.tensorflow
def test_a_reference_that_cannot_be_run_is_said(
    cli: Pipeline, smoke_build: SmokeBuild, images: Path, tmp_path: Path
) -> None:
    """A failed step: its path, and why."""
    file = smoke_build.stage("convert") / "int8.tflite"
    answer = cli("verify", file, "--reference", tmp_path / "none.h5", "--images", images)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines()[-1].startswith(f"error: {tmp_path / 'none.h5'}: ")
    assert "no such file" in answer.err


@pytest.mark.parametrize("content", [None, b"", b"TFL3", b"\x1c\x00\x00\x00TFL3" + b"\xff" * 99])
def test_a_damaged_file_is_refused_before_anything_is_started(
    cli: Pipeline, tmp_path: Path, content: bytes | None
) -> None:
    """Exit code 1, one sentence."""
    file = tmp_path / "model.tflite"
    if content is not None:
        file.write_bytes(content)
    answer = cli("verify", file, "--reference", tmp_path / "x.h5", "--images", tmp_path / "x.npy")
    assert (answer.code, answer.out) == (1, "")
    (line,) = answer.err.splitlines()
    assert line.startswith(f"error: {file}: ")


@pytest.fixture
def bundle(smoke_build: SmokeBuild, tmp_path: Path) -> Path:
    """A copy of the bundle, to change."""
    shutil.copytree(smoke_build.bundle, tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.mark.tensorflow
def test_a_bundle_passes_and_says_that_it_is_a_smoke_build(cli: Pipeline, smoke_build: SmokeBuild) -> None:
    """Every hash, and the golden vectors on every runtime."""
    answer = cli("verify", smoke_build.bundle)
    assert answer.code == 0
    first, second, heading, _, *rows = answer.out.splitlines()
    assert first.startswith("digits: ")
    assert second == "smoke build: for tests alone"
    assert heading.split()[0] == "runtime"
    assert {row.split()[0] for row in rows} == set(RUNTIMES)
    assert all(row.endswith("passed") for row in rows)


@pytest.mark.parametrize("with_json", [False, True])
@pytest.mark.tensorflow
def test_a_changed_bundle_is_refused(cli: Pipeline, bundle: Path, with_json: bool) -> None:
    """Exit code 1 with the file; no verdict is printed that could be taken for one."""
    with (bundle / "labels.txt").open("a", encoding="utf-8") as file:
        file.write("more\n")
    answer = cli("verify", bundle, *(["--json"] if with_json else []))
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        f"error: {bundle / 'labels.txt'}: changed since the bundle was made (sha256 differs)\n"
    )


@pytest.mark.parametrize(
    ("subject", "option", "says"),
    [
        ("digits", ("--max-drop", "3"), "--max-drop is for a .tflite file; a recipe and a bundle have "),
        ("digits", ("--images", "x.npy"), "--images is for a .tflite file; "),
        ("bundle", ("--min-agreement", "0.5"), "--min-agreement is for a .tflite file; "),
        ("bundle", ("--set", "seed=2"), "--set is for a recipe; bundle is a bundle"),
        ("model.tflite", ("--profile", "smoke"), "--profile is for a recipe; model.tflite is a file"),
        ("model.tflite", ("--data", "."), "--data is for a recipe; model.tflite is a file"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(
    cli: Pipeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    subject: str,
    option: tuple[str, ...],
    says: str,
) -> None:
    """A gate that nobody checks must not look as if it had been passed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bundle").mkdir()
    answer = cli("verify", subject, *option)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {says}")


def test_a_folder_that_is_no_bundle_is_refused(cli: Pipeline, tmp_path: Path) -> None:
    """With what a bundle is."""
    answer = cli("verify", tmp_path)
    assert (answer.code, answer.out) == (1, "")
    assert "a bundle is a folder with a manifest.json" in answer.err
