"""The worker process of a latency measurement: reads one request from stdin, answers in JSON lines.

-> {"runtime": "litert", "rounds": 21, "subjects": [{"model": ..., "images": ..., "preprocess": ...}, ...]}
<- {"round": 1}                                                       as rounds get done
<- {"subject": 0, "block": 1200, "microseconds": [31.2, ...]}           or  {"subject": 0, "error": "..."}
"""

import gc
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.preprocess import PreprocessSpec
from pipeline.runtimes import Session, door_table
from pipeline.shelf import load

SAMPLE_IMAGES = 256
"""First images of the set that are fed, again and again where a block has more."""

BURST_SECONDS = 0.001
"""Length of what the clock measures at once: ten thousand times its step, and short against the time slices
(3 ms and more) that a busy machine gives, so that most bursts are not interrupted."""

BLOCK_SECONDS = 0.05
"""Length of a file's turn. Twenty files over all rounds take about half a minute."""

MIN_BURSTS = 5
"""In a block, for models that take longer than it is."""

TRIES = 5
"""Bursts before the first round: the first one allocates and packs weights, the fastest says how many
inferences make up a burst."""

WARM_UP_BURSTS = 1
"""At the start of a block, not counted: the other files' turns have emptied the caches."""


def main() -> None:
    """Serves one request, then ends; also ends as soon as the parent is gone."""
    # Runtimes print to stdout from C++; the protocol gets a descriptor of its own.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(**message: Any) -> None:
        print(json.dumps(message), file=answers)

    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    plugin = load("runtimes", request["runtime"])
    blocks: dict[int, _Block] = {}
    for index, subject in enumerate(request["subjects"]):
        try:
            blocks[index] = _Block(plugin, subject)
        except Exception as error:  # noqa: BLE001 - whatever a runtime raises is that row's reason
            text = str(error).strip().splitlines()
            answer(subject=index, error=f"{type(error).__name__}: {text[0] if text else ''}")
    gc.collect()
    gc.disable()
    times: dict[int, list[float]] = {index: [] for index in blocks}
    for number in range(request["rounds"]):
        # Each file follows another one each round: what one leaves in the caches is no other's lot alone.
        for index in np.random.default_rng(number).permutation(list(blocks)):
            times[int(index)].append(blocks[int(index)].microseconds())
        answer(round=number + 1)
    for index, block in blocks.items():
        answer(subject=index, block=block.inferences, microseconds=times[index])


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


class _Block:
    """One file, opened, and its turn: bursts of as many inferences as take ``BURST_SECONDS``."""

    def __init__(self, plugin: Any, subject: dict[str, str]) -> None:
        stored = np.load(subject["images"], mmap_mode="r")
        self._session: Session = plugin.open_model(Path(subject["model"]))
        door, output = self._session.input, self._session.output
        if door.shape[1:] != stored.shape[1:]:
            raise ValueError(f"the model takes {door.shape[1:]}, the images are {stored.shape[1:]}")
        self._table = door_table(PreprocessSpec.model_validate_json(subject["preprocess"]), door)
        self._images = np.asarray(stored[:SAMPLE_IMAGES])
        self._out = np.empty((len(self._images), *output.shape[1:]), dtype=output.dtype)
        self._burst = 1
        each = min(self._seconds(0) for _ in range(TRIES))
        self._burst = int(np.clip(BURST_SECONDS / each, 1, len(self._images)))
        self._bursts = max(MIN_BURSTS, round(BLOCK_SECONDS / (each * self._burst)))

    @property
    def inferences(self) -> int:
        """How many a block has."""
        return self._burst * self._bursts

    def microseconds(self) -> float:
        """Time of one inference: the median over the bursts, so that an interruption does not count."""
        seconds = [self._seconds(number) for number in range(WARM_UP_BURSTS + self._bursts)]
        return 1e6 * float(np.median(seconds[WARM_UP_BURSTS:]))

    def _seconds(self, number: int) -> float:
        """Mean time of an inference in one burst; the bursts go round the images."""
        start = number * self._burst % (len(self._images) - self._burst + 1)
        started = time.perf_counter()
        self._session.run(
            self._images, self._table, self._out, start, start + self._burst, lambda _images: None
        )
        return (time.perf_counter() - started) / self._burst


if __name__ == "__main__":
    main()
