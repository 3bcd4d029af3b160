"""The worker process of one runtime: reads jobs from stdin, answers on stdout, one JSON line each.

-> {"runtime": "litert", "jobs": [{...}, ...]}
<- {"done": 4096}                              as images get done
<- {"outcome": {"seconds": ..., "input": {...}, "output": {...}}}  or  {"outcome": {"error": "..."}}
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from pipeline import arrays
from pipeline.delegation_record import AcceleratorRun
from pipeline.preprocess import PreprocessSpec
from pipeline.runtimes import Session, door_table
from pipeline.shelf import load

REPORT_IMAGES = 512
"""Images between two lines of progress."""


def main() -> None:
    """Serves one request, then ends; also ends as soon as the parent is gone."""
    # Runtimes print to stdout from C++; the protocol gets a descriptor of its own.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    plugin = load("runtimes", request["runtime"])
    for job in request["jobs"]:
        try:
            outcome = _serve(plugin, job, answers)
        except Exception as error:  # noqa: BLE001 - whatever a runtime raises is that row's reason
            text = str(error).strip().splitlines()
            outcome = {
                "error": f"{type(error).__name__}: {text[0] if text else ''}",
                "accelerated": _accelerated(error),
            }
            if isinstance(error, OSError) and error.errno in arrays.DISK_FULL:
                # Not the runtime's fault, and not its row's: this ends the build.
                outcome["errno"] = error.errno
        print(json.dumps({"outcome": outcome}), file=answers)


def _accelerated(bearer: object) -> dict[str, Any] | None:
    """What an accelerator took: of its session, or of the error by which it refused the model."""
    run = getattr(bearer, "accelerated", None)
    return run.model_dump(mode="json") if isinstance(run, AcceleratorRun) else None


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _serve(plugin: Any, job: dict[str, Any], answers: TextIO) -> dict[str, Any]:
    images = np.load(job["images"], mmap_mode="r")
    count = job["count"]
    if job["rows"]:
        images = images[job["rows"]]
    threads = max(1, min(job["threads"], count, plugin.MAX_SESSIONS))
    sessions: list[Session] = [plugin.open_model(Path(job["model"])) for _ in range(threads)]
    door, output = sessions[0].input, sessions[0].output
    if door.shape[1:] != images.shape[1:]:
        raise ValueError(f"the model takes {door.shape[1:]}, the images are {images.shape[1:]}")
    table = door_table(PreprocessSpec.model_validate_json(job["preprocess"]), door)
    out = arrays.create(Path(job["out"]), dtype=output.dtype, shape=(count, *output.shape[1:]))
    progress = _Reporter(answers)
    errors: list[BaseException] = []

    def share(k: int) -> None:
        try:
            start, stop = k * count // threads, (k + 1) * count // threads
            sessions[k].run(images, table, out, start, stop, progress)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            errors.append(error)

    started = time.perf_counter()
    workers = [threading.Thread(target=share, args=(k,)) for k in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - started
    if errors:
        raise errors[0]
    progress.flush()
    return {
        "seconds": seconds,
        "input": door.model_dump(mode="json"),
        "output": output.model_dump(mode="json"),
        "accelerated": _accelerated(sessions[0]),
    }


class _Reporter:
    """Sums up progress of several threads into few lines."""

    def __init__(self, answers: TextIO) -> None:
        self._answers, self._lock, self._pending = answers, threading.Lock(), 0

    def __call__(self, images: int) -> None:
        with self._lock:
            self._pending += images
            if self._pending >= REPORT_IMAGES:
                self._send()

    def flush(self) -> None:
        with self._lock:
            if self._pending:
                self._send()

    def _send(self) -> None:
        print(json.dumps({"done": self._pending}), file=self._answers)
        self._pending = 0


if __name__ == "__main__":
    main()
