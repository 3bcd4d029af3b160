"""Rows that no build is needed for."""

from pipeline.latency import Latency
from pipeline.parity.agreement import wilson
from pipeline.sweep.measure import Sweep
from pipeline.sweep.rows import Row, compared

IMAGES = 10_000


def row(
    variant: str,
    scheme: str = "int8",
    *,
    percent: float = 88.0,
    zip_bytes: int = 50_000,
    latency_us: float | None = 100.0,
    test_set: str = "a",
    failed_gates: tuple[str, ...] = (),
    problem: str = "",
) -> Row:
    """A row that was measured."""
    latency = None
    if latency_us is not None:
        latency = Latency(
            name=variant, median_us=latency_us, q1_us=0.9 * latency_us, q3_us=1.2 * latency_us, rounds=21
        )
    return Row(
        variant=variant, recipe="made", scheme=scheme, test_set=test_set, sha256="f" * 64,
        accuracy=wilson(round(IMAGES * percent / 100), IMAGES), trained=wilson(8850, IMAGES),
        drop_points=88.5 - percent,
        bytes=4 * zip_bytes, zip_bytes=zip_bytes, latency=latency,
        failed_gates=failed_gates, problem=problem,
    )  # fmt: skip


def lost(variant: str) -> Row:
    """A variant that could not be made."""
    return Row(variant=variant, recipe="made", problem="not made: the disk is made of cheese")


def sweep(*rows: Row, profile: str = "full") -> Sweep:
    """What a sweep of these rows gives."""
    return Sweep(rows=compared(rows), data=("10,000 made images",), runtime="litert 2.3.0", profile=profile)


SHOWCASE = (
    row("none", "float32", percent=88.5, zip_bytes=2_000_000, latency_us=300.0),
    row("none", percent=88.4, zip_bytes=500_000),
    row("prune", percent=88.45, zip_bytes=200_000),
    row("pqat", percent=88.3, zip_bytes=190_000),
    row("pcqat", percent=87.9, zip_bytes=120_000),
    row("cluster", percent=87.5, zip_bytes=300_000),
)
