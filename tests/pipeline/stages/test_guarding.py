"""Measuring files for the guard: on validation images, each once, whatever becomes of the attempt."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.tflite.calibrated import Layer
from converters.tflite.guard import Guarded, LayerVerdict
from pipeline import recipe, runtimes, target
from pipeline.artifacts import PreparedData
from pipeline.console import Console
from pipeline.errors import RuntimeFailure
from pipeline.guard_record import GuardRecord
from pipeline.runtimes import litert
from pipeline.stages import STAGES, Work, guarding
from pipeline.stages.data import validation_part
from tests.conftest import SmokeBuild

pytestmark = pytest.mark.tensorflow

IMAGES = 100


@pytest.fixture
def work(smoke_build: SmokeBuild, tmp_path: Path) -> Work:
    """The convert stage of the smoke build, its Keras model in place, to be guarded."""
    folder = tmp_path / "convert"
    folder.mkdir()
    shutil.copyfile(smoke_build.stage("convert") / "served.h5", folder / "served.h5")
    return Work(
        stage=next(stage for stage in STAGES if stage.name == "convert"),
        key="0",
        recipe=recipe.load("digits", overrides={"guard.images": str(IMAGES)}).smoke(),
        target=target.load("tflite"),
        data=None,
        folder=folder,
        run=tmp_path,
        console=Console(quiet=True),
        inputs={"data": PreparedData.read(smoke_build.stage("data"))},
        made_by={},
    )


def trials_of(work: Work) -> guarding._Trials:
    """What measures files against the model that they were converted from."""
    return guarding._Trials(work, IMAGES, work.folder / "served.h5")


def file(smoke_build: SmokeBuild, scheme: str) -> bytes:
    """A converted file of the smoke build."""
    return (smoke_build.stage("convert") / f"{scheme}.tflite").read_bytes()


def test_files_are_measured_on_validation_images(smoke_build: SmokeBuild, work: Work) -> None:
    """As many as the recipe asks for; float32 loses nothing."""
    trials = trials_of(work)
    assert trials.count == IMAGES
    validation = validation_part(work.input(PreparedData))
    known = {image.tobytes() for image in validation.pixels(np.arange(len(validation)))}
    measured = np.load(work.scratch / guarding.FOLDER / "images.npy")
    assert {image.tobytes() for image in measured} <= known
    drops = list(trials.measure([file(smoke_build, "float32"), file(smoke_build, "int8")]))
    assert drops[0] == 0.0
    assert abs(drops[1]) <= 5.0


@pytest.mark.slow
def test_what_was_measured_is_not_measured_again(
    smoke_build: SmokeBuild, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by the attempt after one that was killed: only the reference is run anew."""
    contents = [file(smoke_build, "int8"), file(smoke_build, "float32")]
    first = list(trials_of(work).measure(contents))
    again = trials_of(work)

    def run(_runtime: str, jobs: list[Any], _console: Console) -> Any:
        assert not jobs
        yield from ()

    monkeypatch.setattr(runtimes, "run", run)
    assert list(again.measure(contents)) == first


def test_one_that_stops_reading_early_leaves_the_rest_unmeasured(smoke_build: SmokeBuild, work: Work) -> None:
    """And what it read is kept."""
    trials = trials_of(work)
    measuring = trials.measure([file(smoke_build, "int8"), file(smoke_build, "int16x8")])
    next(measuring)
    measuring.close()
    kept = [path for path in (work.scratch / guarding.FOLDER).glob("*.npy") if len(path.stem) == 64]
    assert len(kept) == 1


def test_a_file_that_does_not_run_is_infinitely_bad(
    smoke_build: SmokeBuild, work: Work, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is said, and the files after it are measured all the same."""
    broken = b"\0\0\0\0TFL3" + bytes(64)
    drops = list(trials_of(work).measure([broken, file(smoke_build, "float32"), broken]))
    assert drops == [math.inf, 0.0, math.inf]
    assert "litert does not run a file of the guard" in capfd.readouterr().err


def test_without_its_runtime_there_is_no_guard(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing measured is no pass."""
    monkeypatch.setattr(litert, "missing", lambda name: f"{name} is not installed")
    with pytest.raises(
        RuntimeFailure, match="the accuracy guard needs runtime 'litert': ai-edge-litert is not"
    ):
        trials_of(work)


def test_settings_hold_what_the_answer_depends_on(work: Work) -> None:
    """Gate and size budget too; nothing where nothing is guarded."""
    plain = recipe.load("digits")
    assert guarding.settings(plain, work.target) is None
    found = guarding.settings(work.recipe, work.target)
    assert found is not None
    assert found["guard"] == {"layers": 8, "images": IMAGES}
    assert found["limits"] == (5.0, None)
    small = work.target.model_copy(update={"max_bytes": 10_000})
    limits = guarding.settings(work.recipe, small)
    assert limits is not None
    assert limits["limits"] == (5.0, 10_000)


def test_a_layer_without_which_no_file_runs_is_recorded_without_points() -> None:
    """An infinite number can stand in no artifact."""
    layers = [
        Layer(name=name, op="CONV_2D", node=name, feeds=(), weights=True)
        for name in ("needed", "useful", "spare")
    ]
    points = (math.inf, 2.5, None)
    verdicts = tuple(
        LayerVerdict(
            layer=layer, sqnr_db=9.0, restored=bought is not None, bought_points=bought, cost_bytes=8
        )
        for layer, bought in zip(layers, points, strict=True)
    )
    found = Guarded(
        content=b"", held=True, why="", drop_before=9.0, drop_after=0.5, bytes_before=4, trials=7,
        verdicts=verdicts,
    )  # fmt: skip
    plain = GuardRecord(
        runtime="litert", images=9, limit_points=1.0, held=False, why="", drop_before_points=9.0,
        drop_after_points=9.0, bytes_before=4, bytes_after=4, trials=1, layers=(),
    )  # fmt: skip

    record = guarding._record(plain, found, bytes_after=20)

    assert [layer.bought_points for layer in record.layers] == [None, 2.5, None]
    assert GuardRecord.model_validate_json(record.model_dump_json()) == record
