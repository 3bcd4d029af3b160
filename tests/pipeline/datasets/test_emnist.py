"""The dataset ``emnist``: NIST's file names, mapping files, orientation, and what is published."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.artifacts import DatasetFacts, SourceFile, sha256
from pipeline.datasets import Source, emnist
from pipeline.errors import DataError, DataMissingError
from tests.pipeline.datasets.emnist_files import CLASSES, VARIANTS, upright_images, write_variant
from tests.pipeline.datasets.idx_files import SPLITS, label_bytes, write

IMAGES = "emnist-bymerge-train-images-idx3-ubyte.gz"

FILES = {
    "emnist-bymerge-mapping.txt",
    IMAGES,
    "emnist-bymerge-train-labels-idx1-ubyte.gz",
    "emnist-bymerge-test-images-idx3-ubyte.gz",
    "emnist-bymerge-test-labels-idx1-ubyte.gz",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a tiny ByMerge set."""
    write_variant(tmp_path / "emnist", "bymerge")
    return tmp_path


def locate(data: Path | None, **options: Any) -> Source:
    """The set with these options."""
    return emnist.locate(emnist.Options.model_validate(options), data)


@pytest.mark.parametrize("folder", ["emnist", "."])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_read_under_nists_names(tmp_path: Path, variant: str, folder: str) -> None:
    """In DATA/emnist as in DATA itself, where someone unpacked the zip."""
    write_variant(tmp_path / folder, variant)
    source = locate(tmp_path, variant=variant)
    assert source.name == f"emnist-{variant}"
    for split in SPLITS:
        np.testing.assert_array_equal(source.class_indices(split), CLASSES[split])
        images = np.concatenate([batch.pixels for batch in source.batches(split)])
        np.testing.assert_array_equal(images, upright_images(len(CLASSES[split])))


@pytest.mark.parametrize(
    ("variant", "labels"),
    [("bymerge", ("0", "A", "a")), ("letters", ("A", "B", "C")), ("mnist", tuple("012"))],
)
def test_the_mapping_gives_each_class_its_character(tmp_path: Path, variant: str, labels: Any) -> None:
    """Letters has labels from 1 and both cases in one line: the capital stands for the class."""
    assert locate(write_variant(tmp_path, variant), variant=variant).labels == labels


def test_the_folder_that_holds_more_of_the_files_is_taken(data: Path) -> None:
    """What is missing is named for that folder, not for an empty one."""
    for path in (data / "emnist").iterdir():
        path.rename(data / path.name)
    (data / IMAGES).unlink()
    with pytest.raises(DataMissingError) as caught:
        locate(data)
    assert str(caught.value).startswith(f"{data}: missing {IMAGES}; ")


@pytest.mark.parametrize("missing", sorted(FILES))
def test_a_missing_file_is_named_with_the_remedy(data: Path, missing: str) -> None:
    """Any of the five."""
    (data / "emnist" / missing).unlink()
    with pytest.raises(DataMissingError) as caught:
        locate(data)
    assert str(caught.value) == (
        f"{data / 'emnist'}: missing {missing}; "
        f"get the set with `pipeline data get emnist --data {data}` (562 MB)"
    )


def test_an_empty_data_folder_misses_all_five_files(tmp_path: Path) -> None:
    """One sentence for all of them."""
    with pytest.raises(DataMissingError) as caught:
        locate(tmp_path)
    assert all(name in str(caught.value) for name in FILES)


def test_without_a_data_folder_the_way_to_name_one_is_said() -> None:
    """Both ways, and how to get the set."""
    with pytest.raises(DataMissingError, match=r"--data or PIPELINE_DATA.*pipeline data get emnist"):
        locate(None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "maps 0 labels"),
        ("0 48\n", "maps 1 labels"),
        ("0 48\n0 49\n", ":2: '0 49' names no character, or label 0 again"),
        ("0 48\n1\n", ":2: '1' names no character"),
        ("0 48\n\n1 x\n", ":3: '1 x' is not 'label code"),
        ("0 48\n1 65 9z\n", ":2: '1 65 9z' is not"),
        ("0 48\n256 65\n", ":2: '256 65' names no character"),
        ("0 48\n-1 65\n", ":2: '-1 65' names no character"),
        ("0 48\n1 -65\n", ":2: '1 -65' is not"),
        ("0 48\n1 1114112\n", ":2: '1 1114112' is not"),
        ("0 48\n1 10\n", ":2: '1 10' names no character"),
        ("0 48\n1 55296\n", ":2: '1 55296' names no character"),
        ("\x89PNG\n\x00\x01", ":1: "),
        ("0 48\n1 " + "9" * 5000, ":2: "),
    ],
)
def test_a_damaged_mapping_is_refused_with_its_line(data: Path, text: str, says: str) -> None:
    """Nothing that it could hold makes labels that cannot be written to labels.txt."""
    mapping = data / "emnist" / "emnist-bymerge-mapping.txt"
    mapping.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError) as caught:
        locate(data)
    assert str(caught.value).startswith(str(mapping))
    assert says in str(caught.value)


def test_a_label_outside_the_mapping_is_refused(data: Path) -> None:
    """The wrong mapping file beside the right labels."""
    write(data / "emnist" / "emnist-bymerge-test-labels-idx1-ubyte.gz", label_bytes([0, 46, 1]))
    with pytest.raises(
        DataError, match=r"test-labels-idx1-ubyte.gz: label 46 of image 1 stands for no class"
    ):
        locate(data).class_indices("test")


def published(data: Path, name: str) -> bool | None:
    """What is said about one file."""
    return {file.name: file.published for file in locate(data).source_files()}[name]


def test_a_file_with_the_publishers_hash_is_published(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the hash can prove it."""
    monkeypatch.setitem(emnist.PUBLISHED_SHA256, IMAGES, sha256(data / "emnist" / IMAGES))
    assert published(data, IMAGES) is True


def test_a_file_with_another_hash_is_not_published(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with the publisher's count."""
    monkeypatch.setitem(emnist.PUBLISHED_SHA256, IMAGES, "0" * 64)
    monkeypatch.setitem(emnist.PUBLISHED, "bymerge", {"train": 8, "test": 3})
    assert published(data, IMAGES) is False


def test_another_count_proves_that_a_file_is_not_published(data: Path) -> None:
    """8 images of 697,932, where no hash is known."""
    assert published(data, IMAGES) is False


def test_the_right_count_proves_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no hash is known, it stays unknown; so does the mapping file."""
    monkeypatch.setitem(emnist.PUBLISHED, "bymerge", {"train": 8, "test": 3})
    assert published(data, IMAGES) is None
    assert published(data, "emnist-bymerge-mapping.txt") is None


def facts(source: Source, **counts: int) -> DatasetFacts:
    """What the manifest would say of a set used in full, but for ``counts``."""
    train, test = source.count("train"), source.count("test")
    values: dict[str, Any] = {
        "name": source.name,
        "labels": source.labels,
        "preprocess": source.preprocess,
        "train": train - 1,
        "validation": 1,
        "test": test,
        "train_on_disk": train,
        "test_on_disk": test,
        "train_published": source.published.get("train"),
        "test_published": source.published.get("test"),
        "sources": (SourceFile(name="x", sha256="0", bytes=1),),
    }
    return DatasetFacts.model_validate({**values, **counts})


@pytest.mark.parametrize(
    ("counts", "clause"),
    [
        (
            {"train_published": 8, "test_published": 3},
            "all 3 emnist-bymerge test images, trained on all 8 emnist-bymerge train images",
        ),
        (
            {},
            "a 3-image subset of the 116,323 emnist-bymerge test images, "
            "trained on a 8-image subset of the 697,932 emnist-bymerge train images",
        ),
        (
            {"test_published": 3, "train": 4},
            "all 3 emnist-bymerge test images, "
            "trained on a 5 of 8-image subset of the 697,932 emnist-bymerge train images",
        ),
        (
            {"test_published": 3, "test": 2, "train_published": 8, "train": 4},
            "2 of the 3 emnist-bymerge test images, trained on 5 of the 8 emnist-bymerge train images",
        ),
    ],
)
def test_a_subset_is_called_a_subset(data: Path, counts: dict[str, int], clause: str) -> None:
    """No figure is quoted as that of the whole set unless it is."""
    assert facts(locate(data), **counts).clause == clause


def test_the_real_test_set_is_the_published_one(data_folder: Path) -> None:
    """Both files, by sha256."""
    source = locate(data_folder)
    verdicts = {file.name: file.published for file in source.source_files()}
    assert verdicts["emnist-bymerge-test-images-idx3-ubyte.gz"] is True
    assert verdicts["emnist-bymerge-test-labels-idx1-ubyte.gz"] is True
    assert source.count("test") == 116_323


@pytest.fixture
def subset(data_folder: Path) -> Source:
    """The real set with the 141,475-image train set; skips where another one is."""
    source = locate(data_folder)
    if source.count("train") != 141_475:
        pytest.skip(f"the train set has {source.count('train'):,} images, not the subset's 141,475")
    return source


def test_the_train_subset_is_called_one(subset: Source) -> None:
    """It is not NIST's file, whatever its name."""
    verdicts = {file.name: file.published for file in subset.source_files()}
    assert verdicts[IMAGES] is False
    assert facts(subset).clause == (
        "all 116,323 emnist-bymerge test images, "
        "trained on a 141,475-image subset of the 697,932 emnist-bymerge train images"
    )


def test_the_real_set_has_47_classes_each_of_them_present(data_folder: Path) -> None:
    """ByMerge's: ten digits, 26 capitals, and the 11 small letters that look unlike their capitals."""
    source = locate(data_folder)
    assert "".join(source.labels) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
    for split in SPLITS:
        assert (np.bincount(source.class_indices(split), minlength=47) > 0).all()


@pytest.fixture(scope="module")
def mean_images() -> dict[str, Any]:
    """Label to the mean of its test images; filled on first use, for the fixture that names the folder."""
    return {}


UPPER, LOWER, LEFT, RIGHT = slice(0, 14), slice(14, 28), slice(0, 14), slice(14, 28)

TURNED = 1.5
"""Ratio of mean ink that turning or mirroring would bring below 1: it is 1.6 to 2.9 in the real set."""


@pytest.mark.parametrize(
    ("label", "more", "less"),
    [
        ("7", np.s_[UPPER, RIGHT], np.s_[LOWER, LEFT]),  # transposing swaps these two
        ("9", np.s_[UPPER, RIGHT], np.s_[LOWER, LEFT]),
        ("b", np.s_[LOWER, LEFT], np.s_[UPPER, RIGHT]),
        ("T", np.s_[4:10, :], np.s_[:, 4:10]),  # the bar is above, not at the left
        ("7", np.s_[UPPER, RIGHT], np.s_[UPPER, LEFT]),  # mirroring swaps these
        ("T", np.s_[UPPER, :], np.s_[LOWER, :]),  # and turning upside down these
        ("F", np.s_[UPPER, :], np.s_[LOWER, RIGHT]),
    ],
)
def test_real_images_stand_upright(
    data_folder: Path, mean_images: dict[str, Any], label: str, more: Any, less: Any
) -> None:
    """The mean image of a class has its ink where the character has it."""
    if not mean_images:
        source = locate(data_folder)
        images = np.concatenate([batch.pixels for batch in source.batches("test")])
        classes = source.class_indices("test")
        for index, each in enumerate(source.labels):
            mean_images[each] = images[classes == index].mean(axis=0)
    assert mean_images[label][more].mean() > TURNED * mean_images[label][less].mean()


def test_a_renamed_real_file_is_not_taken_for_another_variant(data_folder: Path, tmp_path: Path) -> None:
    """ByMerge's files under Balanced's names: the counts give it away."""
    for path in (data_folder / "emnist").glob("emnist-bymerge-test-*"):
        for split in SPLITS:
            name = path.name.replace("bymerge-test", f"balanced-{split}")
            (tmp_path / name).symlink_to(path)
    shutil.copy(
        data_folder / "emnist" / "emnist-bymerge-mapping.txt", tmp_path / "emnist-balanced-mapping.txt"
    )
    found = locate(tmp_path, variant="balanced").source_files()
    assert {file.published for file in found if file.name.endswith(".gz")} == {False}
