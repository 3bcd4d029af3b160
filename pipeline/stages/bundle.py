"""Bundle: packs the verified model with its contract, golden vectors and variants."""

import subprocess
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from pipeline.artifacts import (
    Artifact,
    Bundle,
    ConvertedModels,
    OptimizedModel,
    PreparedData,
    TensorSpec,
    TrainedModel,
    VerifiedModel,
)
from pipeline.errors import InternalError
from pipeline.recipe import Recipe
from pipeline.release import bundle
from pipeline.release.examples import PHOTO_CASES, PHOTO_PIXELS, PHOTOS_TRIED, Example, image_cases, is_small
from pipeline.release.golden import PICTURES
from pipeline.sampling import stratified
from pipeline.stages import Work
from pipeline.stages.data import portable, source, validation_part
from pipeline.stages.gallery import CURVES, draw_curves
from pipeline.target import Target

VERSION = 4
TOOLS = ("numpy", "pillow", "jinja2", "matplotlib")

FOLDER = "bundle"
"""Folder inside the stage's folder: what ships, without the stage's own record."""

_GOLDEN, _PHOTOS = 6, 7
"""Second words of the seed."""


def settings(recipe: Recipe, target: Target, data: Path | None) -> dict[str, Any]:
    """The whole recipe and target, and how strokes are drawn: all of it stands in the manifest.

    The revision of the working tree stands there too, but does not make a new bundle by itself.
    """
    drawing = source(recipe, data).drawing
    return {
        "drawing": None if drawing is None else drawing.model_dump(mode="json"),
        "recipe": portable(recipe).model_dump(mode="json"),
        "target": target.model_dump(mode="json"),
    }


def run(work: Work) -> Artifact:
    """Writes the bundle."""
    data, trained = work.input(PreparedData), work.input(TrainedModel)
    converted, verified = work.input(ConvertedModels), work.input(VerifiedModel)
    examples, photos = _examples(work, data, converted.variant(verified.ship).input)
    folder = work.folder / FOLDER
    (folder / bundle.PICTURES).mkdir(parents=True)
    curves = folder / bundle.PICTURES / CURVES
    draw_curves(work.recipe, trained, work.input(OptimizedModel), curves)
    bundle.write(
        folder,
        recipe=portable(work.recipe),
        target=work.target,
        data=data,
        trained=trained,
        converted=converted,
        verified=verified,
        examples=examples,
        photos=photos,
        drawing=source(work.recipe, work.data).drawing,
        lineage={name: parent.sha256 for name, parent in work.inputs.items()},
        tools=_tools(work),
        git_revision=git_revision(),
        console=work.console,
    )
    return work.finish(Bundle, recipe=work.recipe.name, target=work.target.name)


def _examples(work: Work, data: PreparedData, door: TensorSpec) -> tuple[list[Example], list[Example]]:
    """Validation images for golden cases, and photos for those that start from an encoded file."""
    validation = validation_part(data)
    labels, files = validation.labels, validation.files
    # One of each class shows a swapped label; few classes still fill the picture cases.
    count = min(len(labels), max(len(data.facts.labels), PICTURES if files is None else PHOTO_CASES))
    rows = stratified(labels, count, (work.recipe.seed, _GOLDEN))
    fitting = image_cases(len(rows), data.facts.preprocess, door)
    if fitting < len(rows):
        # Spread evenly: the rows of a folder's classes stand together.
        rows = rows[np.arange(fitting) * len(rows) // fitting]
    images = validation.pixels(rows)
    if files is None:
        plain = [Example(image=i, label=int(k)) for i, k in zip(images, labels[rows], strict=True)]
        return plain, []
    found = source(work.recipe, work.data)
    if found.root is None:
        raise InternalError(f"dataset '{found.name}' names files, but not where they lie")
    root = found.root

    def example(row: int) -> Example:
        image, file = validation.pixels(np.array([row]))[0], files[row]
        place = root / PurePosixPath(file)
        return Example(
            image=image, label=int(labels[row]), source=place, file=file, credit=found.credit(file)
        )

    order = np.random.default_rng([work.recipe.seed, _PHOTOS]).permutation(len(labels))
    tried = islice(dict.fromkeys([*map(int, rows), *map(int, order)]), PHOTOS_TRIED)
    small = (row for row in tried if is_small(root / PurePosixPath(files[row])))
    photos = [example(row) for row in islice(small, PHOTO_CASES)]
    if not photos:
        work.console.warn(
            f"none of {min(PHOTOS_TRIED, len(labels)):,} validation photos has at most {PHOTO_PIXELS:,} "
            "pixels: the golden pictures are made from preprocessed images instead of from encoded photos"
        )
    return [example(int(row)) for row in rows], photos


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
