"""Folders of one's own photos: what is taken, what is refused, and how it is split."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import shelf
from pipeline.datasets import Source, image_folder
from pipeline.errors import DataError, DataMissingError, RecipeError
from tests.pipeline.datasets.photo_files import encoded, photo, write_photos

COUNTS = {"a": 20, "b": 10}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes of 20 and 10 photos."""
    return write_photos(tmp_path / "photos", COUNTS)


def locate(data: Path, **options: Any) -> Source:
    """The folder ``photos`` with these options."""
    checked = shelf.options("datasets", "image_folder", {"path": "photos", "size": 32, **options})
    assert isinstance(checked, image_folder.Options)
    return image_folder.locate(checked, data)


def everything(source: Source) -> set[str]:
    """Names of both splits."""
    train, test = source.names("train"), source.names("test")
    assert train is not None
    assert test is not None
    assert not set(train) & set(test)
    return {*train, *test}


class TestListing:
    """Which files are taken."""

    def test_folders_are_the_classes(self, root: Path, tmp_path: Path) -> None:
        """Their names the labels, sorted; every photo in one split."""
        source = locate(tmp_path)
        assert source.labels == ("a", "b")
        assert source.root == root
        assert everything(source) == {f"{label}/{i:02}.jpg" for label, n in COUNTS.items() for i in range(n)}
        assert source.preprocess.model_dump(exclude_defaults=True) == {
            "height": 32, "width": 32, "channels": "rgb", "crop": "center_square",
        }  # fmt: skip
        for split in ("train", "test"):
            names = source.names(split)
            assert names is not None
            assert source.count(split) == len(names)
            assert [source.labels[i] for i in source.class_indices(split)] == [n[0] for n in names]

    def test_an_absolute_path_needs_no_data_folder(self, root: Path) -> None:
        """Photos lie anywhere."""
        found = image_folder.locate(image_folder.Options(path=str(root)), None)
        assert found.labels == ("a", "b")

    @pytest.mark.parametrize(
        "name", ["x.JPG", "x.jpeg", "x.Png", "x.webp", "x.BMP", "x.gif", "x.tif", "x.TIFF"]
    )
    def test_extensions_in_any_case(self, root: Path, tmp_path: Path, name: str) -> None:
        """Cameras shout theirs."""
        (root / "a" / name).write_bytes(b"")
        assert f"a/{name}" in everything(locate(tmp_path))

    def test_other_files_are_ignored_aloud_and_hidden_ones_silently(self, root: Path, tmp_path: Path) -> None:
        """Beside the classes and inside them."""
        for name in ("a/notes.txt", "LICENSE.txt", "stray.jpg", "a/.hidden.jpg", ".DS_Store"):
            (root / name).write_bytes(b"x")
        (root / ".cache").mkdir()
        source = locate(tmp_path)
        assert len(everything(source)) == 30
        (note,) = source.notes
        assert "3 other files ignored: LICENSE.txt, stray.jpg, a/notes.txt" in note

    @pytest.mark.parametrize("label", ["red roses", "Gänseblümchen", "バラ", "ورد", "roses, wild", "🌷"])
    def test_any_name_on_one_line_is_a_label(self, root: Path, tmp_path: Path, label: str) -> None:
        """Blanks, other scripts, commas."""
        (root / "b").rename(root / label)
        source = locate(tmp_path)
        assert set(source.labels) == {"a", label}
        assert sum(file.name == f"{label}/" for file in source.source_files()) == 1

    @pytest.mark.parametrize(
        "label", ["two\nlines", "bell\x07", " blank first", "blank last ", os.fsdecode(b"\xff")]
    )
    def test_a_name_that_breaks_labels_txt_is_refused(self, root: Path, tmp_path: Path, label: str) -> None:
        """Named with its escapes, not with a line break."""
        (root / "b").rename(root / label)
        with pytest.raises(DataError, match=r"class folder '.*': control characters") as caught:
            locate(tmp_path)
        assert repr(label) in str(caught.value)

    def test_a_photos_name_that_cannot_be_written_is_refused(self, root: Path, tmp_path: Path) -> None:
        """It would stand in lists and credits."""
        (root / "a" / "new\nline.jpg").write_bytes(b"x")
        with pytest.raises(DataError, match=r"file names with control characters .*'a/new\\nline.jpg'"):
            locate(tmp_path)

    @pytest.mark.parametrize("other", ["A", "B", "ﬁg FIG", "é e\u0301"])
    def test_classes_that_differ_only_in_case_are_refused(
        self, root: Path, tmp_path: Path, other: str
    ) -> None:
        """A Mac would mix them; so would one that writes accents apart."""
        for name in other.split():
            write_photos(root / name / "x", {}).mkdir(parents=True, exist_ok=True)
            (root / name / "0.jpg").write_bytes(b"x")
        with pytest.raises(DataError, match=r"class folders '.+' and '.+' differ only in case"):
            locate(tmp_path)

    def test_an_empty_class_is_refused_by_name(self, root: Path, tmp_path: Path) -> None:
        """All of them at once."""
        (root / "c").mkdir()
        (root / "d").mkdir()
        (root / "d" / "readme.md").write_text("x")
        with pytest.raises(DataError, match=r"photos: no photo in c, d \(.*add photos or remove the folder"):
            locate(tmp_path)

    @pytest.mark.parametrize(("classes", "says"), [({}, "no folders"), ({"one": 4}, "one folder, 'one'")])
    def test_fewer_than_two_classes_are_refused(
        self, tmp_path: Path, classes: dict[str, int], says: str
    ) -> None:
        """There is nothing to tell apart."""
        write_photos(tmp_path / "photos", classes).mkdir(exist_ok=True)
        with pytest.raises(DataError, match=f"photos: holds {says}: a classifier needs two classes"):
            locate(tmp_path)

    def test_no_folder_is_missing_data(self, tmp_path: Path) -> None:
        """Nor is a file one."""
        with pytest.raises(DataMissingError, match=r"photos: no such folder"):
            locate(tmp_path)
        (tmp_path / "photos").write_text("x")
        with pytest.raises(DataMissingError, match=r"photos: no such folder"):
            locate(tmp_path)

    def test_folders_within_classes_are_refused(self, root: Path, tmp_path: Path) -> None:
        """Of train/daisy/ and test/daisy/, "train" and "test" would become the classes."""
        write_photos(root / "a", {"deep": 2})
        with pytest.raises(
            DataError, match=r"photos in folders within class folders: a/deep: name the folder"
        ):
            locate(tmp_path)

    def test_a_folder_within_a_class_without_photos_does_not_matter(self, root: Path, tmp_path: Path) -> None:
        """Thumbnails' databases and the like."""
        (root / "a" / "meta").mkdir()
        (root / "a" / "meta" / "x.json").write_text("{}")
        assert len(everything(locate(tmp_path))) == 30

    @pytest.mark.parametrize("kind", ["file", "class", "nowhere", "circle"])
    def test_a_link_that_leads_out_is_refused_by_name(self, root: Path, tmp_path: Path, kind: str) -> None:
        """Its photo would go into the bundle."""
        outside = write_photos(tmp_path / "private", {"c": 3})
        link = root / ("c" if kind == "class" else "a/link.jpg")
        target = {"file": outside / "c/00.jpg", "class": outside / "c", "nowhere": root / "none.jpg"}
        link.symlink_to(target.get(kind, link))
        with pytest.raises(DataError, match=r"links that lead out of the folder: (c|a/link.jpg) ") as caught:
            locate(tmp_path)
        assert ("leads nowhere" in str(caught.value)) == (kind in ("nowhere", "circle"))

    @pytest.mark.parametrize("kind", ["pipe", "link to a device"])
    def test_a_pipe_named_as_a_photo_is_refused(self, root: Path, tmp_path: Path, kind: str) -> None:
        """Opening it would wait for ever."""
        os.mkfifo(root / ("a/x.jpg" if kind == "pipe" else "b/pipe"))
        if kind != "pipe":
            (root / "a" / "x.jpg").symlink_to(root / "b" / "pipe")
        with pytest.raises(DataError, match=r"named as photos: a/x.jpg: only regular files"):
            locate(tmp_path)

    def test_a_pipe_of_another_name_is_ignored(self, root: Path, tmp_path: Path) -> None:
        """Aloud, as every file that is no photo."""
        os.mkfifo(root / "a" / "pipe")
        assert "1 other files ignored: a/pipe" in locate(tmp_path).notes[0]

    def test_a_path_from_the_home_folder(
        self, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As a shell writes it, whatever the data folder."""
        monkeypatch.setenv("HOME", str(tmp_path))
        assert locate(tmp_path / "data", path="~/photos").root == root
        with pytest.raises(DataMissingError, match=r"~nobody-of-this-name/x: .*without '~'"):
            locate(tmp_path, path="~nobody-of-this-name/x")

    def test_a_link_inside_is_followed(self, root: Path, tmp_path: Path) -> None:
        """And so is one that leads to the folder itself."""
        (root / "b" / "link.jpg").symlink_to(root / "a" / "00.jpg")
        (tmp_path / "photos2").symlink_to(root)
        for path in ("photos", "photos2"):
            assert "b/link.jpg" in everything(locate(tmp_path, path=path))


class TestRatio:
    """The split by share and seed."""

    @pytest.mark.parametrize(("share", "expected"), [(0.1, (2, 1)), (0.5, (10, 5)), (0.01, (1, 1))])
    @pytest.mark.usefixtures("root")
    def test_every_class_gives_its_share(
        self, tmp_path: Path, share: float, expected: tuple[int, int]
    ) -> None:
        """And one at least."""
        counts = np.bincount(locate(tmp_path, test=share).class_indices("test"))
        assert tuple(counts) == expected

    @pytest.mark.usefixtures("root")
    def test_the_seed_decides(self, tmp_path: Path) -> None:
        """The same one the same, whatever order the disk gives."""
        first, again, other = (locate(tmp_path, split_seed=seed).names("test") for seed in (1, 1, 2))
        assert first == again != other

    def test_it_makes_75_15_10(self, tmp_path: Path) -> None:
        """Validation is a share of train."""
        write_photos(tmp_path / "photos", {"a": 60, "b": 40}, form="PNG")
        source = locate(tmp_path)
        assert source.count("test") == 10
        assert round(source.count("train") * source.validation_share) == 15

    def test_a_class_of_two_photos_is_refused(self, root: Path, tmp_path: Path) -> None:
        """Train, validation and test need one each; three are enough."""
        write_photos(root, {"c": 2})
        with pytest.raises(DataError, match=r"classes of fewer than 3 photos .*: 'c' has 2"):
            locate(tmp_path)
        (root / "c" / "02.jpg").write_bytes(encoded(photo(99), "JPEG"))
        source = locate(tmp_path, test=0.5)
        assert np.bincount(source.class_indices("train"))[2] == 2

    @pytest.mark.parametrize("share", [0.0, 0.51, 1.0, float("nan")])
    def test_a_share_out_of_range_is_refused(self, share: float) -> None:
        """More than half would be no train set."""
        with pytest.raises(RecipeError, match="test"):
            shelf.options("datasets", "image_folder", {"path": "x", "test": share})

    @pytest.mark.parametrize("size", [31, 1025, 224.5])
    def test_a_size_out_of_range_is_refused(self, size: float) -> None:
        """Bases of networks begin at 32."""
        with pytest.raises(RecipeError, match="size"):
            shelf.options("datasets", "image_folder", {"path": "x", "size": size})


def write_lists(data: Path, train: str, test: str) -> dict[str, str]:
    """Two lists, and the options that name them."""
    (data / "train.csv").write_text(train, "utf-8")
    (data / "test.csv").write_text(test, "utf-8")
    return {"train_list": "train.csv", "test_list": "test.csv"}


TRAIN_LIST, TEST_LIST = "b/01.jpg,b\na/00.jpg,a\n", "a/01.jpg,a\n"


class TestLists:
    """The split by given lists."""

    @pytest.mark.usefixtures("root")
    def test_lists_decide(self, tmp_path: Path) -> None:
        """What is on neither is left out, and said; a tenth of train validates."""
        source = locate(tmp_path, **write_lists(tmp_path, TRAIN_LIST, TEST_LIST))
        assert source.names("train") == ("a/00.jpg", "b/01.jpg")
        assert source.names("test") == ("a/01.jpg",)
        assert source.class_indices("train").tolist() == [0, 1]
        assert source.validation_share == 0.1
        (note,) = source.notes
        assert "27 photos stand on neither list" in note
        assert {file.name for file in source.source_files()} == {"a/", "b/", "train.csv", "test.csv"}

    def test_quotes_hold_commas_and_a_spreadsheets_mark_is_skipped(self, root: Path, tmp_path: Path) -> None:
        """RFC 4180."""
        (root / "b").rename(root / "b, wild")
        lists = write_lists(tmp_path, '\ufeff"b, wild/01.jpg","b, wild"\r\na/00.jpg,a\r\n\r\n', TEST_LIST)
        assert locate(tmp_path, **lists).names("train") == ("a/00.jpg", "b, wild/01.jpg")

    @pytest.mark.parametrize(
        ("train", "test", "says"),
        [
            (
                TRAIN_LIST + "a/77.jpg,a\n",
                TEST_LIST,
                r"train.csv: names 1 photos that are not in .*: a/77.jpg",
            ),
            (TRAIN_LIST + "a/02.jpg,c\n", TEST_LIST, r"train.csv:3: unknown class 'c', choose from: a, b"),
            (
                "path,label\n" + TRAIN_LIST,
                TEST_LIST,
                r"train.csv:1: 'path,label' looks like a heading, .*'label' is no class: .*take the line out",
            ),
            ("a/02.jpg,c\n", TEST_LIST, r"train.csv:1: unknown class 'c'"),
            (
                TRAIN_LIST,
                "b/02.jpg,a\n",
                r"test.csv:1: 'b/02.jpg' does not lie in the folder of its class 'a'",
            ),
            (TRAIN_LIST, "a/../b/02.jpg,a\n", r"test.csv: names 1 photos that are not in"),
            (TRAIN_LIST, "a/00.jpg,a\n", r"share 1 photos: a/00.jpg: what trained a model cannot test it"),
            (TRAIN_LIST * 2, TEST_LIST, r"train.csv:3: 'b/01.jpg' stands in line 1 already"),
            (TRAIN_LIST, "a/01.jpg\n", r"test.csv:1: 1 values, not 'relative path,class'"),
            (TRAIN_LIST, "", r"test.csv: names no photo of .*: the test set is empty"),
            ("a/00.jpg,a\n", TEST_LIST, r"train.csv: names no photo that is there of b"),
            ('"a/00.jpg,a\n', TEST_LIST, r"train.csv: not a CSV file"),
        ],
    )
    @pytest.mark.usefixtures("root")
    def test_lists_that_contradict_the_folder_are_refused(
        self, tmp_path: Path, train: str, test: str, says: str
    ) -> None:
        """With the line."""
        with pytest.raises(DataError, match=says):
            locate(tmp_path, **write_lists(tmp_path, train, test))

    @pytest.mark.usefixtures("root")
    def test_of_many_missing_photos_twenty_are_named(self, tmp_path: Path) -> None:
        """And the rest is counted."""
        missing = "".join(f"a/x{i:02}.jpg,a\n" for i in range(50))
        with pytest.raises(DataMissingError, match=r"names 50 .*a/x19.jpg and 30 more: add them") as caught:
            locate(tmp_path, **write_lists(tmp_path, TRAIN_LIST + missing, TEST_LIST))
        assert "x20" not in str(caught.value)

    @pytest.mark.usefixtures("root")
    def test_a_pipe_is_no_list(self, tmp_path: Path) -> None:
        """Nor is it waited for."""
        lists = write_lists(tmp_path, TRAIN_LIST, TEST_LIST)
        (tmp_path / "test.csv").unlink()
        os.mkfifo(tmp_path / "test.csv")
        with pytest.raises(DataError, match=r"test.csv: no regular file"):
            locate(tmp_path, **lists)

    @pytest.mark.usefixtures("root")
    def test_a_missing_list_is_named(self, tmp_path: Path) -> None:
        """With its path."""
        with pytest.raises(DataMissingError, match=r"none.csv: no such list"):
            locate(tmp_path, train_list="none.csv", test_list="none.csv")

    def test_one_list_alone_is_refused(self) -> None:
        """The other split would be everything else, or nothing."""
        with pytest.raises(RecipeError, match="train_list and test_list go together"):
            shelf.options("datasets", "image_folder", {"path": "x", "train_list": "x.csv"})


class TestRecords:
    """What the manifest says of the files."""

    def test_a_classs_hash_is_that_of_sha256sums_lines(self, root: Path, tmp_path: Path) -> None:
        """A user can check it by hand."""
        import hashlib

        lines = "".join(
            f"{hashlib.sha256((root / 'b' / f'{i:02}.jpg').read_bytes()).hexdigest()}  b/{i:02}.jpg\n"
            for i in range(10)
        )
        record = next(file for file in locate(tmp_path).source_files() if file.name == "b/")
        assert record.sha256 == hashlib.sha256(lines.encode()).hexdigest()
        assert record.bytes == sum(path.stat().st_size for path in (root / "b").iterdir())
        assert record.published is None

    def test_one_changed_byte_or_name_changes_it(self, root: Path, tmp_path: Path) -> None:
        """A build is made anew."""
        seen = [locate(tmp_path).source_files()]
        path = root / "a" / "00.jpg"
        path.write_bytes(path.read_bytes() + b"x")
        seen.append(locate(tmp_path).source_files())
        path.rename(root / "a" / "000.jpg")
        seen.append(locate(tmp_path).source_files())
        assert len({files[0].sha256 for files in seen}) == 3
        assert len({files[1].sha256 for files in seen}) == 1
