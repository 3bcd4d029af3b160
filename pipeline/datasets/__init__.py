"""Shelf of datasets. Each module gives ``Options``, ``locate`` and, where it can be had, ``fetch``.

Options                              pydantic model of the recipe's keys
locate(options, data) -> Source      finds the files; raises DataMissingError with the way to get them
fetch(options, data, console,        downloads into the data folder        (optional)
      url=..., sha256=...)           from the publisher, or from a mirror
fetchable(options) -> bool           whether the download answers right now (with fetch)
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.artifacts import SourceFile, sha256
from pipeline.errors import DataError
from pipeline.preprocess import Pixels, PreprocessSpec

Split = Literal["train", "test"]
Labels = npt.NDArray[np.int64]


class Source(ABC):
    """A dataset found on this machine. Nothing is decoded before :meth:`batches` is iterated.

    Attributes:
        name: with its variant.
        labels: class index to what it stands for.
        preprocess: how a picture becomes one of its images.
        files: what it is read from.
        published: split to the number of images in the publisher's set; empty where there is none.
    """

    name: str
    labels: tuple[str, ...]
    preprocess: PreprocessSpec
    files: tuple[Path, ...]
    published: dict[Split, int]

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
    def batches(self, split: Split) -> Iterator[Pixels]:
        """Yields (n, *image shape) u8 upright images in the files' order.

        Raises:
            DataError: a damaged file.
        """

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
