"""Drawing: against a second, slow way to compute it, and by what a person would see."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.drawing import MARGIN, MAX_COORDINATE, DrawingSpec, Stroke, draw
from pipeline.errors import DataError
from pipeline.preprocess import Pixels

SMALL = DrawingSpec(side=20, pen=0.2)
LARGE = DrawingSpec(side=120, pen=0.1)

point = st.tuples(*[st.floats(-1e4, 1e4)] * 2)
drawings = st.lists(st.lists(point, max_size=4), max_size=4)


def by_hand(strokes: list[Stroke], spec: DrawingSpec) -> Pixels:
    """The steps as they are written down, pixel by pixel."""
    lines = [list(stroke) for stroke in strokes if stroke]
    out = np.full((spec.side, spec.side), 255, dtype=np.uint8)
    if not lines:
        return out
    xs, ys = zip(*[p for line in lines for p in line], strict=True)
    longer = max(max(xs) - min(xs), max(ys) - min(ys))
    pen = spec.pen * (spec.side - 2 * MARGIN)
    scale = (spec.side - 2 * MARGIN - pen) / longer if longer > 0 else 0.0
    scale = scale if math.isfinite(scale) else 0.0
    segments = []
    for line in lines:
        placed = [
            (
                (x - (min(xs) + max(xs)) / 2) * scale + spec.side / 2,
                (y - (min(ys) + max(ys)) / 2) * scale + spec.side / 2,
            )
            for x, y in line
        ]
        segments += list(zip(placed, placed[1:] or placed, strict=False))
    for row in range(spec.side):
        for column in range(spec.side):
            px, py, nearest = column + 0.5, row + 0.5, math.inf
            for (ax, ay), (bx, by) in segments:
                dx, dy = bx - ax, by - ay
                length = dx * dx + dy * dy
                t = min(max(((px - ax) * dx + (py - ay) * dy) / length, 0.0), 1.0) if length else 0.0
                ex, ey = px - (ax + t * dx), py - (ay + t * dy)
                nearest = min(nearest, ex * ex + ey * ey)
            ink = min(max(pen / 2 + 0.5 - math.sqrt(nearest), 0.0), 1.0)
            out[row, column] = 255 - math.floor(255 * ink + 0.5)
    return out


@given(drawings)
def test_it_is_what_is_written_down(strokes: list[Stroke]) -> None:
    """To the level, for any strokes."""
    np.testing.assert_array_equal(draw(strokes, SMALL), by_hand(strokes, SMALL))


@pytest.mark.parametrize("strokes", [[], [[]], [[], []]])
def test_nothing_drawn_is_white_paper(strokes: list[Stroke]) -> None:
    """Of the picture's size."""
    drawn = draw(strokes, LARGE)
    assert drawn.shape == (120, 120)
    assert drawn.dtype == np.uint8
    assert (drawn == 255).all()


@pytest.mark.parametrize("stroke", [[(7.0, 9.0)], [(7.0, 9.0)] * 3, [(0.0, 0.0), (5e-324, 0.0)]])
def test_a_dot_is_a_disc_in_the_middle(stroke: Stroke) -> None:
    """As broad as the pen, wherever it was made."""
    ink = (255 - draw([stroke], LARGE).astype(float)) / 255
    diameter = LARGE.pen * (LARGE.side - 2 * MARGIN)
    assert ink.sum() == pytest.approx(math.pi * diameter**2 / 4, rel=0.02)
    assert (ink * (np.arange(120) + 0.5)).sum() / ink.sum() == pytest.approx(60)
    np.testing.assert_array_equal(ink, ink.T)


@pytest.mark.parametrize(("x", "y"), [(300.0, 40.0), (40.0, 300.0), (1.0, 0.0), (0.0, 1e8)])
def test_ink_fills_the_picture_up_to_the_margin(x: float, y: float) -> None:
    """Along its longer side, the pen's width included, in any unit."""
    ink = np.argwhere(draw([[(-x, -y), (x, y)]], LARGE) < 255)
    low, high = ink.min(axis=0), ink.max(axis=0)
    axis = int(y > x)
    assert low[1 - axis] == MARGIN
    assert high[1 - axis] == 119 - MARGIN
    assert low[axis] >= MARGIN
    assert high[axis] <= 119 - MARGIN


def test_place_and_unit_do_not_matter() -> None:
    """The same letter anywhere on the pad, small or large, is the same picture."""
    letter: list[Stroke] = [[(0, 64), (32, 0), (64, 64)], [(16, 40), (48, 40)]]
    moved: list[Stroke] = [[(x * 4 - 512, y * 4 + 8192) for x, y in stroke] for stroke in letter]
    np.testing.assert_array_equal(draw(letter, LARGE), draw(moved, LARGE))


def test_a_line_is_as_broad_as_the_pen() -> None:
    """Across the middle of a long line: its ink adds up to the pen's diameter."""
    for pen in (0.05, 0.13, 0.3):
        drawn = draw([[(0, 0), (100, 0)]], DrawingSpec(side=200, pen=pen))
        assert (255 - drawn[:, 100].astype(float)).sum() / 255 == pytest.approx(pen * 196, abs=0.01)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 2 * MAX_COORDINATE])
def test_a_point_that_is_nowhere_is_refused(bad: float) -> None:
    """With the stroke's number."""
    with pytest.raises(DataError, match="stroke 1: a coordinate is not a number between"):
        draw([[(0, 0)], [(1, 1), (bad, 0)]], SMALL)


def test_points_of_three_numbers_are_refused() -> None:
    """A pressure or a time is no coordinate."""
    with pytest.raises(DataError, match=r"points are \(2, 3\), not \(points, 2\)"):
        draw([[(0, 0, 1), (1, 1, 1)]], SMALL)  # type: ignore[list-item]


@pytest.mark.parametrize(
    "values",
    [
        {"side": 15, "pen": 0.1},
        {"side": 1025, "pen": 0.1},
        {"side": 28, "pen": 0.0},
        {"side": 28, "pen": 0.6},
    ],
)
def test_a_spec_out_of_range_is_refused(values: dict[str, float]) -> None:
    """Before anything is drawn."""
    with pytest.raises(ValidationError):
        DrawingSpec.model_validate(values)
