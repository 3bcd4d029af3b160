"""Shelf of datasets. Each module gives ``Options``, ``locate`` and, where it can be had, ``fetch``.

Options                              pydantic model of the recipe's keys
locate(options, data) -> Source      finds the files; raises DataMissingError with the way to get them
fetch(options, data, console,        downloads into the data folder        (optional)
      url=..., sha256=...)           from the publisher, or from a mirror
fetchable(options) -> bool           whether the download answers right now (with fetch)
PLACES                               names of options that are places on this machine (optional): of them only
                                     the last name goes into keys and bundles
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.artifacts import SourceFile, sha256
from pipeline.drawing import DrawingSpec
from pipeline.errors import DataError
from pipeline.preprocess import Pixels, PreprocessSpec
from pipeline.sampling import Indices

Split = Literal["train", "test"]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A file that gives no image: its name below the source's root, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Images of a split, decoded.

    Attributes:
        rows: (n,) which images of the split these are, rising.
        pixels: (n, *image shape) u8, upright.
        unreadable: what stands between them and could not be decoded; it is in neither of the two.
    """

    rows: Indices
    pixels: Pixels
    unreadable: tuple[Unreadable, ...] = ()


class Source(ABC):
    """A dataset found on this machine. Nothing is decoded before :meth:`batches` is iterated.

    Attributes:
        name: with its variant.
        labels: class index to what it stands for.
        preprocess: how a picture becomes one of its images.
        drawing: how strokes become such a picture; None where the images are not written by hand.
        files: what it is read from.
        published: split to the number of images in the publisher's set; empty where there is none.
        root: folder that :meth:`names` start from; None where images do not have a file each.
        validation_share: share of train, 0..1, that is held out where the recipe does not say.
        allowed_unreadable: so many images may be left out because they cannot be decoded.
        notes: what the user should know of it, a sentence each.
    """

    name: str
    labels: tuple[str, ...]
    preprocess: PreprocessSpec
    drawing: DrawingSpec | None = None
    files: tuple[Path, ...]
    published: dict[Split, int]
    root: Path | None = None
    validation_share: float = 0.1
    allowed_unreadable: int = 0
    notes: tuple[str, ...] = ()

    @abstractmethod
    def count(self, split: Split) -> int:
        """Number of images in a split, from the files' headers."""

    @abstractmethod
    def class_indices(self, split: Split) -> Labels:
        """Class index of every image of a split, (count,), in the files' order.

        Raises:
            DataError: a damaged file, or labels outside the mapping.
        """

    @abstractmethod
    def batches(self, split: Split, rows: Indices | None = None) -> Iterator[Batch]:
        """Decodes images of a split, in the files' order.

        Where images have a file each, those that cannot be decoded are told in the batches: judging them
        is left to the reader, who knows of all. Damage to a file that holds many images is an error.

        Args:
            split: which.
            rows: rising; None for all.

        Raises:
            DataError: a damaged file that holds many images, wherever in it the damage is.
        """

    def names(self, split: Split) -> tuple[str, ...] | None:  # noqa: ARG002
        """File of every image of a split, POSIX paths below ``root``; None where they have none."""
        return None

    def credit(self, name: str) -> str:  # noqa: ARG002
        """Whom to credit for one of :meth:`names`; empty where nothing is known."""
        return ""

    def is_published(self, digest: str, path: Path) -> bool | None:  # noqa: ARG002
        """Whether a file with this hash is the publisher's; None where no reference is known."""
        return None

    def source_files(self) -> tuple[SourceFile, ...]:
        """Hashes every file."""
        records = []
        for path in self.files:
            try:
                digest = sha256(path)
            except OSError as error:
                raise DataError(f"{path}: cannot be read: {error.strerror}") from error
            records.append(
                SourceFile(
                    name=path.name,
                    sha256=digest,
                    bytes=path.stat().st_size,
                    published=self.is_published(digest, path),
                )
            )
        return tuple(records)


def picked(chunks: Iterator[Pixels], rows: Indices | None) -> Iterator[Batch]:
    """The chosen rows of consecutive chunks; reads to the end, so that damage behind them is seen too."""
    start = 0
    for chunk in chunks:
        inside = np.arange(len(chunk))
        if rows is not None:
            first, last = np.searchsorted(rows, [start, start + len(chunk)])
            inside = rows[first:last] - start
        yield Batch(rows=inside + start, pixels=chunk if rows is None else chunk[inside])
        start += len(chunk)
