"""Latency: several files measured in turns, in one process of a runtime, each with one thread.

Times of two runs do not compare: the machine does other things each time. Here every round runs a block of
inferences of each file, in another order each round, so that what else the machine does falls on all of them
alike; a file's figure is the median over the rounds. :func:`measure` is the door.

One thread, because that is what a phone's big core is given, and because two threads on a shared machine
swing by a factor of ten and more.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.console import Console
from pipeline.preprocess import PreprocessSpec
from pipeline.runtimes import STDERR_LINES, WORKER_ENVIRONMENT

ROUNDS = 21
"""Odd, so that the median is a round that was measured; five lie outside each quartile."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A file to measure, and what to feed it.

    Attributes:
        name: to tell its figures by.
        model: .tflite file.
        images: ``.npy`` of u8 (n, *spec.shape): real ones, because zeros and denormals take other times.
        preprocess: how grey levels reach the model.
    """

    name: str
    model: Path
    images: Path
    preprocess: PreprocessSpec


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Time of one inference at batch 1, input filled and output read, in microseconds.

    Attributes:
        name: of the subject.
        median_us: over the rounds, > 0; 0 where it was not measured.
        q1_us: first quartile.
        q3_us: third quartile.
        rounds: how many.
        block: inferences in each.
        error: why it was not measured; empty where it was.
    """

    name: str
    median_us: float = 0.0
    q1_us: float = 0.0
    q3_us: float = 0.0
    rounds: int = 0
    block: int = 0
    error: str = ""


def measure(
    runtime: str, subjects: Sequence[Subject], console: Console, *, rounds: int = ROUNDS
) -> tuple[Latency, ...]:
    """Measures all subjects in turns; one that cannot be measured says why.

    Args:
        runtime: on the shelf of runtimes, and on this machine.
        subjects: what to measure; names need not differ.
        console: for progress.
        rounds: how often each is measured, >= 1.

    Returns:
        One per subject, in the same order.
    """
    if not subjects:
        return ()
    request = {
        "runtime": runtime,
        "rounds": rounds,
        "subjects": [
            {
                "model": str(subject.model.resolve()),
                "images": str(subject.images.resolve()),
                "preprocess": subject.preprocess.model_dump_json(),
            }
            for subject in subjects
        ],
    }
    with console.task(f"latency on {runtime}", rounds, "rounds") as task:
        results, death = _ask(request, advance=lambda: task.advance(1))
    return tuple(
        _latency(subject.name, results.get(index, {"error": death})) for index, subject in enumerate(subjects)
    )


def _ask(request: Mapping[str, Any], advance: Any) -> tuple[dict[int, dict[str, Any]], str]:
    """Index of the subject to its result; and, where results are missing, how the worker died."""
    results: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryFile("w+b") as stderr:
        # -P: a numpy.py in the user's folder must neither break nor enter the worker.
        worker = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.latency._worker"],
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
            worker.stdin.write(json.dumps(request) + "\n")
            worker.stdin.flush()
            for line in worker.stdout:
                message = json.loads(line)
                if "round" in message:
                    advance()
                else:
                    results[message["subject"]] = message
        except BrokenPipeError:
            pass  # it died before it had read the request: what it said follows
        finally:
            _close(worker)
        code = worker.wait()
        stderr.seek(0)
        lines = [line for line in stderr.read().decode(errors="replace").splitlines() if line.strip()]
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return results, f"the worker died ({how}): {' / '.join(lines[-STDERR_LINES:]) or 'no message'}"


def _close(worker: "subprocess.Popen[str]") -> None:
    for pipe in (worker.stdin, worker.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except BrokenPipeError:
            pass  # what was not read any more


def _latency(name: str, result: Mapping[str, Any]) -> Latency:
    if result.get("error"):
        return Latency(name=name, error=result["error"])
    import numpy as np

    rounds = result["microseconds"]
    q1, median, q3 = (float(value) for value in np.percentile(rounds, (25, 50, 75)))
    return Latency(name=name, median_us=median, q1_us=q1, q3_us=q3, rounds=len(rounds), block=result["block"])
