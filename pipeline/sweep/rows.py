"""A row of the table: one file of one variant, and what was measured of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.interval import Interval
from pipeline.latency import Latency
from pipeline.sweep.pareto import Point, front


@dataclass(frozen=True, kw_only=True)
class Row:
    """One converted file, or why there is none.

    Attributes:
        variant: label.
        recipe: name of the recipe.
        scheme: of the file; empty where the variant could not be made.
        test_set: hash of the images and labels it was measured on: rows with another do not compare.
        sha256: of the file.
        accuracy: top-1 on the test set, share 0..1 with its 95 % interval.
        trained: accuracy of the trained float model on the same images, before any optimisation.
        drop_points: accuracy of the trained float model less this one's, percentage points.
        bytes: size of the file.
        zip_bytes: size in a deflated zip.
        latency: of one inference, one thread.
        times_faster: latency of the base row over this one's; > 1 is faster.
        front: whether it is on the Pareto front.
        failed_gates: a sentence for each.
        problem: why it was not made or not measured; empty where it was.
    """

    variant: str
    recipe: str
    scheme: str = ""
    test_set: str = ""
    sha256: str = ""
    accuracy: Interval | None = None
    trained: Interval | None = None
    drop_points: float | None = None
    bytes: int | None = None
    zip_bytes: int | None = None
    latency: Latency | None = None
    times_faster: float | None = None
    front: bool = False
    failed_gates: tuple[str, ...] = ()
    problem: str = ""

    @property
    def point(self) -> Point:
        """What the front weighs."""
        return Point(
            accuracy=None if self.accuracy is None else self.accuracy.value,
            zip_bytes=self.zip_bytes,
            latency_us=None if self.latency is None else self.latency.median_us,
        )

    @property
    def name(self) -> str:
        """``pqat int8``."""
        return f"{self.variant} {self.scheme}".strip()


def base_row(rows: Sequence[Row]) -> Row | None:
    """The first row that has a latency: the others' are compared with it."""
    return next((row for row in rows if row.latency is not None), None)


def compared(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with what follows from the others: how many times faster, and the front.

    Each test set has a front of its own: accuracies on different images do not compare.
    """
    base = base_row(rows)
    marks: dict[int, bool] = {}
    for test_set in {row.test_set for row in rows}:
        group = [index for index, row in enumerate(rows) if row.test_set == test_set]
        marks |= zip(group, front([rows[index].point for index in group]), strict=True)
    return tuple(
        replace(row, front=marks[index], times_faster=_ratio(base, row)) for index, row in enumerate(rows)
    )


def _ratio(base: Row | None, row: Row) -> float | None:
    if base is None or base.latency is None or row.latency is None:
        return None
    return base.latency.median_us / row.latency.median_us
