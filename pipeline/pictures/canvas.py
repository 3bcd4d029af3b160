"""A figure to draw on, saved as a PNG whose bytes follow from what was drawn alone."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100

FONTS = (
    "DejaVu Sans",
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Yu Gothic",
    "Arial Unicode MS",
)
"""Tried in this order for each character. The first comes with matplotlib: Latin, Greek and Cyrillic look the
same on every machine; other scripts are taken from what the system has."""


@contextmanager
def drawing(path: Path, *, width: int, height: int, dpi: int = DPI) -> Iterator["Figure"]:
    """Gives a figure with a white ground and saves it when the block ends.

    A user's own matplotlibrc has no say, and no time or version is written into the file.

    Args:
        path: of the PNG.
        width: pixels.
        height: pixels.
        dpi: pixels per inch: how large text of so many points is.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        # A script that no installed font has is drawn as boxes: a picture that lacks some names is better
        # than a build that ends over a font.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams["font.family"] = _installed()
        figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi, facecolor="white")
        FigureCanvasAgg(figure)
        yield figure
        figure.savefig(path, format="png", dpi=dpi, metadata={"Software": None})


def shortened(text: str, characters: int) -> str:
    """The text with its middle left out where it is longer; both ends of a name tell it from others."""
    if len(text) <= characters:
        return text
    head = (characters - 1) // 2
    return f"{text[:head]}…{text[len(text) - (characters - 1 - head) :]}"


def _installed() -> list[str]:
    from matplotlib.font_manager import fontManager

    known = {font.name for font in fontManager.ttflist}
    return [name for name in FONTS if name in known]
