"""Reading a split to its end: which images could not be decoded, and which pictures stand there twice."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.console import Console
from pipeline.datasets import Batch, Source, Split, Unreadable
from pipeline.errors import DataError, several
from pipeline.sampling import Indices

FINGERPRINT_BYTES = 16
"""128 bits: two of ten million different images share one by a chance of 1e-25."""

SHOWN = 20
"""Files that a message names; it counts the rest."""

KEPT_PAIRS = 100
"""Pairs of equal pictures that a record names; it counts the rest. A folder copied into another gives one for
every photo, which no reader of a manifest wants."""


_SPLITS: tuple[Split, ...] = ("train", "test")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a split turned out to hold.

    Attributes:
        rows: of the split, that could be decoded, in order.
        unreadable: what could not.
        fingerprints: file to the hash of its decoded pixels; empty where images have no file each.
    """

    rows: tuple[int, ...]
    unreadable: tuple[Unreadable, ...]
    fingerprints: Mapping[str, bytes]


def read(
    source: Source,
    split: Split,
    rows: Indices,
    console: Console,
    *,
    title: str,
    sink: Callable[[Batch], None] = lambda _: None,
) -> Reading:
    """Decodes the chosen rows and hands every batch on, with progress.

    Raises:
        DataError: a damaged file that holds many images.
    """
    names = source.names(split)
    read_rows: list[int] = []
    unreadable: list[Unreadable] = []
    fingerprints: dict[str, bytes] = {}
    with console.task(title, len(rows), "images") as task:
        for batch in source.batches(split, rows):
            sink(batch)
            read_rows += batch.rows.tolist()
            unreadable += batch.unreadable
            if names is not None:
                for row, image in zip(batch.rows, batch.pixels, strict=True):
                    fingerprints[names[row]] = _fingerprint(image.data)
            task.advance(len(batch.rows) + len(batch.unreadable))
    return Reading(rows=tuple(read_rows), unreadable=tuple(unreadable), fingerprints=fingerprints)


def check_unreadable(
    source: Source,
    readings: Sequence[Reading],
    console: Console,
    *,
    remedy: str = "unreadable = {count} under [dataset]",
) -> tuple[str, ...]:
    """Reports everything that could not be decoded at once, and says which files are left out.

    Args:
        source: says how many may be left out.
        readings: of its splits.
        console: for the report.
        remedy: how its user sets that number.

    Raises:
        DataError: more than the source's options allow.
    """
    found = [each for reading in readings for each in reading.unreadable]
    if not found:
        return ()
    listed = several([f"{each.name} ({each.reason})" for each in found], limit=SHOWN)
    text = f"{source.root}: {len(found):,} photos cannot be decoded: {listed}"
    if len(found) > source.allowed_unreadable:
        raise DataError(
            f"{text}: mend or remove them, or leave them out with {remedy.format(count=len(found))} "
            f"(now {source.allowed_unreadable})"
        )
    console.warn(f"{text}; left out, as unreadable = {source.allowed_unreadable} allows")
    return tuple(each.name for each in found)


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Pictures that are there more than once, by their pixels as the model sees them.

    Attributes:
        splits: (train file, test file) of every test image that train has too.
        classes: (file, file of another class) where one picture has two labels, in whichever split.
    """

    splits: tuple[tuple[str, str], ...]
    classes: tuple[tuple[str, str], ...]


def twins(source: Source, train: Reading, test: Reading, console: Console) -> Twins:
    """Finds and reports equal pictures: between the splits, and, apart from that, between classes."""
    label: dict[str, int] = {}
    for split in _SPLITS:
        names = source.names(split)
        if names is not None:
            label |= zip(names, source.class_indices(split).tolist(), strict=True)
    first: dict[bytes, str] = {}
    for name, fingerprint in train.fingerprints.items():
        first.setdefault(fingerprint, name)
    splits = tuple((first[f], name) for name, f in test.fingerprints.items() if f in first)
    classes = []
    for name, fingerprint in (*train.fingerprints.items(), *test.fingerprints.items()):
        other = first.setdefault(fingerprint, name)
        if label[other] != label[name]:
            classes.append((other, name))
    _warn(splits, "test images stand in train too", console)
    _warn(classes, "images stand under another class too", console)
    return Twins(splits=splits, classes=tuple(classes))


def _warn(pairs: Sequence[tuple[str, str]], what: str, console: Console) -> None:
    if pairs:
        listed = several([f"{one} = {other}" for one, other in pairs], limit=SHOWN)
        console.warn(f"{len(pairs):,} {what} (same pixels; {listed})")


def _fingerprint(pixels: memoryview) -> bytes:
    return hashlib.blake2b(pixels, digest_size=FINGERPRINT_BYTES).digest()
