"""Data: decodes a dataset once into memory-mapped arrays and cuts the validation split by seed."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import arrays, shelf
from pipeline.artifacts import Artifact, DatasetFacts, PreparedData
from pipeline.datasets import Batch, Labels, Source, Split
from pipeline.errors import DataError
from pipeline.preprocess import Pixels
from pipeline.recipe import Recipe
from pipeline.sampling import Indices, stratified
from pipeline.sections import PluginSection
from pipeline.stages import Work
from pipeline.stages.reading import KEPT_PAIRS, Reading, check_unreadable, read, twins
from pipeline.target import Target

VERSION = 4
TOOLS = ("numpy", "pillow", "scipy")

MIN_CLASS_IMAGES = 2
"""Of each class in the train set: one to train on and one to validate on."""

FILES = "{split}_files.json"
"""Where images have a file each: its name for every row of the split's array."""

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


def portable(recipe: Recipe) -> Recipe:
    """The recipe as it may leave this machine: of a place that it names only the last name is left."""
    sections: dict[str, PluginSection] = {}
    for kind, section in (("dataset", recipe.dataset), ("model", recipe.model)):
        values = section.model_dump()
        for key in getattr(shelf.load(f"{kind}s", section.name), "PLACES", ()):
            if values.get(key) is not None:
                values[key] = Path(values[key]).name
        sections[kind] = type(section).model_validate(values)
    return recipe.model_copy(update=sections)


def settings(recipe: Recipe, _target: Target, data: Path | None) -> dict[str, Any]:
    """Dataset options, the seed, and the hash of every file that is read.

    Of a place only its last name counts: what is read there is in the hashes, and a folder that was moved is
    the same data.
    """
    found = source(recipe, data)
    return {
        "name": found.name,
        "dataset": portable(recipe).dataset.model_dump(mode="json"),
        "plugin": shelf.source_digest("datasets", recipe.dataset.name),
        "seed": recipe.seed,
        "files": [file.model_dump(mode="json") for file in found.source_files()],
        "preprocess": found.preprocess.model_dump(mode="json"),
    }


def run(work: Work) -> Artifact:
    """Decodes, limits, splits."""
    recipe = work.recipe
    found = source(recipe, work.data)
    for note in found.notes:
        work.console.say(f"  {note}")
    read_train = _write(work, found, "train", recipe.dataset.max_train, _LIMIT_TRAIN)
    read_test = _write(work, found, "test", recipe.dataset.max_test, _LIMIT_TEST)
    # Both splits first: everything that is wrong is told at once.
    left_out = check_unreadable(found, (read_train, read_test), work.console)
    train = _keep(work, found, "train", read_train)
    test = _keep(work, found, "test", read_test)
    share = recipe.dataset.validation or found.validation_share
    held_out = max(len(found.labels), round(len(train) * share))
    if held_out > len(train) - len(found.labels):
        raise DataError(
            f"dataset '{found.name}': validation = {share:.3g} holds out {held_out} of "
            f"{len(train)} train images: too few are left for {len(found.labels)} classes"
        )
    validation = stratified(train, held_out, (recipe.seed, _VALIDATION), spare=1)
    keep = np.setdiff1d(np.arange(len(train)), validation)
    np.save(work.folder / "train_indices.npy", keep)
    np.save(work.folder / "validation_indices.npy", validation)
    found_twins = twins(found, read_train, read_test, work.console)
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
        left_out=left_out,
        duplicates=found_twins.splits[:KEPT_PAIRS],
        duplicate_count=len(found_twins.splits),
        two_classes=found_twins.classes[:KEPT_PAIRS],
        two_classes_count=len(found_twins.classes),
    )
    work.console.say(f"  {facts.clause}")
    return work.finish(PreparedData, facts=facts)


class Part:
    """Images and labels of one part, memory-mapped; the images stay in the file's order."""

    def __init__(
        self,
        images: Pixels,
        labels: Labels,
        indices: Indices | None = None,
        files: tuple[str, ...] | None = None,
    ) -> None:
        """Takes memory-mapped arrays, which of their rows belong to the part (None for all), and their files.

        Args:
            images: (rows, *image shape) u8.
            labels: (rows,) class indices.
            indices: of the part's rows.
            files: of all rows, POSIX paths below the source's root; None where images have no file each.
        """
        self.images, self._labels, self._files = images, labels, files
        self.indices = np.arange(len(labels)) if indices is None else indices

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def labels(self) -> Labels:
        """(n,) class indices."""
        return np.asarray(self._labels[self.indices])

    @property
    def files(self) -> tuple[str, ...] | None:
        """File of every image of the part; None where they have none."""
        return None if self._files is None else tuple(self._files[row] for row in self.indices)

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
    files = FILES.format(split=split)
    return Part(
        np.load(data.path(f"{split}_images.npy"), mmap_mode="r"),
        np.load(data.path(f"{split}_labels.npy"), mmap_mode="r"),
        None if indices is None else np.load(data.path(indices)),
        tuple(json.loads(data.path(files).read_text("utf-8"))) if files in data.files else None,
    )


def _write(work: Work, found: Source, split: Split, limit: int | None, salt: int) -> Reading:
    """Decodes the images that the limit leaves into an array on disk, one after another."""
    classes = found.class_indices(split)
    _check_classes(found, split, classes)
    chosen = np.arange(len(classes))
    if limit is not None and limit < len(classes):
        counts = np.bincount(classes)
        least = MIN_CLASS_IMAGES if split == "train" else 1
        needed = least * int(np.count_nonzero(counts))
        if limit < needed:
            raise DataError(
                f"dataset '{found.name}': max_{split} = {limit} is too few for "
                f"{np.count_nonzero(counts)} classes: at least {needed} are needed"
            )
        chosen = stratified(classes, limit, (work.recipe.seed, salt), least=least)
    path = work.folder / f"{split}_images.npy"
    reserved = arrays.create(path, dtype=np.uint8, shape=(len(chosen), *found.preprocess.shape))
    # Written as a file: pages of a mapping would count as this process's memory, all of them in the end.
    with path.open("r+b") as file:
        file.seek(-reserved.nbytes, os.SEEK_END)
        del reserved

        def sink(batch: Batch) -> None:
            file.write(np.ascontiguousarray(batch.pixels).data)

        return read(found, split, chosen, work.console, title=f"decode {split}", sink=sink)


def _keep(work: Work, found: Source, split: Split, reading: Reading) -> Labels:
    """Closes the gap that undecodable images left at the array's end; writes labels and file names."""
    rows = np.array(reading.rows, dtype=np.int64)
    classes = found.class_indices(split)[rows]
    _check_classes(found, split, classes)
    if not len(rows):
        raise DataError(f"dataset '{found.name}': no {split} image could be decoded")
    if reading.unreadable:
        arrays.shorten(work.folder / f"{split}_images.npy", len(rows))
    np.save(work.folder / f"{split}_labels.npy", classes)
    names = found.names(split)
    if names is not None:
        text = json.dumps([names[row] for row in rows], ensure_ascii=False, indent=0)
        (work.folder / FILES.format(split=split)).write_text(f"{text}\n", "utf-8")
    return np.asarray(classes)


def _check_classes(found: Source, split: Split, classes: Labels) -> None:
    if split != "train":
        return
    counts = np.bincount(classes, minlength=len(found.labels))
    for index in np.flatnonzero(counts < MIN_CLASS_IMAGES):
        raise DataError(
            f"dataset '{found.name}': class {index} ('{found.labels[index]}') has {counts[index]} train "
            f"images, {MIN_CLASS_IMAGES} are needed: add images or take the class out of the labels"
        )
