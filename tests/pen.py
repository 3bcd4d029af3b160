"""Measures the pen of a handwritten dataset, for its DrawingSpec: ``python -m tests.pen emnist``.

Of the first images of the train set the middle lines are found: enlarged four times, cut at half of their
brightest value, thinned to lines of one pixel (Zhang and Suen, "A fast parallel algorithm for thinning
digital patterns", 1984). The lines are drawn again with pens of several widths, and go through the dataset's
PreprocessSpec as a drawing in an app does. The width of the strokes of an image, real or drawn, is twice its
ink over the length of its outline, 2 sum(v) / sum(|grad v|): right for long strokes, with sharp edges or soft
ones. What it misses at ends and crossings it misses in both, for the lines are the same. The pen wanted is
the one whose drawings have the median width of the real images.
"""

import sys

import numpy as np
import numpy.typing as npt

from pipeline.cli._options import DATA_VARIABLE, DEFAULT_DATA
from pipeline.datasets import Source
from pipeline.drawing import DrawingSpec, Stroke, draw
from pipeline.preprocess import Pixels, picture
from pipeline.resampling import resize

IMAGES = 400
ENLARGED = 4
PENS = (0.06, 0.09, 0.11, 0.12, 0.13, 0.14, 0.17, 0.2, 0.22, 0.24, 0.26, 0.3)

_NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""From the one above on, clockwise."""


def stroke_width(image: Pixels) -> float:
    """Twice the ink over the length of its outline, pixels; NaN for an empty image.

    Args:
        image: u8 (H, W), light ink on black.
    """
    values = np.pad(image.astype(np.float64), 1)
    outline = np.hypot(np.diff(values, axis=0)[:, 1:], np.diff(values, axis=1)[1:]).sum()
    return float(2 * values.sum() / outline) if outline else float("nan")


def middle_lines(image: Pixels) -> list[Stroke]:
    """The middle lines of the ink, as a stroke from each of their pixels to each neighbour."""
    large = resize(image.astype(np.float64), (ENLARGED * image.shape[0], ENLARGED * image.shape[1]))
    ink = thinned(np.pad(large > large.max() / 2, 1))
    strokes: list[Stroke] = []
    for row, column in np.argwhere(ink):
        ends = [
            (row + down, column + right)
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1))
            if ink[row + down, column + right]
        ]
        strokes += [[(float(column), float(row)), (float(c), float(r))] for r, c in ends]
        if not ends:
            strokes.append([(float(column), float(row))])
    return strokes


def thinned(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Lines of one pixel in the middle of the ink; the outermost rows and columns must be empty."""
    ink = ink.copy()
    while True:
        before = int(ink.sum())
        for first in (True, False):
            around = [np.roll(ink, (-down, -right), (0, 1)) for down, right in _NEIGHBOURS]
            count = np.sum(around, axis=0)
            turns = np.sum([~a & b for a, b in zip(around, [*around[1:], around[0]], strict=True)], axis=0)
            up, right, down, left = around[0], around[2], around[4], around[6]
            kept = (
                (up & right & down) | (right & down & left)
                if first
                else (up & right & left) | (up & down & left)
            )
            ink &= ~((count >= 2) & (count <= 6) & (turns == 1) & ~kept)
        if int(ink.sum()) == before:
            return ink


def widths(source: Source, pens: tuple[float, ...], count: int = IMAGES) -> tuple[float, dict[float, float]]:
    """Median stroke width, pixels of the input: of the real images, and of their lines with each pen."""
    images = next(iter(source.batches("train", np.arange(count)))).pixels[:count]
    lines = [middle_lines(image) for image in images]
    assert source.drawing is not None
    drawn = {}
    for pen in pens:
        spec = DrawingSpec(side=source.drawing.side, pen=pen)
        found = [stroke_width(picture(draw(each, spec), source.preprocess)) for each in lines]
        drawn[pen] = float(np.nanmedian(found))
    return float(np.nanmedian([stroke_width(image) for image in images])), drawn


def located(name: str) -> Source:
    """The dataset with its default options, in the data folder of the environment."""
    import os
    from pathlib import Path

    from pipeline import shelf

    folder = os.environ.get(DATA_VARIABLE)
    found: Source = shelf.load("datasets", name).locate(
        shelf.options("datasets", name, {}), Path(folder) if folder else DEFAULT_DATA
    )
    return found


if __name__ == "__main__":
    real, drawn = widths(located(sys.argv[1]), PENS)
    print(f"{sys.argv[1]}: strokes of the real images are {real:.3f} pixels wide (median of {IMAGES})")
    for pen, width in drawn.items():
        print(f"  pen {pen:.2f}: {width:.3f}")
    print(f"  pen {np.interp(real, list(drawn.values()), list(drawn)):.3f} gives the same")
