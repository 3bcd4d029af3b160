"""Seeded, stratified choices: validation split, limits, representative samples, golden cases."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def stratified(labels: npt.NDArray[np.int64], count: int, seed: Sequence[int]) -> Indices:
    """Chooses items so that classes keep their shares, every class at least once.

    Args:
        labels: (n,) class of each item.
        count: how many to choose; at least the number of classes, at most n.
        seed: of the choice.

    Returns:
        Sorted indices, (count,).

    Raises:
        ValueError: count out of range.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    if not len(classes) <= count <= len(labels):
        raise ValueError(f"cannot choose {count} of {len(labels)} items in {len(classes)} classes")
    quotas = _quotas(sizes, count)
    rng = np.random.default_rng(list(seed))
    chosen = [
        rng.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def _quotas(sizes: Indices, count: int) -> Indices:
    """Largest-remainder shares of ``count``, each at least 1 and at most the class's size."""
    exact = sizes * (count / sizes.sum())
    quotas = np.maximum(1, np.floor(exact)).astype(np.int64)
    while quotas.sum() != count:
        step = 1 if quotas.sum() < count else -1
        # Give to (or take from) the class that is furthest from its exact share and can change.
        possible = (quotas < sizes) if step > 0 else (quotas > 1)
        distance = np.where(possible, step * (exact - quotas), -np.inf)
        quotas[int(np.argmax(distance))] += step
    return np.asarray(quotas, dtype=np.int64)
