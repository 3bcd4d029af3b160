"""The Pareto front: the rows that no other row beats."""

from collections.abc import Sequence
from dataclasses import dataclass

LATENCY_TOLERANCE = 0.1
"""A file is faster than another if it takes less by more than this share. Measured: one and the same file,
opened twice in one run, differs from itself by up to 6 %, for where its memory happens to lie."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """What is weighed: accuracy (share 0..1, up), zipped bytes (down), latency (microseconds, down)."""

    accuracy: float | None
    zip_bytes: int | None
    latency_us: float | None


def front(points: Sequence[Point], *, latency_tolerance: float = LATENCY_TOLERANCE) -> list[bool]:
    """Marks the points that no other point beats.

    A point beats another if it is as good in all three and better in one. Equal points do not beat each
    other: both are on the front. A point that lacks a figure is not on the front and beats nothing: what was
    not measured is no best.

    Args:
        points: to compare with each other.
        latency_tolerance: share by which a latency must be lower to count as lower, >= 0.

    Returns:
        One mark per point. Whatever the tolerance, no points can beat each other in a ring (accuracy and
        size would have to be equal all round, and latency ever lower), so that of complete points at least
        one is marked.
    """
    return [
        _complete(point)
        and not any(_beats(other, point, 1 + latency_tolerance) for other in points if _complete(other))
        for point in points
    ]


def _complete(point: Point) -> bool:
    return None not in (point.accuracy, point.zip_bytes, point.latency_us)


def _beats(one: Point, other: Point, slack: float) -> bool:
    """Whether ``one`` is as good as ``other`` everywhere and better somewhere; both are complete."""
    if one.accuracy is None or one.zip_bytes is None or one.latency_us is None:
        return False
    if other.accuracy is None or other.zip_bytes is None or other.latency_us is None:
        return False
    as_good = (
        one.accuracy >= other.accuracy
        and one.zip_bytes <= other.zip_bytes
        and one.latency_us <= other.latency_us * slack
    )
    better = (
        one.accuracy > other.accuracy
        or one.zip_bytes < other.zip_bytes
        or one.latency_us * slack < other.latency_us
    )
    return as_good and better
