"""The run folder's pictures: always those of the last build."""

from pathlib import Path

import pytest

from pipeline import recipe
from pipeline.artifacts import Artifact, EpochRecord, OptimizedModel, TrainedModel, VerifiedModel
from pipeline.pictures import curves
from pipeline.pictures.curves import Phase
from pipeline.stages import gallery
from tests.conftest import SmokeBuild

CHOSEN = recipe.load("digits").smoke()


@pytest.fixture
def artifacts(smoke_build: SmokeBuild) -> dict[str, Artifact]:
    """Of the smoke build, up to verify."""
    return {
        "train": TrainedModel.read(smoke_build.stage("train")),
        "optimize": OptimizedModel.read(smoke_build.stage("optimize")),
        "verify": VerifiedModel.read(smoke_build.stage("verify")),
    }


def test_they_are_those_of_the_bundle(
    smoke_build: SmokeBuild, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    """The same bytes."""
    folder = gallery.show(tmp_path, CHOSEN, artifacts)
    assert folder == tmp_path / "pictures"
    shipped = smoke_build.bundle / "pictures"
    assert {path.name: path.read_bytes() for path in folder.glob("*.png")} == {
        path.name: path.read_bytes() for path in shipped.glob("*.png")
    }


def test_an_unchanged_build_draws_nothing(
    artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another training does, and nothing of the former one is left."""
    drawn: list[str] = []
    monkeypatch.setattr(curves, "draw", lambda *_, title: drawn.append(title))
    gallery.show(tmp_path, CHOSEN, artifacts)
    gallery.show(tmp_path, CHOSEN, artifacts)
    assert len(drawn) == 1
    trained = artifacts["train"]
    assert isinstance(trained, TrainedModel)
    record = EpochRecord(epoch=9, loss=1, accuracy=0, validation_loss=1, validation_accuracy=0)
    other = trained.model_copy(update={"history": (*trained.history, record)})
    gallery.show(tmp_path, CHOSEN, {"train": other})
    assert len(drawn) == 2
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {gallery.STAMP}


def test_a_training_that_was_not_kept_has_no_kept_epoch(
    artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head's weights were better than any after them."""
    drawn: list[Phase] = []
    monkeypatch.setattr(curves, "draw", lambda phases, *_, **__: drawn.extend(phases))
    trained = artifacts["train"]
    assert isinstance(trained, TrainedModel)
    other = trained.model_copy(update={"head_history": trained.history, "best_epoch": 0})
    gallery.show(tmp_path, CHOSEN, {"train": other})
    assert [(phase.title, phase.best) for phase in drawn] == [
        ("frozen base", None), ("fine-tuning (not kept)", None),
    ]  # fmt: skip


def test_before_a_training_there_is_nothing_to_show(tmp_path: Path) -> None:
    """And no empty folder."""
    assert gallery.show(tmp_path, CHOSEN, {}) is None
    assert not list(tmp_path.iterdir())
