"""``pipeline data`` on photos."""

from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import Pipeline
from tests.pipeline.datasets.mirror import Mirror, serve
from tests.pipeline.datasets.photo_files import write_photos
from tests.pipeline.datasets.test_flowers import tgz


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with photos of one's own; a test photo stands in train too."""
    root = write_photos(tmp_path / "photos", {"a": 5, "b, wild": 5})
    for number in range(1, 5):
        (root / "a" / f"{number:02}.jpg").write_bytes((root / "a" / "00.jpg").read_bytes())
    return tmp_path


OWN = ("--set", "path=photos", "--set", "size=32")


def test_check_tells_counts_duplicates_and_what_was_ignored(cli: Pipeline, data: Path) -> None:
    """As JSON, with the warning on stderr."""
    (data / "photos" / "notes.txt").write_text("x")
    answer = cli("data", "check", "image_folder", *OWN, "--data", data, "--json")
    assert answer.code == 0
    report = answer.json
    assert (report["name"], report["labels"]) == ("photos", ["a", "b, wild"])
    assert (report["train"]["per_class"], report["test"]["per_class"]) == ([4, 4], [1, 1])
    assert report["train"]["clause"] == "no published count to compare with"
    ((train, test),) = report["duplicates"]
    assert train.startswith("a/")
    assert test.startswith("a/")
    assert report["unreadable"] == []
    assert report["two_classes"] == []
    assert "1 other files ignored: notes.txt" in report["notes"][0]
    assert f"warning: 1 test images stand in train too (same pixels; {train} = {test})" in answer.err


def test_check_says_the_same_in_tables(cli: Pipeline, data: Path) -> None:
    """A class is one line."""
    answer = cli("data", "check", "image_folder", *OWN, "--data", data)
    assert answer.code == 0
    assert "photos train: 8 images, no published count to compare with" in answer.out
    assert any(line.split() == ["1", "b,", "wild", "4", "1"] for line in answer.out.splitlines())


def test_check_names_every_photo_that_cannot_be_decoded(cli: Pipeline, data: Path) -> None:
    """An error unless that many are allowed."""
    for number in (0, 3):
        (data / "photos" / "b, wild" / f"{number:02}.jpg").write_text("text")
    answer = cli("data", "check", "image_folder", *OWN, "--data", data)
    assert answer.code == 1
    assert "2 photos cannot be decoded" in answer.err
    assert "leave them out with --set unreadable=2 (now 0)" in answer.err
    assert "b, wild/00.jpg (" in answer.err
    assert "b, wild/03.jpg (" in answer.err
    allowed = cli("data", "check", "image_folder", *OWN, "--set", "unreadable=2", "--data", data, "--json")
    assert allowed.code == 0
    assert set(allowed.json["unreadable"]) == {"b, wild/00.jpg", "b, wild/03.jpg"}


def test_get_flowers_then_check_them(cli: Pipeline, tmp_path: Path) -> None:
    """From a mirror; without Google's lists the name says so."""
    labels = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
    root = write_photos(tmp_path / "made", dict.fromkeys(labels, 4))
    content = tgz({f"flower_photos/{p.relative_to(root)}": p.read_bytes() for p in root.rglob("*.jpg")})
    with serve(Mirror(content=content)) as mirror:
        source = ("--url", mirror.url, "--sha256", sha256(content).hexdigest())
        answer = cli("data", "get", "flowers", *source, "--data", tmp_path / "data")
    assert answer.code == 0, answer.err
    assert f"flowers is in {tmp_path / 'data'}" in answer.out
    checked = cli("data", "check", "flowers", "--set", "size=32", "--data", tmp_path / "data", "--json")
    assert checked.json["name"] == "flowers-ratio-seed1"
    assert [file["name"] for file in checked.json["files"]] == [f"{label}/" for label in labels]
