"""Verify and bundle on photos: decoders measured and kept, pictures with credits, goldens from real files."""

import dataclasses
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from pipeline import preprocess, recipe
from pipeline.artifacts import (
    Artifact,
    Bundle,
    ConvertedModels,
    OptimizedModel,
    PreparedData,
    SourceFile,
    TrainedModel,
    VerifiedModel,
)
from pipeline.console import Console
from pipeline.errors import DataError
from pipeline.parity import decoders
from pipeline.parity.decoders import Decoded
from pipeline.release import bundle as release
from pipeline.release import examples
from pipeline.release.manifest import Manifest, schema
from pipeline.stages import Work, bundle, decoding, picturing, verify
from pipeline.stages.data import test_part as opened
from tests.conftest import SmokeBuild
from tests.pipeline.stages import photographed, prepared
from tests.pipeline.stages.photographed import ROWS, TIFFS, Album

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

MEASURED = ROWS["test"] - TIFFS


@dataclass(frozen=True)
class Built:
    """A verified album."""

    work: Work
    album: Album
    data: PreparedData
    verified: VerifiedModel

    def inputs(self, smoke_build: SmokeBuild) -> dict[str, Artifact]:
        """Of the bundle stage."""
        return {
            "data": self.data,
            "train": TrainedModel.read(smoke_build.stage("train")),
            "optimize": OptimizedModel.read(smoke_build.stage("optimize")),
            "convert": ConvertedModels.read(smoke_build.stage("convert")),
            # Two dozen digits are too few for a gate to hold by more than luck.
            "verify": self.verified.model_copy(update={"passed": True}).placed(self.verified.folder),
        }


@pytest.fixture(scope="module")
def built(smoke_build: SmokeBuild, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Verified on two runtimes, its dataset standing in for the recipe's."""
    folder = tmp_path_factory.mktemp("photos")
    chosen = recipe.load("digits", overrides={"verify.runtimes": '["keras", "litert", "tflite_reference"]'})
    data, album = photographed.album(smoke_build, folder, chosen.smoke())
    converted = ConvertedModels.read(smoke_build.stage("convert"))
    work = prepared.work(folder / "verify", "verify", chosen.smoke(), data=data, convert=converted)
    work = dataclasses.replace(work, console=Console(quiet=True))
    with pytest.MonkeyPatch.context() as patch:
        for module in (decoding, picturing, bundle):
            patch.setattr(module, "source", lambda *_: album)
        verified = verify.run(work)
        assert isinstance(verified, VerifiedModel)
        yield Built(work, album, data, verified)


def test_every_decoder_is_measured_on_every_runtime(built: Built) -> None:
    """The reference gives the arrays' answers, the other one nearly."""
    found = {(cell.decoder, cell.runtime): cell for cell in built.verified.decoders}
    assert list(found) == [(d, r) for d in ("pillow", "tensorflow") for r in ("litert", "tflite_reference")]
    for (decoder, runtime), cell in found.items():
        whole = next(
            c for c in built.verified.cells if (c.scheme, c.runtime) == (built.verified.ship, runtime)
        )
        assert cell.drop_limit_points == recipe.SMOKE_MAX_DROP_POINTS
        assert cell.version == decoders.version(decoder)
        if decoder == "pillow":
            assert (cell.images, cell.undecodable, cell.max_difference_levels) == (ROWS["test"], 0, 0)
            assert (cell.agreement, cell.drop_points) == (1.0, 0.0)
            assert cell.accuracy == whole.accuracy
        else:
            assert (cell.images, cell.undecodable) == (MEASURED, TIFFS)
            assert all(name.endswith(".tiff") for name in cell.undecodable_files)
            assert cell.max_difference_levels is not None
            assert cell.max_difference_levels > 0
            assert cell.agreement is not None
            assert cell.agreement > 0.8


def test_decoder_cells_are_not_measured_again(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is lost is measured alone, and gives the same record."""
    cells = sorted((built.work.run / "cells").glob("*.json"))
    assert len(cells) == 2 * 5 + 1 + 4, "each file on each runtime, the reference, each decoder"
    outputs = {path.name: path.read_bytes() for path in cells}
    lost = next(path for path in cells if '"decoder":"tensorflow"' in path.read_text("utf-8"))
    lost.unlink()
    decoded: list[str] = []
    real = decoders.decode

    def watched(decoder: str, *arguments: Any, **options: Any) -> Decoded:
        decoded.append(decoder)
        return real(decoder, *arguments, **options)

    monkeypatch.setattr(decoders, "decode", watched)
    folder = built.work.run / "again"
    folder.mkdir()
    again = verify.run(dataclasses.replace(built.work, folder=folder))
    assert isinstance(again, VerifiedModel)
    assert again.placed(built.verified.folder) == built.verified, "pictures too: the same bytes"
    assert decoded == ["tensorflow"]
    assert {path.name: path.read_bytes() for path in cells} == outputs


def test_a_photo_that_was_changed_ends_the_stage(built: Built, tmp_path: Path) -> None:
    """The arrays would no longer be what the files show."""
    root = Path(shutil.copytree(built.album.root, tmp_path / "photos"))
    changed = sorted(root.rglob("test*.jpg"))[0]
    Image.new("RGB", (50, 50), "white").save(changed)
    part = opened(built.data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "source", lambda *_: Album(root))
        with pytest.raises(DataError, match=changed.name):
            decoding.measure(built.work, part, tmp_path, {"litert": np.zeros((len(part), 10))})


def test_the_pictures_credit_those_that_they_show(built: Built) -> None:
    """One line per file, in order; a file without a known credit has none."""
    folder = built.verified.folder / "pictures"
    assert {path.name for path in folder.iterdir()} == {
        "confusion.png", "mistakes.png", "least_sure.png", "CREDITS.txt",
    }  # fmt: skip
    lines = (folder / "CREDITS.txt").read_text("utf-8").splitlines()
    assert lines == sorted(set(lines))
    assert all(line.split(": ")[1] == f"Photo by {Path(line.split(': ')[0]).stem}" for line in lines)
    assert len(lines) == MEASURED, "two dozen photos: all of them are among the least sure"


def test_the_answers_are_kept(built: Built) -> None:
    """Those of the file that ships, on the runtime that is named."""
    outputs = np.load(built.verified.path("outputs.npy"))
    labels = np.load(built.data.path("test_labels.npy"))
    cell = next(c for c in built.verified.cells if (c.scheme, c.runtime) == (built.verified.ship, "litert"))
    assert built.verified.outputs_of == "litert"
    assert outputs.shape == (ROWS["test"], 10)
    assert cell.accuracy is not None
    assert (outputs.argmax(axis=1) == labels).mean() == pytest.approx(cell.accuracy.value)


@pytest.fixture(scope="module")
def packed(built: Built, smoke_build: SmokeBuild) -> tuple[Path, Manifest]:
    """The album's bundle."""
    work = prepared.work(built.work.run / "bundle", "bundle", built.work.recipe, **built.inputs(smoke_build))
    artifact = bundle.run(work)
    assert isinstance(artifact, Bundle)
    folder = work.folder / bundle.FOLDER
    manifest, replays = release.check(folder, Console(quiet=True))
    assert not [replay for replay in replays if replay.wrong]
    return folder, manifest


def test_goldens_start_from_real_photos(built: Built, packed: tuple[Path, Manifest]) -> None:
    """The encoded file is the dataset's without its metadata; its pixels are those of its case."""
    folder, manifest = packed
    name, file = manifest.golden.encoded
    case = next(case for case in manifest.golden.cases if case.id == name)
    assert case.kind == "picture"
    assert file == "golden/encoded.jpg"
    original = (built.album.root / case.file).read_bytes()
    assert photographed.PRIVATE in original
    assert photographed.PRIVATE not in (folder / file).read_bytes()
    pixels = np.fromfile(folder / "golden" / name / "pixels.u8", dtype=np.uint8).reshape(case.pixels_shape)
    assert np.array_equal(preprocess.decode(folder / file), pixels)
    assert sum(case.kind == "picture" for case in manifest.golden.cases) == examples.PHOTO_CASES


def test_goldens_name_who_made_the_photos(packed: tuple[Path, Manifest]) -> None:
    """In the manifest's cases and beside them."""
    folder, manifest = packed
    lines = set((folder / "golden" / "CREDITS.txt").read_text("utf-8").splitlines())
    assert lines == {f"{case.file}: {case.credit}" for case in manifest.golden.cases}
    assert all(case.credit == f"Photo by {Path(case.file).stem}" for case in manifest.golden.cases)
    assert not any("test" in case.file for case in manifest.golden.cases), (
        "golden cases are validation photos"
    )


def test_the_manifest_and_the_card_tell_of_the_decoders(packed: tuple[Path, Manifest]) -> None:
    """With what they stand for, and what was left out."""
    folder, manifest = packed
    assert len(manifest.verification.decoders) == 4
    jsonschema.validate(manifest.model_dump(mode="json"), schema())
    card = (folder / "MODEL_CARD.md").read_text("utf-8")
    assert decoders.MEANING in card
    assert f"tensorflow cannot decode {TIFFS} of {ROWS['test']} photos" in card
    assert "(pictures/CREDITS.txt)" in card


def test_the_card_tells_where_the_data_is_weak(built: Built, smoke_build: SmokeBuild) -> None:
    """Duplicates, photos left out, and whose weights it began with."""
    inputs = built.inputs(smoke_build)
    pairs = tuple((f"0/a{i}.jpg", f"0/b{i}.jpg") for i in range(7))
    facts = built.data.facts.model_copy(
        update={
            "left_out": ("1/broken.jpg",),
            "duplicates": pairs,
            "duplicate_count": 1_207,
            "two_classes": (("2/x.jpg", "3/y.jpg"),),
            "two_classes_count": 1,
        }
    )
    weights = SourceFile(name="base.h5", sha256="c0ffee", bytes=1_234, published=True)
    trained = inputs["train"].model_copy(update={"pretrained": (weights,), "best_epoch": 0})
    inputs["data"] = built.data.model_copy(update={"facts": facts}).placed(built.data.folder)
    inputs["train"] = trained.placed(inputs["train"].folder)
    work = prepared.work(built.work.run / "weak", "bundle", built.work.recipe, **inputs)
    bundle.run(work)
    card = (work.folder / bundle.FOLDER / "MODEL_CARD.md").read_text("utf-8")
    data = card[card.index("## Data") : card.index("## Not measured")]
    assert "- pretrained weights `base.h5`, 1,234 bytes, sha256 `c0ffee`: the published file\n" in data
    assert "- left out, as they could not be decoded: 1: `1/broken.jpg`\n" in data
    assert "train and test, so that the test set is easier than new photos: 1,207: `0/a0.jpg` and " in data
    assert "`0/a4.jpg` and `0/b4.jpg`; and 1,202 more\n" in data
    assert "of which one is wrong: 1: `2/x.jpg` and `3/y.jpg`\n" in data
    assert "as the head's training left it (none of 2 epochs" in card


def test_without_small_photos_pictures_are_made(
    built: Built, smoke_build: SmokeBuild, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it is said."""
    monkeypatch.setattr(examples, "PHOTO_PIXELS", 1000)
    work = prepared.work(built.work.run / "large", "bundle", built.work.recipe, **built.inputs(smoke_build))
    bundle.run(work)
    golden = work.folder / bundle.FOLDER / "golden"
    assert (golden / "encoded.png").is_file()
    assert "none of 12 validation photos has at most" in capsys.readouterr().err
