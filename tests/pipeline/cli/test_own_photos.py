"""Photos of one's own through the command line: what is told early, and a whole build."""

import json
import time
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from PIL import Image

from converters import stack
from tests.conftest import Pipeline, pipeline
from tests.pipeline.datasets.photo_files import write_photos

CLASSES = ("Gänseblümchen", "red roses", "バラ")
PHOTOS = 60
"""Of each class."""

SIDE = 96
"""Pixels of a photo and of the model's input."""


def write_recipe(data: Path, folder: str, *, weights: str = "base.h5", more: str = "") -> Path:
    """A recipe beside the data folder's photos."""
    text = f"""
        [dataset]
        name = "image_folder"
        path = "{folder}"
        size = {SIDE}

        [model]
        name = "transfer"
        alpha = 0.35
        weights = "{weights}"

        [train]
        batch = 16

        [train.head]
        batch = 16
        {more}
    """
    path = data / "my.toml"
    path.write_text(dedent(text), "utf-8")
    return path


def write_base(data: Path) -> None:
    """Weights drawn by seed; batch normalisation knows noise, so that no layer's values vanish."""
    keras = stack.load().keras
    keras.utils.set_random_seed(1)
    base = keras.applications.MobileNetV2((SIDE, SIDE, 3), alpha=0.35, include_top=False, weights=None)
    for layer in base.layers:
        layer.momentum = 0.0  # one batch says all
    base(np.random.default_rng(2).uniform(-1, 1, (32, SIDE, SIDE, 3)).astype(np.float32), training=True)
    base.save_weights(data / "base.h5")
    keras.backend.clear_session()


def write_own(root: Path) -> None:
    """A colour for each class under noise; seeded."""
    rng = np.random.default_rng(5)
    for number, label in enumerate(CLASSES):
        (root / label).mkdir(parents=True)
        for index in range(PHOTOS):
            colour = np.full(3, 40) + 160 * (np.arange(3) == number)
            coarse = np.clip(colour + rng.normal(0, 30, (6, 6, 3)), 0, 255).astype(np.uint8)
            size = tuple(rng.integers(SIDE, 2 * SIDE, 2).tolist())
            Image.fromarray(coarse).resize(size).save(root / label / f"foto {index}, später.jpg", quality=90)


def test_missing_weights_are_told_before_any_photo_is_decoded(cli: Pipeline, tmp_path: Path) -> None:
    """Decoding may take an hour."""
    write_photos(tmp_path / "photos", {"a": 80, "b": 80})
    recipe = write_recipe(tmp_path, "photos", weights="none.h5")
    answer = cli("build", recipe, "--data", tmp_path, "--runs", tmp_path / "runs")
    assert answer.code == 1
    assert answer.err.splitlines() == [answer.err.rstrip()]
    assert f"error: model.weights: {tmp_path / 'none.h5'} is no file" in answer.err
    assert not list(tmp_path.glob("runs/*/stages/data/*"))


@pytest.mark.tensorflow
def test_too_few_photos_to_calibrate_on_are_told_before_training(cli: Pipeline, tmp_path: Path) -> None:
    """With the numbers."""
    write_photos(tmp_path / "photos", {"a": 15, "b": 15})
    recipe = write_recipe(tmp_path, "photos", weights="random")
    recipe.write_text(recipe.read_text("utf-8").replace("[train.head]\nbatch = 16", ""), "utf-8")
    answer = cli("build", recipe, "--data", tmp_path, "--runs", tmp_path / "runs")
    assert answer.code == 1
    assert "int8 and int16x8 need 100 train images to calibrate on, there are 23 (beside 4 of" in answer.err
    assert "leave int8 and int16x8 out of convert.schemes" in answer.err
    assert "epoch" not in answer.err


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_folder_of_photos_becomes_a_bundle(tmp_path: Path) -> None:
    """Names with blanks and of other scripts, from the recipe file to pictures, in a fresh process."""
    write_own(tmp_path / "my photos")
    write_base(tmp_path)
    recipe = write_recipe(tmp_path, str(tmp_path / "my photos"))
    started = time.monotonic()
    answer = pipeline("build", recipe, "--profile", "smoke", "--data", tmp_path, "--runs", tmp_path / "runs")
    assert answer.code == 0, answer.err
    # No limit: that would measure what else the machine does. Two cores need about a minute.
    print(f"built in {time.monotonic() - started:.0f} s")  # noqa: T201
    bundle = tmp_path / "runs" / "my-smoke" / "bundle-tflite"
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert str(tmp_path) not in (bundle / "manifest.json").read_text("utf-8")
    assert manifest["labels"] == sorted(CLASSES)
    assert (bundle / "labels.txt").read_text("utf-8").splitlines() == sorted(CLASSES)
    assert {"confusion.png", "learning_curves.png"} <= {p.name for p in bundle.rglob("*.png")}
