"""Training in two phases: what trains in each, features once or every time, the same weights after a kill."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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


class Killed(Exception):  # noqa: N818 - no error
    """Stands for a kill."""


class Counting(Console):
    """Notes the titles of all tasks, and ends the run at one of them."""

    def __init__(self, kill_at: str = "") -> None:
        super().__init__()
        self.titles: list[str] = []
        self._kill_at = kill_at

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
    built, trained = run(tmp_path, section(), console)
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
    built, _ = run(folder, section())
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


MOMENTS = ("head features, validation", "head epoch 2/2", "epoch 1/2", "epoch 2/2")


@pytest.mark.slow
@pytest.mark.parametrize("augment", [None, AugmentSection(flip=True), AugmentSection(shift_pixels=1)])
def test_killed_in_either_phase_it_ends_with_the_same_weights(
    tmp_path: Path, augment: AugmentSection | None
) -> None:
    """Bit for bit, dropout and Adam's moments included."""
    whole, trained = run(tmp_path / "whole", section(augment))
    kept = features.are_kept(augment)
    for moment in MOMENTS if kept else MOMENTS[1:]:
        with pytest.raises(Killed):
            run(tmp_path / "killed", section(augment), Counting(kill_at=moment))
    resumed, again = run(tmp_path / "killed", section(augment))
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
