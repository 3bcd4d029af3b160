"""The data stage on photos: names of every row, gaps, duplicates, and what is left out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import arrays, recipe, runner, target
from pipeline.artifacts import PreparedData
from pipeline.console import Console
from pipeline.datasets import Source
from pipeline.errors import DataError
from pipeline.preprocess import decode, picture
from pipeline.stages.data import portable, source, test_part, train_part, validation_part
from tests.pipeline.datasets.photo_files import write_photos

test_part.__test__ = False  # type: ignore[attr-defined]  # a part of the data, no test of pytest's


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three classes, one with a comma."""
    return write_photos(tmp_path / "photos", {"a": 20, "b": 16, "c, wild": 12}, form="PNG")


def chosen(**dataset: Any) -> recipe.Recipe:
    """A recipe of the folder."""
    values = {
        "name": "own",
        "dataset": {"name": "image_folder", "path": "photos", "size": 32, **dataset},
        "model": {"name": "emnist_cnn"},
    }
    return recipe.check(values, where="recipe 'own'")


def prepare(data: Path, runs: Path, **dataset: Any) -> PreparedData:
    """Runs the stage."""
    build = runner.run(
        chosen(**dataset),
        target.load("tflite"),
        runs=runs,
        data=data,
        console=Console(quiet=True),
        until="data",
    )
    prepared = build.artifacts["data"]
    assert isinstance(prepared, PreparedData)
    return prepared


def check_rows(data: PreparedData, found: Source) -> None:
    """Every row is the photo that it is said to be, under its folder's label."""
    assert found.root is not None
    for part in (train_part(data), validation_part(data), test_part(data)):
        assert part.files is not None
        assert len(part.files) == len(part)
        images = part.pixels(np.arange(len(part)))
        for name, image, label in zip(part.files, images, part.labels, strict=True):
            np.testing.assert_array_equal(picture(decode(found.root / name), found.preprocess), image)
            assert data.facts.labels[label] == name.split("/")[0]


def test_every_row_knows_its_file(root: Path, tmp_path: Path) -> None:
    """75/15/10 where the recipe does not say; labels with commas stay whole."""
    data = prepare(tmp_path, tmp_path / "runs")
    check_rows(data, source(chosen(), tmp_path))
    facts = data.facts
    assert (facts.train, facts.validation, facts.test) == (36, 7, 5)
    assert facts.labels == ("a", "b", "c, wild")
    assert facts.left_out == ()
    assert facts.duplicates == ()
    assert json.loads(data.path("test_files.json").read_text()) == list(test_part(data).files or ())
    assert {"train_files.json", "test_files.json"} <= set(data.files)


def test_a_share_in_the_recipe_decides(root: Path, tmp_path: Path) -> None:
    """Of train."""
    assert prepare(tmp_path, tmp_path / "runs", validation=0.5).facts.validation == 22


def test_a_limit_takes_so_many(root: Path, tmp_path: Path) -> None:
    """Names follow."""
    data = prepare(tmp_path, tmp_path / "runs", max_train=12, max_test=10, test=0.5)
    assert (data.facts.train + data.facts.validation, data.facts.test) == (12, 10)
    check_rows(data, source(chosen(test=0.5), tmp_path))


def spoil(root: Path) -> set[str]:
    """Three files in three ways."""
    (root / "a" / "03.png").write_text("just a text")
    path = root / "b" / "00.png"
    path.write_bytes(path.read_bytes()[:-100])
    (root / "c, wild" / "11.png").write_bytes(b"")
    return {"a/03.png", "b/00.png", "c, wild/11.png"}


def test_what_cannot_be_decoded_is_reported_together(root: Path, tmp_path: Path) -> None:
    """Of both splits, with reasons and the remedy; nothing is left that looks complete."""
    bad = spoil(root)
    with pytest.raises(
        DataError, match=r"3 photos cannot be decoded: .* unreadable = 3 .*\(now 2\)"
    ) as caught:
        prepare(tmp_path, tmp_path / "runs", unreadable=2)
    assert all(f"{name} (not a readable picture" in str(caught.value) for name in bad)
    left = list((tmp_path / "runs" / "own").glob("stages/data/*"))
    assert [path for path in left if path.suffix != ".partial"] == []


def test_what_is_left_out_leaves_no_gap(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Arrays, labels, names and counts follow; the warning names every file."""
    bad = spoil(root)
    data = prepare(tmp_path, tmp_path / "runs", unreadable=3)
    check_rows(data, source(chosen(), tmp_path))
    facts = data.facts
    assert set(facts.left_out) == bad
    assert facts.train + facts.validation + facts.test == 45
    assert facts.train_on_disk + facts.test_on_disk == 48
    err = capsys.readouterr().err
    assert "3 photos cannot be decoded" in err
    assert "left out, as unreadable = 3 allows" in err
    for split, count in (("train", facts.train + facts.validation), ("test", facts.test)):
        images = np.load(data.path(f"{split}_images.npy"), mmap_mode="r")
        assert images.shape == (count, 32, 32, 3)
        header = data.path(f"{split}_images.npy").stat().st_size - images.nbytes
        assert 0 < header < 1_000


def test_a_class_that_loses_its_photos_is_refused(root: Path, tmp_path: Path) -> None:
    """Although that many may be unreadable."""
    for path in (root / "b").iterdir():
        path.write_bytes(b"x")
    with pytest.raises(DataError, match=r"class 1 \('b'\) has 0 train images, 2 are needed"):
        prepare(tmp_path, tmp_path / "runs", unreadable=16)


def test_the_same_picture_in_both_splits_is_reported(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By pixels: saved anew it is other bytes."""
    found = source(chosen(), tmp_path)
    train, test = found.names("train"), found.names("test")
    assert train is not None
    assert test is not None
    from PIL import Image

    Image.open(root / train[0]).save(root / test[0], compress_level=1, dpi=(300, 300))
    assert (root / train[0]).read_bytes() != (root / test[0]).read_bytes()
    data = prepare(tmp_path, tmp_path / "runs")
    assert data.facts.duplicates == ((train[0], test[0]),)
    assert data.facts.duplicate_count == 1
    assert data.facts.two_classes == ()
    assert (
        f"1 test images stand in train too (same pixels; {train[0]} = {test[0]})" in capsys.readouterr().err
    )


def test_the_same_picture_under_two_classes_is_reported_apart(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one split it is no duplicate of the other's; in both it is in either report."""
    found = source(chosen(), tmp_path)
    train, test = found.names("train"), found.names("test")
    assert train is not None
    assert test is not None
    first, second = (next(name for name in train if name[0] == label) for label in "bc")
    (root / second).write_bytes((root / first).read_bytes())
    facts = prepare(tmp_path, tmp_path / "runs").facts
    assert (facts.duplicates, facts.two_classes, facts.two_classes_count) == ((), ((first, second),), 1)
    err = capsys.readouterr().err
    assert f"1 images stand under another class too (same pixels; {first} = {second})" in err
    assert "stand in train too" not in err
    other = next(name for name in test if name[0] == "a")
    (root / other).write_bytes((root / first).read_bytes())
    facts = prepare(tmp_path, tmp_path / "runs").facts
    assert facts.duplicates == ((first, other),)
    assert facts.two_classes == ((first, second), (first, other))


def test_of_many_equal_pictures_the_record_names_some(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And counts all."""
    monkeypatch.setattr("pipeline.stages.data.KEPT_PAIRS", 2)
    for path in root.rglob("*.png"):
        path.write_bytes((root / "a" / "00.png").read_bytes())
    facts = prepare(tmp_path, tmp_path / "runs").facts
    assert (len(facts.duplicates), facts.duplicate_count) == (2, facts.test)
    assert (len(facts.two_classes), facts.two_classes_count) == (2, 28)


def test_a_folder_that_was_moved_is_the_same_data(root: Path, tmp_path: Path) -> None:
    """What is in it counts, and its name; where it lies does not."""
    first = prepare(tmp_path, tmp_path / "runs")
    (tmp_path / "elsewhere").mkdir()
    moved = root.rename(tmp_path / "elsewhere" / "photos")
    assert prepare(tmp_path, tmp_path / "runs", path=str(moved)).key == first.key
    renamed = moved.rename(tmp_path / "other")
    assert prepare(tmp_path, tmp_path / "runs", path=str(renamed)).key != first.key
    (renamed / "a" / "00.png").write_bytes((renamed / "a" / "01.png").read_bytes())
    back = renamed.rename(moved)
    assert prepare(tmp_path, tmp_path / "runs", path=str(back)).key != first.key


def test_of_a_place_the_recipe_gives_away_its_last_name_alone(tmp_path: Path) -> None:
    """A bundle is for others to read."""
    own = chosen(path=f"{tmp_path}/photos", train_list="/home/me/a.csv", test_list="b.csv")
    told = portable(own).dataset.options
    assert (told["path"], told["train_list"], told["test_list"]) == ("photos", "a.csv", "b.csv")
    assert {**own.dataset.options, **told} == told
    model = {"name": "transfer", "weights": "/home/me/base.h5"}
    own = own.model_copy(update={"model": own.model.model_validate(model)})
    assert portable(own).model.options["weights"] == "base.h5"
    assert str(tmp_path) not in portable(own).model_dump_json()


def test_a_dataset_without_files_has_no_names(tmp_path: Path) -> None:
    """scikit-learn's digits come in one table."""
    values = {"name": "own", "dataset": {"name": "digits"}, "model": {"name": "emnist_cnn"}}
    build = runner.run(
        recipe.check(values, where="test"),
        target.load("tflite"),
        runs=tmp_path,
        data=None,
        console=Console(quiet=True),
        until="data",
    )
    data = build.artifacts["data"]
    assert isinstance(data, PreparedData)
    assert test_part(data).files is None
    assert "test_files.json" not in data.files


@pytest.mark.parametrize(("shape", "rows"), [((1_000, 2), 7), ((10, 3, 4), 10), ((100_000, 1), 99_999)])
def test_shortening_an_array_keeps_its_first_rows(tmp_path: Path, shape: tuple[int, ...], rows: int) -> None:
    """The header says fewer, the file is shorter."""
    path = tmp_path / "x.npy"
    values = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    np.save(path, values)
    before = path.stat().st_size
    arrays.shorten(path, rows)
    np.testing.assert_array_equal(np.load(path), values[:rows])
    assert before - path.stat().st_size == values[rows:].nbytes


@pytest.mark.slow
def test_the_real_photos(data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A picture of the set stands under two classes; it is told, and no crash."""
    if not (data_folder / "flower_photos").is_dir():
        pytest.skip("no flower_photos in PIPELINE_DATA")
    values = {"name": "own", "dataset": {"name": "flowers", "size": 32}, "model": {"name": "emnist_cnn"}}
    build = runner.run(
        recipe.check(values, where="test"),
        target.load("tflite"),
        runs=tmp_path,
        data=data_folder,
        console=Console(quiet=True),
        until="data",
    )
    data = build.artifacts["data"]
    assert isinstance(data, PreparedData)
    twice = "15922772266_1167a06620.jpg"
    assert (f"roses/{twice}", f"tulips/{twice}") in data.facts.duplicates
    assert (f"roses/{twice}", f"tulips/{twice}") in data.facts.two_classes
    assert twice in capsys.readouterr().err
