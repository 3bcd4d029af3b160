"""Contact sheets: single images with what they show, what the model said of them, and how sure it was.

+--------+ +--------+
|  image | |  image |   4 to 6 in a row
+--------+ +--------+
true: roses             green where it is right, red where it is not
said: tulips 97 %
then: roses 2 %
5943_07c4.jpg
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.pictures.canvas import drawing, shortened
from pipeline.preprocess import Pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TILES = 24
COLUMNS = 6
TILE_PIXELS, GAP_PIXELS = 200, 16
LINE_PIXELS, LINES = 16, 4
TITLE_PIXELS = 44
CHARACTERS, NAME_CHARACTERS = 26, 29
"""Of a line below a tile, and of a file's name: what fits between two neighbours."""

POINTS, NAME_POINTS = 9.0, 8.0
"""Sizes of their text."""

RIGHT_COLOUR, WRONG_COLOUR = "#00643c", "#b3003c"

Indices = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Tile:
    """An image and what was said of it.

    Attributes:
        image: u8 (H, W) or (H, W, 3).
        name: of its file, or where it stands.
        label: what it shows.
        answer: the class with the largest probability.
        probability: that one's, 0..1.
        second: the class with the next largest.
        second_probability: that one's, 0..1.
    """

    image: Pixels
    name: str
    label: str
    answer: str
    probability: float
    second: str
    second_probability: float


def surest_mistakes(probabilities: Probabilities, labels: Indices, limit: int = TILES) -> Indices:
    """Rows with a wrong answer, the most probable first; of equals the earlier row.

    Args:
        probabilities: (n, classes); a row that holds NaN has no answer, and is left out.
        labels: (n,) right classes.
        limit: at most so many.
    """
    answered = ~np.isnan(probabilities).any(axis=1)
    wrong = np.flatnonzero(answered & (np.argmax(probabilities, axis=1) != labels))
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return np.asarray(wrong[order][:limit], dtype=np.int64)


def least_sure(probabilities: Probabilities, limit: int = TILES) -> Indices:
    """Rows whose two most probable classes lie closest, closest first; of equals the earlier row.

    Args:
        probabilities: (n, classes >= 2); a row that holds NaN is left out.
        limit: at most so many.
    """
    answered = np.flatnonzero(~np.isnan(probabilities).any(axis=1))
    top = np.partition(probabilities[answered], -2, axis=1)
    order = np.argsort(top[:, -1] - top[:, -2], kind="stable")
    return np.asarray(answered[order][:limit], dtype=np.int64)


def draw(shown: Sequence[Tile], path: Path, *, title: str) -> None:
    """Draws the tiles row by row; a sheet without tiles says that there are none.

    Args:
        shown: the tiles, first one at the upper left.
        path: of the PNG.
        title: says what the sheet shows.
    """
    down = max(1, -(-len(shown) // COLUMNS))
    step = TILE_PIXELS + GAP_PIXELS
    tall = TILE_PIXELS + LINES * LINE_PIXELS + GAP_PIXELS
    width, height = COLUMNS * step + GAP_PIXELS, TITLE_PIXELS + down * tall
    sheet = np.full((height, width, 3), 255, dtype=np.uint8)
    with drawing(path, width=width, height=height) as figure:
        for i, tile in enumerate(shown):
            left, top = GAP_PIXELS + i % COLUMNS * step, TITLE_PIXELS + i // COLUMNS * tall
            pixels = _fitted(tile.image)
            below = (TILE_PIXELS - pixels.shape[0]) // 2, (TILE_PIXELS - pixels.shape[1]) // 2
            y, x = top + below[0], left + below[1]
            sheet[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
            _caption(figure, tile, left, top + TILE_PIXELS, (width, height))
        figure.figimage(sheet, zorder=-1)
        figure.text(
            GAP_PIXELS / width, 1 - TITLE_PIXELS / 2 / height, title, fontsize=11, va="center",
            parse_math=False,
        )  # fmt: skip
        if not shown:
            figure.text(0.5, 0.5, "none", ha="center", va="center", fontsize=14, color="0.4")


def _caption(figure: "Figure", tile: Tile, left: int, top: int, size: tuple[int, int]) -> None:
    width, height = size
    right = tile.answer == tile.label
    texts = (
        (f"true: {tile.label}", "black"),
        (f"said: {tile.answer}", RIGHT_COLOUR if right else WRONG_COLOUR),
        (f"then: {tile.second}", "0.35"),
    )
    shares = ("", f" {_percent(tile.probability)}", f" {_percent(tile.second_probability)}")
    lines = [
        # The share is what must not be cut off.
        (shortened(text, CHARACTERS - len(share)) + share, colour, POINTS)
        for (text, colour), share in zip(texts, shares, strict=True)
    ]
    lines.append((shortened(tile.name, NAME_CHARACTERS), "0.35", NAME_POINTS))
    for line, (text, colour, points) in enumerate(lines):
        figure.text(
            left / width, 1 - (top + line * LINE_PIXELS + 3) / height, text,
            fontsize=points, color=colour, va="top", parse_math=False,
        )  # fmt: skip


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %"


def _fitted(image: Pixels) -> Pixels:
    """RGB, the longer side TILE_PIXELS; small images are enlarged without blur, so that pixels show."""
    from PIL import Image

    picture = Image.fromarray(image).convert("RGB")
    ratio = TILE_PIXELS / max(picture.size)
    size = max(1, round(picture.width * ratio)), max(1, round(picture.height * ratio))
    how = Image.Resampling.NEAREST if ratio > 2 else Image.Resampling.LANCZOS
    return np.asarray(picture.resize(size, how))
