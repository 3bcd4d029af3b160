"""tf_flowers: Google's split, a split by seed, credits, and the download."""

import io
import shutil
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from pipeline import shelf
from pipeline.console import Console
from pipeline.datasets import Source, flowers
from pipeline.datasets._download import CHUNK_BYTES
from pipeline.datasets._unpacking import unpack
from pipeline.datasets.flowers import CLASSES
from pipeline.errors import DataError, DataMissingError
from tests.pipeline.datasets.mirror import Mirror, serve
from tests.pipeline.datasets.photo_files import write_photos

PHOTOS = 8
"""Of each class."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the five classes, without lists."""
    write_photos(tmp_path / "flower_photos", dict.fromkeys(CLASSES, PHOTOS))
    return tmp_path


@pytest.fixture
def listed(data: Path) -> Path:
    """The same with lists: six photos train and two test in each class, and one of each is not there."""
    (data / "flower_splits").mkdir()
    for name, numbers in (("train_set", (0, 1, 2, 3, 4, 5, 90)), ("eval_set", (6, 7, 91))):
        lines = [f"{label}/{number:02}.jpg,{label}\n" for label in CLASSES for number in numbers]
        (data / "flower_splits" / f"{name}.csv").write_text("".join(lines))
    return data


def locate(data: Path | None, **options: Any) -> Source:
    """The set with these options."""
    checked = shelf.options("datasets", "flowers", options)
    assert isinstance(checked, flowers.Options)
    return flowers.locate(checked, data)


@pytest.mark.parametrize("split", ["auto", "published"])
def test_googles_lists_are_taken_where_they_are(listed: Path, split: str) -> None:
    """What they name and is not there is counted, and the published counts are told."""
    source = locate(listed, split=split)
    assert source.name == "flowers"
    assert (source.count("train"), source.count("test")) == (30, 10)
    assert source.published == {"train": 3_300, "test": 370}
    assert source.validation_share == 0.1
    train, test = source.notes
    assert "train_set.csv: names 5 photos that are not in" in train
    assert "eval_set.csv: names 5 photos that are not in" in test


def test_without_lists_the_split_is_made_by_seed(data: Path) -> None:
    """And never called by the published one's name."""
    source = locate(data)
    assert source.name == "flowers-ratio-seed1"
    assert source.published == {}
    assert np.bincount(source.class_indices("test")).tolist() == [1] * 5
    assert source.validation_share == pytest.approx(0.15 / 0.9)
    assert locate(data, split_seed=2).names("test") != source.names("test")


def test_the_split_by_seed_can_be_asked_for(listed: Path) -> None:
    """Lists or not."""
    source = locate(listed, split="ratio")
    assert source.count("train") + source.count("test") == 5 * PHOTOS


def test_a_missing_list_is_an_error_where_it_was_asked_for(listed: Path) -> None:
    """Otherwise the split is made by seed."""
    (listed / "flower_splits" / "eval_set.csv").unlink()
    with pytest.raises(DataMissingError, match=r"missing .*eval_set.csv: Google's lists .* \"ratio\""):
        locate(listed, split="published")
    assert locate(listed).name == "flowers-ratio-seed1"


def test_a_class_that_the_lists_leave_empty_is_an_error(listed: Path) -> None:
    """Whatever else may be missing."""
    for number in range(6):
        (listed / "flower_photos" / "roses" / f"{number:02}.jpg").unlink()
    with pytest.raises(DataError, match=r"train_set.csv: names no photo that is there of roses"):
        locate(listed)


def test_other_classes_are_not_tf_flowers(data: Path) -> None:
    """The way out is named."""
    (data / "flower_photos" / "roses").rename(data / "flower_photos" / "rosen")
    with pytest.raises(DataError, match=r"holds daisy, dandelion, rosen, .*'image_folder'"):
        locate(data)


@pytest.mark.parametrize("left", ["folder", "empty", "none"])
def test_a_set_unpacked_in_part_says_how_to_complete_it(data: Path, left: str) -> None:
    """And does not ask whether it is another set."""
    shutil.rmtree(data / "flower_photos" / "tulips")
    if left == "empty":
        (data / "flower_photos" / "tulips").mkdir()
    if left == "none":
        for label in CLASSES[1:4]:
            shutil.rmtree(data / "flower_photos" / label)
    with pytest.raises(
        DataError, match=r"no photos of .*tulips: it may .* in part; .*`pipeline data get flowers --data"
    ) as caught:
        locate(data)
    assert "image_folder" not in str(caught.value)


def test_a_split_by_seed_notes_what_is_lacking(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no list to compare with."""
    (note,) = locate(data).notes
    assert "flower_photos: 40 photos, the published set has 3,670; `pipeline data get flowers" in note
    monkeypatch.setattr(flowers, "PUBLISHED", {"train": 30, "test": 10})
    assert locate(data).notes == ()


def test_missing_photos_say_how_to_get_them(tmp_path: Path) -> None:
    """With and without a data folder."""
    with pytest.raises(DataMissingError, match=r"flower_photos: no such folder; .*data get flowers --data"):
        locate(tmp_path)
    with pytest.raises(DataMissingError, match=r"name it with --data or PIPELINE_DATA"):
        locate(None)


@pytest.mark.parametrize(
    ("name", "number"),
    [("roses/15922772266_1167a06620.jpg", "15922772266"), ("daisy/5547758_eea9edfd54_n.jpg", "5547758")],
)
def test_credits_name_flickrs_photo(data: Path, name: str, number: str) -> None:
    """CC-BY asks for it."""
    assert locate(data).credit(name) == f"Flickr photo {number}, CC-BY 2.0"


def test_the_size_goes_into_the_contract(data: Path) -> None:
    """Square, in colour."""
    assert locate(data, size=96).preprocess.shape == (96, 96, 3)


def test_the_real_set(data_folder: Path) -> None:
    """The published split, with what is here of it; figures of the copy of 3,483 photos."""
    source = locate(data_folder)
    if source.count("train") + source.count("test") != 3_483:
        pytest.skip(f"another copy of tf_flowers: {source.count('train')} + {source.count('test')} photos")
    assert (source.count("train"), source.count("test")) == (3_127, 356)
    assert (np.bincount(source.class_indices("test")) > 50).all()
    assert any("names 173 photos" in note for note in source.notes)


def tgz(members: dict[str, bytes], *links: tarfile.TarInfo) -> bytes:
    """An archive as the publisher's: a folder entry, photos, LICENSE.txt."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        folder = tarfile.TarInfo("flower_photos")
        folder.type = tarfile.DIRTYPE
        packed.addfile(folder)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
        for link in links:
            packed.addfile(link)
    return buffer.getvalue()


@pytest.fixture
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Name in the archive to content."""
    root = write_photos(tmp_path_factory.mktemp("made") / "flower_photos", dict.fromkeys(CLASSES, 3))
    photos = {f"flower_photos/{p.relative_to(root).as_posix()}": p.read_bytes() for p in root.rglob("*.jpg")}
    # What cannot be packed makes the download long enough to be cut.
    noise = np.random.default_rng(1).bytes(10 * CHUNK_BYTES)
    return {"flower_photos/LICENSE.txt": noise, **photos}


@pytest.fixture
def mirror(members: dict[str, bytes]) -> Iterator[Mirror]:
    """A server that gives a small archive."""
    with serve(Mirror(content=tgz(members))) as running:
        yield running


def fetch(mirror: Mirror, data: Path) -> None:
    """Fetches the set from the mirror."""
    flowers.fetch(
        flowers.Options(), data, Console(), url=mirror.url, sha256=sha256(mirror.content).hexdigest()
    )


def test_fetching_unpacks_what_can_be_read(mirror: Mirror, members: dict[str, bytes], tmp_path: Path) -> None:
    """Into a data folder that is made, over a connection that breaks; the licence too."""
    mirror.cut_after = [5 * CHUNK_BYTES]
    data = tmp_path / "data"
    fetch(mirror, data)
    assert mirror.starts[0] == 0
    assert mirror.starts[1] > 0
    assert {p.relative_to(data).as_posix(): p.read_bytes() for p in data.rglob("*.*") if p.suffix != ".tgz"
            and not p.name.endswith(".lock")} == members  # fmt: skip
    source = locate(data)
    assert source.count("train") + source.count("test") == 15
    assert "1 other files ignored: LICENSE.txt" in source.notes[0]


def test_fetching_again_mends_without_downloading(
    mirror: Mirror, members: dict[str, bytes], tmp_path: Path
) -> None:
    """The archive is kept."""
    fetch(mirror, tmp_path)
    name = "flower_photos/roses/00.jpg"
    (tmp_path / name).write_bytes(b"cut")
    fetch(mirror, tmp_path)
    assert (tmp_path / name).read_bytes() == members[name]
    assert mirror.starts == [0]


def test_unpacking_that_is_cut_leaves_no_folder(
    mirror: Mirror, members: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks complete is; the next call begins anew."""
    calls = iter(range(100))

    def cut(source: IO[bytes], target: Path) -> None:
        if next(calls) == 9:
            raise KeyboardInterrupt
        unpack(source, target)

    monkeypatch.setattr(flowers, "unpack", cut)
    with pytest.raises(KeyboardInterrupt):
        fetch(mirror, tmp_path)
    assert not (tmp_path / "flower_photos").exists()
    with pytest.raises(DataMissingError, match="no such folder"):
        locate(tmp_path)
    fetch(mirror, tmp_path)
    found = {
        p.relative_to(tmp_path).as_posix() for p in (tmp_path / "flower_photos").rglob("*") if p.is_file()
    }
    assert found == set(members)
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name] == []


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    """A link in an archive."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "hostile",
    [
        "flower_photos/../../evil.jpg",
        "/evil.jpg",
        "other/x.jpg",
        link("flower_photos/roses/x.jpg", "/etc/passwd", tarfile.SYMTYPE),
        link("flower_photos/roses/x.jpg", "flower_photos/LICENSE.txt", tarfile.LNKTYPE),
        link("flower_photos/pipe", "", tarfile.FIFOTYPE),
    ],
)
def test_an_archive_that_would_write_elsewhere_is_refused_whole(
    mirror: Mirror, members: dict[str, bytes], tmp_path: Path, hostile: str | tarfile.TarInfo
) -> None:
    """A mirror's own archive: nothing of it is unpacked."""
    if isinstance(hostile, str):
        mirror.content = tgz({**members, hostile: b"x"})
    else:
        mirror.content = tgz(members, hostile)
    with pytest.raises(DataError, match=r"flower_photos.tgz: holds '.*', which is no file inside"):
        fetch(mirror, tmp_path / "data")
    assert not (tmp_path / "data" / "flower_photos").exists()
    assert not (tmp_path / "evil.jpg").exists()


@pytest.mark.parametrize("damage", ["no tgz", "cut"])
def test_an_archive_that_is_damaged_is_refused_with_the_remedy(
    mirror: Mirror, tmp_path: Path, damage: str
) -> None:
    """A mirror's own file with a mirror's own hash."""
    mirror.content = b"no tgz" if damage == "no tgz" else mirror.content[: len(mirror.content) // 2]
    with pytest.raises(
        DataError, match=r"flower_photos.tgz: not a whole tgz file .*; remove it and fetch again"
    ):
        fetch(mirror, tmp_path)


def test_the_publishers_address_is_the_default(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """And whether it answers is asked there."""
    assert flowers.ARCHIVE_URL.endswith("/example_images/flower_photos.tgz")
    assert flowers.ARCHIVE_SHA256.startswith("4c54ace7")
    assert len(bytes.fromhex(flowers.ARCHIVE_SHA256)) == 32
    monkeypatch.setattr(flowers, "ARCHIVE_URL", mirror.url)
    assert flowers.fetchable(flowers.Options()) is True
