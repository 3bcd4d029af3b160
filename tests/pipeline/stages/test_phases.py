"""Training in two phases: what trains in each, features once or every time, the same weights after a kill."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.artifacts import SourceFile
from pipeline.console import Console, Task
from pipeline.sections import AugmentSection, HeadSection, TrainSection
from pipeline.stages import features, phases
from pipeline.stages.building import Built
from tests.pipeline.optimizations import tiny
from tests.pipeline.stages import based, prepared

pytestmark = pytest.mark.tensorflow

HEAD_EPOCHS, EPOCHS = 2, 2

ONE_STEP_OF_ADAM = 1e-4
"""Far above float32's noise, far below what a step of Adam at 0.001 does to every weight."""


FAST = 0.1
"""Rate of the second phase at which two epochs make the model better."""

RUINOUS = 10.0
"""Rate at which nothing is left of what was learnt."""


class Killed(Exception):  # noqa: N818 - no error
    """Stands for a kill."""


class Counting(Console):
    """Notes the titles of all tasks, and ends the run at one of them."""

    def __init__(self, kill_at: str = "") -> None:
        super().__init__()
        self.titles: list[str] = []
        self.warnings: list[str] = []
        self._kill_at = kill_at

    def warn(self, text: str) -> None:
        """As the console's."""
        self.warnings.append(text)

    @contextmanager
    def task(self, title: str, total: int, unit: str) -> Iterator[Task]:
        """As the console's."""
        if title == self._kill_at:
            raise Killed
        self.titles.append(title)
        with super().task(title, total, unit) as task:
            yield task


def section(augment: AugmentSection | None = None, **more: Any) -> TrainSection:
    """Two epochs of each phase."""
    head = HeadSection(epochs=HEAD_EPOCHS, batch=tiny.BATCH, augment=augment)
    return TrainSection(epochs=EPOCHS, batch=tiny.BATCH, patience=0, head=head, **more)


def run(folder: Path, how: TrainSection, console: Console | None = None) -> tuple[Built, phases.Trained]:
    """Trains a model in a folder that keeps its checkpoints."""
    data = prepared.data(folder / "data")
    built = based.built()
    training = phases.Training(
        built=built, data=data, section=how, seed=1, scratch=folder / "scratch", logs=folder / "logs" / "0"
    )
    return built, phases.train(training, console or Console())


def moved(built: Built, layer: str) -> bool:
    """Whether a layer's weights are other than at the start."""
    after = built.model.get_layer(layer).get_weights()
    before = based.built().model.get_layer(layer).get_weights()
    return any(np.abs(a - b).max() > ONE_STEP_OF_ADAM for a, b in zip(after, before, strict=True))


def test_the_head_is_trained_on_features_computed_once_and_then_the_top(tmp_path: Path) -> None:
    """What is frozen is the same to the last bit, the statistics of batch normalisation included."""
    console = Counting()
    built, trained = run(tmp_path, section(learning_rate=FAST), console)
    assert console.titles == [
        "head features, train",
        "head features, validation",
        "head epoch 1/2",
        "head epoch 2/2",
        "epoch 1/2",
        "epoch 2/2",
    ]
    assert [record.epoch for record in trained.head] == [1, 2]
    assert [record.epoch for record in trained.whole.history] == [1, 2]
    assert trained.whole.best_epoch > 0, "a test of what the head's training gave would find nothing"
    assert trained.whole.validation_accuracy > (trained.whole.start_accuracy or 0)
    assert moved(built, "top")
    assert moved(built, "predictions")
    start = based.built().model
    for name in ("low", "norm"):
        for before, after in zip(
            start.get_layer(name).get_weights(), run_weights(tmp_path, name), strict=True
        ):
            np.testing.assert_array_equal(before, after)


def run_weights(folder: Path, layer: str) -> Any:
    """Weights of a layer after a finished run is taken up again."""
    built, _ = run(folder, section(learning_rate=FAST))
    return built.model.get_layer(layer).get_weights()


@pytest.mark.parametrize("kept", [True, False])
def test_the_first_phase_trains_the_head_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """On features as on whole forward passes; the two differ in the random numbers of dropout alone."""
    augment = None if kept else AugmentSection(shift_pixels=1)
    console = Counting(kill_at="epoch 1/2")
    made, seen = based.built, []

    def noted() -> Built:
        seen.append(made())
        return seen[-1]

    monkeypatch.setattr(based, "built", noted)
    with pytest.raises(Killed):
        run(tmp_path, section(augment), console)
    monkeypatch.undo()
    (built,) = seen
    assert ("head features, train" in console.titles) is kept
    assert moved(built, "predictions")
    assert not any(moved(built, name) for name in ("low", "norm", "top"))


@pytest.mark.parametrize("moment", ["", "epoch 1/2", "epoch 2/2"])
def test_a_second_phase_that_makes_the_model_worse_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], moment: str
) -> None:
    """The model is the one that the head's training gave, in a run that was killed too."""
    how = section(learning_rate=RUINOUS, optimizer="sgd")
    if moment:
        with pytest.raises(Killed):
            run(tmp_path, how, Counting(kill_at=moment))
    built, trained = run(tmp_path, how)
    assert trained.whole.best_epoch == 0
    assert len(trained.whole.history) == EPOCHS
    assert trained.whole.validation_accuracy == trained.whole.start_accuracy
    assert max(each.validation_accuracy for each in trained.head) == pytest.approx(
        trained.whole.start_accuracy
    )
    start = based.built().model
    for name in ("low", "norm", "top"):
        for one, other in zip(
            start.get_layer(name).get_weights(), built.model.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, other)
    assert moved(built, "predictions")
    assert "no epoch was better on validation" in capsys.readouterr().err


def test_an_epoch_as_good_as_the_start_is_not_better(tmp_path: Path) -> None:
    """A rate that changes nothing."""
    _, trained = run(tmp_path, section(learning_rate=1e-12, optimizer="sgd"))
    assert trained.whole.best_epoch == 0


@pytest.mark.parametrize("title", ["", "teacher"])
def test_a_pretrained_base_without_a_head_section_is_warned_of(tmp_path: Path, title: str) -> None:
    """With the section to add; a base that starts from nothing is not."""
    data = prepared.data(tmp_path / "data")
    weights = SourceFile(name="base.h5", sha256="0" * 64, bytes=1)
    for files in ((), (weights,)):
        console = Counting()
        training = phases.Training(
            built=replace(based.built(), files=files), data=data, seed=1, title=title,
            section=TrainSection(epochs=1, batch=tiny.BATCH),
            scratch=tmp_path / f"scratch{len(files)}", logs=tmp_path / "logs" / "0",
        )  # fmt: skip
        phases.train(training, console)
        assert len(console.warnings) == len(files)
    (said,) = console.warnings
    assert said.endswith("add teacher_train.head" if title else "add a section [train.head]")


MOMENTS = ("head features, validation", "head epoch 2/2", "epoch 1/2", "epoch 2/2")


@pytest.mark.slow
@pytest.mark.parametrize("augment", [None, AugmentSection(flip=True), AugmentSection(shift_pixels=1)])
def test_killed_in_either_phase_it_ends_with_the_same_weights(
    tmp_path: Path, augment: AugmentSection | None
) -> None:
    """Bit for bit, dropout and Adam's moments included."""
    how = section(augment, learning_rate=FAST)
    whole, trained = run(tmp_path / "whole", how)
    assert trained.whole.best_epoch > 0
    kept = features.are_kept(augment)
    for moment in MOMENTS if kept else MOMENTS[1:]:
        with pytest.raises(Killed):
            run(tmp_path / "killed", how, Counting(kill_at=moment))
    resumed, again = run(tmp_path / "killed", how)
    assert again == trained
    for one, other in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_a_head_section_there_is_one_phase(tmp_path: Path) -> None:
    """The top of the base trains from the start."""
    console = Counting()
    built, trained = run(tmp_path, TrainSection(epochs=1, batch=tiny.BATCH), console)
    assert console.titles == ["epoch 1/1"]
    assert trained.head == ()
    assert moved(built, "top")
    assert not moved(built, "low")
