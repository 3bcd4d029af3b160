"""A client that this project did not write reads its metadata: MediaPipe's ImageClassifier.

It is installed into an environment of its own, for it wants another numpy.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converters import ConversionSpec, convert, representative, stack
from converters.tflite.metadata_writer import Description, describe
from tests.converters import built

Pictures = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

pytestmark = pytest.mark.slow

MEDIAPIPE = "mediapipe==1.2.2"
"""The release that was tried."""

CLIENT = Path(__file__).with_name("mediapipe_client.py")

NATIVE = "apt-get install -y libegl1 libgles2"
"""MediaPipe's library is linked against both, also where no GPU is used."""

INSTALL_SECONDS = 300
"""60 MB of wheels; 11 s where pip has them."""

RUN_SECONDS = 120
"""A few seconds, on a busy machine more."""

SIDE = 24
"""Pixels: pictures are exactly as large as the input, so that MediaPipe's own resizing changes nothing."""

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 50, 255), "Größe": (230, 220, 40)}
"""Label to the colour of a square; one label is not ASCII. With 0 in the noise and 255 here, calibration
gives the uint8 input scale 1 and zero point 0: the bytes of a picture go in as they are."""

SEED = 3
TRAINED_ON, COMPARED = 240, 24
EPOCHS = 8

SOFTENED = 0.2
"""Factor on the last weights after training: scores of 1.0 would hide pixels of another scale."""

SURE = 0.99
"""Of the class that is found: below it a score moves when the pixels do."""

SAME_ARITHMETIC = 1e-5
"""Of scores 0..1 in float32: two builds of the same kernels, which may add in another order."""

ONE_STEP = 1 / 256 + 1e-6
"""Of scores 0..1 in uint8: rounding of the last bit differs between builds of the kernels."""


def squares(count: int) -> tuple[Pictures, npt.NDArray[np.int64]]:
    """Noisy pictures of a coloured square somewhere, and the class of each."""
    draw = np.random.default_rng(SEED)
    pictures = draw.integers(0, 120, (count, SIDE, SIDE, 3))
    classes = np.arange(count) % len(COLOURS)
    for picture, colour in zip(pictures, classes, strict=True):
        top, left = draw.integers(0, SIDE - 10, 2)
        picture[top : top + 10, left : left + 10] = list(COLOURS.values())[colour]
    return pictures.astype(np.uint8), classes


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with MediaPipe; skips, saying why, where there can be none."""
    home = tmp_path_factory.mktemp("mediapipe")
    python = home / "bin" / "python"
    install = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:")
    steps: list[tuple[str | Path, ...]] = [(sys.executable, "-m", "venv", home), (*install, MEDIAPIPE)]
    for step in steps:
        try:
            done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{MEDIAPIPE} was not installed within {INSTALL_SECONDS} s: is PyPI within reach?")
        if done.returncode:
            pytest.skip(f"{MEDIAPIPE} cannot be installed here: {done.stderr.strip()[-300:]}")
    loaded = subprocess.run(
        [python, "-c", "from mediapipe.tasks.python import vision; vision.ImageClassifierOptions\n"
         "import ctypes; ctypes.CDLL('libEGL.so.1'); ctypes.CDLL('libGLESv2.so.2')"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if loaded.returncode:
        pytest.skip(f"{MEDIAPIPE} does not load, try {NATIVE}: {loaded.stderr.strip()[-300:]}")
    return python


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name to file: a model that scales within the graph, and one that wants scaled pixels."""
    keras, layers = stack.load().keras, stack.load().keras.layers
    pictures, classes = squares(TRAINED_ON)
    keras.utils.set_random_seed(SEED)
    bare = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3), name="scaled"),
            layers.Conv2D(8, 3, strides=2, activation="relu", name="conv"),
            layers.GlobalMaxPooling2D(name="pool"),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.Dense(len(COLOURS), activation="softmax", name="predictions"),
        ]
    )
    door = keras.Input((SIDE, SIDE, 3), name="image")
    served = keras.Model(door, bare(layers.Rescaling(1 / 127.5, -1.0, name="pixel_scaling")(door)))
    served.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    served.fit(pictures.astype(np.float32), classes, epochs=EPOCHS, batch_size=32, verbose=0)

    last = bare.get_layer("predictions")
    last.set_weights([SOFTENED * values for values in last.get_weights()])

    samples = representative(
        pictures[:100].astype(np.float32), shape=(SIDE, SIDE, 3), value_range=(0.0, 255.0)
    )
    plain = ConversionSpec(scheme="float32")
    grey = keras.Sequential(
        [keras.Input((SIDE, SIDE), name="image"), layers.Flatten(), layers.Dense(len(COLOURS))]
    )
    contents = {
        "grey": convert(grey, plain).content,
        "float32": convert(served, plain).content,
        "int8": convert(served, ConversionSpec(scheme="int8", io_dtype="uint8"), samples).content,
        "scaled": convert(bare, plain).content,
    }
    folder = tmp_path_factory.mktemp("files")
    made = {}
    for name, content in contents.items():
        scale, offset = (1 / 127.5, -1.0) if name == "scaled" else (1.0, 0.0)
        words = Description(name=name, labels=tuple(COLOURS), pixel_scale=scale, pixel_offset=offset)
        made[name] = folder / f"{name}.tflite"
        made[name].write_bytes(describe(content, words, where=name))
    made["without"] = folder / "without.tflite"
    made["without"].write_bytes(contents["float32"])
    made["int8 door"] = folder / "int8-door.tflite"
    digits = Description(name="digits", labels=tuple(map(str, range(10))))
    made["int8 door"].write_bytes(describe(built.cnn(), digits, where="int8 door"))
    return made


@pytest.fixture(scope="module")
def answers(python: Path, files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What MediaPipe answers, by file."""
    pictures = tmp_path_factory.mktemp("pictures") / "pictures.npy"
    np.save(pictures, squares(COMPARED)[0])
    finished = subprocess.run(
        [python, CLIENT, pictures, *files.values()],
        capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-3000:]
    told = json.loads(finished.stdout.splitlines()[-1])
    return {name: told[str(file)] for name, file in files.items()}


@pytest.mark.parametrize(
    ("name", "tolerance"), [("float32", SAME_ARITHMETIC), ("scaled", SAME_ARITHMETIC), ("int8", ONE_STEP)]
)
def test_the_same_labels_and_scores(
    answers: dict[str, Any], files: dict[str, Path], name: str, tolerance: float
) -> None:
    """MediaPipe finds labels and normalisation in the file and answers as LiteRT does on our own numbers."""
    pictures, classes = squares(COMPARED)
    inputs = pictures if name == "int8" else pictures.astype(np.float32)
    if name == "scaled":
        inputs = inputs * np.float32(1 / 127.5) - np.float32(1.0)
    assert isinstance(answers[name], list), answers[name]
    theirs = np.array([[found[label] for label in COLOURS] for found in answers[name]])
    ours = litert(files[name], inputs)
    assert np.abs(theirs - ours).max() <= tolerance
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).all()
    assert np.median(theirs.max(axis=1)) < SURE
    # Else any mix-up of labels among equal scores would pass.
    assert (theirs.argmax(axis=1) == classes).mean() > 0.9
    assert all(set(found) == set(COLOURS) for found in answers[name])


def test_without_metadata_it_refuses_float_pictures(answers: dict[str, Any]) -> None:
    """So that what the tests above read can only come from the metadata."""
    assert "NormalizationOptions" in answers["without"]


def test_it_takes_no_pictures_without_a_channel_axis(answers: dict[str, Any]) -> None:
    """As the writer's documentation says, which does not call them pictures."""
    assert "Expected ImageProperties" in answers["grey"]


def test_it_takes_no_int8_at_the_door(answers: dict[str, Any]) -> None:
    """Nor int8 at the door: what is refused is told, not crashed on."""
    assert "int8" in answers["int8 door"].lower()


def litert(file: Path, inputs: npt.NDArray[Any]) -> Floats:
    """Scores of LiteRT, as real numbers."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file))
    interpreter.allocate_tensors()
    (door,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for row in inputs:
        interpreter.set_tensor(door["index"], row[np.newaxis])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(output["index"])[0].astype(np.float32))
    scale, zero_point = output["quantization"]
    scores = np.stack(rows)
    return scores if scale == 0.0 else np.asarray((scores - zero_point) * np.float32(scale))
