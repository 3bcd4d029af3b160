"""The picture: of any rows, always of the same size, and with every variant named."""

from pathlib import Path

import pytest
from PIL import Image

from pipeline.sweep.picture import HEIGHT_PIXELS, WIDTH_PIXELS, draw
from pipeline.sweep.rows import Row
from tests.pipeline.sweep.made import SHOWCASE, lost, row, sweep


@pytest.mark.parametrize(
    "rows",
    [
        SHOWCASE,
        (row("one"),),
        (row("one"), row("twin")),
        (row("no latency", latency_us=None), row("other")),
        (row("no latency", latency_us=None),),
        (row("a scheme of tomorrow", scheme="int4"), lost("lost")),
        (row(r"$\no math_{$ [x]"), row("two sets", test_set="b")),
        (row("perfect", percent=100.0), row("hopeless", percent=0.0)),
        (lost("all"),),
        (),
    ],
    ids=["showcase", "one", "twins", "latency", "no latency", "unknown", "text", "ends", "lost", "none"],
)
def test_any_rows_make_a_picture(tmp_path: Path, rows: tuple[Row, ...]) -> None:
    """1200 x 800 pixels."""
    draw(sweep(*rows), tmp_path / "sweep.png")
    with Image.open(tmp_path / "sweep.png") as image:
        assert image.size == (WIDTH_PIXELS, HEIGHT_PIXELS)
        assert image.format == "PNG"


def test_the_same_rows_make_the_same_picture(tmp_path: Path) -> None:
    """Byte for byte."""
    for name in ("a", "b"):
        draw(sweep(*SHOWCASE), tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
