"""MediaPipe's ImageClassifier on the flowers model itself: the recipe's files and real photos."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.conftest import pipeline
from tests.converters import mediapipe_run
from tests.converters.mediapipe_run import Answers

pytestmark = pytest.mark.slow

LABELS = ("daisy", "dandelion", "roses", "sunflowers", "tulips")

TRAIN, TEST = 256, 48
"""Photos: the whole recipe at its own size, trained for a minute."""

MUST_KNOW = 0.5
"""Share of photos that such a model must name right; chance is 0.2. Else labels that are mixed up would go
unnoticed among equal scores."""


@dataclass(frozen=True, kw_only=True)
class Flowers:
    """The converted recipe, and photos that it has not seen: u8 (n, 224, 224, 3), and the class of each."""

    files: dict[str, Path]
    photos: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.int64]


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Flowers:
    """Built by the command line; skips, saying so, where the photos are not."""
    import os

    data = os.environ.get("PIPELINE_DATA")
    if not data or not (Path(data) / "flower_photos").is_dir():
        pytest.skip("PIPELINE_DATA names no folder with flower_photos: the flowers model is trained on them")
    runs = tmp_path_factory.mktemp("flowers")
    answer = pipeline(
        "convert", "flowers", "--profile", "smoke", "--data", data, "--runs", runs,
        "--set", f"dataset.max_train={TRAIN}", "--set", f"dataset.max_test={TEST}",
        "--set", 'convert.schemes=["float32", "int8"]',
    )  # fmt: skip
    assert answer.code == 0, answer.err
    stages = runs / "flowers-smoke" / "stages"
    (converted,), (photos,) = (stages.glob(f"{name}/*") for name in ("convert", "data"))
    return Flowers(
        files={scheme: converted / f"{scheme}.tflite" for scheme in ("float32", "int8")},
        photos=np.load(photos / "test_images.npy"),
        classes=np.load(photos / "test_labels.npy"),
    )


@pytest.fixture(scope="module")
def answers(mediapipe_python: Path, flowers: Flowers, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What MediaPipe answers, by scheme."""
    folder = tmp_path_factory.mktemp("photos")
    return mediapipe_run.classified(mediapipe_python, flowers.photos, flowers.files, folder)


@pytest.mark.parametrize(
    ("scheme", "tolerance"), [("float32", mediapipe_run.SAME_ARITHMETIC), ("int8", mediapipe_run.ONE_STEP)]
)
def test_mediapipe_names_the_flowers_as_litert_does(
    flowers: Flowers, answers: Answers, scheme: str, tolerance: float
) -> None:
    """The same labels and scores; int8 takes the bytes of the photo at its uint8 door."""
    told = answers[scheme]
    assert isinstance(told, list), told
    assert all(set(found) == set(LABELS) for found in told)
    theirs = mediapipe_run.scores(told, LABELS)
    photos = flowers.photos if scheme == "int8" else flowers.photos.astype(np.float32)
    ours = mediapipe_run.litert(flowers.files[scheme], photos)
    assert len(theirs) == TEST
    assert np.abs(theirs - ours).max() <= tolerance
    assert (theirs.argmax(axis=1) == flowers.classes).mean() > MUST_KNOW
