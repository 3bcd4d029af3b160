"""The dataset ``idx``: files of one's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import shelf
from pipeline.datasets import Source, idx
from pipeline.errors import DataError, DataMissingError, RecipeError
from tests.pipeline.datasets.idx_files import (
    LETTER_F,
    SPLITS,
    IdxSet,
    image_bytes,
    label_bytes,
    numbers,
    write,
    write_set,
)

TRAIN, TEST = np.array([0, 1, 2, 2, 1, 0, 0]), np.array([2, 1, 0, 1])


@pytest.fixture
def tiny(tmp_path: Path) -> IdxSet:
    """Seven and four images of 4x4 in three classes."""
    return write_set(tmp_path, train=TRAIN, test=TEST)


def locate(found: IdxSet, **more: Any) -> Source:
    """The set as the recipe's section describes it."""
    section = {key: value for key, value in found.section(**more).items() if key != "name"}
    return idx.locate(idx.Options.model_validate(section), found.folder)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_images_labels_and_counts_come_from_the_files(tmp_path: Path, suffix: str) -> None:
    """In the files' order, each image with its own label."""
    source = locate(write_set(tmp_path, train=TRAIN, test=TEST, suffix=suffix))
    for split, classes in zip(SPLITS, (TRAIN, TEST), strict=True):
        images = np.concatenate([batch.pixels for batch in source.batches(split)])
        np.testing.assert_array_equal(source.class_indices(split), classes)
        np.testing.assert_array_equal(numbers(images), np.arange(len(classes)))
        np.testing.assert_array_equal(images[:, 0, 3], classes)
    assert (source.count("train"), source.count("test")) == (7, 4)
    assert source.preprocess.shape == (4, 4)
    assert source.labels == ("a", "b", "c")


def test_nothing_is_claimed_about_a_publisher(tiny: IdxSet) -> None:
    """Files of one's own have none."""
    source = locate(tiny)
    assert source.published == {}
    assert [file.published for file in source.source_files()] == [None] * 4


def test_every_file_is_recorded_with_its_size(tiny: IdxSet) -> None:
    """The manifest lists what was read."""
    recorded = {file.name: file.bytes for file in locate(tiny).source_files()}
    assert recorded == {path.name: path.stat().st_size for path in tiny.folder.iterdir()}


def test_transposed_files_give_upright_images_and_shape(tmp_path: Path) -> None:
    """Columns first on disk, 7 rows by 5 columns after."""
    written = IdxSet(folder=tmp_path, labels=("f", "g"), suffix="")
    for split in SPLITS:
        write(written.path(split, "images"), image_bytes(np.stack([LETTER_F.T, LETTER_F.T])))
        write(written.path(split, "labels"), label_bytes([0, 1]))
    source = locate(written, transposed=True)
    assert source.preprocess.shape == (7, 5)
    np.testing.assert_array_equal(next(source.batches("test")).pixels[1], LETTER_F)


def test_missing_files_are_all_named_with_the_folder_that_paths_start_from(tiny: IdxSet) -> None:
    """Not one after another."""
    tiny.path("train", "labels").unlink()
    tiny.path("test", "images").unlink()
    with pytest.raises(DataMissingError) as caught:
        locate(tiny)
    text = str(caught.value)
    assert str(tiny.path("train", "labels")) in text
    assert str(tiny.path("test", "images")) in text
    assert str(tiny.path("train", "images")) not in text
    assert f"relative to --data ({tiny.folder})" in text


def test_images_and_labels_of_different_counts_are_refused(tiny: IdxSet) -> None:
    """They are not of one set."""
    write(tiny.path("test", "labels"), label_bytes([2, 1, 0]))
    source = locate(tiny)
    assert source.count("train") == 7
    for read in (source.count, source.batches):
        with pytest.raises(DataError, match=r"test-images.idx holds 4 images, test-labels.idx 3 labels"):
            read("test")


def test_images_of_another_size_in_the_test_set_are_refused(tiny: IdxSet) -> None:
    """Train says 4x4."""
    write(tiny.path("test", "images"), image_bytes(np.zeros((4, 5, 4), dtype=np.uint8)))
    with pytest.raises(DataError, match=r"test-images.idx: images of 5x4 pixels, not 4x4"):
        locate(tiny).batches("test")


def test_a_label_that_stands_for_no_class_is_refused_with_its_place(tiny: IdxSet) -> None:
    """Image 5 is the first whose label has no name."""
    write(tiny.path("train", "labels"), label_bytes([0, 1, 2, 2, 1, 7, 9]))
    with pytest.raises(
        DataError, match=r"train-labels.idx: label 7 of image 5 stands for no class .* 3: 0\.\.2"
    ):
        locate(tiny).class_indices("train")


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["a"], "at least 2 items"),
        (["a", ""], "label 1 is ''"),
        (["a\nb", "c"], r"label 0 is 'a\\nb'"),
        (["a", "b", "a"], "label 2 is 'a' again"),
        ([str(n) for n in range(257)], "at most 256 items"),
    ],
)
def test_labels_that_no_app_could_use_are_refused(tiny: IdxSet, labels: list[str], says: str) -> None:
    """labels.txt has one line for each class, and all differ."""
    section = {**tiny.section(), "labels": labels}
    section.pop("name")
    with pytest.raises(RecipeError, match=rf"dataset 'idx': labels: .*{says}"):
        shelf.options("datasets", "idx", section)
