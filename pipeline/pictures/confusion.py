"""The confusion matrix as a picture: a row per true class, a column per answer.

           answered
        a     b     c
true a  90    8     2      written: how many images, and which share of the row
     b   1   99     0      colour: the share, its square root, so that a few per cent show
     c  ..
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.pictures.canvas import drawing, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = "Blues"
COLOUR_POWER = 0.5
"""Shares are coloured by their square root: a mistake of 2 % is a seventh of the scale, not a fiftieth."""

DARK_SHARE = 0.4
"""From here on the cell is dark, and its text white."""

WRITTEN_CLASSES = 64
"""With more classes the figures would be too small to read: colour alone."""

LARGEST_CELL, SMALLEST_WRITTEN_CELL = 96, 46
"""Pixels along a side of a cell with figures."""

MATRIX_PIXELS = 2_160
"""What the matrix fills at most: a sheet of 47 classes fits a large screen."""

MARGIN_PIXELS = 150
LABEL_CHARACTERS = 24

Counts = npt.NDArray[np.int64]


def count(labels: npt.NDArray[np.int64], answers: npt.NDArray[np.int64], classes: int) -> Counts:
    """How often each class was answered for each.

    Args:
        labels: (n,) right classes.
        answers: (n,) answered classes; -1 for no answer, which is counted nowhere.
        classes: how many there are.

    Returns:
        (classes, classes): true class, answered class.
    """
    matrix = np.zeros((classes, classes), dtype=np.int64)
    given = answers >= 0
    np.add.at(matrix, (labels[given], answers[given]), 1)
    return matrix


def draw(counts: Counts, names: Sequence[str], path: Path, *, title: str) -> None:
    """Draws the matrix.

    Args:
        counts: (classes, classes) of :func:`count`.
        names: of the classes.
        path: of the PNG.
        title: says of what, on which images.
    """
    classes = len(names)
    cell = _cell_pixels(classes)
    shown = [shortened(name, LABEL_CHARACTERS) for name in names]
    # Constrained layout takes what labels and title need; this is about that.
    beside = MARGIN_PIXELS + 8 * max(map(len, shown))
    with drawing(
        path, width=max(640, classes * cell + beside + 60), height=max(480, classes * cell + beside)
    ) as figure:
        figure.set_layout_engine("constrained")
        axes = figure.add_subplot()
        totals = counts.sum(axis=1)
        shares = counts / np.maximum(totals, 1)[:, np.newaxis]
        _colour(axes, shares)
        size = float(np.clip(0.19 * cell, 6, 11))
        if classes <= WRITTEN_CLASSES:
            _write(axes, counts, shares, size)
        every = max(1, classes // WRITTEN_CLASSES)
        ticks = range(0, classes, every)
        rows = [f"{shown[i]}  ({totals[i]:,})" for i in ticks]
        axes.set_xticks(ticks, [shown[i] for i in ticks], rotation=90, fontsize=size + 1, parse_math=False)
        axes.set_yticks(ticks, rows, fontsize=size + 1, parse_math=False)
        axes.set_xlabel("answered")
        axes.set_ylabel("true class (its images)")
        axes.set_title(title, fontsize=10, loc="left", parse_math=False)


def _colour(axes: "Axes", shares: npt.NDArray[np.float64]) -> None:
    from matplotlib.colors import PowerNorm

    image = axes.imshow(
        shares, cmap=COLOURS, norm=PowerNorm(COLOUR_POWER, 0.0, 1.0), interpolation="none", aspect="equal"
    )
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.03, pad=0.01, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1])
    bar.ax.set_yticklabels(["0", "1 %", "5 %", "20 %", "50 %", "100 %"])
    bar.set_label("share of the true class's images")
    if len(shares) <= WRITTEN_CLASSES:
        edges = np.arange(len(shares) + 1) - 0.5
        axes.hlines(edges, edges[0], edges[-1], color="0.88", linewidth=0.6)
        axes.vlines(edges, edges[0], edges[-1], color="0.88", linewidth=0.6)


def _write(axes: "Axes", counts: Counts, shares: npt.NDArray[np.float64], size: float) -> None:
    # None of these texts leaves its cell: measuring them for the layout would double the time.
    for row, column in np.argwhere(counts):
        share = shares[row, column]
        axes.text(
            column, row, f"{counts[row, column]:,}\n{_percent(share)}", ha="center", va="center",
            fontsize=size, color="white" if share >= DARK_SHARE else "black", linespacing=1.1,
            fontweight="bold" if row == column else "normal",
        ).set_in_layout(False)  # fmt: skip


def _percent(share: float) -> str:
    return "<1 %" if share < 0.01 else f"{100 * share:.0f} %"


def _cell_pixels(classes: int) -> int:
    if classes <= WRITTEN_CLASSES:
        return max(SMALLEST_WRITTEN_CELL, min(LARGEST_CELL, MATRIX_PIXELS // classes))
    return max(1, MATRIX_PIXELS // classes)
