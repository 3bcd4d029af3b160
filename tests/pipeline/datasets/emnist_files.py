"""Tiny sets in NIST's own layout and file names, and the zip that NIST packs them into."""

import io
import zipfile
from pathlib import Path

import numpy as np

from pipeline.preprocess import Pixels
from tests.pipeline.datasets.idx_files import LETTER_F, SPLITS, image_bytes, label_bytes, write

VARIANTS = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")

MAPPINGS = {
    "byclass": "0 48\n1 65\n2 97\n",
    "bymerge": "0 48\n1 65\n2 97\n",
    "balanced": "0 48\n1 65\n2 97\n",
    # NIST counts letters from 1 and gives both cases, in three columns.
    "letters": "1 65 97\n2 66 98\n3 67 99\n",
    "digits": "0 48\n1 49\n2 50\n",
    "mnist": "0 48\n1 49\n2 50\n",
}
"""Cut to three classes."""

CLASSES = {"train": [0, 1, 2, 0, 1, 2, 2, 1], "test": [2, 1, 0]}
"""Class index of each image."""


def upright_images(count: int) -> Pixels:
    """(count, 28, 28): an F at another place in each image."""
    images = np.zeros((count, 28, 28), dtype=np.uint8)
    for i in range(count):
        images[i, 2 + i : 2 + i + LETTER_F.shape[0], 3 : 3 + LETTER_F.shape[1]] = LETTER_F
    return images


def write_variant(folder: Path, variant: str) -> Path:
    """Writes the five files of one variant; gives the folder."""
    first = int(MAPPINGS[variant].split()[0])
    write(folder / f"emnist-{variant}-mapping.txt", MAPPINGS[variant].encode())
    for split in SPLITS:
        name, classes = f"emnist-{variant}-{split}", np.array(CLASSES[split])
        stored = upright_images(len(classes)).transpose(0, 2, 1)
        write(folder / f"{name}-images-idx3-ubyte.gz", image_bytes(np.ascontiguousarray(stored)))
        write(folder / f"{name}-labels-idx1-ubyte.gz", label_bytes(classes + first))
    return folder


def archive(folder: Path, *, padding_bytes: int = 0) -> bytes:
    """NIST's zip of a folder's files, all under ``gzip/``; padding makes the download long."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        for path in sorted(folder.iterdir()):
            zipped.writestr(f"gzip/{path.name}", path.read_bytes())
        zipped.writestr("gzip/padding", np.random.default_rng(1).bytes(padding_bytes))
    return packed.getvalue()
