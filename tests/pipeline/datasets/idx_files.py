"""Writes idx files and small whole datasets in them, as tests need them."""

import gzip
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.datasets import Split
from pipeline.preprocess import Pixels

SPLITS: tuple[Split, ...] = ("train", "test")

LETTER_F: Pixels = np.array(
    [
        [0, 255, 255, 255, 255],
        [0, 255, 0, 0, 0],
        [0, 255, 255, 255, 0],
        [0, 255, 0, 0, 0],
        [0, 255, 0, 0, 0],
        [0, 255, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ],
    dtype=np.uint8,
)
"""7 rows by 5 columns; no mirror image or rotation of it equals it."""


def image_bytes(images: Pixels) -> bytes:
    """An idx3 file of (n, rows, columns)."""
    return struct.pack(">IIII", 0x0803, *images.shape) + images.tobytes()


def label_bytes(labels: Sequence[int] | npt.NDArray[Any]) -> bytes:
    """An idx1 file."""
    values = np.asarray(labels, dtype=np.uint8)
    return struct.pack(">II", 0x0801, len(values)) + values.tobytes()


def write(path: Path, content: bytes) -> Path:
    """Writes a file, gzipped if its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def numbered_images(labels: npt.NDArray[Any], *, side: int = 4) -> Pixels:
    """Images that tell which they are: pixels 0 to 2 hold the row's number, pixel 3 its label."""
    images = np.zeros((len(labels), side * side), dtype=np.uint8)
    rows = np.arange(len(labels))
    for byte in range(3):
        images[:, byte] = rows >> (8 * byte)
    images[:, 3] = labels
    return images.reshape(-1, side, side)


def numbers(images: Pixels) -> npt.NDArray[np.int64]:
    """Which row of the file each of :func:`numbered_images` is."""
    flat = images.reshape(len(images), -1).astype(np.int64)
    return np.asarray(flat[:, 0] | flat[:, 1] << 8 | flat[:, 2] << 16)


@dataclass(frozen=True, kw_only=True)
class IdxSet:
    """Four idx files in a folder, and the recipe that reads them."""

    folder: Path
    labels: tuple[str, ...]
    suffix: str

    def path(self, split: Split, kind: str) -> Path:
        """The file of a split's ``images`` or ``labels``."""
        return self.folder / f"{split}-{kind}.idx{self.suffix}"

    def section(self, **more: Any) -> dict[str, Any]:
        """The recipe's ``[dataset]`` section."""
        files = {f"{s}_{k}": self.path(s, k).name for s in SPLITS for k in ("images", "labels")}
        return {"name": "idx", **files, "labels": list(self.labels), **more}

    def recipe(self, *, seed: int = 1, **more: Any) -> dict[str, Any]:
        """A whole recipe's values; ``more`` goes into the dataset section."""
        return {
            "name": "tiny",
            "seed": seed,
            "dataset": self.section(**more),
            "model": {"name": "emnist_cnn"},
        }

    def write_recipe(self, path: Path) -> Path:
        """The recipe as a TOML file."""
        lines = [f"{key} = {value!r}" for key, value in self.section().items()]
        path.write_text("\n".join(["[dataset]", *lines, "[model]", "name = 'emnist_cnn'", ""]), "utf-8")
        return path


def write_set(
    folder: Path,
    *,
    train: npt.NDArray[Any],
    test: npt.NDArray[Any],
    labels: Sequence[str] = ("a", "b", "c"),
    side: int = 4,
    suffix: str = "",
) -> IdxSet:
    """Writes numbered images with these class indices."""
    written = IdxSet(folder=folder, labels=tuple(labels), suffix=suffix)
    for split, classes in zip(SPLITS, (train, test), strict=True):
        write(written.path(split, "images"), image_bytes(numbered_images(classes, side=side)))
        write(written.path(split, "labels"), label_bytes(classes))
    return written
