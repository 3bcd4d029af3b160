"""Drawing: strokes of a finger or a pen to a picture, as a drawing pad gives it instead of a camera.

Part of the contract, as :mod:`pipeline.preprocess` is: the apps hold twins of it. All of it is float64::

    strokes          polylines of (x, y), in any unit, y downwards
      -> box         of all points; its middle comes to the picture's middle
      -> scale       longer side of the finished ink = side - 2 MARGIN: the pen's width is part of it
      -> ink         of each pixel: clamp(pen / 2 + 1/2 - distance of its centre to the next segment, 0, 1)
      -> value       255 - floor(255 ink + 1/2): dark on white paper

The pen grows with the drawing: however large or small somebody writes, strokes have the same share of the
ink, and the picture then goes through the whole PreprocessSpec as a photo of handwriting does.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import DataError
from pipeline.preprocess import Pixels

MARGIN = 2
"""Pixels that stay white at the nearest edge, so that the ink's soft edge is never cut off."""

MAX_COORDINATE = 1e9
"""Largest coordinate, either sign: screens have a few thousand points, and sums of two stay exact enough."""

Stroke = Sequence[tuple[float, float]]
"""Points (x, y) from pen down to pen up; a single one is a dot."""

_Vector = npt.NDArray[np.float64]


class DrawingSpec(BaseModel):
    """How strokes become a picture.

    Attributes:
        side: of the square picture, pixels.
        pen: diameter of the pen, as a share of the longer side of the finished ink.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    side: int = Field(ge=16, le=1024)
    pen: float = Field(gt=0.0, le=0.5)


def draw(strokes: Sequence[Stroke], spec: DrawingSpec) -> Pixels:
    """Draws strokes as large as the picture takes them.

    Args:
        strokes: empty ones count as not there; without any point the picture is white.
        spec: the contract.

    Returns:
        u8 (side, side), 255 where there is no ink.

    Raises:
        DataError: a coordinate is not finite, or beyond MAX_COORDINATE.
    """
    lines = [_points(stroke, number) for number, stroke in enumerate(strokes) if len(stroke)]
    squared = np.full((spec.side, spec.side), np.inf)
    if lines:
        inner = spec.side - 2 * MARGIN
        pen = spec.pen * inner
        for line in _placed(lines, longer=inner - pen, middle=spec.side / 2):
            for start, end in zip(line, line[1:] if len(line) > 1 else line, strict=False):
                _approach(squared, start, end, reach=pen / 2 + 1)
        ink = np.clip(pen / 2 + 0.5 - np.sqrt(squared), 0.0, 1.0)
    else:
        ink = np.zeros_like(squared)
    return np.asarray(255 - np.floor(255 * ink + 0.5), dtype=np.uint8)


def _points(stroke: Stroke, number: int) -> _Vector:
    """(points, 2) float64."""
    points = np.asarray(stroke, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise DataError(f"stroke {number}: points are {points.shape}, not (points, 2): give (x, y) pairs")
    if not (np.abs(points) <= MAX_COORDINATE).all():
        raise DataError(
            f"stroke {number}: a coordinate is not a number between "
            f"-{MAX_COORDINATE:.0e} and {MAX_COORDINATE:.0e}"
        )
    return points


def _placed(lines: list[_Vector], *, longer: float, middle: float) -> list[_Vector]:
    every = np.concatenate(lines)
    low, high = every.min(axis=0), every.max(axis=0)
    extent = float((high - low).max())
    # Points so close that no float64 enlarges them are one dot.
    scale = longer / extent if extent > 0 and math.isfinite(longer / extent) else 0.0
    return [(line - (low + high) / 2) * scale + middle for line in lines]


def _approach(squared: _Vector, start: _Vector, end: _Vector, *, reach: float) -> None:
    """Lowers the squared distances of the pixels within ``reach`` of a segment; the others have no ink."""
    low = np.maximum(np.floor(np.minimum(start, end) - reach), 0).astype(int)
    high = np.maximum(np.ceil(np.maximum(start, end) + reach), 0).astype(int)
    near = squared[low[1] : high[1], low[0] : high[0]]
    x = np.arange(low[0], low[0] + near.shape[1])[np.newaxis, :] + 0.5
    y = np.arange(low[1], low[1] + near.shape[0])[:, np.newaxis] + 0.5
    across, down = float(end[0] - start[0]), float(end[1] - start[1])
    length = across * across + down * down
    along = ((x - start[0]) * across + (y - start[1]) * down) / length if length > 0 else np.zeros(near.shape)
    along = np.clip(along, 0.0, 1.0)
    right, below = x - (start[0] + along * across), y - (start[1] + along * down)
    np.minimum(near, right * right + below * below, out=near)
