"""The run folder's ``pictures/``: what a person looks at after a build, also after one whose gates failed.

The learning curves, and the verify stage's pictures as soon as it has run. No stage makes the folder, and
nothing is made from it: it shows the artifacts of the last build, whichever keys they have.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from pipeline.artifacts import Artifact, OptimizedModel, TrainedModel, VerifiedModel, digest
from pipeline.pictures import curves
from pipeline.pictures.curves import Phase
from pipeline.recipe import Recipe
from pipeline.release.bundle import PICTURES, copy_pictures

CURVES = "learning_curves.png"

VERSION = 1
"""Raised when the same artifacts would give other pictures."""

STAMP = ".made_of"
"""File in the folder: hash of what it shows, so that an unchanged rebuild draws nothing."""


def show(run: Path, recipe: Recipe, artifacts: Mapping[str, Artifact]) -> Path | None:
    """Draws and copies what there is into ``RUN/pictures``, which is replaced as a whole.

    Args:
        run: the run folder.
        recipe: that was built.
        artifacts: stage to what it made, of those that ran.

    Returns:
        The folder; None where no model has been trained.
    """
    trained, optimized = artifacts.get("train"), artifacts.get("optimize")
    verified = artifacts.get("verify")
    if not isinstance(trained, TrainedModel):
        return None
    folder = run / PICTURES
    shown = {name: artifact.sha256 for name, artifact in artifacts.items()}
    stamp = digest({"version": VERSION, "recipe": [recipe.name, recipe.profile], "artifacts": shown})
    if _read(folder / STAMP) == stamp:
        return folder
    partial = folder.with_name(f"{PICTURES}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    draw_curves(
        recipe, trained, optimized if isinstance(optimized, OptimizedModel) else None, partial / CURVES
    )
    if isinstance(verified, VerifiedModel):
        copy_pictures(verified, partial)
    (partial / STAMP).write_text(stamp, "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return folder


def draw_curves(recipe: Recipe, trained: TrainedModel, optimized: OptimizedModel | None, path: Path) -> None:
    """Draws the epochs of head, model and each optimisation."""
    whole = "fine-tuning" if trained.head_history else "training"
    if trained.history and trained.best_epoch == 0:
        whole += " (not kept)"
    phases = [
        Phase(title="frozen base", history=trained.head_history),
        Phase(title=whole, history=trained.history, best=trained.best_epoch or None),
        *(Phase(title=n, history=h) for n, h in (optimized.history if optimized else {}).items()),
    ]  # fmt: skip
    smoke = " (smoke build)" if recipe.profile == "smoke" else ""
    curves.draw(phases, path, title=f"{recipe.name}{smoke}: {trained.model}")


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
