"""Optimize: what the recipe's ``[[optimize]]`` sections ask for, in order; without any, the trained model."""

import shutil
from pathlib import Path
from typing import Any

from pipeline import shelf
from pipeline.artifacts import Artifact, OptimizedModel, TrainedModel
from pipeline.recipe import Recipe
from pipeline.stages import Work
from pipeline.target import Target

VERSION = 1
TOOLS = ()


def settings(recipe: Recipe, _target: Target, _data: Path | None) -> dict[str, Any]:
    """The optimisations with their options."""
    return {
        "optimize": [
            {**section.model_dump(mode="json"), "plugin": shelf.source_digest("optimizations", section.name)}
            for section in recipe.optimize
        ]
    }


def run(work: Work) -> Artifact:
    """Applies each optimisation to the model that the one before it gave."""
    model = work.input(TrainedModel).path("model.h5")
    for section in work.recipe.optimize:
        plugin = shelf.load("optimizations", section.name)
        model = plugin.apply(model, work)
    shutil.copyfile(model, work.folder / "model.h5")
    applied = tuple(section.name for section in work.recipe.optimize)
    return work.finish(OptimizedModel, applied=applied)
