"""Bundle: packs the verified model with its contract, golden vectors and variants."""

import subprocess
from pathlib import Path
from typing import Any

from pipeline.artifacts import (
    Artifact,
    Bundle,
    ConvertedModels,
    PreparedData,
    TrainedModel,
    VerifiedModel,
)
from pipeline.recipe import Recipe
from pipeline.release import bundle
from pipeline.release.golden import PICTURES, Example
from pipeline.sampling import stratified
from pipeline.stages import Work
from pipeline.stages.data import validation_part
from pipeline.target import Target

VERSION = 1
TOOLS = ("numpy", "pillow", "jinja2")

FOLDER = "bundle"
"""Folder inside the stage's folder: what ships, without the stage's own record."""

_GOLDEN = 6
"""Second word of the seed."""


def settings(recipe: Recipe, target: Target, _data: Path | None) -> dict[str, Any]:
    """The whole recipe and target: all of it stands in the manifest.

    The revision of the working tree stands there too, but does not make a new bundle by itself.
    """
    return {
        "recipe": recipe.model_dump(mode="json"),
        "target": target.model_dump(mode="json"),
    }


def run(work: Work) -> Artifact:
    """Writes the bundle."""
    data = work.input(PreparedData)
    validation = validation_part(data)
    labels = validation.labels
    # One of each class shows a swapped label; few classes still fill the picture cases.
    count = min(len(labels), max(len(data.facts.labels), PICTURES))
    rows = stratified(labels, count, (work.recipe.seed, _GOLDEN))
    examples = [
        Example(image=image, label=int(label))
        for image, label in zip(validation.pixels(rows), labels[rows], strict=True)
    ]
    folder = work.folder / FOLDER
    folder.mkdir()
    bundle.write(
        folder,
        recipe=work.recipe,
        target=work.target,
        data=data,
        trained=work.input(TrainedModel),
        converted=work.input(ConvertedModels),
        verified=work.input(VerifiedModel),
        examples=examples,
        lineage={name: parent.sha256 for name, parent in work.inputs.items()},
        tools=_tools(work),
        git_revision=git_revision(),
        console=work.console,
    )
    return work.finish(Bundle, recipe=work.recipe.name, target=work.target.name)


def git_revision() -> str | None:
    """Commit of the working tree in the current folder, with ``-dirty`` where it was changed."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()


def _tools(work: Work) -> dict[str, str]:
    tools: dict[str, str] = {}
    for artifact in work.inputs.values():
        tools.update(artifact.made_by)
    return {**tools, **work.made_by}
