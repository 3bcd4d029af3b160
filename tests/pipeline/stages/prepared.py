"""Data and a trained model made by hand, for stages that come after."""

from pathlib import Path
from typing import Any

import numpy as np

from converters import stack
from pipeline import recipe, target
from pipeline.artifacts import Artifact, DatasetFacts, PreparedData, TrainedModel
from pipeline.console import Console
from pipeline.preprocess import PreprocessSpec
from pipeline.recipe import Recipe
from pipeline.stages import STAGES, Work
from pipeline.stages.checkpoints import save_h5
from tests.pipeline.optimizations import tiny

TRAIN, VALIDATION = 96, 24


def work(folder: Path, stage: str, chosen: Recipe, **inputs: Artifact) -> Work:
    """A stage in a folder of the run folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return Work(
        stage=next(each for each in STAGES if each.name == stage),
        key="0",
        recipe=chosen,
        target=target.load("tflite"),
        data=None,
        folder=folder,
        run=folder.parent,
        console=Console(),
        inputs=inputs,
        made_by={},
    )


def optimizing(*sections: dict[str, Any], **more: Any) -> Recipe:
    """A smoke recipe with these optimisations."""
    values: dict[str, Any] = {
        "name": "own",
        "profile": "smoke",
        "dataset": {"name": "digits"},
        "model": {"name": "emnist_cnn"},
        "train": {"batch": tiny.BATCH},
        "convert": {"schemes": ["int8"]},
        "optimize": list(sections),
    }
    return recipe.check({**values, **more}, where="recipe 'own'")


def data(folder: Path) -> PreparedData:
    """Noise of three classes, 8x8."""
    task = work(folder, "data", optimizing())
    images, labels = tiny.pictures(TRAIN + VALIDATION)
    for split in ("train", "test"):
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", labels)
    np.save(folder / "train_indices.npy", np.arange(TRAIN))
    np.save(folder / "validation_indices.npy", np.arange(TRAIN, TRAIN + VALIDATION))
    facts = DatasetFacts(
        name="bars", labels=("top", "middle", "bottom"), preprocess=PreprocessSpec(height=8, width=8),
        train=TRAIN, validation=VALIDATION, test=TRAIN + VALIDATION,
        train_on_disk=TRAIN + VALIDATION, test_on_disk=TRAIN + VALIDATION, sources=(),
    )  # fmt: skip
    return task.finish(PreparedData, facts=facts)


def trained(folder: Path, model: Any) -> TrainedModel:
    """The model as the train stage would leave it."""
    task = work(folder, "train", optimizing())
    save_h5(model, folder / "model.h5")
    stack.load().keras.backend.clear_session()
    return task.finish(
        TrainedModel,
        model="emnist_cnn",
        parameters=model.count_params(),
        pixel_scaling=tiny.SCALING,
        best_epoch=1,
        history=(),
    )
