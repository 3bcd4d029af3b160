"""Every converted file tells what it is, and carries the dataset's labels."""

import hashlib

import pytest

from converters.tflite import metadata
from converters.tflite.inspect import inspect
from pipeline import recipe
from pipeline.artifacts import ConvertedModels
from pipeline.stages import convert
from pipeline.target import load as load_target
from tests.conftest import SmokeBuild

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
    told = [convert.settings(each, target, None) for each in (digits, reworded, renamed, digits.smoke())]
    assert len({str(each["metadata"]) for each in told}) == len(told)


@pytest.mark.parametrize("text", ["two\nlines", "\x1b[2J", "x" * 1_001])
def test_a_description_that_metadata_cannot_take_is_refused_before_anything_runs(text: str) -> None:
    """Not after hours of training."""
    digits = recipe.load("digits").model_dump()
    with pytest.raises(ValueError, match="description"):
        recipe.Recipe.model_validate({**digits, "description": text})
