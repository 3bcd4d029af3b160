"""``pipeline convert MODEL``: a Keras model of one's own."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import stack
from pipeline.stages.checkpoints import save_h5
from tests.conftest import Pipeline, pipeline


def small_model() -> Any:
    """(8, 8) to three probabilities."""
    keras = stack.load().keras
    keras.utils.set_random_seed(1)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8)),
            layers.Reshape((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def save_folder(model: Any, path: Path) -> None:
    """As a SavedModel."""
    tf = stack.load().tf
    signature = tf.function(lambda image: {"classes": model(image)}).get_concrete_function(
        tf.TensorSpec((None, 8, 8), tf.float32, name="image")
    )
    tf.saved_model.save(model, str(path), signatures=signature)


SAVE: dict[str, Callable[[Any, Path], None]] = {
    "model.h5": save_h5,
    "model.keras": lambda model, path: model.save(path),
    "model": save_folder,
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same small model in every form."""
    folder, model = tmp_path_factory.mktemp("models"), small_model()
    for name, save in SAVE.items():
        save(model, folder / name)
    return folder


@pytest.fixture(scope="module")
def representative(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 inputs."""
    path = tmp_path_factory.mktemp("representative") / "inputs.npy"
    np.save(path, np.random.default_rng(1).random((100, 8, 8), dtype=np.float32))
    return path


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", SAVE)
def test_every_form_of_model_is_converted(cli: Pipeline, models: Path, tmp_path: Path, name: str) -> None:
    """To float32 unless told otherwise; the file is named after model and scheme."""
    answer = cli("convert", models / name, "--out", tmp_path / "new", "--json")
    assert answer.code == 0
    assert answer.err.splitlines()[0] == f"convert {name} to float32"
    document = answer.json
    assert document["model"] == str(models / name)
    (converted,) = document["converted"]
    path = tmp_path / "new" / "model_float32.tflite"
    content = path.read_bytes()
    assert converted == {
        "scheme": "float32",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "file": str(path),
    }
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    (door,) = cli("inspect", path, "--json").json["inputs"]
    assert (door["shape"], door["dtype"]) == ([1, 8, 8], "float32")


@pytest.mark.tensorflow
def test_several_schemes_are_converted_in_one_call(
    cli: Pipeline, models: Path, representative: Path, tmp_path: Path
) -> None:
    """Each in its own file; the dtype at the door goes to the one that can have integers there."""
    schemes = ("float16", "dynamic_range", "int8", "int16x8")
    options = [f"--scheme={scheme}" for scheme in schemes]
    answer = cli(
        "convert", models / "model.h5", *options, "--representative", representative,
        "--io", "int8", "--out", tmp_path,
    )  # fmt: skip
    assert answer.code == 0
    assert [line.split()[0] for line in answer.out.splitlines()[2:]] == list(schemes)
    doors = {
        scheme: cli("inspect", tmp_path / f"model_{scheme}.tflite", "--json").json["inputs"][0]["dtype"]
        for scheme in schemes
    }
    assert doors == {"float16": "float32", "dynamic_range": "float32", "int8": "int8", "int16x8": "float32"}


@pytest.mark.tensorflow
def test_converting_in_a_fresh_process_speaks_of_nothing_but_its_work(models: Path, tmp_path: Path) -> None:
    """TensorFlow's own greetings are kept back."""
    answer = pipeline("convert", models / "model.h5", "--out", tmp_path)
    assert answer.code == 0
    assert answer.out.splitlines()[0].split() == ["scheme", "bytes", "sha256", "file"]
    assert answer.err.splitlines() == ["convert model.h5 to float32"]


def test_quiet_gives_the_result_alone(cli: Pipeline, tmp_path: Path) -> None:
    """Wrong usage is said all the same."""
    answer = cli("convert", tmp_path / "model.h5", "--scheme", "int9", "--quiet")
    assert answer.err.startswith("error: ")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--scheme", "int9"), "unknown scheme 'int9', choose from float32, .*did you mean 'int8'?"),
        (("--scheme", "int8"), "scheme 'int8' measures activation ranges: give --representative FILE.npy"),
        (("--scheme", "float32", "--scheme", "int16x8"), "scheme 'int16x8' measures activation ranges"),
        (("--io", "unit8"), "unknown io dtype 'unit8', choose from: .*did you mean 'uint8'?"),
        (("--runtime-floor", "new"), "runtime floor 'new' is no version: write it like 2.14.0"),
    ],
)
def test_wrong_options_are_refused_before_tensorflow_is_loaded(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], says: str
) -> None:
    """Exit code 2, nothing written."""
    monkeypatch.setattr(stack, "load", lambda: pytest.fail("TensorFlow was loaded"))
    (tmp_path / "model.h5").write_bytes(b"")
    answer = cli("convert", tmp_path / "model.h5", *options, "--out", tmp_path / "out")
    assert (answer.code, answer.out) == (2, "")
    assert re.search(says, answer.err)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "option", "says"),
    [
        ("digits", ("--scheme", "int8"), "--scheme is for a model file; for recipe 'digits' change values"),
        ("digits", ("--out", "x"), "--out is for a model file; "),
        ("digits", ("--unsafe",), "--unsafe is for a model file; "),
        ("model.h5", ("--set", "convert.io=int8"), "--set is for a recipe; model.h5 is a model file"),
        ("model.h5", ("--target", "tflite"), "--target is for a recipe; "),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(
    cli: Pipeline, source: str, option: tuple[str, ...], says: str
) -> None:
    """Whoever asks for one scheme must not get five."""
    answer = cli("convert", source, *option)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {says}")


def nothing(path: Path) -> None:
    """Nothing lies there."""
    assert not path.exists()


def archive(path: Path) -> None:
    """What np.savez writes, under another name."""
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(3))


ARRAYS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (nothing, "not a readable .npy file of model inputs: "),
    "empty": (lambda path: path.write_bytes(b""), "not a readable .npy file of model inputs: "),
    "folder": (lambda path: path.mkdir(), "not a readable .npy file of model inputs: "),
    "text": (lambda path: path.write_text("1,2,3", "utf-8"), "not a readable .npy file of model inputs: "),
    "cut": (lambda path: path.write_bytes(b"\x93NUMPY\x01\x00v\x00{"), "not a readable .npy file"),
    "damaged archive": (lambda path: path.write_bytes(b"PK\x03\x04rubbish"), "not a readable .npy file"),
    "archive": (archive, "not a readable .npy file"),
    "objects": (
        lambda path: np.save(path, np.array([{}], dtype=object), allow_pickle=True),
        "not a readable .npy file of model inputs: ",
    ),
    "one number": (lambda path: np.save(path, np.float32(3)), "one number, not an array of model inputs"),
}
"""What lies there: (how it comes there, what is said)."""


@pytest.mark.parametrize("case", ARRAYS)
def test_representative_samples_that_cannot_be_read_are_refused(
    cli: Pipeline, tmp_path: Path, case: str
) -> None:
    """Exit code 2; nothing in the file is executed."""
    make, says = ARRAYS[case]
    path = tmp_path / "inputs.npy"
    make(path)
    answer = cli("convert", tmp_path / "model.h5", "--scheme", "int8", "--representative", path)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {path}: {says}")
    assert len(answer.err.splitlines()) == 1


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((99, 8, 8), np.float32), "99 representative samples are too few"),
        (np.zeros((100, 8, 9), np.float32), r"representative samples have shape (8, 9), the model's input"),
        (np.zeros((100, 8, 8), np.float32), "every value of every representative sample is 0"),
    ],
)
def test_representative_samples_that_would_calibrate_wrongly_are_refused(
    cli: Pipeline, models: Path, tmp_path: Path, values: Any, says: str
) -> None:
    """A failed step, exit code 1: only the model tells what would be right."""
    np.save(tmp_path / "inputs.npy", values)
    answer = cli(
        "convert", models / "model.h5", "--scheme", "int8",
        "--representative", tmp_path / "inputs.npy", "--out", tmp_path / "out",
    )  # fmt: skip
    assert (answer.code, answer.out) == (1, "")
    assert says in answer.err
    assert not list(tmp_path.glob("out/*"))


def test_a_model_that_is_not_there_is_refused(cli: Pipeline, tmp_path: Path) -> None:
    """With its path."""
    answer = cli("convert", tmp_path / "none.keras")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == f"error: {tmp_path / 'none.keras'}: no such file\n"


@pytest.mark.parametrize("name", ["folder", "weights.pt", "model.tflite"])
def test_what_is_neither_recipe_nor_model_is_refused_with_what_would_be(
    cli: Pipeline, tmp_path: Path, name: str
) -> None:
    """A folder without saved_model.pb, another framework's file."""
    path = tmp_path / name
    if path.suffix:
        path.write_bytes(b"rubbish")
    else:
        path.mkdir()
    answer = cli("convert", path)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"error: {path}: neither a recipe (.toml) nor a model (.keras, .h5, a folder with saved_model.pb)\n"
    )


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model/saved_model.pb"])
def test_a_damaged_model_is_refused_in_a_sentence(cli: Pipeline, tmp_path: Path, name: str) -> None:
    """Exit code 1, no traceback; with --debug there is one."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"rubbish")
    model = path.parent if path.suffix == ".pb" else path
    answer = cli("convert", model)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"error: {model}: ")
    assert "Traceback" not in answer.err
    assert "Traceback" in cli("convert", model, "--debug").err


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model as tensorflow-model-optimization's own tutorial leaves it."""
    path = tmp_path_factory.mktemp("quantised") / "aware.h5"
    aware = stack.load_tfmot().quantization.keras.quantize_model(small_model())
    aware.compile("adam", "sparse_categorical_crossentropy")
    aware.fit(np.random.default_rng(1).random((64, 8, 8)), np.arange(64) % 3, verbose=0)
    save_h5(aware, path)
    return path


@pytest.mark.tensorflow
def test_a_model_after_quantisation_aware_training_needs_no_samples(
    cli: Pipeline, quantised: Path, tmp_path: Path
) -> None:
    """Its ranges are in it; bytes at the door."""
    answer = cli("convert", quantised, "--scheme", "int8", "--out", tmp_path, "--json")
    assert answer.code == 0, answer.err
    inspected = cli("inspect", tmp_path / "aware_int8.tflite", "--json").json
    assert {door["dtype"] for door in (*inspected["inputs"], *inspected["outputs"])} == {"uint8"}


@pytest.mark.tensorflow
@pytest.mark.parametrize("scheme", ["float32", "float16", "dynamic_range"])
def test_it_is_not_quantised_again(cli: Pipeline, quantised: Path, tmp_path: Path, scheme: str) -> None:
    """Nor is its rounding thrown away."""
    answer = cli("convert", quantised, "--scheme", scheme, "--out", tmp_path)
    assert answer.code != 0
    assert "was trained quantisation-aware and holds ranges for int8" in answer.err
    assert answer.err.strip().endswith("convert to int8")
    assert not list(tmp_path.glob("*.tflite"))
