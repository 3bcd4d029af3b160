"""The smoke build's digits as a dataset of photos: a file per image, the arrays decoded from them."""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from pipeline import preprocess
from pipeline.artifacts import PreparedData
from pipeline.preprocess import Pixels
from pipeline.recipe import Recipe
from pipeline.release.examples import on_paper
from tests.conftest import SmokeBuild
from tests.pipeline.stages import prepared

ROWS = {"train": 40, "test": 24}
VALIDATION = 12
"""The last rows of train."""

PRIVATE = b"Jane Doe, 1 Some Street"
"""Stands in every photo's EXIF block, as a phone would write it."""

TIFFS = 3
"""Test photos that TensorFlow does not decode, the first ones."""


@dataclass(frozen=True)
class Album:
    """What the stages ask of a source: where the files lie, and who made them."""

    root: Path
    name: str = "album"
    drawing: None = None

    def credit(self, name: str) -> str:
        """Known for JPEG files alone."""
        return f"Photo by {PurePosixPath(name).stem}" if name.endswith(".jpg") else ""


def album(smoke_build: SmokeBuild, folder: Path, recipe: Recipe) -> tuple[PreparedData, Album]:
    """Makes the photos and the data stage's folder of them."""
    data = PreparedData.read(smoke_build.stage("data"))
    spec, rng = data.facts.preprocess, np.random.default_rng(7)
    task = prepared.work(folder / "data", "data", recipe)
    root = folder / "photos"
    for split, count in ROWS.items():
        images = np.load(data.path(f"{split}_images.npy"))[:count]
        labels = np.load(data.path(f"{split}_labels.npy"))[:count]
        names = [_name(split, row, int(label)) for row, label in enumerate(labels)]
        for name, image in zip(names, images, strict=True):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            exif = Image.Exif()
            exif[0x013B] = PRIVATE.decode()
            Image.fromarray(on_paper(image, spec, rng)).save(root / name, exif=exif)
        np.save(task.folder / f"{split}_images.npy", decoded(root, names, data))
        np.save(task.folder / f"{split}_labels.npy", labels)
        (task.folder / f"{split}_files.json").write_text(json.dumps(names), "utf-8")
    kept = ROWS["train"] - VALIDATION
    np.save(task.folder / "train_indices.npy", np.arange(kept))
    np.save(task.folder / "validation_indices.npy", np.arange(kept, ROWS["train"]))
    counts = {"train": kept, "validation": VALIDATION, "test": ROWS["test"]}
    facts = data.facts.model_copy(update=counts)
    return task.finish(PreparedData, facts=facts), Album(root)


def decoded(root: Path, names: list[str], data: PreparedData) -> Pixels:
    """What the data stage makes of files."""
    spec = data.facts.preprocess
    return np.stack([preprocess.picture(preprocess.decode(root / name), spec) for name in names])


def _name(split: str, row: int, label: int) -> str:
    return f"{label}/{split}{row}.{'tiff' if split == 'test' and row < TIFFS else 'jpg'}"
