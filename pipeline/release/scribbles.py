"""Random strokes, as a finger would draw them: for golden cases, and for comparing languages."""

import numpy as np

from pipeline.drawing import Stroke

DECIMALS = 3
"""Of a coordinate: thousandths of a screen's point, so that a text file holds it exactly."""

PAD = 360.0
"""Side of the pad that is drawn on, points: what a phone's screen has across."""


def several(count: int, rng: np.random.Generator) -> list[list[Stroke]]:
    """Drawings of one to three strokes each, the first with a dot beside them."""
    return [
        [_curve(rng) for _ in range(int(rng.integers(1, 4)))] + ([_dot(rng)] if number == 0 else [])
        for number in range(count)
    ]


def _curve(rng: np.random.Generator) -> Stroke:
    """A smooth curve: a quadratic Bezier between random places, sampled as a touch screen does."""
    start, bend, end = rng.uniform(0.1 * PAD, 0.9 * PAD, (3, 2))
    along = np.linspace(0.0, 1.0, int(rng.integers(6, 16)))[:, np.newaxis]
    points = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end
    return _rounded(points)


def _dot(rng: np.random.Generator) -> Stroke:
    return _rounded(rng.uniform(0.1 * PAD, 0.9 * PAD, (1, 2)))


def _rounded(points: np.ndarray) -> Stroke:  # type: ignore[type-arg]
    return [(round(float(x), DECIMALS), round(float(y), DECIMALS)) for x, y in points]
