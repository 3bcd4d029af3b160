"""What random cases are made of: pictures, images, strokes and outputs that languages may differ on.

Sizes from one pixel to several hundreds, odd and long ones; ramps (where a resize shows), halves (where
rounding shows), ink on uneven paper (where thresholds and boxes show); ties and extremes in outputs.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pipeline.artifacts import TensorSpec
from pipeline.drawing import Stroke
from pipeline.preprocess import Pixels, PreprocessSpec
from pipeline.release import scribbles

LONGEST = 400
"""Pixels along a side: a reduction of more than ten times for a small model, and quick in every language."""

LOGITS = 30.0
"""How far float outputs spread where a softmax is left: e^-60 is far below the tolerance, but not 0."""

EDGE_STROKES: tuple[list[Stroke], ...] = (
    [],
    [[]],
    [[(10.0, 20.0)]],
    [[(5.0, 5.0), (5.0, 5.0)]],
    [[(0.0, 7.0), (300.0, 7.0)]],
    [[(-4.0, 0.0), (-4.0, 1000.0)], []],
    [[(1e-6, 0.0), (0.0, 1e-6)]],
    [[(0.0, 0.0), (1e8, 3e7), (2e7, 1e8)]],
)
"""No ink at all, dots, lines along one axis, and units far from a screen's points."""


def pixels(rng: np.random.Generator) -> Pixels:
    """A picture of any size and content, u8 (H, W), (H, W, 1) or (H, W, 3)."""
    height, width = (int(np.exp(rng.uniform(0, np.log(LONGEST)))) for _ in range(2))
    channels = int(rng.choice([1, 3]))
    made = _CONTENTS[int(rng.integers(len(_CONTENTS)))](rng, height, width, channels)
    found = np.asarray(np.clip(np.floor(made + 0.5), 0, 255), dtype=np.uint8)
    return found[:, :, 0] if channels == 1 and rng.random() < 0.5 else found


def image(rng: np.random.Generator, spec: PreprocessSpec) -> Pixels:
    """Noise of the input's size: with enough pixels every value from 0 to 255."""
    return rng.integers(0, 256, spec.shape, dtype=np.uint8)


def strokes(rng: np.random.Generator, number: int) -> list[Stroke]:
    """The edge cases first, then scribbles in a random unit, so that coordinates use all their digits."""
    if number < len(EDGE_STROKES):
        return EDGE_STROKES[number]
    (drawn,) = scribbles.several(1, rng)
    unit = float(np.exp(rng.uniform(-3, 3)))
    return [[(x * unit, y * unit) for x, y in stroke] for stroke in drawn]


def output(rng: np.random.Generator, tensor: TensorSpec) -> npt.NDArray[np.generic]:
    """(classes,) in the output tensor's dtype; every other one with ties for the first place."""
    classes = tensor.shape[-1]
    dtype = np.dtype(tensor.dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = rng.integers(limits.min, limits.max, classes, dtype=dtype, endpoint=True)
    else:
        values = rng.uniform(-LOGITS, LOGITS, classes).astype(dtype)
    if rng.random() < 0.5:
        values[rng.integers(classes, size=max(2, classes // 3))] = values.max()
    return values


_Values = npt.NDArray[np.float64]


def _noise(rng: np.random.Generator, height: int, width: int, channels: int) -> _Values:
    return rng.integers(0, 256, (height, width, channels)).astype(np.float64)


def _ramps(rng: np.random.Generator, height: int, width: int, channels: int) -> _Values:
    rows, columns = np.indices((height, width))[:, :, :, np.newaxis]
    slopes = rng.uniform(-255, 255, (2, channels)) / np.array([[height], [width]])
    return np.asarray(rng.uniform(0, 255, channels) + rows * slopes[0] + columns * slopes[1])


def _flat(rng: np.random.Generator, height: int, width: int, channels: int) -> _Values:
    return np.broadcast_to(rng.integers(0, 256, channels).astype(np.float64), (height, width, channels))


def _halves(rng: np.random.Generator, height: int, width: int, channels: int) -> _Values:
    """Neighbours that differ by one: means of two are halves."""
    rows, columns = np.indices((height, width))
    low = rng.integers(0, 255, channels)
    return np.asarray(low + ((rows + columns) % 2)[:, :, np.newaxis], dtype=np.float64)


def _ink(rng: np.random.Generator, height: int, width: int, channels: int) -> _Values:
    """A few dark bars on light paper that is not quite even, or light ones on dark."""
    cover = np.zeros((height, width, 1))
    for _ in range(int(rng.integers(1, 5))):
        top, left = int(rng.integers(height)), int(rng.integers(width))
        tall, broad = int(rng.integers(1, max(2, height // 2))), int(rng.integers(1, max(2, width // 2)))
        cover[top : top + tall, left : left + broad] = rng.uniform(0.3, 1.0)
    paper, ink = rng.uniform(215, 255, channels), rng.uniform(0, 60, channels)
    if rng.random() < 0.5:
        paper, ink = ink, paper
    uneven = rng.normal(0, 2, (height, width, 1))
    return np.asarray(paper * (1 - cover) + ink * cover + uneven)


_CONTENTS: tuple[Callable[[np.random.Generator, int, int, int], _Values], ...] = (
    _noise, _ramps, _flat, _halves, _ink, _ink,
)  # fmt: skip
