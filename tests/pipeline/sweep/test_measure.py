"""What becomes of a build that did not end as it should; whole sweeps are in the command line's tests."""

from pathlib import Path

import pytest

from pipeline import runner, target
from pipeline.artifacts import ConvertedModels, PreparedData
from pipeline.console import Console
from pipeline.errors import StepError, StorageError
from pipeline.guard_record import GuardRecord
from pipeline.runner import Build
from pipeline.sweep import measure
from pipeline.sweep.variants import derive
from tests.conftest import SmokeBuild

GUARD = GuardRecord(
    runtime="litert", images=100, limit_points=1.0, held=False, why="8 layers are not enough",
    drop_before_points=9.0, drop_after_points=5.0, bytes_before=10, bytes_after=20, trials=9, layers=(),
)  # fmt: skip


def sweep(runs: Path) -> measure.Sweep:
    """One variant of digits, smoke size."""
    plain = target.load("tflite")
    variants = derive(
        ["digits"], {}, overrides={}, schemes=["float32", "int8"], runtime="litert", profile="smoke",
        target=plain,
    )  # fmt: skip
    return measure.measure(
        variants, plain, runtime="litert", runs=runs, data=None, console=Console(quiet=True)
    )


def test_a_guard_that_ended_the_build_is_the_rows_reason(
    smoke_build: SmokeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sizes are known, nothing else."""
    converted = ConvertedModels.read(smoke_build.stage("convert"))
    kept = tuple(converted.variant(scheme) for scheme in ("float32", "int8"))
    ended = converted.model_copy(update={"guard": GUARD, "variants": kept})
    data = PreparedData.read(smoke_build.stage("data"))
    build = Build(folder=tmp_path, artifacts={"data": data, "convert": ended}, reports=())
    monkeypatch.setattr(runner, "run", lambda *_, **__: build)
    found = sweep(tmp_path)
    assert [row.zip_bytes for row in found.rows] == [each.zip_bytes for each in kept]
    assert "accuracy guard ended the build" in found.rows[0].problem
    assert "8 layers are not enough" in found.rows[1].problem
    assert "int8.tflite" in found.rows[1].problem
    assert not any(row.front or row.accuracy or row.latency for row in found.rows)
    assert len(found.problems) == 2


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (StepError("no luck"), "not made: no luck"),
        (ValueError("first\nsecond"), "not made: ValueError: first (--debug shows where)"),
        (MemoryError(), "not made: MemoryError:  (--debug shows where)"),
    ],
)
def test_whatever_a_variant_breaks_on_is_its_rows_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    """The others may have taken hours."""

    def fail(*_: object, **__: object) -> Build:
        raise error

    monkeypatch.setattr(runner, "run", fail)
    (row,) = sweep(tmp_path).rows
    assert row.problem == says


@pytest.mark.parametrize("error", [StorageError("the disk is full"), KeyboardInterrupt()])
def test_what_every_variant_would_meet_ends_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """A full disk; and Ctrl-C."""

    def fail(*_: object, **__: object) -> Build:
        raise error

    monkeypatch.setattr(runner, "run", fail)
    with pytest.raises(type(error)):
        sweep(tmp_path)
