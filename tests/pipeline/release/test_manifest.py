"""What a manifest may say of its golden cases, and what a reader makes of files that do not fit it."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
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
    "folder", ["..", "../..", "a/../..", ".", ".a", "a..b", "a/b", "/etc", "", "a b", "ä", "a\n", "_x", "-x"]
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
        ("picture", [20_001, 1]),
        ("picture", [10**9, 10**9]),
        ("picture", [1 << 32, 1 << 32]),
        ("picture", [20_000, 5_001, 3]),
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


def test_the_largest_pixels_are_those_of_the_apps(copy: Path) -> None:
    """300 million bytes, and no memory is taken for them before the file has as many."""
    edit(copy, "golden", "cases", case("picture"), "pixels_shape", value=[20_000, 5_000, 3])
    manifest: Manifest = read(copy)
    with pytest.raises(StepError, match=r"bytes, not 300,000,000: uint8"):
        check_images(copy, manifest)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("golden", "encoded", 0), "picture-999", "golden.cases: 'picture-999' of golden.encoded is none of"),
        (("golden", "encoded", 0), "../../x", "golden.cases: '../../x' of golden.encoded is none of them"),
        (("golden", "encoded", 1), "../../x", "golden.encoded.1: "),
        (("golden", "encoded", 1), "/etc/passwd", "golden.encoded.1: "),
        (("golden", "encoded", 1), "golden//encoded.png", "golden.encoded.1: "),
        (("golden", "image_tolerance"), 256, "golden.image_tolerance: "),
        (("drawing",), None, "golden.cases: 'strokes-000' has strokes, but 'drawing' is not there"),
        (("model", "sha256"), "x", "model.sha256: "),
        (("model", "sha256"), "A" * 64, "model.sha256: "),
        (("model", "input", "shape"), [2, 28, 28], "model.input.shape: [2, 28, 28], not a batch of 1"),
        (("labels", 3), "", "labels: line 4 of the labels is empty"),
        (("labels", 3), "a\nb", "labels: line 4 of the labels holds "),
        (("labels", 3), "a\u0085b", "labels: line 4 of the labels holds "),
        (("labels", 3), "a\x00", "labels: line 4 of the labels holds "),
    ],
)  # fmt: skip
def test_what_the_apps_refuse_is_refused(
    copy: Path, path: tuple[str | int, ...], value: Any, says: str
) -> None:
    """No bundle passes here that their readers do not take."""
    edit(copy, *path, value=value)
    with pytest.raises(StepError, match=re.escape(f"manifest.json: {says}")):
        read(copy)


@pytest.mark.parametrize("door", ["input", "output"])
@pytest.mark.parametrize("scale", [1e-60, 2.0**-150, 2.0**128 - 2.0**103, 1e60])
def test_a_scale_is_one_in_float32(copy: Path, door: str, scale: float) -> None:
    """Apps compute with it as such: 0 and infinity are no steps."""
    with np.errstate(over="ignore"):
        assert np.float32(scale) in (0, np.inf)
    edit(copy, "model", door, "scale", value=scale)
    with pytest.raises(StepError, match=rf"manifest\.json: model\.{door}\.scale: "):
        read(copy)


@pytest.mark.parametrize("scale", [np.nextafter(2.0**-150, 1), np.nextafter(2.0**128 - 2.0**103, 0)])
def test_every_float32_is_a_scale(copy: Path, scale: float) -> None:
    """Down to the smallest and up to the largest, with what rounds to them."""
    assert 0 < np.float32(scale) < np.inf
    edit(copy, "model", "output", "scale", value=float(scale))
    assert read(copy).model.output.scale == scale


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('{"schema_version": 1,', '{"schema_version": 1, "schema_version": 1,', "schema_version"),
        ('"zero_point": 0', '"zero_point": 77, "zero_po\\u0069nt": 0', "zero_point"),
    ],
)
def test_a_key_stands_once(copy: Path, old: str, new: str, key: str) -> None:
    """However it is written: readers differ in which of two they take."""
    file = copy / "manifest.json"
    text = json.dumps(json.loads(file.read_text("utf-8")))
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(StepError, match=rf"manifest\.json: the key '{key}' stands twice in one object"):
        read(copy)


def test_two_characters_that_look_alike_are_two_keys(copy: Path) -> None:
    """Keys are compared by code point; a number in the recipe may be of any length."""
    edit(copy, "recipe", value={"\u00e9": 1, "e\u0301": 10**18})
    assert len(read(copy).recipe) == 2


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
