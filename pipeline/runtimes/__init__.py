"""Shelf of runtimes: what can execute a model, each in a process of its own.

Each runtime needs its own process: TensorFlow and tflite_runtime cannot be loaded together, and a kernel
that crashes must cost one row of the table, not the build. A module on the shelf gives

    DISTRIBUTION           what pip installs it from
    unavailable()          why it cannot run here, or None            (loads nothing heavy)
    open_model(path)       a Session on one model                     (in the worker process)
    MAX_SESSIONS           how many Sessions may run side by side
    MAX_IMAGES             test images that it is given, a sample of them; all where it names no number
    identity()             what else its figures depend on, a driver's version; nothing where it has none
    DELEGATES              delegates of phones that it stands in for; none where it names none

:func:`run` is the door: it starts ``pipeline.runtimes._worker`` and hands it jobs.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.artifacts import TensorSpec
from pipeline.console import Console
from pipeline.delegation_record import AcceleratorRun
from pipeline.errors import RuntimeFailure
from pipeline.preprocess import Pixels, PreprocessSpec
from pipeline.shelf import load

Progress = Callable[[int], None]
"""Told how many images are done since the last call."""

WORKER_ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    # Megabytes of weights are read for every image; huge pages spare their address translations. Measured on
    # an 11 MB float32 model with two threads: 2 to 6 % more images per second. Other C libraries ignore it.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}

STDERR_LINES = 3
"""Lines of a dead worker's stderr that its error quotes."""


class Session(Protocol):
    """One model, loaded, on one runtime."""

    input: TensorSpec
    output: TensorSpec

    def run(self, images: Pixels, table: npt.NDArray[np.generic], out: npt.NDArray[np.generic],
            start: int, stop: int, done: Progress) -> None:  # fmt: skip
        """Runs images ``start`` to ``stop``; writes row i of ``out`` for image i."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A model to run over images.

    Attributes:
        name: to tell its outcome by.
        model: file that the runtime reads.
        images: ``.npy`` of u8 (n, *spec.shape).
        count: how many of them to run.
        rows: which ones, (count,) in the order of ``out``; empty for the first ones.
        preprocess: JSON of the PreprocessSpec.
        out: ``.npy`` to write, (n, classes) in the output tensor's dtype.
        threads: interpreters side by side; each runs its share at batch 1.
    """

    name: str
    model: str
    images: str
    count: int
    preprocess: str
    out: str
    threads: int
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job went: the tensors of the model and the seconds it took, or why it failed.

    ``accelerated`` is what an accelerator took of the model, also where it failed; None on a CPU.
    """

    name: str
    error: str = ""
    seconds: float = 0.0
    input: TensorSpec | None = None
    output: TensorSpec | None = None
    accelerated: AcceleratorRun | None = None


def unavailable(runtime: str) -> str | None:
    """Why a runtime cannot be used on this machine, or None."""
    reason: str | None = load("runtimes", runtime).unavailable()
    return reason


def version(runtime: str) -> str:
    """Version of the installed runtime."""
    return metadata.version(load("runtimes", runtime).DISTRIBUTION)


def identity(runtime: str) -> str:
    """What else than its version a runtime's figures depend on; "" where there is nothing."""
    told = getattr(load("runtimes", runtime), "identity", None)
    return "" if told is None else str(told())


def most_images(runtime: str) -> int | None:
    """How many test images a slow runtime is given at most; None for all."""
    most: int | None = getattr(load("runtimes", runtime), "MAX_IMAGES", None)
    return most


def missing(distribution: str) -> str | None:
    """The sentence for a Python package that is not installed, or None."""
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        hint = ""
        if distribution == "tflite-runtime" and sys.version_info >= (3, 12):
            hint = ": its last release has no wheel past Python 3.11"
        return f"{distribution} is not installed{hint}"
    return None


def door_table(spec: PreprocessSpec, door: TensorSpec) -> npt.NDArray[np.generic]:
    """What each grey level 0..255 becomes in the input tensor, (256,) of its dtype.

    An input pixel is one byte, so that preprocessing and quantisation together are one look-up.
    """
    from pipeline import preprocess

    values = preprocess.tensor(np.arange(256, dtype=np.uint8), spec)
    if door.scale is None or door.zero_point is None:
        return values.astype(door.dtype)
    return preprocess.quantise(values, scale=door.scale, zero_point=door.zero_point, dtype=door.dtype)


def run(runtime: str, jobs: Sequence[Job], console: Console) -> Iterator[Outcome]:
    """Runs jobs in a worker process, one after another, and yields each outcome as it comes.

    A job during which the worker dies is a failed outcome; the rest go on in a new worker.

    Raises:
        RuntimeFailure: the worker did not even start.
        OSError: the outputs cannot be written.
    """
    left = list(jobs)
    while left:
        finished = 0
        for outcome in _run_worker(runtime, left, console):
            finished += 1
            yield outcome
        if finished == 0:
            raise RuntimeFailure(f"runtime '{runtime}': its worker gave no answer")
        left = left[finished:]


def _run_worker(runtime: str, jobs: Sequence[Job], console: Console) -> Iterator[Outcome]:
    request = json.dumps({"runtime": runtime, "jobs": [asdict(job) for job in jobs]})
    with tempfile.TemporaryFile("w+b") as stderr:
        # -P: a numpy.py in the user's folder must neither break nor enter the worker.
        worker = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.runtimes._worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, **WORKER_ENVIRONMENT},
        )
        assert worker.stdin is not None  # noqa: S101 - asked for above
        assert worker.stdout is not None  # noqa: S101
        try:
            # stdin stays open: the worker ends itself when it closes, however this process ends.
            worker.stdin.write(request + "\n")
            worker.stdin.flush()
            for job in jobs:
                with console.task(f"{runtime} {job.name}", job.count, "images") as task:
                    outcome = None
                    for line in worker.stdout:
                        message = json.loads(line)
                        if "outcome" in message:
                            outcome = _outcome(job, message["outcome"])
                            break
                        task.advance(message["done"])
                if outcome is None:
                    yield Outcome(name=job.name, error=_death(worker, stderr))
                    return
                yield outcome
        finally:
            worker.stdin.close()
            worker.stdout.close()
            worker.wait()


def _outcome(job: Job, values: dict[str, Any]) -> Outcome:
    if values.get("errno"):
        raise OSError(values["errno"], values["error"], job.out)
    run = values.get("accelerated")
    accelerated = None if run is None else AcceleratorRun.model_validate(run)
    if values.get("error"):
        return Outcome(name=job.name, error=values["error"], accelerated=accelerated)
    return Outcome(
        name=job.name,
        seconds=values["seconds"],
        input=TensorSpec.model_validate(values["input"]),
        output=TensorSpec.model_validate(values["output"]),
        accelerated=accelerated,
    )


def _death(worker: "subprocess.Popen[str]", stderr: Any) -> str:
    code = worker.wait()
    stderr.seek(0)
    lines = [line for line in stderr.read().decode(errors="replace").splitlines() if line.strip()]
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"the worker died ({how}): {' / '.join(lines[-STDERR_LINES:]) or 'no message'}"


def cores() -> int:
    """Cores that this process may use: fewer than the machine has in a container or under taskset."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def model_file(path: Path) -> str:
    """A path as a job carries it: absolute, whatever the worker's folder."""
    return str(path.resolve())
