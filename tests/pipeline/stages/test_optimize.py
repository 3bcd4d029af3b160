"""The optimize stage: steps are kept, shared, taken up again where they were killed, and checked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.tflite.keras import load_keras
from pipeline.artifacts import OptimizedModel, PreparedData, TrainedModel
from pipeline.errors import RecipeError, StepError
from pipeline.optimizations import prune
from pipeline.recipe import Recipe
from pipeline.stages import Work, checkpoints, optimize
from pipeline.stages.optimize import STEPS
from tests.pipeline.optimizations import tiny
from tests.pipeline.stages import prepared

pytestmark = pytest.mark.tensorflow

PRUNE = {"name": "prune", "epochs": 2, "sparsity": 0.5}
CLUSTER = {"name": "cluster", "epochs": 1, "clusters": 8}
QUANTIZE = {"name": "quantize_aware", "epochs": 1}
DISTILL = {
    "name": "distill",
    "epochs": 2,
    "teacher": {"name": "emnist_cnn", "blocks": [{"filters": 4}], "dense": [8]},
    "teacher_train": {"epochs": 2, "batch": 32},
}


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[PreparedData, TrainedModel]:
    """Data and a trained model, for all tests: read them, never write to them."""
    folder = tmp_path_factory.mktemp("made")
    return prepared.data(folder / "data"), prepared.trained(folder / "train", tiny.built(with_dropout))


def with_dropout(layers: Any, tensor: Any) -> Any:
    """The small CNN, with random numbers in its training."""
    return layers.Dropout(0.3, name="dropout")(tiny.cnn(layers, tensor))


Run = Callable[[Path, Recipe], OptimizedModel]


@pytest.fixture
def run(made: tuple[PreparedData, TrainedModel]) -> Run:
    """Runs the stage in a run folder."""

    def started(folder: Path, chosen: Recipe) -> OptimizedModel:
        task: Work = prepared.work(folder / "stage", "optimize", chosen, data=made[0], train=made[1])
        found = optimize.run(task)
        assert isinstance(found, OptimizedModel)
        return found

    return started


def killed_after(monkeypatch: pytest.MonkeyPatch, epochs: int, run: Callable[[], object]) -> None:
    """Runs until so many checkpoints are written, then ends as a killed process does."""
    written = 0
    save = checkpoints.Checkpoints.save

    def saved(self: checkpoints.Checkpoints, history: Any, best: int) -> None:
        nonlocal written
        save(self, history, best)
        written += 1
        if written == epochs:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.Checkpoints, "save", saved)
        with pytest.raises(Killed):
            run()


def hashes(found: OptimizedModel) -> str:
    """Of the model's file: equal means equal weights."""
    return found.files["model.h5"].sha256


def more(section: dict[str, Any], epochs: int) -> dict[str, Any]:
    """The section with another number of epochs."""
    return {**section, "epochs": epochs}


RESUMED = {
    "prune": ([PRUNE], (1,)),
    "cluster": ([more(CLUSTER, 2)], (1,)),
    "quantize_aware": ([more(QUANTIZE, 2)], (1,)),
    "distill": ([DISTILL], (1, 3)),
    "prune for longer": ([more(PRUNE, 3)], (1, 2)),
    "2:4": ([{"name": "prune", "epochs": 2, "pattern": "2:4"}], (1,)),
    "PQAT": ([PRUNE, more(QUANTIZE, 2)], (3,)),
    "CQAT": ([CLUSTER, more(QUANTIZE, 2)], (2,)),
    "prune, then cluster": ([PRUNE, more(CLUSTER, 2)], (3,)),
    "PCQAT": ([PRUNE, CLUSTER, more(QUANTIZE, 2)], (1, 4)),
}
"""Sections, and after how many epochs in all they are killed."""


@pytest.mark.slow
@pytest.mark.parametrize("case", RESUMED)
def test_a_resumed_optimisation_ends_with_the_same_weights(
    case: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Masks, steps of pruning, centroids, moving ranges and Adam's moments come out of the checkpoint."""
    sections, kills = RESUMED[case]
    chosen = prepared.optimizing(*sections)
    whole = run(tmp_path / "whole", chosen)
    assert whole.applied == tuple(section["name"] for section in sections)
    for epochs in kills:
        folder = tmp_path / str(epochs)
        killed_after(monkeypatch, epochs, lambda folder=folder: run(folder, chosen))  # type: ignore[misc]
        capsys.readouterr()
        resumed = run(folder, chosen)
        assert "going on after epoch" in capsys.readouterr().err
        assert hashes(resumed) == hashes(whole)
        assert resumed.history == whole.history
        assert all(record.loss > 0 for epochs_of in resumed.history.values() for record in epochs_of)
        assert resumed.claims == whole.claims


@pytest.mark.slow
def test_steps_are_shared_between_recipes_that_begin_alike(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged step is made again with a warning, to the byte."""
    one = more(PRUNE, 1)
    first = run(tmp_path, prepared.optimizing(one))
    capsys.readouterr()
    both = run(tmp_path, prepared.optimizing(one, CLUSTER))
    said = capsys.readouterr().err
    assert "prune: unchanged" in said
    assert "cluster: unchanged" not in said
    assert both.history["prune"] == first.history["prune"]
    assert {claim.optimization for claim in both.claims} == {"prune", "cluster"}

    (step,) = (tmp_path / STEPS).glob("prune-*")
    with (step / "model.h5").open("ab") as file:
        file.write(b"x")
    again = run(tmp_path, prepared.optimizing(one))
    assert f"warning: {step}: damaged (model.h5 is not what was written)" in capsys.readouterr().err
    assert hashes(again) == hashes(first)


@pytest.mark.slow
def test_a_changed_option_or_a_lost_record_makes_a_step_anew(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other step stays."""
    one = more(PRUNE, 1)
    first = run(tmp_path, prepared.optimizing(one))
    (step,) = (tmp_path / STEPS).glob("prune-*")
    (step / "step.json").write_text("", "utf-8")
    assert hashes(run(tmp_path, prepared.optimizing(one))) == hashes(first)
    assert f"warning: {step}: damaged (" in capsys.readouterr().err
    run(tmp_path, prepared.optimizing({**one, "sparsity": 0.6}))
    assert "prune: unchanged" not in capsys.readouterr().err
    kept = [each for each in (tmp_path / STEPS).glob("prune-*") if not each.name.endswith(".damaged")]
    assert len(kept) == 2


@pytest.mark.slow
def test_a_teacher_is_trained_once(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another temperature asks the same teacher; it is no part of what ships."""
    found = run(tmp_path, prepared.optimizing(more(DISTILL, 1)))
    assert "teacher: emnist_cnn" in capsys.readouterr().err
    run(tmp_path, prepared.optimizing({**more(DISTILL, 1), "temperature": 1.0}))
    assert "teacher: emnist_cnn" not in capsys.readouterr().err
    assert len(list((tmp_path / STEPS).glob("teacher-*"))) == 1
    assert len(list((tmp_path / STEPS).glob("distill-*"))) == 2
    names = [layer.name for layer in load_keras(found.path("model.h5")).layers]
    assert names == [layer.name for layer in tiny.built(with_dropout).layers]


def test_a_broken_promise_ends_the_stage_and_names_the_layer(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the library did: here its masks are lost on the way out."""

    def careless(context: Any, options: Any, trained: Any) -> Any:
        found = finalize(context, options, trained)
        found.model.get_layer("dense").kernel.assign_add(found.model.get_layer("dense").kernel * 0 + 1)
        return found

    finalize = prune.finalize
    monkeypatch.setattr(prune, "finalize", careless)
    with pytest.raises(StepError, match=r"after 'prune': optimize 'prune' promised layer 'dense' zero_share"):
        run(tmp_path, prepared.optimizing(more(PRUNE, 1)))


def test_without_optimisations_the_trained_model_passes(
    run: Run, made: tuple[PreparedData, TrainedModel], tmp_path: Path
) -> None:
    """To the byte."""
    found = run(tmp_path, prepared.optimizing())
    assert (found.applied, found.history, found.claims) == ((), {}, ())
    assert found.files["model.h5"].sha256 == made[1].files["model.h5"].sha256
    assert not (tmp_path / STEPS).exists()


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"name": "prune", "layers": ["tow"]}, "optimize.prune.layers: unknown layer 'tow'.*mean 'two'"),
        ({"name": "cluster", "layers": ["two_bn"]}, "'two_bn' is a BatchNormalization: only a"),
        ({"name": "quantize_aware", "layers": ["ot"]}, "quantize_aware.layers: unknown layer 'ot'"),
        ({"name": "prune", "pattern": "2:4", "layers": ["one"]}, "no layer takes pattern '2:4': layer 'one'"),
        (
            {"name": "prune", "pattern": "2:4", "layers": ["one", "two"]},
            "prune: layer 'one' has 1 inputs, which 4 does not divide: leave it out of optimize.prune.layers",
        ),
        (
            {"name": "prune", "pattern": "block", "block": [3, 5], "layers": ["dense", "out"]},
            "layer 'dense' has a kernel of 128x16, which blocks of 3x5 do not divide",
        ),
        ({"name": "cluster", "clusters": 200, "layers": ["one", "two"]}, "'one' has 72 weights for 200"),
    ],
)
def test_what_a_model_cannot_take_is_said_before_anything_is_trained(
    run: Run, tmp_path: Path, section: dict[str, Any], says: str
) -> None:
    """Nothing is written."""
    with pytest.raises(RecipeError, match=says):
        run(tmp_path, prepared.optimizing(section))
    assert not (tmp_path / STEPS).exists()


def test_quantisation_needs_its_steps(run: Run, tmp_path: Path) -> None:
    """A full build of six steps an epoch asks for 167 epochs."""
    full = prepared.optimizing(QUANTIZE, profile="full")
    with pytest.raises(
        RecipeError, match=r"1 epochs are 6 steps; .* about 1000: ask for at least 167 epochs"
    ):
        run(tmp_path, full)
