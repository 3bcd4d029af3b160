"""The bundle: what ships, and what notices that it is no longer what was verified."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from converters.tflite.inspect import inspect
from converters.tflite.versions import minimum_runtime
from pipeline.console import Console
from pipeline.datasets import digits
from pipeline.drawing import draw
from pipeline.errors import RuntimeFailure, StepError
from pipeline.parity.delegation import headline
from pipeline.preprocess import Pixels, decode, picture
from pipeline.release import bundle, described, schema
from pipeline.release import replay as replaying
from pipeline.release.examples import ENLARGE, on_paper
from pipeline.release.manifest import Manifest, read
from pipeline.release.replay import check_images
from tests.conftest import SmokeBuild, pipeline
from tests.golden_bundles import FOLDER

DIGITS = FOLDER / "digits"
QUIET = Console(quiet=True)


@pytest.fixture
def copy(smoke_build: SmokeBuild, tmp_path: Path) -> Path:
    """A bundle to spoil."""
    return Path(shutil.copytree(smoke_build.bundle, tmp_path / "bundle"))


@pytest.fixture
def manifest(smoke_build: SmokeBuild) -> Manifest:
    """The manifest of the smoke build."""
    return read(smoke_build.bundle)


def edit(folder: Path, *path: str | int, value: Any) -> None:
    """Changes one value of the manifest."""
    file = folder / "manifest.json"
    document = json.loads(file.read_text("utf-8"))
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    file.write_text(json.dumps(document), "utf-8")


def test_it_holds_what_the_design_lists(smoke_build: SmokeBuild) -> None:
    """Nothing of the program's own records is in it."""
    assert {path.name for path in smoke_build.bundle.iterdir()} == {
        "model.tflite",
        "labels.txt",
        "manifest.json",
        "MODEL_CARD.md",
        "golden",
        "pictures",
        "variants",
    }
    assert (smoke_build.bundle / "labels.txt").read_text() == "".join(f"{i}\n" for i in range(10))


def test_the_manifest_follows_the_published_schema(smoke_build: SmokeBuild) -> None:
    """By a validator that is not ours."""
    document = json.loads((smoke_build.bundle / "manifest.json").read_text("utf-8"))
    published = json.loads(schema.FILE.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(document, published)
    del document["labels"]
    with pytest.raises(jsonschema.ValidationError, match="labels"):
        jsonschema.validate(document, published)


def test_the_published_schema_is_up_to_date() -> None:
    """`make docs` rewrites it."""
    assert schema.FILE.read_text("utf-8") == schema.text()


def test_the_manifest_says_what_was_built(manifest: Manifest) -> None:
    """Stamped as a smoke build, traced back to the data."""
    assert manifest.profile == "smoke"
    assert set(manifest.lineage) == {"data", "train", "optimize", "convert", "verify"}
    assert manifest.model.scheme == "int8"
    assert manifest.model.input.scale == 1.0
    assert manifest.model.input.zero_point == 0
    assert manifest.dataset.sources[0].name == "digits.csv.gz"
    assert manifest.tools["tensorflow"]
    assert manifest.drawing == digits.DRAWING
    assert manifest.postprocess.activation == "none"
    assert len(manifest.verification.cells) == 20


def test_the_manifest_says_where_the_model_runs(manifest: Manifest, smoke_build: SmokeBuild) -> None:
    """The runtime computed anew beside the file's own claim, and how each delegate is opened."""
    model = manifest.model
    assert model.min_runtime == minimum_runtime(inspect(smoke_build.bundle / model.file)).text
    assert model.claimed_min_runtime == next(
        each.claimed_min_runtime for each in manifest.variants if each.scheme == model.scheme
    )
    assert model.delegates == model.delegate_plan.named == ("xnnpack",)
    assert model.delegate_plan.xnnpack is not None
    (kept,) = manifest.verification.delegation
    assert kept.ops == sum(manifest.variants[-2].ops.values())
    assert kept.delegated + len(kept.staying) == kept.ops


def test_every_scheme_is_diagnosed_and_none_has_an_error(manifest: Manifest) -> None:
    """TensorFlow's own wrong claims in int16x8 are worth knowing, no more."""
    found = manifest.verification.diagnostics
    assert {one.severity for one in found} <= {"warning", "info"}
    assert ("int16x8", "P002", "info") in {(one.scheme, one.code, one.severity) for one in found}


def test_the_model_card_says_where_it_runs(smoke_build: SmokeBuild, manifest: Manifest) -> None:
    """Minimum runtime, packages that carry it, delegates; nothing that is only worth knowing."""
    card = (smoke_build.bundle / "MODEL_CARD.md").read_text("utf-8")
    assert f"| minimum runtime | TensorFlow Lite {manifest.model.min_runtime}, by " in card
    assert "| tflite-runtime (" in card
    assert f"- {headline(manifest.verification.delegation[0])}\n" in card
    assert "  - stays: QUANTIZE #0: " in card
    assert "P002" not in card


def test_the_model_card_quotes_every_cell_and_the_clause(smoke_build: SmokeBuild, manifest: Manifest) -> None:
    """A person reads what was measured on which images."""
    card = (smoke_build.bundle / "MODEL_CARD.md").read_text("utf-8")
    assert manifest.dataset.clause in card
    assert "Do not ship it" in card
    for cell in manifest.verification.cells:
        assert f"| {cell.scheme} | {cell.runtime} " in card


def test_the_model_card_shows_the_pictures(smoke_build: SmokeBuild, manifest: Manifest) -> None:
    """All four, and the manifest lists them; digits have nobody to credit and no other decoder."""
    card = (smoke_build.bundle / "MODEL_CARD.md").read_text("utf-8")
    shown = {"learning_curves.png", "confusion.png", "mistakes.png", "least_sure.png"}
    assert {path.name for path in (smoke_build.bundle / "pictures").iterdir()} == shown
    for name in shown:
        assert f"](pictures/{name})" in card
        assert f"pictures/{name}" in manifest.files
        with Image.open(smoke_build.bundle / "pictures" / name) as picture:
            assert picture.format == "PNG"
    assert "CREDITS" not in card
    assert manifest.verification.decoders == ()
    assert "decoder" not in card


def test_a_whole_bundle_passes_on_every_runtime(smoke_build: SmokeBuild) -> None:
    """Golden vectors from pixels to output."""
    _, replays = bundle.check(smoke_build.bundle, QUIET)
    assert {replay.runtime for replay in replays} == {
        "litert",
        "tflite",
        "tflite_reference",
        "tflite_runtime",
    }
    assert any(not replay.absent for replay in replays)
    for replay in replays:
        assert not replay.wrong
        assert replay.absent or replay.cases == 21


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("model.tflite", lambda b: b[:-1] + bytes([b[-1] ^ 1]), "changed since"),
        ("labels.txt", lambda b: b.replace(b"0\n1\n", b"1\n0\n"), "changed since"),
        ("golden/image-000/output.bin", lambda b: bytes(len(b)), "changed since"),
        ("manifest.json", lambda b: b[: len(b) // 2], "manifest.json"),
        ("manifest.json", lambda _: b"", "manifest.json"),
    ],
)
def test_a_changed_file_is_noticed(copy: Path, name: str, spoil: Any, message: str) -> None:
    """Whichever it is."""
    (copy / name).write_bytes(spoil((copy / name).read_bytes()))
    with pytest.raises(StepError, match=message):
        bundle.check(copy, QUIET)


def test_a_missing_and_an_extra_file_are_noticed(copy: Path) -> None:
    """Both by name."""
    (copy / "extra").write_text("")
    with pytest.raises(StepError, match="extra: not in the manifest"):
        bundle.check(copy, QUIET)
    (copy / "extra").unlink()
    (copy / "labels.txt").unlink()
    with pytest.raises(StepError, match=r"labels\.txt: missing"):
        bundle.check(copy, QUIET)


def test_the_encoded_picture_is_there(copy: Path) -> None:
    """As the manifest names it, or nothing leads from a file to the pixels."""
    edit(copy, "golden", "encoded", 1, value="golden/encoded.webp")
    with pytest.raises(StepError, match=r"encoded\.webp: missing"):
        bundle.intact(copy)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    """With what a bundle is."""
    with pytest.raises(StepError, match=r"manifest\.json"):
        bundle.check(tmp_path, QUIET)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 2),
        (("model", "input", "scale"), float("nan")),
        (("model", "input", "scale"), 0.0),
        (("model", "input", "scale"), -1.0),
        (("model", "input", "shape"), [1, 32, 32]),
        (("model", "output", "shape"), [1, 11]),
        (("labels",), ["one"]),
        (("labels",), ["x"] * 100_001),
        (("preprocess", "height"), 10**9),
        (("preprocess", "scale"), float("inf")),
        (("golden", "cases"), []),
        (("model", "delegates"), ["gpu", "xnnpack"]),
        (("model", "delegate_plan", "xnnpack"), None),
        (("model", "delegate_plan", "xnnpack", "threads"), 10**6),
        (("golden", "output_tolerance"), -1),
        (("drawing", "pen"), 0.0),
        (("drawing", "side"), 10**6),
        (("postprocess", "activation"), "sigmoid"),
        (("surprise",), 1),
    ],
)
def test_a_hostile_manifest_is_refused(copy: Path, path: tuple[str, ...], value: Any) -> None:
    """Before anything is computed from its numbers."""
    edit(copy, *path, value=value)
    with pytest.raises(StepError, match=r"manifest\.json"):
        read(copy)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("preprocess", "fit"), 18),
        pytest.param(("preprocess", "invert"), False, marks=pytest.mark.slow),
        pytest.param(("preprocess", "ink_threshold"), 254, marks=pytest.mark.slow),
    ],
)
def test_golden_vectors_catch_a_wrong_contract(copy: Path, path: tuple[str, ...], value: Any) -> None:
    """Another resize, inversion or threshold fails cases."""
    edit(copy, *path, value=value)
    assert_fails_where_it_runs(copy)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("model", "input", "name"), "image", "model.input.name is image, model.tflite has serving_default"),
        (("model", "input", "scale"), 1.5, "model.input.scale is 1.5, model.tflite has 1.0"),
        (("model", "output", "scale"), 0.5, "model.output.scale is 0.5, model.tflite has 0.00390625"),
        (("model", "output", "zero_point"), 77, "model.output.zero_point is 77, model.tflite has 0"),
        (("postprocess", "activation"), "softmax", "postprocess.activation is softmax, model.tflite has no"),
        (("model", "min_runtime"), "1.0.0", "model.min_runtime is 1.0.0, model.tflite has 1.14.0"),
        (("model", "min_runtime"), "old", "model.min_runtime is 'old', model.tflite has 1.14.0"),
    ],
)  # fmt: skip
def test_a_contract_that_is_not_the_models_is_noticed(
    tmp_path: Path, path: tuple[str, ...], value: Any, says: str
) -> None:
    """What golden vectors cannot show: both sides are read by the same numbers."""
    copy = Path(shutil.copytree(DIGITS, tmp_path / "digits"))
    edit(copy, *path, value=value)
    with pytest.raises(StepError, match=re.escape(f"manifest.json: {says}")):
        bundle.check(copy, QUIET)


@pytest.mark.parametrize("release", ["1.14", "1.14.0", "2.17.0", "none", None])
def test_a_later_runtime_than_needed_is_no_fault(tmp_path: Path, release: str | None) -> None:
    """Nor is one that was not known to the program that made the bundle."""
    copy = Path(shutil.copytree(DIGITS, tmp_path / "digits"))
    edit(copy, "model", "min_runtime", value=release)
    described.hold(copy, read(copy))


def test_a_runtime_for_a_model_that_none_computes_right_is_noticed(tmp_path: Path) -> None:
    """Whatever release the manifest names."""
    copy = Path(shutil.copytree(DIGITS, tmp_path / "digits"))
    manifest = read(copy)
    needed = SimpleNamespace(release=None, never=("DEPTHWISE_CONV_2D 6",), text="none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(described, "minimum_runtime", lambda _: needed)
        with pytest.raises(StepError, match=r"model\.min_runtime is 1\.14\.0, model\.tflite has none"):
            described.hold(copy, manifest)


def assert_fails_where_it_runs(folder: Path) -> None:
    """On every runtime that is here, of which there is one at least."""
    _, replays = bundle.check(folder, QUIET)
    ran = [replay for replay in replays if not replay.absent]
    assert ran
    assert all(replay.wrong for replay in ran)


def test_golden_vectors_catch_another_pen(copy: Path) -> None:
    """The cases that begin with strokes, and no others; without a DrawingSpec they cannot be drawn at all."""
    drawn = ("strokes-000", "strokes-001", "strokes-002")
    edit(copy, "drawing", "pen", value=0.21)
    _, replays = bundle.check(copy, QUIET)
    assert any(not replay.absent for replay in replays)
    assert {replay.wrong for replay in replays} == {drawn}
    manifest = read(copy).model_copy(update={"drawing": None})
    assert check_images(copy, manifest)[1] == list(drawn)


def test_a_wrong_top1_is_noticed_on_every_runtime(tmp_path: Path) -> None:
    """It is the bundle's word on its own output: no tolerance covers it."""
    copy = Path(shutil.copytree(DIGITS, tmp_path / "digits"))
    top1 = read(copy).golden.cases[0].top1
    edit(copy, "golden", "cases", 0, "top1", value=(top1 + 1) % 10)
    _, replays = bundle.check(copy, QUIET)
    assert any(not replay.absent for replay in replays)
    assert {replay.wrong for replay in replays} == {("image-000",)}


def test_a_runtime_that_breaks_still_tells_wrong_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both the reason and the cases that were wrong before it ran."""
    copy = Path(shutil.copytree(DIGITS, tmp_path / "digits"))
    edit(copy, "drawing", "pen", value=0.3)

    def broken(*_: Any) -> None:
        raise RuntimeFailure("it broke")

    monkeypatch.setattr(replaying, "outputs", broken)
    _, replays = bundle.check(copy, QUIET)
    failed = [replay for replay in replays if not replay.absent]
    assert {replay.reason for replay in failed} == {"it broke"}
    assert all("strokes-000" in replay.wrong for replay in failed)


def test_a_case_of_strokes_leads_from_points_to_the_image(copy: Path, manifest: Manifest) -> None:
    """A text file that any language reads; nobody says what the scribble is."""
    case = next(case for case in manifest.golden.cases if case.kind == "strokes")
    folder = copy / "golden" / case.id
    strokes = json.loads((folder / "strokes.json").read_text("utf-8"))
    assert manifest.drawing is not None
    pixels = draw(strokes, manifest.drawing)
    assert pixels.shape == case.pixels_shape
    assert pixels.tobytes() == (folder / "pixels.u8").read_bytes()
    assert picture(pixels, manifest.preprocess).tobytes() == (folder / "image.u8").read_bytes()
    assert case.label is None


def test_a_bundle_from_before_drawing_is_read(copy: Path) -> None:
    """Without the two keys: photos alone, and nothing left to apply."""
    file = copy / "manifest.json"
    document = json.loads(file.read_text("utf-8"))
    del document["drawing"], document["postprocess"]
    cases = document["golden"]["cases"]
    document["golden"]["cases"] = [case for case in cases if case["kind"] != "strokes"]
    file.write_text(json.dumps(document), "utf-8")
    manifest = read(copy)
    assert manifest.drawing is None
    assert manifest.postprocess.activation == "none"


def test_golden_vectors_catch_another_model(copy: Path) -> None:
    """Even one whose hash the manifest was made to fit."""
    other = copy / "variants" / "int8.tflite"
    content = bytearray(other.read_bytes())
    # The largest constant is the first Dense kernel, 800x64 int8: somewhere in the middle of the file.
    middle = len(content) // 2
    content[middle : middle + 8192] = bytes(8192)
    for name in ("model.tflite", "variants/int8.tflite"):
        (copy / name).write_bytes(content)
    for name, record in bundle._records(copy).items():
        edit(copy, "files", name, value=record.model_dump())
    edit(copy, "model", "sha256", value=bundle._records(copy)["model.tflite"].sha256)
    assert_fails_where_it_runs(copy)


def test_the_command_line_fails_the_gate(copy: Path) -> None:
    """Exit code 3, every runtime's verdict in the table."""
    edit(copy, "preprocess", "fit", value=18)
    answer = pipeline("verify", copy)
    assert answer.code == 3
    assert "FAILED: picture-000" in answer.out


def test_a_bundle_with_a_known_fault_fails(copy: Path) -> None:
    """A floor that its ops do not keep: the golden vectors pass, the file does not."""
    edit(copy, "model", "runtime_floor", value="1.5.0")
    answer = pipeline("verify", copy, "--json")
    assert answer.code == 3
    assert answer.json["passed"] is False
    assert not any(replay["wrong"] for replay in answer.json["golden"])
    assert {one["code"] for one in answer.json["diagnostics"] if one["severity"] == "error"} == {"P004"}
    assert "pipeline explain P004" in answer.err


def test_the_encoded_picture_leads_to_the_label(smoke_build: SmokeBuild, manifest: Manifest) -> None:
    """From the PNG file to the stored image, and the model is right about it."""
    name, file = manifest.golden.encoded
    case = next(case for case in manifest.golden.cases if case.id == name)
    image = picture(decode(smoke_build.bundle / file), manifest.preprocess)
    stored = np.fromfile(smoke_build.bundle / "golden" / name / "image.u8", dtype=np.uint8)
    assert (image.ravel() == stored).all()
    assert case.top1 == case.label


@pytest.mark.parametrize("channels", ["gray", "rgb"])
def test_a_picture_on_paper_comes_back(manifest: Manifest, channels: str) -> None:
    """Enlarged, off centre and in colour, it still shows what it showed."""
    rng = np.random.default_rng(3)
    if channels == "gray":
        image: Pixels = np.zeros((28, 28), dtype=np.uint8)
        image[4:24, 10:18] = 255
        found = picture(on_paper(image, manifest.preprocess, rng), manifest.preprocess)
        assert (found > 127).tolist() == (image > 127).tolist()
    else:
        spec = manifest.preprocess.model_copy(
            update={"channels": "rgb", "crop": "center_square", "fit": None, "invert": False}
        )
        image = rng.integers(0, 256, (28, 28, 3), dtype=np.uint8)
        large = on_paper(image, spec, rng)
        assert large.shape[2] == 3
        assert min(large.shape[:2]) >= 28 * ENLARGE
