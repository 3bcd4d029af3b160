"""Which photos are train and which are test: by share and seed, or by given lists."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.datasets import Split
from pipeline.datasets._photo_listing import Listing
from pipeline.errors import DataError, DataMissingError, several, unknown
from pipeline.sampling import stratified

LEAST_IN_TRAIN = 2
"""Of each class: one to train on and one to validate on."""

WHOLE_VALIDATION = 0.15
"""Share of all photos that validation takes where the split is made here: 75/15/10 in all."""


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Photos of both splits, in the listing's order.

    Attributes:
        names: split to its photos.
        validation_share: of train, that makes a sensible validation set.
        lists: files that decided.
        notes: what the user should know, a sentence each.
    """

    names: Mapping[Split, tuple[str, ...]]
    validation_share: float
    lists: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def by_ratio(listing: Listing, *, test: float, seed: int) -> Splits:
    """Takes a share of every class for the test set, by seed.

    Args:
        listing: the photos.
        test: share of them, above 0 and at most 0.5; every class gives at least one.
        seed: the same one gives the same split as long as the names stay the same.

    Raises:
        DataError: a class of too few photos.
    """
    names = [name for group in listing.classes.values() for name in group]
    sizes = [len(group) for group in listing.classes.values()]
    least = 1 + LEAST_IN_TRAIN
    small = [f"'{label}' has {n}" for label, n in zip(listing.classes, sizes, strict=True) if n < least]
    if small:
        raise DataError(
            f"{listing.root}: classes of fewer than {least} photos (train, validation and test need one "
            f"each): {several(small)}: add photos or remove the folder"
        )
    labels = np.repeat(np.arange(len(sizes)), sizes)
    ceiling = len(names) - LEAST_IN_TRAIN * len(sizes)
    count = min(max(len(sizes), round(len(names) * test)), ceiling)
    chosen = set(stratified(labels, count, (seed,), spare=LEAST_IN_TRAIN).tolist())
    return Splits(
        names={
            "train": tuple(name for row, name in enumerate(names) if row not in chosen),
            "test": tuple(name for row, name in enumerate(names) if row in chosen),
        },
        validation_share=WHOLE_VALIDATION / (1 - test),
    )


def by_lists(
    listing: Listing, lists: Mapping[Split, Path], *, validation_share: float, may_lack: bool = False
) -> Splits:
    """Takes what two CSV files name, a line ``relative path,class`` for each photo, without a heading.

    Args:
        listing: the photos; those on neither list are left out, and the notes say how many.
        lists: split to its file.
        validation_share: of train.
        may_lack: photos on a list that are not there are counted in the notes and no error.

    Raises:
        DataMissingError: a list is not there, or names a photo that is not.
        DataError: a line that is no photo and class, an unknown class, a class that is not the photo's
            folder, a photo named twice, or a class without a photo in train.
    """
    given = {split: _read(path, listing) for split, path in lists.items()}
    both = sorted(set(given["train"]) & set(given["test"]))
    if both:
        raise DataError(
            f"{lists['train']} and {lists['test']} share {len(both):,} photos: {several(both)}: "
            "what trained a model cannot test it"
        )
    present = {name for group in listing.classes.values() for name in group}
    notes = []
    for split, path in lists.items():
        lacking = sorted(set(given[split]) - present)
        text = f"{path}: names {len(lacking):,} photos that are not in {listing.root}"
        if lacking and not may_lack:
            raise DataMissingError(f"{text}: {several(lacking)}: add them, or take the lines out")
        if lacking:
            notes.append(f"{text}, such as {lacking[0]}; they are left out")
    chosen: dict[Split, tuple[str, ...]] = {}
    for split in lists:
        wanted = set(given[split])
        chosen[split] = tuple(name for g in listing.classes.values() for name in g if name in wanted)
        if not chosen[split]:
            raise DataError(f"{lists[split]}: names no photo of {listing.root}: the {split} set is empty")
    trained = {name.split("/", 1)[0] for name in chosen["train"]}
    untrained = [label for label in listing.classes if label not in trained]
    if untrained:
        raise DataError(f"{lists['train']}: names no photo that is there of {several(untrained)}")
    unnamed = len(present) - len(chosen["train"]) - len(chosen["test"])
    if unnamed:
        notes.append(f"{listing.root}: {unnamed:,} photos stand on neither list and are left out")
    return Splits(
        names=chosen, validation_share=validation_share, lists=tuple(lists.values()), notes=tuple(notes)
    )


def _read(path: Path, listing: Listing) -> tuple[str, ...]:
    names: dict[str, int] = {}
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: no regular file: a list is a CSV file")
    try:
        # A spreadsheet puts a byte order mark in front.
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            for line in lines:
                if not line:
                    continue
                where = f"{path}:{lines.line_num}"
                if len(line) != 2:
                    raise DataError(
                        f"{where}: {len(line)} values, not 'relative path,class' (a path or class with a "
                        'comma stands in "quotes")'
                    )
                name, label = (value.strip() for value in line)
                if label not in listing.classes:
                    # Of a heading no part is a class: "filename,label".
                    if not names and name.split("/", 1)[0] not in listing.classes:
                        raise DataError(
                            f"{where}: '{name},{label}' looks like a heading, for '{label}' is no class: a "
                            "list begins with its first photo; take the line out (classes: "
                            f"{several(list(listing.classes))})"
                        )
                    raise DataError(f"{where}: {unknown('class', label, listing.classes)}")
                if name.split("/", 1)[0] != label:
                    raise DataError(
                        f"{where}: '{name}' does not lie in the folder of its class '{label}': a photo's "
                        f"path starts with its class and '/', from {listing.root} on"
                    )
                if name in names:
                    raise DataError(f"{where}: '{name}' stands in line {names[name]} already")
                names[name] = lines.line_num
    except FileNotFoundError as error:
        raise DataMissingError(f"{path}: no such list") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file in UTF-8: {error}") from error
    return tuple(names)
