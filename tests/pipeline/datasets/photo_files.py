"""Folders of small photos for tests."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.preprocess import Pixels


def photo(number: int, *, height: int = 40, width: int = 48) -> Pixels:
    """A picture that no other number gives: smooth, so that JPEG keeps it."""
    coarse = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def encoded(pixels: Pixels, form: str = "PNG", **options: object) -> bytes:
    """A file's bytes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def write_photos(root: Path, counts: Mapping[str, int], *, form: str = "JPEG") -> Path:
    """``root/class/NN.jpg``, every photo another."""
    suffix, number = {"JPEG": "jpg", "PNG": "png"}[form], 0
    for label, count in counts.items():
        (root / label).mkdir(parents=True)
        for index in range(count):
            (root / label / f"{index:02}.{suffix}").write_bytes(encoded(photo(number), form))
            number += 1
    return root
