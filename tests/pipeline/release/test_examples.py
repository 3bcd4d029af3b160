"""What golden cases start from: small enough, unchanged, and as before for datasets without files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline import preprocess
from pipeline.artifacts import TensorSpec
from pipeline.errors import DataError
from pipeline.preprocess import PreprocessSpec
from pipeline.release import photo_credits
from pipeline.release.examples import (
    IMAGE_CASE_BYTES,
    LEAST_ENLARGED,
    PHOTO_PIXELS,
    SHEET_PIXELS,
    Example,
    image_cases,
    is_small,
    on_paper,
    photo_pixels,
)

PHOTO = PreprocessSpec(height=16, width=16, channels="rgb", crop="center_square")


def door(spec: PreprocessSpec, dtype: str) -> TensorSpec:
    """The input tensor of a model for it."""
    return TensorSpec(name="input", shape=(1, *spec.shape), dtype=dtype)


@pytest.mark.parametrize(
    ("size", "channels", "dtype", "expected"),
    [
        (28, "gray", "float32", 62),  # EMNIST's largest variant keeps a case of each class
        (224, "rgb", "uint8", 11),
        (224, "rgb", "float32", 5),
        (4096, "rgb", "float32", 1),
    ],
)
def test_cases_of_large_inputs_are_few(size: int, channels: str, dtype: str, expected: int) -> None:
    """Together they stay within the bytes that they may weigh; one there always is."""
    spec = PreprocessSpec.model_validate({"height": size, "width": size, "channels": channels})
    found = image_cases(62, spec, door(spec, dtype))

    assert found == expected
    each = int(np.prod(spec.shape)) * (2 + np.dtype(dtype).itemsize)
    assert found == 1 or found * each <= IMAGE_CASE_BYTES


@pytest.mark.parametrize(("size", "small"), [((1000, 1000), True), ((1000, 1001), False)])
def test_a_photo_is_small_up_to_a_megapixel(tmp_path: Path, size: tuple[int, int], small: bool) -> None:
    """Its header says so."""
    assert PHOTO_PIXELS == 1_000_000
    Image.new("L", size).save(tmp_path / "photo.png")

    assert is_small(tmp_path / "photo.png") is small


def test_what_is_no_picture_any_more_is_refused(tmp_path: Path) -> None:
    """By name."""
    (tmp_path / "photo.jpg").write_text("gone")
    with pytest.raises(DataError, match=r"photo\.jpg: not a readable picture"):
        is_small(tmp_path / "photo.jpg")


def test_photo_pixels_lead_to_the_image(tmp_path: Path) -> None:
    """Else the file was changed since it was decoded."""
    path = tmp_path / "photo.jpg"
    pixels = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    decoded = preprocess.decode(path)
    image = preprocess.picture(decoded, PHOTO)

    assert np.array_equal(photo_pixels(Example(image=image, label=0, source=path), PHOTO), decoded)
    with pytest.raises(DataError, match=r"photo\.jpg: gives other pixels"):
        photo_pixels(Example(image=image ^ np.uint8(1), label=0, source=path), PHOTO)


def test_a_large_image_is_not_shown_nine_times_larger() -> None:
    """A sheet of 2,016 pixels would weigh 12 MB."""
    image = np.zeros((224, 224, 3), dtype=np.uint8)
    sheet = on_paper(image, PHOTO, np.random.default_rng(1))

    assert 224 * LEAST_ENLARGED <= max(sheet.shape) < 2 * max(SHEET_PIXELS, 224 * LEAST_ENLARGED)


def test_credits_are_one_line_per_file(tmp_path: Path) -> None:
    """Sorted; where none is known there is no file."""
    photo_credits.write(tmp_path, [("b.jpg", "B"), ("a.jpg", "A"), ("b.jpg", "B"), ("c.jpg", "")])
    assert (tmp_path / "CREDITS.txt").read_text("utf-8") == "a.jpg: A\nb.jpg: B\n"

    empty = tmp_path / "empty"
    empty.mkdir()
    photo_credits.write(empty, [("c.jpg", "")])
    assert not list(empty.iterdir())
