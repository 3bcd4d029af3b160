"""A dataset in idx files: four files, and what its labels mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.datasets import Batch, Labels, Source, Split, picked
from pipeline.datasets._idx_format import (
    IMAGES_MAGIC,
    LABELS_MAGIC,
    Header,
    images,
    labels,
    read_header,
)
from pipeline.drawing import DrawingSpec
from pipeline.errors import DataError
from pipeline.preprocess import PreprocessSpec
from pipeline.sampling import Indices


@dataclass(frozen=True, kw_only=True)
class IdxSource(Source):
    """Images and labels in idx files.

    Attributes:
        images: split to its idx3 file.
        classes: split to its idx1 file.
        values: label value in the file to class index.
        transposed: the files hold columns first.
        reference: file name to the sha256 of the publisher's file.
        drawing: how strokes become a picture; None where the images are not written by hand.
    """

    name: str
    labels: tuple[str, ...]
    preprocess: PreprocessSpec
    images: Mapping[Split, Path]
    classes: Mapping[Split, Path]
    values: Mapping[int, int]
    transposed: bool
    extra_files: tuple[Path, ...] = ()
    published: dict[Split, int] = field(default_factory=dict)
    reference: Mapping[str, str] = field(default_factory=dict)
    drawing: DrawingSpec | None = None

    @property
    def files(self) -> tuple[Path, ...]:  # type: ignore[override]
        """The four idx files and what came with them."""
        return (*self.images.values(), *self.classes.values(), *self.extra_files)

    def count(self, split: Split) -> int:
        """Number of images; checks that images and labels agree."""
        return self._header(split).count

    def batches(self, split: Split, rows: Indices | None = None) -> Iterator[Batch]:
        """Yields upright images in chunks; the file is read to its end, whatever is chosen."""
        self._header(split)
        return picked(images(self.images[split], transposed=self.transposed), rows)

    def is_published(self, digest: str, path: Path) -> bool | None:
        """Compares with the publisher's hash, where one is known."""
        expected = self.reference.get(path.name)
        if expected is not None:
            return digest == expected
        for split, images_path in self.images.items():
            if path in (images_path, self.classes[split]) and split in self.published:
                # Another count is proof enough that it is not the publisher's file.
                return None if self.count(split) == self.published[split] else False
        return None

    def _header(self, split: Split) -> Header:
        pixels = read_header(self.images[split], IMAGES_MAGIC)
        classes = read_header(self.classes[split], LABELS_MAGIC)
        if pixels.count != classes.count:
            raise DataError(
                f"{self.images[split].name} holds {pixels.count:,} images, "
                f"{self.classes[split].name} {classes.count:,} labels: they are not of one set"
            )
        size = (self.preprocess.height, self.preprocess.width)
        found = (pixels.columns, pixels.rows) if self.transposed else (pixels.rows, pixels.columns)
        if found != size:
            raise DataError(
                f"{self.images[split]}: images of {found[0]}x{found[1]} pixels, not {size[0]}x{size[1]}"
            )
        return pixels

    def class_indices(self, split: Split) -> Labels:
        """Class index of every image."""
        path = self.classes[split]
        values = labels(path)
        table = np.full(256, -1, dtype=np.int64)
        for value, index in self.values.items():
            table[value] = index
        indices = table[values]
        if (indices < 0).any():
            first = int(np.argmax(indices < 0))
            raise DataError(
                f"{path}: label {values[first]} of image {first} stands for no class "
                f"(the mapping has {len(self.values)}: {min(self.values)}..{max(self.values)})"
            )
        return np.asarray(indices)
