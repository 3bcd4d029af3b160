"""Many photos to arrays: on every core, in order, and never more in memory than a budget allows."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from pipeline.datasets import Batch, Unreadable
from pipeline.errors import DataError
from pipeline.pixel_budget import BUDGET_PIXELS, PixelBudget, give_large_blocks_back
from pipeline.preprocess import PreprocessSpec, decode, picture
from pipeline.sampling import Indices

MAX_THREADS = 16
THREADS_PER_CORE = 2
"""Decoding and resizing run outside Python's lock; the second thread works while the first waits for the disk
or for that lock."""

TASK_BYTES = 4 << 20
TASK_PHOTOS = 16
"""A task is so many photos, or fewer where they are large: enough to hide its cost, few enough for a live
progress bar and for memory."""

KEPT_BYTES = 31 << 20
"""Just below the largest block that glibc ever takes from its own heap."""


def decode_photos(root: Path, names: Sequence[str], rows: Indices, spec: PreprocessSpec) -> Iterator[Batch]:
    """Decodes photos and brings them to the model's input size.

    Args:
        root: folder that names start from.
        names: of all photos.
        rows: which of them, rising.
        spec: the contract.

    Yields:
        Batches in the order of ``rows``; what cannot be decoded is told in them.
    """
    _keep_freed_memory()
    give_large_blocks_back()
    each = max(1, min(TASK_PHOTOS, TASK_BYTES // int(np.prod(spec.shape))))
    threads = min(MAX_THREADS, THREADS_PER_CORE * _cores())
    budget = PixelBudget(BUDGET_PIXELS)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    waiting: deque[Future[Batch]] = deque()
    try:
        for start in range(0, len(rows), each):
            waiting.append(pool.submit(_decode, root, names, rows[start : start + each], spec, budget))
            # One task a thread in work and one in wait: results are small, but not nothing.
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(
    root: Path, names: Sequence[str], rows: Indices, spec: PreprocessSpec, budget: PixelBudget
) -> Batch:
    pixels = np.empty((len(rows), *spec.shape), dtype=np.uint8)
    good: list[int] = []
    unreadable: list[Unreadable] = []
    for row in rows:
        path = root / names[row]
        with budget.claim() as claim:
            try:
                pixels[len(good)] = picture(decode(path, admit=claim.take), spec)
            except DataError as error:
                reason = str(error).removeprefix(f"{path}: ")
                unreadable.append(Unreadable(name=names[row], reason=reason))
            else:
                good.append(row)
    return Batch(
        rows=np.array(good, dtype=np.int64), pixels=pixels[: len(good)], unreadable=tuple(unreadable)
    )


def _keep_freed_memory() -> None:
    """Frees one large block, after which glibc keeps what smaller ones give back instead of returning it.

    The megabyte arrays of a photo otherwise come as new pages every time: 1,400 page faults a photo, which
    take longer than decoding it. Other C libraries lose nothing by it. Source: mallopt(3), M_MMAP_THRESHOLD.
    """
    np.empty(KEPT_BYTES, dtype=np.uint8)


def _cores() -> int:
    """Cores that this process may use: fewer than the machine's in a container."""
    # macOS has no sched_getaffinity.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
