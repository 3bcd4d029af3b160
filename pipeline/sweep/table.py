"""The sweep as text: columns, rows and what has to be said below them."""

from collections.abc import Sequence

from pipeline.latency import Latency
from pipeline.parity.agreement import CONFIDENCE
from pipeline.sweep.measure import Sweep
from pipeline.sweep.pareto import LATENCY_TOLERANCE
from pipeline.sweep.rows import Row, base_row

COLUMNS = (
    "variant", "scheme", "accuracy %", f"{CONFIDENCE:.0%} CI", "drop points", "bytes", "zip bytes",
    "latency us (quartiles)", "times faster", "front", "note",
)  # fmt: skip

MARK = "*"


def lines(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The rows as text."""
    return [_line(row) for row in rows]


def _line(row: Row) -> tuple[str, ...]:
    accuracy = row.accuracy
    return (
        row.variant,
        row.scheme,
        "" if accuracy is None else f"{100 * accuracy.value:.2f}",
        "" if accuracy is None else f"{100 * accuracy.low:.2f}-{100 * accuracy.high:.2f}",
        "" if row.drop_points is None else f"{row.drop_points:+.2f}",
        "" if row.bytes is None else f"{row.bytes:,}",
        "" if row.zip_bytes is None else f"{row.zip_bytes:,}",
        "" if row.latency is None else _quartiles(row.latency),
        "" if row.times_faster is None else f"{row.times_faster:.2f}",
        MARK if row.front else "",
        _note(row),
    )


def _quartiles(latency: Latency) -> str:
    return f"{latency.median_us:,.1f} ({latency.q1_us:,.1f}-{latency.q3_us:,.1f})"


def _note(row: Row) -> str:
    if row.problem:
        return "NOT MEASURED" if row.scheme else "NOT MADE"
    return "gate FAILED" if row.failed_gates else ""


def notes(sweep: Sweep) -> list[str]:
    """What the table's figures mean, and why some are missing: one sentence each."""
    rows = sweep.rows
    said = list(sweep.problems)
    said += [f"{row.variant}: gate failed: {text}" for row in rows for text in row.failed_gates]
    if sweep.profile == "smoke":
        said.append("profile smoke: few images and epochs, for tests alone")
    if len({row.test_set for row in rows if row.test_set}) > 1:
        said.append(
            "the rows were measured on different test sets: their accuracies do not compare, and each set "
            "has a front of its own"
        )
    widest = max((row.accuracy.high - row.accuracy.low for row in rows if row.accuracy), default=None)
    if widest is not None:
        said.append(
            f"front ({MARK}): no other row is as accurate, as small when zipped and as fast, and better in "
            f"one; latencies within {LATENCY_TOLERANCE:.0%} count as equal. It goes by the point values: "
            f"an accuracy is known to about +-{50 * widest:.2f} points ({CONFIDENCE:.0%} Wilson interval), "
            "a smaller difference may be chance"
        )
    trained = {row.trained.value for row in rows if row.trained is not None}
    if trained:
        figures = ", ".join(f"{100 * value:.2f} %" for value in sorted(trained))
        said.append(f"drop: against the trained float model in Keras, before any optimisation ({figures})")
    base = base_row(rows)
    if base is not None and base.latency is not None:
        said.append(
            f"latency: on {sweep.runtime}, one thread of this machine, batch 1, test images, median of "
            f"{base.latency.rounds} rounds of all files in turns; times faster: than {base.name}"
        )
    return said
