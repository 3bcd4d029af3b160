"""A client that this project did not write reads its metadata: MediaPipe's ImageClassifier.

On a model of squares that trains in a second; on photos, see ``test_mediapipe_flowers.py``.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from converters import ConversionSpec, convert, representative, stack
from converters.tflite.description import Description
from converters.tflite.metadata_writer import describe
from tests.converters import built, mediapipe_run
from tests.converters.mediapipe_run import ONE_STEP, SAME_ARITHMETIC, Answers

Pictures = npt.NDArray[np.uint8]
pytestmark = pytest.mark.slow

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
def answers(
    mediapipe_python: Path, files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Answers:
    """What MediaPipe answers, by file."""
    pictures, _ = squares(COMPARED)
    return mediapipe_run.classified(mediapipe_python, pictures, files, tmp_path_factory.mktemp("pictures"))


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("float32", SAME_ARITHMETIC),
        ("scaled", SAME_ARITHMETIC),
        ("int8", ONE_STEP),
    ],
)
def test_the_same_labels_and_scores(
    answers: Answers, files: dict[str, Path], name: str, tolerance: float
) -> None:
    """MediaPipe finds labels and normalisation in the file and answers as LiteRT does on our own numbers."""
    pictures, classes = squares(COMPARED)
    inputs = pictures if name == "int8" else pictures.astype(np.float32)
    if name == "scaled":
        inputs = inputs * np.float32(1 / 127.5) - np.float32(1.0)
    told = answers[name]
    assert isinstance(told, list), told
    theirs = mediapipe_run.scores(told, tuple(COLOURS))
    ours = mediapipe_run.litert(files[name], inputs)
    assert np.abs(theirs - ours).max() <= tolerance
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).all()
    assert np.median(theirs.max(axis=1)) < SURE
    # Else any mix-up of labels among equal scores would pass.
    assert (theirs.argmax(axis=1) == classes).mean() > 0.9
    assert all(set(found) == set(COLOURS) for found in told)


def test_without_metadata_it_refuses_float_pictures(answers: Answers) -> None:
    """So that what the tests above read can only come from the metadata."""
    assert "NormalizationOptions" in answers["without"]


def test_it_takes_no_pictures_without_a_channel_axis(answers: Answers) -> None:
    """As the writer's documentation says, which does not call them pictures."""
    assert "Expected ImageProperties" in answers["grey"]


def test_it_takes_no_int8_at_the_door(answers: Answers) -> None:
    """Nor int8 at the door: what is refused is told, not crashed on."""
    told = answers["int8 door"]
    assert isinstance(told, str)
    assert "int8" in told.lower()
