"""The measured pens of the handwritten datasets."""

from pathlib import Path

import numpy as np
import pytest

from pipeline import shelf
from pipeline.datasets import Source
from pipeline.datasets.digits import Options, locate
from tests.pen import IMAGES, middle_lines, stroke_width, thinned, widths

SPREAD = 0.03
"""Share by which the drawn strokes' median width may differ: the pen is given to two digits."""


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_the_width_of_a_bar(width: int) -> None:
    """Twice the ink over the outline, but for the two ends."""
    image = np.zeros((64, 64), dtype=np.uint8)
    image[2:62, 20 : 20 + width] = 255
    assert stroke_width(image) == pytest.approx(width * 60 / (60 + width), rel=0.03)


def test_the_width_of_nothing_is_not_a_number() -> None:
    """It must not count as a thin stroke."""
    assert np.isnan(stroke_width(np.zeros((9, 9), dtype=np.uint8)))


def test_a_bar_is_thinned_to_its_middle() -> None:
    """One pixel broad, and nearly as long."""
    ink = np.zeros((40, 21), dtype=bool)
    ink[3:37, 8:13] = True
    line = thinned(ink)
    assert set(np.argwhere(line)[:, 1].tolist()) == {10}
    assert 28 <= line.sum() <= 34


def test_a_dot_keeps_a_point() -> None:
    """A single stroke of a single point, not nothing."""
    image = np.zeros((5, 5), dtype=np.uint8)
    image[2, 2] = 255
    assert middle_lines(image)


def agrees(source: Source, count: int) -> None:
    """The pen gives the real width, and one a fifth broader does not."""
    assert source.drawing is not None
    pen = source.drawing.pen
    real, drawn = widths(source, (pen, pen * 1.2), count)
    assert drawn[pen] == pytest.approx(real, rel=SPREAD)
    assert drawn[pen * 1.2] > real * (1 + SPREAD)


@pytest.mark.slow
def test_the_pen_of_digits() -> None:
    """As its docstring says."""
    agrees(locate(Options(), None), IMAGES)


@pytest.mark.slow
def test_the_pen_of_emnist(data_folder: Path) -> None:
    """As its docstring says."""
    plugin = shelf.load("datasets", "emnist")
    agrees(plugin.locate(plugin.Options(), data_folder), IMAGES)
