"""Seeded, stratified choices: validation split, limits, representative samples, golden cases."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def stratified(
    labels: npt.NDArray[np.int64], count: int, seed: Sequence[int], *, least: int = 1, spare: int = 0
) -> Indices:
    """Chooses items so that classes keep their shares, every class at least once.

    Args:
        labels: (n,) class of each item.
        count: how many to choose; at least ``least`` for each class, at most n less ``spare`` for each.
        seed: of the choice.
        least: so many of each class are chosen, whatever its share.
        spare: so many of each class are left, whatever its share.

    Returns:
        Sorted indices, (count,).

    Raises:
        ValueError: count out of range.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    floor, ceiling = np.full_like(sizes, least), sizes - spare
    if (floor > ceiling).any() or not floor.sum() <= count <= ceiling.sum():
        raise ValueError(f"cannot choose {count} of {len(labels)} items in {len(classes)} classes")
    quotas = _quotas(sizes, count, floor, ceiling)
    rng = np.random.default_rng(list(seed))
    chosen = [
        rng.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def _quotas(sizes: Indices, count: int, floor: Indices, ceiling: Indices) -> Indices:
    """Largest-remainder shares of ``count``, each between its floor and its ceiling."""
    exact = sizes * (count / sizes.sum())
    quotas = np.clip(np.floor(exact).astype(np.int64), floor, ceiling)
    while quotas.sum() != count:
        step = 1 if quotas.sum() < count else -1
        # Give to (or take from) the class that is furthest from its exact share and can change.
        possible = (quotas < ceiling) if step > 0 else (quotas > floor)
        distance = np.where(possible, step * (exact - quotas), -np.inf)
        quotas[int(np.argmax(distance))] += step
    return np.asarray(quotas, dtype=np.int64)
