"""Pictures of shapes, drawn by rule: a colour dataset of a folder per class that needs no download."""

from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.preprocess import Pixels

CLASSES = ("circle", "cross", "square", "triangle")
COUNT = 120
"""Pictures of each class."""

SIDES = (36, 72)
"""Shortest and longest side, pixels: neither the model's size, nor all square."""

LEVELS = (20, 225)
"""Darkest and brightest value: the input's scale, measured on them, is no round number."""


def write(root: Path, count: int = COUNT) -> Path:
    """``root/class/NNN.png``, the same bytes every time on one machine."""
    for index, label in enumerate(CLASSES):
        (root / label).mkdir(parents=True)
        for number in range(count):
            rng = np.random.default_rng([index, number])
            Image.fromarray(shape(label, rng)).save(root / label / f"{number:03}.png")
    return root


def shape(label: str, rng: np.random.Generator) -> Pixels:
    """One shape, off centre but within the middle square, on a darker colour, with noise; (H, W, 3)."""
    height, width = (int(side) for side in rng.integers(*SIDES, 2, endpoint=True))
    side = min(height, width)
    radius = side * rng.uniform(0.28, 0.42)
    room = side / 2 - radius - 1
    x = np.arange(width)[np.newaxis, :] + 0.5 - width / 2 - rng.uniform(-room, room)
    y = np.arange(height)[:, np.newaxis] + 0.5 - height / 2 - rng.uniform(-room, room)
    inside = {
        "circle": np.hypot(x, y) - radius,
        "cross": np.maximum(
            np.minimum(np.abs(x), np.abs(y)) - radius / 4, np.maximum(np.abs(x), np.abs(y)) - radius
        ),
        "square": np.maximum(np.abs(x), np.abs(y)) - 0.85 * radius,
        "triangle": np.maximum(np.abs(x) * 2 - (y + radius), y - radius) / 2,
    }[label]
    cover = np.clip(0.5 - inside, 0.0, 1.0)[:, :, np.newaxis]
    # Always brighter than what is around it: so few pictures teach shapes, but not shapes of any contrast.
    first = rng.uniform(30, 110, 3)
    second = first + rng.uniform(40, 110, 3)
    mixed = first * (1 - cover) + second * cover + rng.normal(0, 3, (height, width, 1))
    return np.asarray(np.clip(np.floor(mixed + 0.5), *LEVELS), dtype=np.uint8)
