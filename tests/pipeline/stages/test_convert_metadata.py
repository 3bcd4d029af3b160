"""Every converted file tells what it is, and carries the dataset's labels."""

import hashlib
from pathlib import Path

import pytest

from converters.tflite import metadata
from converters.tflite.inspect import inspect
from pipeline import recipe
from pipeline.artifacts import (
    Artifact,
    ConvertedModels,
    OptimizedModel,
    PreparedData,
    TrainedModel,
    VerifiedModel,
)
from pipeline.stages import bundle, convert
from pipeline.target import load as load_target
from tests.conftest import SmokeBuild
from tests.pipeline.stages import prepared

DIGITS = tuple("0123456789")


@pytest.mark.slow
def test_every_file_is_described(smoke_build: SmokeBuild) -> None:
    """Name, labels, and pixels that go in unscaled; the record is of the file as it was written."""
    folder = smoke_build.stage("convert")
    made = ConvertedModels.model_validate_json((folder / "artifact.json").read_text("utf-8"))
    assert len(made.variants) > 1
    for variant in made.variants:
        content = (folder / variant.file).read_bytes()
        assert (variant.bytes, variant.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        inspection = inspect(folder / variant.file)
        model = metadata.read(inspection.metadata[metadata.ENTRY])
        assert model.name == "digits-smoke"
        assert "scikit-learn" in model.description
        assert (model.inputs[0].mean, model.inputs[0].std) == ((0.0,), (1.0,))
        assert [file.lines for file in inspection.packed.files] == [DIGITS]


def test_other_words_are_another_file() -> None:
    """What is written into the files stands in the stage's settings: a cached file never has old words."""
    digits, target = recipe.load("digits"), load_target("tflite")
    reworded = digits.model_copy(update={"description": "other words"})
    renamed = digits.model_copy(update={"name": "other"})
    signed = [digits.model_copy(update={key: "somebody"}) for key in ("author", "licence")]
    recipes = (digits, reworded, renamed, digits.smoke(), *signed)
    told = [convert.settings(each, target, None) for each in recipes]
    assert len({str(each["metadata"]) for each in told}) == len(told)


@pytest.mark.parametrize("key", ["description", "author", "licence"])
@pytest.mark.parametrize("text", ["two\nlines", "\x1b[2J", "x" * 1_001])
def test_words_that_metadata_cannot_take_are_refused_before_anything_runs(key: str, text: str) -> None:
    """Not after hours of training."""
    digits = recipe.load("digits").model_dump()
    with pytest.raises(ValueError, match=key):
        recipe.Recipe.model_validate({**digits, key: text})


SIGNED = {"author": "A. Gardener | Sons", "licence": "CC0-1.0"}


@pytest.mark.slow
@pytest.mark.tensorflow
def test_author_and_licence_reach_the_files_metadata(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """Word by word."""
    chosen = recipe.load("digits", overrides={"convert.schemes": '["float32"]'}).smoke()
    inputs = {
        "data": PreparedData.read(smoke_build.stage("data")),
        "optimize": OptimizedModel.read(smoke_build.stage("optimize")),
    }
    work = prepared.work(tmp_path / "convert", "convert", chosen.model_copy(update=SIGNED), **inputs)
    convert.run(work)
    inspection = inspect(work.folder / "float32.tflite")
    model = metadata.read(inspection.metadata[metadata.ENTRY])
    assert {"author": model.author, "licence": model.license} == SIGNED


@pytest.mark.slow
def test_author_and_licence_stand_in_the_model_card(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """Each in a row of its first table; a recipe without them has no such rows."""
    plain = (smoke_build.bundle / "MODEL_CARD.md").read_text("utf-8")
    assert "| author |" not in plain
    assert "| licence |" not in plain
    inputs: dict[str, Artifact] = {
        "data": PreparedData.read(smoke_build.stage("data")),
        "train": TrainedModel.read(smoke_build.stage("train")),
        "optimize": OptimizedModel.read(smoke_build.stage("optimize")),
        "convert": ConvertedModels.read(smoke_build.stage("convert")),
        "verify": VerifiedModel.read(smoke_build.stage("verify")),
    }
    chosen = recipe.load("digits").smoke().model_copy(update=SIGNED)
    work = prepared.work(tmp_path / "bundle", "bundle", chosen, **inputs)
    bundle.run(work)
    (card,) = work.folder.rglob("MODEL_CARD.md")
    lines = card.read_text("utf-8").splitlines()
    assert "| author | A. Gardener \\| Sons |" in lines
    assert "| licence | CC0-1.0 |" in lines
