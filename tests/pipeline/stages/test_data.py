"""The data stage: decoding, limits, the split by seed, and what a damaged dataset leaves behind."""

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import recipe, runner, target
from pipeline.artifacts import PreparedData
from pipeline.console import Console
from pipeline.errors import DataError, PipelineError
from pipeline.stages.data import MIN_CLASS_IMAGES, Part, test_part, train_part, validation_part
from tests.pipeline.datasets.idx_files import IdxSet, image_bytes, label_bytes, numbers, write, write_set

test_part.__test__ = False  # type: ignore[attr-defined]  # a part of the data, no test of pytest's

TRAIN = np.repeat([0, 1, 2], [60, 30, 10])
"""100 labels in classes of unequal size, shuffled below."""

TEST = np.repeat([0, 1, 2], [20, 15, 5])

BIG_IMAGES = 76_500
"""Of 28x28: 60 MB, well above what the interpreter and its libraries vary by."""

COPIES = 1.5
"""How often the decoded set may be in memory: once, as pages of the file that it is written to, and half
again for chunks and hashing. A second copy would make it 2."""

MEASURE = """
import sys
from pathlib import Path
from pipeline import recipe, runner, target
from pipeline.console import Console

def high_water_bytes():
    # Not getrusage: after fork and exec its ru_maxrss still holds the parent's.
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])

import pipeline.stages.data, pipeline.datasets.idx
read, tflite = recipe.load(sys.argv[1]), target.load("tflite")
before = high_water_bytes()
runs, data = map(Path, sys.argv[2:])
runner.run(read, tflite, runs=runs, data=data, console=Console(quiet=True), until="data")
print(high_water_bytes() - before)
"""


@pytest.fixture
def tiny(tmp_path: Path) -> IdxSet:
    """100 and 40 numbered images in three classes of unequal size."""
    rng = np.random.default_rng(1)
    return write_set(tmp_path / "data", train=rng.permutation(TRAIN), test=rng.permutation(TEST))


def prepare(found: IdxSet, runs: Path, *, seed: int = 1, **more: Any) -> PreparedData:
    """Runs the stage on a set."""
    checked = recipe.check(found.recipe(seed=seed, **more), where="test")
    build = runner.run(
        checked,
        target.load("tflite"),
        runs=runs,
        data=found.folder,
        console=Console(quiet=True),
        until="data",
    )
    data = build.artifacts["data"]
    assert isinstance(data, PreparedData)
    return data


def rows(part: Part) -> set[int]:
    """Which rows of the file a part holds."""
    return set(numbers(part.pixels(np.arange(len(part)))).tolist())


def test_images_keep_their_labels_through_the_split(tiny: IdxSet, tmp_path: Path) -> None:
    """In every part, each image's own label, and none changed on the way."""
    data = prepare(tiny, tmp_path)
    for part in (train_part(data), validation_part(data), test_part(data)):
        images = part.pixels(np.arange(len(part)))
        np.testing.assert_array_equal(images[:, 0, 3], part.labels)
        assert images.dtype == np.uint8


def test_train_and_validation_share_no_image_and_leave_none_out(tiny: IdxSet, tmp_path: Path) -> None:
    """A tenth is held out; the test set stays whole."""
    data = prepare(tiny, tmp_path)
    train, validation = rows(train_part(data)), rows(validation_part(data))
    assert train | validation == set(range(100))
    assert not train & validation
    assert (len(train), len(validation)) == (90, 10)
    assert rows(test_part(data)) == set(range(40))
    facts = data.facts
    assert (facts.train, facts.validation, facts.test) == (90, 10, 40)
    assert (facts.train_on_disk, facts.test_on_disk) == (100, 40)
    assert facts.labels == ("a", "b", "c")


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_the_split_keeps_the_classes_shares(tiny: IdxSet, tmp_path: Path, share: float) -> None:
    """60, 30 and 10 of 100, within one image."""
    held_out = np.bincount(validation_part(prepare(tiny, tmp_path, validation=share)).labels, minlength=3)
    assert held_out.sum() == round(100 * share)
    assert np.abs(held_out - share * np.array([60, 30, 10])).max() < 1


def test_the_seed_alone_decides_the_split(tiny: IdxSet, tmp_path: Path) -> None:
    """The same seed in another run folder: the same bytes; another seed: another split."""
    first, again, other = (
        prepare(tiny, tmp_path / name, seed=seed) for name, seed in (("1", 1), ("2", 1), ("3", 2))
    )
    assert first.sha256 == again.sha256
    assert rows(validation_part(first)) != rows(validation_part(other))
    assert len(validation_part(other)) == len(validation_part(first))


@pytest.mark.parametrize("share", [0.001, 0.5, 0.9])
def test_every_class_has_an_image_on_both_sides(tmp_path: Path, share: float) -> None:
    """Even the class of two images, whatever the share."""
    labels = np.repeat([0, 1, 2], [400, 50, MIN_CLASS_IMAGES])
    data = prepare(write_set(tmp_path / "data", train=labels, test=TEST), tmp_path, validation=share)
    for part in (train_part(data), validation_part(data)):
        assert set(part.labels.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("limit", [10, 50, 99])
def test_a_limit_on_train_takes_so_many_by_seed_and_class(tiny: IdxSet, tmp_path: Path, limit: int) -> None:
    """In the files' order; every class on both sides of the split; the rest of the set is not touched."""
    data = prepare(tiny, tmp_path, max_train=limit)
    train, validation = train_part(data), validation_part(data)
    assert len(train) + len(validation) == limit
    assert set(train.labels.tolist()) == set(validation.labels.tolist()) == {0, 1, 2}
    assert list(numbers(np.asarray(train.images))) == sorted(rows(train) | rows(validation))
    assert len(test_part(data)) == 40
    assert data.facts.train_on_disk == 100
    assert f"trained on {limit} of 100 idx train images" in data.facts.clause


def test_a_limit_on_train_spares_the_rare_class(tmp_path: Path) -> None:
    """Two of its images are taken, though its share of ten would be none."""
    labels = np.repeat([0, 1, 2], [900, 90, 2])
    data = prepare(write_set(tmp_path / "data", train=labels, test=TEST), tmp_path, max_train=10)
    for part in (train_part(data), validation_part(data)):
        assert set(part.labels.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("limit", [10, 39])
def test_a_limit_on_test_takes_so_many_with_the_classes_shares(
    tiny: IdxSet, tmp_path: Path, limit: int
) -> None:
    """The manifest says of how many."""
    data = prepare(tiny, tmp_path, max_test=limit)
    counts = np.bincount(test_part(data).labels, minlength=3)
    assert counts.sum() == limit
    assert np.abs(counts - limit / 40 * np.array([20, 15, 5])).max() < 1
    assert data.facts.clause.startswith(f"{limit} of 40 idx test images, ")


@pytest.mark.parametrize(
    "limits", [{"max_train": 100}, {"max_test": 40}, {"max_train": 10**9, "max_test": 10**9}]
)
def test_a_limit_that_is_not_reached_changes_nothing(
    tiny: IdxSet, tmp_path: Path, limits: dict[str, int]
) -> None:
    """The same bytes as without."""
    assert prepare(tiny, tmp_path / "1", **limits).sha256 == prepare(tiny, tmp_path / "2").sha256


@pytest.mark.parametrize(("split", "needed"), [("train", 24), ("test", 12)])
def test_a_limit_below_the_number_of_classes_is_refused(tmp_path: Path, split: str, needed: int) -> None:
    """Twelve classes: two train images or one test image of each are the least; no limit is exceeded."""
    labels = np.repeat(np.arange(12), 4)
    found = write_set(tmp_path / "data", train=labels, test=labels, labels=list("abcdefghijkl"))
    says = rf"dataset 'idx': max_{split} = 11 is too few for 12 classes: at least {needed} are needed"
    with pytest.raises(DataError, match=says):
        prepare(found, tmp_path, **{f"max_{split}": 11})


def test_arrays_are_memory_mapped(tiny: IdxSet, tmp_path: Path) -> None:
    """Training reads pages, not the whole set."""
    for part in (train_part, validation_part, test_part):
        assert isinstance(part(prepare(tiny, tmp_path)).images, np.memmap)


def test_an_empty_class_is_refused_with_its_name(tmp_path: Path) -> None:
    """Nothing could be learnt of it."""
    found = write_set(tmp_path / "data", train=np.repeat([0, 2], 20), test=TEST)
    with pytest.raises(DataError, match=r"dataset 'idx': class 1 \('b'\) has 0 train images, 2 are needed"):
        prepare(found, tmp_path)


def test_a_class_of_one_image_is_refused(tmp_path: Path) -> None:
    """It could stand on one side of the split only."""
    found = write_set(tmp_path / "data", train=np.repeat([0, 1, 2], [20, 20, 1]), test=TEST)
    with pytest.raises(DataError, match=r"class 2 \('c'\) has 1 train images, 2 are needed"):
        prepare(found, tmp_path)


def test_a_class_may_be_absent_from_the_test_set(tmp_path: Path) -> None:
    """Accuracy is then measured on the others."""
    found = write_set(tmp_path / "data", train=TRAIN, test=np.repeat([0, 2], 20))
    assert set(test_part(prepare(found, tmp_path, max_test=10)).labels.tolist()) == {0, 2}


def test_a_share_that_leaves_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    """Six images, three classes, nine tenths."""
    found = write_set(tmp_path / "data", train=np.repeat([0, 1, 2], 2), test=TEST)
    with pytest.raises(DataError, match=r"validation = 0.9 holds out 5 of 6 train images: too few are left"):
        prepare(found, tmp_path, validation=0.9)


def truncate(path: Path) -> None:
    """Cuts the last byte off."""
    os.truncate(path, path.stat().st_size - 1)


DAMAGE: dict[str, Callable[[IdxSet], object]] = {
    "train images": lambda found: truncate(found.path("train", "images")),
    "train labels": lambda found: truncate(found.path("train", "labels")),
    "test images": lambda found: truncate(found.path("test", "images")),
    "test labels": lambda found: truncate(found.path("test", "labels")),
    "counts": lambda found: write(found.path("test", "labels"), label_bytes(TEST[:-1])),
    "labels": lambda found: write(found.path("test", "labels"), label_bytes(TEST + 1)),
    "sizes": lambda found: write(found.path("test", "images"), image_bytes(np.ones((40, 2, 2), np.uint8))),
    "empty class": lambda found: write(found.path("train", "labels"), label_bytes(TRAIN % 2)),
    "headers": lambda found: [
        write(found.path("test", "images"), struct.pack(">IIII", 0x0803, 2**32 - 1, 4, 4)),
        write(found.path("test", "labels"), struct.pack(">II", 0x0801, 2**32 - 1)),
    ],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_leaves_nothing_that_a_later_build_takes_for_complete(
    tiny: IdxSet, tmp_path: Path, damage: str
) -> None:
    """The stage fails; with the files mended the next build does the work anew, and right."""
    runs, whole = tmp_path / "runs", {path: path.read_bytes() for path in tiny.folder.iterdir()}
    DAMAGE[damage](tiny)
    with pytest.raises(DataError):
        prepare(tiny, runs)
    left = list((runs / "tiny").glob("stages/data/*"))
    assert [path for path in left if path.suffix != ".partial"] == []
    for path, content in whole.items():
        path.write_bytes(content)
    data = prepare(tiny, runs)
    assert data.sha256 == prepare(tiny, tmp_path / "fresh").sha256


def test_damage_behind_the_images_that_a_limit_takes_is_seen(tiny: IdxSet, tmp_path: Path) -> None:
    """A set is whole or refused, however little of it is used."""
    truncate(tiny.path("test", "images"))
    with pytest.raises(DataError, match=r"test-images.idx: truncated"):
        prepare(tiny, tmp_path, max_test=10)


def test_a_changed_file_is_decoded_anew(tiny: IdxSet, tmp_path: Path) -> None:
    """The key holds every file's hash; going back finds the first result again."""
    first = prepare(tiny, tmp_path)
    path = tiny.path("test", "images")
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\x07")
    changed = prepare(tiny, tmp_path)
    assert changed.key != first.key
    assert changed.sha256 != first.sha256
    path.write_bytes(content)
    assert prepare(tiny, tmp_path).key == first.key


def test_missing_data_is_refused_before_a_run_folder_is_filled(tiny: IdxSet, tmp_path: Path) -> None:
    """Nothing but the lock and the layout's version."""
    tiny.path("test", "labels").unlink()
    with pytest.raises(PipelineError, match=r"missing .*test-labels.idx"):
        prepare(tiny, tmp_path)
    assert not list((tmp_path / "tiny").glob("stages/*"))


def test_decoding_holds_no_second_copy_of_the_set(tmp_path: Path) -> None:
    """Peak memory of a fresh process on 60 MB of images."""
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc: peak memory cannot be read here")
    labels = np.arange(BIG_IMAGES) % 3
    found = write_set(tmp_path / "data", train=labels, test=TEST, side=28)
    measured = subprocess.run(
        [
            sys.executable,
            "-c",
            MEASURE,
            str(found.write_recipe(tmp_path / "big.toml")),
            str(tmp_path / "runs"),
            str(found.folder),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    set_bytes = BIG_IMAGES * 28 * 28
    assert int(measured.stdout) < COPIES * set_bytes
