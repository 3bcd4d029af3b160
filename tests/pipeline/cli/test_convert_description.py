"""``pipeline convert MODEL --labels ...``: what a file of one's own says of itself."""

from pathlib import Path

import numpy as np
import pytest

import converters
from converters import stack
from converters.tflite import metadata
from converters.tflite.inspect import inspect
from pipeline.stages.checkpoints import save_h5
from tests.conftest import Pipeline

LABELS = ("rose", "tulip", "Gänseblümchen")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RGB pictures of 8x8, scaled to -1..1 before they go in, to three scores."""
    keras = stack.load().keras
    keras.utils.set_random_seed(1)
    path = tmp_path_factory.mktemp("own") / "petals.h5"
    layers = keras.layers
    save_h5(
        keras.Sequential(
            [
                keras.Input((8, 8, 3)),
                layers.Conv2D(4, 3, activation="relu"),
                layers.Flatten(),
                layers.Dense(len(LABELS), activation="softmax"),
            ]
        ),
        path,
    )
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """One a line, as a text editor of Windows saves them."""
    path = tmp_path / "labels.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join((*LABELS, "")).encode())
    return path


@pytest.mark.tensorflow
def test_what_is_told_stands_in_every_file(cli: Pipeline, model: Path, labels: Path, tmp_path: Path) -> None:
    """Of each scheme; `inspect` reads it back."""
    pictures = np.random.default_rng(1).uniform(-1, 1, (100, 8, 8, 3)).astype(np.float32)
    np.save(tmp_path / "inputs.npy", pictures)
    answer = cli(
        "convert", model, "--scheme", "float32", "--scheme", "int8", "--out", tmp_path,
        "--representative", tmp_path / "inputs.npy", "--labels", labels, "--name", "Petals",
        "--description", "which flower", "--author", "A. Gardener", "--licence", "CC0",
        "--pixel-scale", str(1 / 127.5), "--pixel-offset", "-1", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    for converted in answer.json["converted"]:
        file = Path(converted["file"])
        assert file.stat().st_size == converted["bytes"]
        inspection = inspect(file)
        told = metadata.read(inspection.metadata[metadata.ENTRY])
        assert (told.name, told.description) == ("Petals", "which flower")
        assert (told.author, told.license) == ("A. Gardener", "CC0")
        assert told.inputs[0].mean == pytest.approx((127.5,))
        assert told.inputs[0].std == pytest.approx((127.5,))
        assert [one.lines for one in inspection.packed.files] == [LABELS]
    assert "Petals" in cli("inspect", file).out


@pytest.mark.tensorflow
def test_the_name_is_the_files_unless_told(cli: Pipeline, model: Path, labels: Path, tmp_path: Path) -> None:
    """Without --name; and without --labels nothing is written."""
    assert cli("convert", model, "--labels", labels, "--out", tmp_path).code == 0
    told = metadata.read(inspect(tmp_path / "petals_float32.tflite").metadata[metadata.ENTRY])
    assert (told.name, told.author, told.inputs[0].mean) == ("petals", "", (0.0,))
    assert cli("convert", model, "--out", tmp_path).code == 0
    assert metadata.ENTRY not in inspect(tmp_path / "petals_float32.tflite").metadata


@pytest.mark.tensorflow
def test_labels_that_do_not_fit_the_output_are_refused(
    cli: Pipeline, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed step, before anything is converted: only the model tells how many there are."""
    monkeypatch.setattr(converters, "convert", lambda *_: pytest.fail("it was converted"))
    (tmp_path / "two.txt").write_text("a\nb\n", "utf-8")
    answer = cli("convert", model, "--labels", tmp_path / "two.txt", "--out", tmp_path / "out")
    assert (answer.code, answer.out) == (1, "")
    assert "petals.h5: 2 labels for an output of 3 numbers: give one for each" in answer.err
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.tensorflow
def test_a_model_that_takes_no_picture_is_refused_before_it_is_converted(
    cli: Pipeline, tmp_path: Path, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But may tell its name and author."""
    keras = stack.load().keras
    save_h5(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]), tmp_path / "row.h5")
    assert cli("convert", tmp_path / "row.h5", "--author", "me", "--out", tmp_path).code == 0
    monkeypatch.setattr(converters, "convert", lambda *_: pytest.fail("it was converted"))
    answer = cli("convert", tmp_path / "row.h5", "--labels", labels, "--out", tmp_path / "out")
    assert (answer.code, answer.out) == (1, "")
    assert "row.h5: the input has shape (1, 4), no picture's" in answer.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"", "no label in it: write one a line"),
        (b"\n", "no label in it: write one a line"),
        (b"rose\n\ntulip\n", "line 2 of the labels is empty"),
        (b"ro\x00se\n", "line 1 of the labels holds control character"),
        (b"\xff\xd8\xff\xe0", "not UTF-8 .* save it as UTF-8"),
        (b"a" * 300_000, "more than 262,144 bytes, no file of labels"),
    ],
)
def test_files_that_hold_no_labels_are_refused_before_tensorflow_is_loaded(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, says: str
) -> None:
    """Exit code 2, with the file's name."""
    import re

    monkeypatch.setattr(stack, "load", lambda: pytest.fail("TensorFlow was loaded"))
    path = tmp_path / "labels.txt"
    if content is not None:
        path.write_bytes(content)
    answer = cli("convert", tmp_path / "model.h5", "--labels", path)
    assert (answer.code, answer.out) == (2, "")
    assert re.search(f"^error: {re.escape(str(path))}: .*{says}", answer.err)


@pytest.mark.parametrize("option", ["--pixel-scale", "--pixel-offset"])
def test_pixels_without_labels_are_refused(cli: Pipeline, tmp_path: Path, option: str) -> None:
    """Rather than left out: the file would not say what its maker believes it says."""
    answer = cli("convert", tmp_path / "model.h5", option, "0.5")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {option} is written beside the labels: give --labels FILE.txt too")


@pytest.mark.tensorflow
def test_words_are_written_without_labels_too(cli: Pipeline, model: Path, tmp_path: Path) -> None:
    """And nothing of the doors, of which nothing was told."""
    words = ("--name", "Petals", "--author", "A. Gardener", "--description", "which flower")
    assert cli("convert", model, *words, "--out", tmp_path).code == 0
    inspection = inspect(tmp_path / "petals_float32.tflite")
    told = metadata.read(inspection.metadata[metadata.ENTRY])
    assert (told.name, told.author, told.description) == ("Petals", "A. Gardener", "which flower")
    assert (told.inputs, told.outputs, inspection.packed.files) == ((), (), ())
    assert "A. Gardener" in cli("inspect", tmp_path / "petals_float32.tflite").out


@pytest.mark.parametrize(
    ("scale", "offset", "says"),
    [
        ("nan", "0", "scale and offset must be finite numbers"),
        ("inf", "0", "scale and offset must be finite numbers"),
        ("1", "nan", "scale and offset must be finite numbers"),
        ("1", "-inf", "scale and offset must be finite numbers"),
        ("0", "0", "scale 0 makes every picture the same"),
        ("-1", "0", "a scale below 0 would be a negative standard deviation"),
        ("1e-50", "0", "the standard deviation 1 / scale is beyond float32"),
        ("1e-30", "1e10", "the mean -offset / scale is beyond float32"),
        ("1e37", "0", "the brightest value 255 * scale + offset is beyond float32"),
    ],
)
def test_a_normalisation_that_metadata_cannot_hold_is_refused(
    cli: Pipeline, labels: Path, tmp_path: Path, scale: str, offset: str, says: str
) -> None:
    """Exit code 2, with both options and no word of the labels' file."""
    options = ("--labels", labels, f"--pixel-scale={scale}", f"--pixel-offset={offset}")
    answer = cli("convert", tmp_path / "model.h5", *options)
    assert (answer.code, answer.out) == (2, "")
    given = f"--pixel-scale {float(scale):g}, --pixel-offset {float(offset):g}"
    assert answer.err.startswith(f"error: {given}: {says}")


def test_a_name_that_is_too_long_is_no_fault_of_the_labels(
    cli: Pipeline, labels: Path, tmp_path: Path
) -> None:
    """What is said names what is wrong."""
    answer = cli("convert", tmp_path / "model.h5", "--labels", labels, "--name", "x" * 1_001)
    assert answer.code == 2
    assert answer.err.startswith("error: the model's name has 1,001 characters")


def test_a_recipe_tells_them_itself(cli: Pipeline) -> None:
    """In its keys author and licence."""
    answer = cli("convert", "digits", "--author", "me")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: --author is for a model file; for recipe 'digits'")
