"""Reading a split to its end: which images could not be decoded, and which stand in both splits."""

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


def check_unreadable(source: Source, readings: Sequence[Reading], console: Console) -> tuple[str, ...]:
    """Reports everything that could not be decoded at once, and says which files are left out.

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
            f"{text}: mend or remove them, or leave them out with unreadable = {len(found)} under [dataset] "
            f"(now {source.allowed_unreadable})"
        )
    console.warn(f"{text}; left out, as unreadable = {source.allowed_unreadable} allows")
    return tuple(each.name for each in found)


def duplicates(train: Reading, test: Reading, console: Console) -> tuple[tuple[str, str], ...]:
    """(train file, test file) of every test image whose pixels, as the model sees them, train has too."""
    known: dict[bytes, str] = {}
    for name, fingerprint in train.fingerprints.items():
        known.setdefault(fingerprint, name)
    pairs = tuple((known[f], name) for name, f in test.fingerprints.items() if f in known)
    if pairs:
        listed = several([f"{one} = {other}" for one, other in pairs], limit=SHOWN)
        console.warn(f"{len(pairs):,} test images stand in train too (same pixels; {listed})")
    return pairs


def _fingerprint(pixels: memoryview) -> bytes:
    return hashlib.blake2b(pixels, digest_size=FINGERPRINT_BYTES).digest()
