"""Data: decodes a dataset once into memory-mapped arrays and cuts the validation split by seed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import arrays, shelf
from pipeline.artifacts import Artifact, DatasetFacts, PreparedData
from pipeline.datasets import Labels, Source, Split
from pipeline.errors import DataError
from pipeline.preprocess import Pixels
from pipeline.recipe import Recipe
from pipeline.sampling import Indices, stratified
from pipeline.stages import Work
from pipeline.target import Target

VERSION = 2
TOOLS = ("numpy",)

MIN_CLASS_IMAGES = 2
"""Of each class in the train set: one to train on and one to validate on."""

_LIMIT_TRAIN, _LIMIT_TEST, _VALIDATION = 1, 2, 3
"""Second word of the seed, so that each choice is its own."""


def source(recipe: Recipe, data: Path | None) -> Source:
    """Finds the recipe's dataset.

    Raises:
        DataMissingError: it is not on this machine.
    """
    plugin = shelf.load("datasets", recipe.dataset.name)
    options = shelf.options("datasets", recipe.dataset.name, recipe.dataset.options)
    found: Source = plugin.locate(options, data)
    return found


def settings(recipe: Recipe, _target: Target, data: Path | None) -> dict[str, Any]:
    """Dataset options, the seed, and the hash of every file that is read."""
    found = source(recipe, data)
    return {
        "dataset": recipe.dataset.model_dump(mode="json"),
        "plugin": shelf.source_digest("datasets", recipe.dataset.name),
        "seed": recipe.seed,
        "files": [file.model_dump(mode="json") for file in found.source_files()],
        "preprocess": found.preprocess.model_dump(mode="json"),
    }


def run(work: Work) -> Artifact:
    """Decodes, limits, splits."""
    recipe = work.recipe
    found = source(recipe, work.data)
    train = _write(work, found, "train", recipe.dataset.max_train, _LIMIT_TRAIN)
    test = _write(work, found, "test", recipe.dataset.max_test, _LIMIT_TEST)
    held_out = max(len(found.labels), round(len(train) * recipe.dataset.validation))
    if held_out > len(train) - len(found.labels):
        raise DataError(
            f"dataset '{found.name}': validation = {recipe.dataset.validation} holds out {held_out} of "
            f"{len(train)} train images: too few are left for {len(found.labels)} classes"
        )
    validation = stratified(train, held_out, (recipe.seed, _VALIDATION), spare=1)
    keep = np.setdiff1d(np.arange(len(train)), validation)
    np.save(work.folder / "train_indices.npy", keep)
    np.save(work.folder / "validation_indices.npy", validation)
    facts = DatasetFacts(
        name=found.name,
        labels=found.labels,
        preprocess=found.preprocess,
        train=len(keep),
        validation=len(validation),
        test=len(test),
        train_on_disk=found.count("train"),
        test_on_disk=found.count("test"),
        train_published=found.published.get("train"),
        test_published=found.published.get("test"),
        sources=found.source_files(),
    )
    work.console.say(f"  {facts.clause}")
    return work.finish(PreparedData, facts=facts)


class Part:
    """Images and labels of one part, memory-mapped; the images stay in the file's order."""

    def __init__(self, images: Pixels, labels: Labels, indices: Indices | None = None) -> None:
        """Takes memory-mapped arrays and which of their rows belong to the part (None for all)."""
        self.images, self._labels = images, labels
        self.indices = np.arange(len(labels)) if indices is None else indices

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def labels(self) -> Labels:
        """(n,) class indices."""
        return np.asarray(self._labels[self.indices])

    def pixels(self, rows: Indices) -> Pixels:
        """Images at these rows of the part, (len(rows), *image shape) u8."""
        return np.asarray(self.images[self.indices[rows]])


def train_part(data: PreparedData) -> Part:
    """What models are trained on and calibrated with."""
    return _part(data, "train", "train_indices.npy")


def validation_part(data: PreparedData) -> Part:
    """What decisions (early stopping, golden cases) are made on."""
    return _part(data, "train", "validation_indices.npy")


def test_part(data: PreparedData) -> Part:
    """What the verify stage measures on; no other stage may call this."""
    return _part(data, "test", None)


def _part(data: PreparedData, split: Split, indices: str | None) -> Part:
    return Part(
        np.load(data.path(f"{split}_images.npy"), mmap_mode="r"),
        np.load(data.path(f"{split}_labels.npy"), mmap_mode="r"),
        None if indices is None else np.load(data.path(indices)),
    )


def _write(work: Work, found: Source, split: Split, limit: int | None, salt: int) -> Labels:
    classes = found.class_indices(split)
    counts = np.bincount(classes, minlength=len(found.labels))
    minimum = MIN_CLASS_IMAGES if split == "train" else 0
    for index in np.flatnonzero(counts < minimum):
        raise DataError(
            f"dataset '{found.name}': class {index} ('{found.labels[index]}') has {counts[index]} train "
            f"images, {minimum} are needed: add images or take the class out of the labels"
        )
    chosen = np.arange(len(classes))
    if limit is not None and limit < len(classes):
        least = MIN_CLASS_IMAGES if split == "train" else 1
        needed = least * int(np.count_nonzero(counts))
        if limit < needed:
            raise DataError(
                f"dataset '{found.name}': max_{split} = {limit} is too few for "
                f"{np.count_nonzero(counts)} classes: at least {needed} are needed"
            )
        chosen = stratified(classes, limit, (work.recipe.seed, salt), least=least)
    shape = (len(chosen), *found.preprocess.shape)
    out = arrays.create(work.folder / f"{split}_images.npy", dtype=np.uint8, shape=shape)
    with work.console.task(f"decode {split}", len(chosen), "images") as task:
        written = 0
        for rows in _chosen_batches(found.batches(split), chosen):
            out[written : written + len(rows)] = rows
            written += len(rows)
            task.advance(len(rows))
    np.save(work.folder / f"{split}_labels.npy", classes[chosen])
    return np.asarray(classes[chosen])


def _chosen_batches(batches: Iterator[Pixels], chosen: Indices) -> Iterator[Pixels]:
    """The chosen rows of each batch; reads to the end, so that damage behind them is seen too."""
    start = 0
    for batch in batches:
        first, last = np.searchsorted(chosen, [start, start + len(batch)])
        yield batch[chosen[first:last] - start]
        start += len(batch)
