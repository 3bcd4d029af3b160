"""Runtimes: each in its own process, whose death costs one row."""

import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipeline import runtimes
from pipeline.artifacts import TensorSpec
from pipeline.console import Console
from pipeline.errors import RuntimeFailure
from pipeline.preprocess import PreprocessSpec
from pipeline.runtimes import Job, door_table
from tests.conftest import SmokeBuild

QUIET = Console(quiet=True)
SPEC = PreprocessSpec(height=28, width=28)


def job(smoke_build: SmokeBuild, tmp_path: Path, name: str, count: int = 359, threads: int = 2) -> Job:
    """A job over the smoke build's test images."""
    model = smoke_build.stage("convert") / name
    return Job(
        name=name,
        model=str(model),
        images=str(smoke_build.stage("data") / "test_images.npy"),
        count=count,
        preprocess=SPEC.model_dump_json(),
        out=str(tmp_path / f"{name}.npy"),
        threads=threads,
    )


@pytest.mark.parametrize("runtime", ["litert", "tflite_runtime", "tflite", "tflite_reference", "keras"])
def test_the_number_of_threads_changes_no_value(
    smoke_build: SmokeBuild, tmp_path: Path, runtime: str
) -> None:
    """Interpreters side by side answer as one does."""
    if runtimes.unavailable(runtime):
        pytest.skip(str(runtimes.unavailable(runtime)))
    name = "served.h5" if runtime == "keras" else "int8.tflite"
    found = []
    for threads in (1, 2):
        (outcome,) = runtimes.run(runtime, [job(smoke_build, tmp_path, name, threads=threads)], QUIET)
        assert not outcome.error
        found.append(np.array(np.load(tmp_path / f"{name}.npy")))
    assert found[0].shape == (359, 10)
    assert np.array_equal(found[0], found[1])


def test_a_refused_model_is_that_jobs_error_alone(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """The next job runs."""
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"\0\0\0\0TFL3" + bytes(64))
    good = job(smoke_build, tmp_path, "int8.tflite")
    bad = Job(**{**vars(good), "name": "broken", "model": str(broken)})
    outcomes = list(runtimes.run("litert", [bad, good], QUIET))
    assert [bool(outcome.error) for outcome in outcomes] == [True, False]


def workers() -> list[psutil.Process]:
    """Those of this process that run; one that ends while it is looked at has no command line any more."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # so is a zombie
            if "pipeline.runtimes._worker" in child.cmdline():
                found.append(child)
    return found


def test_workers_that_end_while_they_are_looked_for_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a busy machine."""

    def ended(child: psutil.Process) -> list[str]:
        raise psutil.ZombieProcess(child.pid)

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in [each.pid for each in psutil.Process().children()]
        monkeypatch.setattr(psutil.Process, "cmdline", ended)
        assert workers() == []
        child.communicate(b"\n")


def test_a_dead_worker_costs_one_job(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """The rest goes on in a new process."""
    first = job(smoke_build, tmp_path, "int16x8.tflite")
    images = np.tile(np.load(first.images), (40, 1, 1))
    np.save(tmp_path / "many.npy", images)
    first = Job(**{**vars(first), "images": str(tmp_path / "many.npy"), "count": len(images)})
    second = job(smoke_build, tmp_path, "float32.tflite")

    def kill() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if Path(first.out).exists() and (found := workers()):
                found[0].kill()
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = list(runtimes.run("litert", [first, second], QUIET))
    killer.join()
    assert "signal 9" in outcomes[0].error
    assert not outcomes[1].error


def test_an_abandoned_run_leaves_no_worker(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """The iterator is closed before its end."""
    answers = runtimes.run("litert", [job(smoke_build, tmp_path, "int8.tflite")] * 2, QUIET)
    next(answers)
    assert workers()
    answers.close()  # type: ignore[attr-defined]  # the iterator is a generator
    assert not workers()


def test_a_worker_ends_when_its_parent_is_killed(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """With SIGKILL, in the middle of a job: nothing goes on writing."""
    np.save(tmp_path / "many.npy", np.tile(np.load(job(smoke_build, tmp_path, "x").images), (400, 1, 1)))
    script = (
        "import sys; from pipeline import runtimes; from pipeline.console import Console\n"
        "job = runtimes.Job(name='x', model=sys.argv[1], images=sys.argv[2], count=359 * 400,"
        " preprocess=sys.argv[3], out=sys.argv[4], threads=1)\n"
        "list(runtimes.run('litert', [job], Console(quiet=True)))"
    )
    model = str(smoke_build.stage("convert") / "int16x8.tflite")
    out = tmp_path / "out.npy"
    parent = psutil.Popen(
        [sys.executable, "-c", script, model, str(tmp_path / "many.npy"), SPEC.model_dump_json(), str(out)]
    )
    deadline = time.monotonic() + 60
    while not out.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    (worker,) = parent.children()
    parent.kill()
    parent.wait()
    psutil.wait_procs([worker], timeout=10)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


def test_images_of_another_size_are_an_error(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """Said with both shapes."""
    np.save(tmp_path / "images.npy", np.zeros((3, 32, 32), dtype=np.uint8))
    wrong = Job(
        **{
            **vars(job(smoke_build, tmp_path, "int8.tflite", count=3)),
            "images": str(tmp_path / "images.npy"),
        }
    )
    (outcome,) = runtimes.run("litert", [wrong], QUIET)
    assert "(28, 28)" in outcome.error
    assert "(32, 32)" in outcome.error


def test_a_worker_that_says_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an endless loop."""
    monkeypatch.setattr(runtimes, "_run_worker", lambda *_: iter(()))
    with pytest.raises(RuntimeFailure, match="gave no answer"):
        list(runtimes.run("litert", [Job(name="x", model="", images="", count=1, preprocess="",
                                         out="", threads=1)], QUIET))  # fmt: skip


def test_the_door_table_is_preprocessing_and_quantisation() -> None:
    """For each grey level."""
    spec = PreprocessSpec(height=1, width=1, scale=2 / 255, offset=-1.0)
    door = TensorSpec(name="x", shape=(1, 1, 1), dtype="int8", scale=2 / 255, zero_point=0)
    table = door_table(spec, door)
    assert table.dtype == np.int8
    assert [table[0], table[128], table[255]] == [-128, 1, 127]
    real = door_table(spec, TensorSpec(name="x", shape=(1, 1, 1), dtype="float32"))
    assert real.dtype == np.float32
    assert real[0] == -1.0


def test_an_absent_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason on newer Pythons."""
    assert runtimes.missing("no-such-distribution") == "no-such-distribution is not installed"
    assert runtimes.missing("numpy") is None
