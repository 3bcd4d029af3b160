"""What golden cases start from: labelled dataset images, and pictures that lead to them.

Where the dataset has one encoded file per image, a picture case starts from such a photo, as an app does.
Elsewhere the image itself is shown enlarged, off centre and in colour.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.artifacts import TensorSpec
from pipeline.errors import DataError
from pipeline.preprocess import FORMATS, Pixels, PreprocessSpec, decode, picture

ENLARGE, LEAST_ENLARGED = 9, 2
"""A picture case shows a dataset image up to this many times larger, on a still larger sheet of paper: enough
for the resize to average. At the least twice, so that there is a resize at all."""

SHEET_PIXELS = 252
"""What an enlarged image is to measure: nine times EMNIST's 28 pixels."""

INK, PAPER = (24, 48, 144), (250, 246, 232)
"""RGB of a blue pen and of off-white paper: swapped channels change the luma and show."""

PHOTO_CASES = 4
"""Picture cases from photos: each weighs its decoded pixels, and one already shows a wrong crop or order."""

PHOTO_PIXELS = 1_000_000
"""Pixels that such a photo has at most: 3 MB of ``pixels.u8``. Phones' own photos are twelve times that."""

PHOTOS_TRIED = 500
"""Headers that are read in search of small photos: those of one camera are alike, more would not help."""

IMAGE_CASE_BYTES = 5_000_000
"""What cases of the input's size weigh at most together; it leaves small inputs all they ask for, and 224x224
RGB eleven cases (five with a float32 tensor)."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A labelled dataset image.

    Attributes:
        image: u8 of the input's size.
        label: its class index.
        source: the encoded file that it was decoded from; None where there is none.
        file: that one's name in the dataset.
        credit: who made it.
    """

    image: Pixels
    label: int
    source: Path | None = None
    file: str = ""
    credit: str = ""


def image_cases(wanted: int, spec: PreprocessSpec, door: TensorSpec) -> int:
    """How many cases of the input's size fit into IMAGE_CASE_BYTES, at most ``wanted`` and at least one."""
    values = int(np.prod(spec.shape))
    each = values * (2 + np.dtype(door.dtype).itemsize)  # pixels.u8, image.u8, tensor.bin
    return min(wanted, max(1, IMAGE_CASE_BYTES // each))


def is_small(photo: Path) -> bool:
    """Whether an encoded file has at most PHOTO_PIXELS; only its header is read.

    Raises:
        DataError: it is no picture any more.
    """
    from PIL import Image

    try:
        with Image.open(photo, formats=FORMATS) as header:
            return header.width * header.height <= PHOTO_PIXELS
    except OSError as error:
        raise DataError(f"{photo}: not a readable picture: {error}") from error


def photo_pixels(example: Example, spec: PreprocessSpec) -> Pixels:
    """The decoded pixels of an example's file, (H, W, 3) u8.

    Raises:
        DataError: they do not lead to the example's image: the file was changed since it was decoded.
    """
    assert example.source is not None  # noqa: S101 - the caller chose among those that have one
    pixels = decode(example.source)
    if not np.array_equal(picture(pixels, spec), example.image):
        raise DataError(
            f"{example.source}: gives other pixels than the data stage decoded from it: it was changed "
            "during the build; run the build again"
        )
    return pixels


def on_paper(image: Pixels, spec: PreprocessSpec, rng: np.random.Generator) -> Pixels:
    """Shows a dataset image as a picture: enlarged, off centre, in colour.

    Args:
        image: u8 of the input's size.
        spec: whether the picture must be dark on light.
        rng: for the margins.

    Returns:
        (H, W, 3) u8.
    """
    enlarge = max(LEAST_ENLARGED, min(ENLARGE, SHEET_PIXELS // max(image.shape[:2])))
    large = np.kron(image, np.ones((enlarge, enlarge, *[1] * (image.ndim - 2)), dtype=np.uint8))
    margins = rng.integers(0, 4 * enlarge, size=4)
    if spec.channels == "rgb":
        return np.pad(large, ((*margins[:2],), (*margins[2:],), (0, 0)), mode="edge")
    ink = np.pad(large, ((*margins[:2],), (*margins[2:],)))[:, :, np.newaxis] / 255
    first, second = (PAPER, INK) if spec.invert else ((0, 0, 0), (255, 255, 255))
    mixed = np.asarray(first) * (1 - ink) + np.asarray(second) * ink
    return np.asarray(np.floor(mixed + 0.5), dtype=np.uint8)
