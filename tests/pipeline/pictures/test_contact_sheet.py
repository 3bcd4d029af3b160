"""Contact sheets: the right images in the right order, under names in any script."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.pictures import contact_sheet
from pipeline.pictures.contact_sheet import COLUMNS, Tile, least_sure, surest_mistakes

NAN = float("nan")

ANSWERS = np.array(
    [
        [0.90, 0.06, 0.04],  # right, sure
        [0.10, 0.70, 0.20],  # wrong
        [0.02, 0.03, 0.95],  # wrong, surest
        [0.35, 0.34, 0.31],  # right, least sure
        [0.10, 0.70, 0.20],  # wrong, as sure as row 1
        [NAN, 0.50, 0.50],  # no answer
    ],
    dtype=np.float32,
)
LABELS = np.array([0, 0, 0, 0, 2, 1])


def tile(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], **fields: str) -> Tile:
    """A tile that says something."""
    values = {"name": "5943_07c4.jpg", "label": "roses", "answer": "tulips", "second": "roses", **fields}
    return Tile(image=image, probability=0.97, second_probability=0.02, **values)


class TestChoice:
    """Which rows are shown."""

    def test_surest_mistakes_come_first(self) -> None:
        """Of equals the earlier row; an answer that is none is no sure mistake."""
        assert surest_mistakes(ANSWERS, LABELS).tolist() == [2, 1, 4]

    def test_least_sure_come_first_right_or_wrong(self) -> None:
        """By the margin between first and second."""
        assert least_sure(ANSWERS).tolist() == [3, 1, 4, 0, 2]

    def test_no_more_than_asked_for(self) -> None:
        """The first ones."""
        assert surest_mistakes(ANSWERS, LABELS, 2).tolist() == [2, 1]
        assert least_sure(ANSWERS, 1).tolist() == [3]

    def test_a_model_without_mistakes_has_none(self) -> None:
        """Nothing to show is no error."""
        assert surest_mistakes(ANSWERS[:1], LABELS[:1]).tolist() == []


def height(tiles: int) -> int:
    """Pixels of a sheet with so many tiles."""
    rows = max(1, -(-tiles // COLUMNS))
    tall = contact_sheet.TILE_PIXELS + contact_sheet.LINES * contact_sheet.LINE_PIXELS
    return contact_sheet.TITLE_PIXELS + rows * (tall + contact_sheet.GAP_PIXELS)


@pytest.mark.parametrize("count", [0, 1, 6, 7, 24])
def test_any_number_of_tiles_makes_a_sheet(tmp_path: Path, count: int) -> None:
    """As many rows as they need."""
    images = [np.full((28, 28), 40, np.uint8), np.full((224, 224, 3), 90, np.uint8)]
    contact_sheet.draw([tile(images[i % 2]) for i in range(count)], tmp_path / "sheet.png", title="made")

    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size[1] == height(count)


def test_an_image_stands_upright_at_its_place(tmp_path: Path) -> None:
    """Colours as they are: red above, blue below, in the first tile of the second row."""
    grey = np.full((10, 10), 128, np.uint8)
    flag = np.zeros((10, 10, 3), np.uint8)
    flag[:5, :, 0] = flag[5:, :, 2] = 255
    contact_sheet.draw([tile(grey)] * COLUMNS + [tile(flag)], tmp_path / "sheet.png", title="made")

    with Image.open(tmp_path / "sheet.png") as image:
        pixels = image.convert("RGB")
    left, top = contact_sheet.GAP_PIXELS + 100, height(COLUMNS)
    assert pixels.getpixel((left, top + 10)) == (255, 0, 0)
    assert pixels.getpixel((left, top + 190)) == (0, 0, 255)


def test_names_in_any_script_and_of_any_length(tmp_path: Path) -> None:
    """A warning would be an error here."""
    image = np.zeros((1, 300, 3), np.uint8)
    shown = [tile(image, label=name, name=name) for name in ("蒲公英", "🌷 $x_{", "ن" * 200, "", "a\\b")]
    contact_sheet.draw(shown, tmp_path / "sheet.png", title="made: $")

    assert (tmp_path / "sheet.png").is_file()


def test_the_same_tiles_make_the_same_bytes(tmp_path: Path) -> None:
    """And another image others."""
    for name, level in (("a", 10), ("b", 10), ("c", 11)):
        contact_sheet.draw([tile(np.full((9, 9), level, np.uint8))], tmp_path / name, title="made")
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")

    assert a == b
    assert a != c
