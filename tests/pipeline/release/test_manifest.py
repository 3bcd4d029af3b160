"""What a manifest may say of its golden cases, and what a reader makes of files that do not fit it."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.console import Console
from pipeline.errors import StepError
from pipeline.release import manifest as manifests
from pipeline.release.manifest import Manifest, read
from pipeline.release.raw import read_array
from pipeline.release.replay import check_images, read_strokes, replay
from tests.golden_bundles import FOLDER

DIGITS = FOLDER / "digits"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A bundle to spoil."""
    return Path(shutil.copytree(DIGITS, tmp_path / "digits"))


def edit(folder: Path, *path: str | int, value: Any) -> None:
    """Changes one value of the manifest."""
    file = folder / "manifest.json"
    document = json.loads(file.read_text("utf-8"))
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    file.write_text(json.dumps(document), "utf-8")


def case(kind: str) -> int:
    """Number of the first golden case of a kind."""
    return next(i for i, each in enumerate(read(DIGITS).golden.cases) if each.kind == kind)


@pytest.mark.parametrize(
    "folder", ["..", "../..", "a/../..", ".", ".a", "a..b", "a/b", "/etc", "", "a b", "ä", "a\n"]
)
def test_an_id_names_one_folder(copy: Path, folder: str) -> None:
    """Within ``golden/``, on every system."""
    edit(copy, "golden", "cases", 0, "id", value=folder)
    with pytest.raises(StepError, match=r"manifest\.json: golden\.cases"):
        read(copy)


def test_ids_are_told_apart(copy: Path) -> None:
    """Two cases in one folder overwrite each other."""
    edit(copy, "golden", "cases", 1, "id", value="image-000")
    with pytest.raises(StepError, match=r"golden\.cases: 'image-000' is there twice"):
        read(copy)


@pytest.mark.parametrize("key", ["top1", "label"])
def test_classes_are_among_the_labels(copy: Path, key: str) -> None:
    """They are counted from 0."""
    edit(copy, "golden", "cases", 2, key, value=9)
    assert read(copy).labels[9]
    edit(copy, "golden", "cases", 2, key, value=10)
    with pytest.raises(StepError, match="'image-002' names a class that is not among the 10 labels"):
        read(copy)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("picture", [28]),
        ("picture", [28, 28, 3, 1]),
        ("picture", [28, 0]),
        ("picture", [-28, -28]),
        ("picture", [28, 28, 2]),
        ("picture", [28, 28, 4]),
        ("strokes", [28, 28, 0]),
        ("image", [28, 29]),
        ("image", [28, 28, 1]),
    ],
)
def test_pixels_are_a_picture(copy: Path, kind: str, shape: list[int]) -> None:
    """Of one channel or three; an image has the input's shape."""
    edit(copy, "golden", "cases", case(kind), "pixels_shape", value=shape)
    with pytest.raises(StepError, match=r"manifest\.json: golden\.cases"):
        read(copy)


def test_the_model_has_one_name(copy: Path) -> None:
    """Which apps know."""
    edit(copy, "model", "file", value="labels.txt")
    with pytest.raises(StepError, match=r"manifest\.json: model\.file: Input should be 'model\.tflite'"):
        read(copy)


@pytest.mark.parametrize(
    ("door", "change", "says"),
    [
        ("input", {"dtype": "picture"}, "model.input.dtype: 'picture', choose from: float32, uint8, int8"),
        ("output", {"dtype": "int16"}, "model.output.dtype: 'int16'"),
        ("input", {"dtype": "float32"}, "model.input: float32 has neither scale nor zero_point"),
        ("input", {"scale": None}, "model.input: uint8 needs scale and zero_point"),
        ("output", {"zero_point": None}, "model.output: uint8 needs scale and zero_point"),
        ("output", {"zero_point": 256}, "model.output.zero_point: 256 is no uint8"),
        ("input", {"zero_point": -1}, "model.input.zero_point: -1 is no uint8"),
    ],
)
def test_doors_are_those_that_apps_have(copy: Path, door: str, change: dict[str, Any], says: str) -> None:
    """By the same rules as the apps' readers."""
    for key, value in change.items():
        edit(copy, "model", door, key, value=value)
    with pytest.raises(StepError, match=re.escape(says)):
        read(copy)


def test_a_manifest_has_a_largest_size(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the apps' readers; one of that size is read."""
    assert manifests.LARGEST == 16 * 1024 * 1024
    size = (copy / "manifest.json").stat().st_size
    monkeypatch.setattr(manifests, "LARGEST", size)
    read(copy)
    monkeypatch.setattr(manifests, "LARGEST", size - 1)
    with pytest.raises(StepError, match=rf"manifest\.json: larger than {size - 1:,} bytes"):
        read(copy)


@pytest.mark.parametrize("name", ["pixels.u8", "image.u8", "tensor.bin"])
def test_a_file_that_does_not_fit_is_named(copy: Path, name: str) -> None:
    """Too short, and not there."""
    file = copy / "golden" / "picture-000" / name
    file.write_bytes(file.read_bytes()[:-1])
    manifest = read(copy)
    with pytest.raises(StepError, match=rf"{name}: [\d,]+ bytes, not "):
        check_images(copy, manifest)
    file.unlink()
    with pytest.raises(StepError, match=f"{name}: No such file"):
        check_images(copy, manifest)


def test_an_output_that_does_not_fit_is_named(copy: Path) -> None:
    """Before a runtime is started."""
    (copy / "golden" / "image-003" / "output.bin").write_bytes(bytes(11))
    with pytest.raises(StepError, match=r"image-003/output\.bin: 11 bytes, not 10: uint8 \[10\]"):
        next(replay(copy, read(copy), Console(quiet=True)))


def test_a_shape_that_no_machine_counts(copy: Path) -> None:
    """2^64 pixels are not 0."""
    edit(copy, "golden", "cases", case("picture"), "pixels_shape", value=[1 << 32, 1 << 32])
    manifest: Manifest = read(copy)
    with pytest.raises(StepError, match="bytes, not 18,446,744,073,709,551,616: uint8"):
        check_images(copy, manifest)


def test_a_raw_array_of_a_wider_type(tmp_path: Path) -> None:
    """Is little-endian on every machine."""
    (tmp_path / "a").write_bytes(bytes([1, 0, 0, 0, 0, 1, 0, 0]))
    assert read_array(tmp_path / "a", "uint32", (2,)).tolist() == [1, 256]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[[1]]",
        '[["ab"]]',
        "[[[1, 2, 3]]]",
        "[[[1, null]]]",
        "[[[1, 1" + "0" * 400 + "]]]",
        "7",
        "[" * 99_999,
    ],
)
def test_strokes_that_are_none(tmp_path: Path, text: str) -> None:
    """One sentence, that names the file."""
    file = tmp_path / "strokes.json"
    file.write_text(text, "utf-8")
    with pytest.raises(StepError, match=f"{file}: not a list of lists of"):
        read_strokes(file)
