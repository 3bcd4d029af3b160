"""A dataset in photos, one file each, one folder per class."""

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np

from pipeline.artifacts import SourceFile, sha256
from pipeline.datasets import Batch, Labels, Source, Split
from pipeline.datasets._photo_decoding import decode_photos
from pipeline.datasets._photo_listing import Listing
from pipeline.datasets._splits import Splits
from pipeline.errors import DataError
from pipeline.preprocess import PreprocessSpec
from pipeline.sampling import Indices

HASH_THREADS = 4
"""Hashing runs outside Python's lock; photos are small, and opening them is what takes the time."""


def preprocess(size: int) -> PreprocessSpec:
    """The contract of photos: the middle square, brought to ``size`` pixels a side, in colour."""
    return PreprocessSpec(height=size, width=size, channels="rgb", crop="center_square")


class PhotoFolder(Source):
    """Photos of a listing, split.

    The labels are the names of the class folders, sorted; the files are every photo of both splits, and the
    lists.
    """

    def __init__(
        self,
        *,
        name: str,
        listing: Listing,
        splits: Splits,
        preprocess: PreprocessSpec,
        allowed_unreadable: int = 0,
        published: Mapping[Split, int] | None = None,
    ) -> None:
        """Takes which photos there are, and which of them are train and test."""
        self.name, self.preprocess = name, preprocess
        self.labels = tuple(listing.classes)
        self.published = dict(published or {})
        self.root: Path = listing.root
        self.validation_share = splits.validation_share
        self.allowed_unreadable = allowed_unreadable
        self.notes = (*listing.notes, *splits.notes)
        self.splits = splits
        used = (*splits.names["train"], *splits.names["test"])
        self._used = tuple(sorted(used, key=lambda name: (_label(name), name)))
        self.files = (*(self.root / name for name in self._used), *splits.lists)

    def count(self, split: Split) -> int:
        """Number of photos; whether they can be decoded is seen in :meth:`batches`."""
        return len(self.splits.names[split])

    def names(self, split: Split) -> tuple[str, ...]:
        """``class/photo.jpg`` of every image."""
        return self.splits.names[split]

    def class_indices(self, split: Split) -> Labels:
        """Class index of every photo: that of its folder."""
        index = {label: i for i, label in enumerate(self.labels)}
        return np.array([index[_label(name)] for name in self.splits.names[split]], dtype=np.int64)

    def batches(self, split: Split, rows: Indices | None = None) -> Iterator[Batch]:
        """Decodes the chosen photos alone: the others have files of their own."""
        chosen = np.arange(self.count(split)) if rows is None else rows
        return decode_photos(self.root, self.splits.names[split], chosen, self.preprocess)

    def source_files(self) -> tuple[SourceFile, ...]:
        """One record a class, ``daisy/``, and one a list.

        Its hash is that of the lines ``sha256  class/photo.jpg`` of the class's photos by name: what
        ``sha256sum daisy/* | sha256sum`` prints, where all of them are used.
        """
        return self._records

    @cached_property
    def _records(self) -> tuple[SourceFile, ...]:
        with ThreadPoolExecutor(HASH_THREADS) as pool:
            hashed = dict(zip(self._used, pool.map(self._hashed, self._used), strict=True))
        records = []
        for label, group in groupby(self._used, key=_label):
            total = hashlib.sha256()
            size = 0
            for name in group:
                digest, length = hashed[name]
                total.update(f"{digest}  {name}\n".encode())
                size += length
            records.append(SourceFile(name=f"{label}/", sha256=total.hexdigest(), bytes=size))
        for path in self.splits.lists:
            records.append(SourceFile(name=path.name, sha256=sha256(path), bytes=path.stat().st_size))
        return tuple(records)

    def _hashed(self, name: str) -> tuple[str, int]:
        path = self.root / name
        try:
            return sha256(path), path.stat().st_size
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _label(name: str) -> str:
    return name.split("/", 1)[0]
