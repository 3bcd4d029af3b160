"""The confusion matrix: counted right, and drawn whatever the classes are called."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.pictures import confusion

NAMES = {
    "few": ("daisy", "dandelion", "roses", "sunflowers", "tulips"),
    "many": tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"),
    "hundreds": tuple(f"class {i}" for i in range(300)),
    "scripts": ("Gänseblümchen", "蒲公英", "ورود", "подсолнух", "🌷", "$\\frac{1}{$"),
    "long": ("a" * 300, "b, with a comma"),
}


def test_counts_stand_in_the_row_of_the_truth() -> None:
    """Rows are true classes, columns are answers; no answer is counted nowhere."""
    labels, answers = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 1, 1, 0, -1])

    assert confusion.count(labels, answers, 3).tolist() == [[1, 2, 0], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("kind", NAMES)
def test_any_classes_make_a_picture(tmp_path: Path, kind: str) -> None:
    """Of a size that a screen shows, whatever the names (a warning would be an error here)."""
    names = NAMES[kind]
    labels = np.random.default_rng(1).integers(0, len(names), 400)
    counts = confusion.count(labels, (labels + (labels % 3 == 0)) % len(names), len(names))
    confusion.draw(counts, names, tmp_path / "confusion.png", title="made: $x$ on litert")

    with Image.open(tmp_path / "confusion.png") as image:
        assert image.format == "PNG"
        assert max(image.size) <= 2_700
        assert len(set(image.convert("L").tobytes())) > 20, "it is not blank"


def test_a_class_without_images_divides_nothing_by_zero(tmp_path: Path) -> None:
    """Its row is empty."""
    confusion.draw(np.array([[3, 1], [0, 0]]), ("a", "b"), tmp_path / "confusion.png", title="")

    assert (tmp_path / "confusion.png").stat().st_size > 0


def test_the_same_counts_make_the_same_bytes_and_others_do_not(tmp_path: Path) -> None:
    """No time, no version, no order of a dictionary."""
    counts = np.array([[5, 1], [2, 7]])
    for name, each in (("a", counts), ("b", counts), ("c", counts.T)):
        confusion.draw(each, ("one", "two"), tmp_path / name, title="made")
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")

    assert a == b
    assert a != c
    assert b"Software" not in a
    assert b"tIME" not in a
