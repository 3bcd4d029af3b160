"""The sweep as one picture: zip size against accuracy, colour for latency, the front as a line.

    accuracy % |        o---------s      o int8   s float32 ...
               |   o---'     |           colour: latency (cividis: readable with any colour vision)
               | o'                      bars: interval of the accuracy
               +------------------       ring and line: the front
                  zip size, log

Nothing is read from colour alone: a scheme has a shape, the front a line, and the table has the figures.
"""

import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import InternalError
from pipeline.parity.agreement import CONFIDENCE
from pipeline.pictures.canvas import drawing
from pipeline.sweep.labels import Box, nearest, place
from pipeline.sweep.measure import Sweep
from pipeline.sweep.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_PIXELS, HEIGHT_PIXELS, DPI = 1200, 800, 120

MARKERS: Mapping[str, str] = {
    "float32": "s",
    "float16": "D",
    "dynamic_range": "^",
    "int8": "o",
    "int16x8": "P",
}
"""A shape per scheme, so that no colour has to tell them apart."""

OTHER_MARKER = "X"
"""Of a scheme that is not in the list."""

COLOURS = "cividis"
"""Perceptually even, and the same to readers with and without colour-vision deficiency."""

FRONT_COLOUR = "#b3003c"
UNKNOWN_COLOUR = "white"
"""Of a row whose latency was not measured."""

MARKER_AREA = 90.0
"""Square points."""

LABEL_POINTS = 9.0
MARKER_PIXELS, BAR_PIXELS, LEADER_PIXELS = 9.0, 2.0, 24.0
"""What labels keep clear of: half a marker, half an error bar or line; from where on it has a line."""

LINE_PARTS = 40
"""Boxes that stand for a slanted line between two points."""

TITLE_CHARACTERS = 140
"""In a line."""


def draw(sweep: Sweep, path: Path) -> None:
    """Draws the rows that have an accuracy and a size into a PNG of 1200 x 800 pixels."""
    rows = [row for row in sweep.rows if row.accuracy is not None and row.zip_bytes is not None]
    with drawing(path, width=WIDTH_PIXELS, height=HEIGHT_PIXELS, dpi=DPI) as figure:
        figure.set_layout_engine("constrained")
        axes = figure.add_subplot()
        _frame(axes, sweep, rows)
        if rows:
            _points(figure, axes, rows)
            _front(axes, rows)
            _legend(figure, rows)
            figure.canvas.draw()  # the layout settles where labels may go
            _labels(axes, rows)
        else:
            axes.text(0.5, 0.5, "nothing was measured", ha="center", va="center", transform=axes.transAxes)


def _frame(axes: "Axes", sweep: Sweep, rows: Sequence[Row]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    title = [line for clause in sweep.data for line in textwrap.wrap(clause, TITLE_CHARACTERS)]
    axes.set_title(
        "\n".join([*title, f"{sweep.runtime}, one thread"]), fontsize=9, loc="left", parse_math=False
    )
    axes.set_xlabel("zipped file, kB (1,000 bytes, logarithmic)")
    axes.set_ylabel(f"accuracy on the test set, % ({CONFIDENCE:.0%} interval)")
    axes.grid(visible=True, which="both", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    if rows:
        sizes = [_kilobytes(row) for row in rows]
        # Room for the labels of the outermost points.
        axes.set_xlim(min(sizes) / 1.35, max(sizes) * 1.35)


def _points(figure: "Figure", axes: "Axes", rows: Sequence[Row]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm

    known = [row.latency.median_us for row in rows if row.latency is not None]
    # A norm needs two ends; where all are equal they get some room.
    norm = LogNorm(min(known) / 1.05, max(known) * 1.05) if known else None
    scale = ScalarMappable(norm=norm, cmap=COLOURS)
    for row in rows:
        x, y, below, above = _position(row)
        latency: Any = row.latency.median_us if row.latency else None  # its stub asks for an array
        colour = UNKNOWN_COLOUR if latency is None else scale.to_rgba(latency)
        axes.errorbar(
            [x], [y], yerr=[[below], [above]], fmt="none", ecolor="0.55", elinewidth=1, capsize=3, zorder=2
        )
        axes.scatter(
            [x], [y], s=MARKER_AREA, marker=MARKERS.get(row.scheme, OTHER_MARKER), color=[colour],
            edgecolors=FRONT_COLOUR if row.front else "0.2", linewidths=2.0 if row.front else 0.8,
            zorder=5 if row.front else 4,
        )  # fmt: skip
    if norm is not None:
        bar = figure.colorbar(scale, ax=axes, pad=0.01, fraction=0.04)
        bar.set_label("median latency, µs (logarithmic)")
        _plain_ticks(bar.ax.yaxis, min(known), max(known))


def _plain_ticks(axis: Any, low: float, high: float) -> None:
    """Ends and middle in plain figures: decades alone would leave a narrow range without any."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    values = sorted({low, (low * high) ** 0.5, high})
    axis.set_major_locator(FixedLocator(values))
    axis.set_major_formatter(FixedFormatter([f"{value:,.3g}" for value in values]))
    axis.set_minor_locator(NullLocator())


def _front(axes: "Axes", rows: Sequence[Row]) -> None:
    for line in _front_lines(rows):
        axes.plot(
            *zip(*line, strict=True), color=FRONT_COLOUR, linewidth=1.2, linestyle="--", alpha=0.7, zorder=3
        )


def _front_lines(rows: Sequence[Row]) -> list[list[tuple[float, float]]]:
    """One line per test set, from the smallest file to the largest."""
    lines = []
    for test_set in dict.fromkeys(row.test_set for row in rows):
        chosen = [_position(row)[:2] for row in rows if row.front and row.test_set == test_set]
        if chosen:
            lines.append(sorted(chosen))
    return lines


def _legend(figure: "Figure", rows: Sequence[Row]) -> None:
    from matplotlib.lines import Line2D

    entries = [
        Line2D(
            [], [], marker=MARKERS.get(scheme, OTHER_MARKER), linestyle="none", markersize=8,
            markerfacecolor="0.75", markeredgecolor="0.2", label=scheme,
        )
        for scheme in dict.fromkeys(row.scheme for row in rows)
    ]  # fmt: skip
    if any(row.latency is None for row in rows):
        entries.append(
            Line2D(
                [], [], marker="o", linestyle="none", markersize=8, markerfacecolor=UNKNOWN_COLOUR,
                markeredgecolor="0.2", label="latency not measured",
            )
        )  # fmt: skip
    entries.append(
        Line2D(
            [], [], marker="o", linestyle="--", color=FRONT_COLOUR, markersize=8, markerfacecolor="white",
            markeredgewidth=2, label="front (accuracy, size, latency)",
        )
    )  # fmt: skip
    figure.legend(handles=entries, loc="outside lower center", ncols=len(entries), fontsize=9, frameon=False)


def _labels(axes: "Axes", rows: Sequence[Row]) -> None:
    """Names the points by variant (the shape tells the scheme); a label that lies away gets a line."""
    to_pixels, to_data = axes.transData, axes.transData.inverted()
    positions = [_position(row) for row in rows]
    points = [_pair(to_pixels.transform((x, y))) for x, y, _, _ in positions]
    texts = [axes.text(0, 0, row.variant, fontsize=LABEL_POINTS, zorder=6, parse_math=False) for row in rows]
    extents = [text.get_window_extent() for text in texts]
    bars = []
    for x, y, below, above in positions:
        column, low = _pair(to_pixels.transform((x, y - below)))
        high = _pair(to_pixels.transform((x, y + above)))[1]
        bars.append(Box(column - BAR_PIXELS, low, column + BAR_PIXELS, high))
    markers = [
        Box(x - MARKER_PIXELS, y - MARKER_PIXELS, x + MARKER_PIXELS, y + MARKER_PIXELS) for x, y in points
    ]
    window = axes.get_window_extent()
    boxes = place(
        points,
        [(extent.width, extent.height) for extent in extents],
        [*markers, *bars, *_line_boxes(axes, rows)],
        Box(window.x0, window.y0, window.x1, window.y1),
    )
    for text, box, point in zip(texts, boxes, points, strict=True):
        text.set_position(_pair(to_data.transform((box.left, box.bottom))))
        text.set_verticalalignment("bottom")
        end = nearest(box, point)
        if math.dist(end, point) > LEADER_PIXELS:
            line = to_data.transform([point, end])
            axes.plot(line[:, 0], line[:, 1], color="0.4", linewidth=0.6, zorder=3)


def _line_boxes(axes: "Axes", rows: Sequence[Row]) -> list[Box]:
    """Small boxes along the front's lines, which are straight in pixels too: the axes only stretch."""
    boxes = []
    for line in _front_lines(rows):
        pixels = [_pair(axes.transData.transform(point)) for point in line]
        for (x0, y0), (x1, y1) in itertools.pairwise(pixels):
            for part in range(LINE_PARTS):
                share = (part + 0.5) / LINE_PARTS
                x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
                boxes.append(Box(x - BAR_PIXELS, y - BAR_PIXELS, x + BAR_PIXELS, y + BAR_PIXELS))
    return boxes


def _pair(values: Any) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _kilobytes(row: Row) -> float:
    return (row.zip_bytes or 0) / 1000


def _position(row: Row) -> tuple[float, float, float, float]:
    """x, y and how far the interval reaches below and above; percent."""
    if row.accuracy is None:
        raise InternalError(f"{row.name} has no accuracy to draw")
    value = 100 * row.accuracy.value
    return _kilobytes(row), value, value - 100 * row.accuracy.low, 100 * row.accuracy.high - value
