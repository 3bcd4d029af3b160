"""The dataset ``digits``: scikit-learn's, brought to EMNIST's form."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pipeline import shelf
from pipeline.datasets import Source, Split, digits
from pipeline.errors import RecipeError
from pipeline.preprocess import Pixels
from tests.pipeline.datasets.idx_files import SPLITS

INK_PIXELS = 20
"""The longer side of the ink, as in MNIST."""

SHARED_STROKES = 0.85
"""Correlation of a digit with its class's mean image: the median is 0.92, with the next class's 0.74."""

MORE_INK = 1.25
"""Ratio that a wrong orientation turns round: the mean images have 1.4 to 2.4."""


@pytest.fixture(scope="module")
def source() -> Source:
    """The set with default options."""
    return digits.locate(digits.Options(), None)


def images(found: Source, split: Split) -> Pixels:
    """All images of a split."""
    return np.concatenate([batch.pixels for batch in found.batches(split)])


def test_all_1797_digits_are_there_once(source: Source) -> None:
    """1,438 to train on, the file's last 359 to test on."""
    assert (source.count("train"), source.count("test")) == (1438, 359)
    for split in SPLITS:
        found = images(source, split)
        assert found.dtype == np.uint8
        assert found.shape == (source.count(split), 28, 28)
        assert len(source.class_indices(split)) == len(found)
    assert source.labels == tuple("0123456789")


@pytest.mark.parametrize(("share", "test"), [(0.1, 180), (0.5, 899), (0.9, 1617)])
def test_the_share_of_the_test_set_can_be_chosen(share: float, test: int) -> None:
    """Rounded to whole images; no image is in both parts."""
    found = digits.locate(digits.Options(test=share), None)
    assert (found.count("train"), found.count("test")) == (1797 - test, test)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_a_share_that_leaves_one_part_empty_is_refused(share: float) -> None:
    """Open interval."""
    with pytest.raises(RecipeError, match="dataset 'digits': test: "):
        shelf.options("datasets", "digits", {"test": share})


def test_the_ink_of_every_digit_is_20_pixels_long_and_centred(source: Source) -> None:
    """Half a pixel off the middle where the side is odd."""
    for image in np.concatenate([images(source, "train"), images(source, "test")]):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == INK_PIXELS
        for ends in (rows, columns):
            assert abs((ends[0] + ends[-1] + 1) / 2 - 14) <= 0.5


def test_the_faintest_ink_of_the_source_belongs_to_the_digit(source: Source) -> None:
    """The box of all cells with ink, however little, is what becomes 20 pixels long."""
    found = np.concatenate([images(source, "train"), images(source, "test")])
    for cells, image in zip(load_digits().images, found, strict=True):
        box, drawn = (
            np.array([np.ptp(np.flatnonzero(each.any(axis=axis))) + 1 for axis in (1, 0)])
            for each in (cells, image)
        )
        np.testing.assert_array_equal(drawn, np.floor(box * INK_PIXELS / box.max() + 0.5))


def test_full_ink_is_white(source: Source) -> None:
    """Count 16 of the source is 255: light on black, the whole range."""
    found = images(source, "train")
    assert found.max() == 255
    assert found.min() == 0


@pytest.mark.parametrize(
    ("digit", "more", "less"),
    [
        (7, np.s_[4:9, :], np.s_[19:24, :]),  # the bar of a seven is above
        (6, np.s_[14:24, :], np.s_[4:14, :]),  # the bowl of a six is below
        (9, np.s_[4:14, :], np.s_[14:24, :]),
        (6, np.s_[4:14, :14], np.s_[4:14, 14:]),  # the stroke above it is at the left
        (3, np.s_[:, 14:], np.s_[:, :14]),  # a three is open to the left
    ],
)
def test_digits_stand_upright_and_are_not_mirrored(
    source: Source, digit: int, more: tuple[slice, slice], less: tuple[slice, slice]
) -> None:
    """Parts of the mean image of a class: where the ink must be, and where there is less."""
    mean = images(source, "train")[source.class_indices("train") == digit].mean(axis=0)
    assert mean[more].sum() > MORE_INK * mean[less].sum()


def test_each_label_belongs_to_its_image(source: Source) -> None:
    """Test digits look more like the mean train digit of their own class than of the next one."""
    train, classes = images(source, "train").astype(np.float64), source.class_indices("train")
    means = np.stack([train[classes == digit].mean(axis=0).ravel() for digit in range(10)])
    tested = images(source, "test").reshape(-1, 784).astype(np.float64)
    alike = np.corrcoef(np.concatenate([means, tested]))[10:, :10]
    own = alike[np.arange(len(tested)), source.class_indices("test")]
    other = alike[np.arange(len(tested)), (source.class_indices("test") + 1) % 10]
    assert np.median(own) > SHARED_STROKES
    assert (own > other).mean() > 0.9  # 0.97; labels that belong to other images give about 0.5


def test_the_file_that_was_read_is_named(source: Source) -> None:
    """For the manifest; nobody publishes a hash of it."""
    (file,) = source.source_files()
    assert (file.name, file.published) == ("digits.csv.gz", None)
    assert source.published == {}


@pytest.mark.parametrize("read", [lambda s: images(s, "train"), lambda s: s.class_indices("test")])
def test_two_reads_give_the_same(read: Callable[[Source], Pixels]) -> None:
    """Nothing is drawn by chance."""
    first, second = (read(digits.locate(digits.Options(), None)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
