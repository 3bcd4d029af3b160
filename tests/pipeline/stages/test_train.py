"""The train stage: early stopping, the best epoch, checkpoints, and the same weights after a resume."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline import recipe, target
from pipeline.artifacts import EpochRecord, PreparedData, TrainedModel
from pipeline.console import Console
from pipeline.sections import TrainSection
from pipeline.stages import STAGES, Work, fitting, train
from tests.conftest import SmokeBuild

EPOCHS = 3


def history(*accuracies: float) -> list[EpochRecord]:
    """Epochs with these validation accuracies."""
    return [
        EpochRecord(epoch=i, loss=0, accuracy=0, validation_loss=0, validation_accuracy=accuracy)
        for i, accuracy in enumerate(accuracies, start=1)
    ]


@pytest.mark.parametrize(
    ("accuracies", "best"), [((0.5,), 1), ((0.5, 0.7, 0.6), 2), ((0.5, 0.7, 0.7), 2), ((0.9, 0.1), 1)]
)
def test_the_best_epoch_is_the_first_of_the_most_accurate(accuracies: tuple[float, ...], best: int) -> None:
    """On validation."""
    assert fitting.best_epoch(history(*accuracies)) == best


@pytest.mark.parametrize(
    ("accuracies", "patience", "stops"),
    [
        ((), 2, False),
        ((0.5, 0.6, 0.6), 2, False),
        ((0.5, 0.6, 0.6, 0.59), 2, True),
        ((0.5, 0.4, 0.3, 0.6), 3, False),
        ((0.9, 0.1, 0.1, 0.1), 0, False),
    ],
)
def test_training_stops_after_so_many_epochs_without_gain(
    accuracies: tuple[float, ...], patience: int, stops: bool
) -> None:
    """Patience 0 never stops."""
    assert fitting.stops_early(history(*accuracies), patience) is stops


def work(smoke_build: SmokeBuild, folder: Path, **changes: Any) -> Work:
    """The train stage of digits, with dropout, for a few epochs."""
    folder.mkdir(parents=True)
    digits = recipe.load("digits").smoke()
    section = TrainSection(**{**digits.train.model_dump(), "epochs": EPOCHS, **changes})
    return Work(
        stage=next(stage for stage in STAGES if stage.name == "train"),
        key="0",
        recipe=digits.model_copy(update={"train": section}),
        target=target.load("tflite"),
        data=None,
        folder=folder,
        run=folder.parent,
        console=Console(),
        inputs={"data": PreparedData.read(smoke_build.stage("data"))},
        made_by={},
    )


def run(task: Work) -> TrainedModel:
    """Runs the stage."""
    trained = train.run(task)
    assert isinstance(trained, TrainedModel)
    return trained


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_resumed_training_ends_with_the_same_weights(
    smoke_build: SmokeBuild, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After each epoch, dropout and Adam's moments included; and a damaged checkpoint is passed over."""
    whole = run(work(smoke_build, tmp_path / "a" / "whole"))
    for stop in range(1, EPOCHS):
        folder = tmp_path / str(stop)
        run(work(smoke_build, folder / "first", epochs=stop))
        resumed = work(smoke_build, folder / "second")
        shutil.copytree(folder / "first" / "scratch", resumed.scratch, dirs_exist_ok=True)
        capsys.readouterr()
        assert run(resumed).files == whole.files
        assert f"going on after epoch {stop}" in capsys.readouterr().err

    damaged = work(smoke_build, tmp_path / "damaged" / "train")
    shutil.copytree(tmp_path / "2" / "first" / "scratch", damaged.scratch, dirs_exist_ok=True)
    (damaged.scratch / "epoch-2" / "history.json").write_text("")
    assert run(damaged).files == whole.files
    assert "epoch-2: not a readable checkpoint" in capsys.readouterr().err


@pytest.mark.tensorflow
def test_it_keeps_the_last_and_the_best_epoch_and_writes_curves(
    smoke_build: SmokeBuild, tmp_path: Path
) -> None:
    """What TensorBoard reads lies in the run folder."""
    task = work(smoke_build, tmp_path / "run" / "train", schedule="cosine", optimizer="sgd")
    trained = run(task)
    kept = {path.name for path in task.scratch.iterdir()}
    assert kept == {f"epoch-{EPOCHS}", f"epoch-{trained.best_epoch}"}
    assert trained.best_epoch == fitting.best_epoch(list(trained.history))
    assert [record.epoch for record in trained.history] == [1, 2, 3]
    assert trained.pixel_scaling == (1 / 255, 0.0)
    assert list((tmp_path / "run" / fitting.LOGS / "0").glob("events.*"))


@pytest.mark.tensorflow
def test_it_stops_early(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """A rate that learns nothing is cut off after `patience` epochs without gain."""
    trained = run(
        work(
            smoke_build,
            tmp_path / "run" / "train",
            epochs=30,
            patience=1,
            learning_rate=1e-12,
            optimizer="sgd",
        )
    )
    assert len(trained.history) == 2
    assert trained.best_epoch == 1
