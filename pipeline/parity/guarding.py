"""What the accuracy guard did, as a sentence and as rows of a table."""

from pipeline.guard_record import GuardedLayer, GuardRecord

COLUMNS = ("layer", "op", "SQNR dB", "computes in", "bought points", "cost bytes")

DID_NOT_RUN = "does not run at int8"
"""Instead of points, where the file with the layer back at int8 broke the runtime."""

WAYS_OUT = "raise guard.layers, optimise with quantize_aware, or ship float16"
"""Ways out where the guard cannot reach the gate."""


def summary(record: GuardRecord) -> str:
    """One sentence: what was lost, what was restored, what that bought and cost."""
    measured = f"on {record.images:,} validation images ({record.runtime})"
    before = f"int8 drops {record.drop_before_points:+.2f} points {measured}, {record.limit_points:g} allowed"
    if not record.layers:
        return f"{before}: nothing to restore"
    names = ", ".join(layer.layer for layer in record.restored) or "no layer"
    return (
        f"{before}; with {names} in float32 {record.drop_after_points:+.2f} points, "
        f"{record.bytes_before:,} -> {record.bytes_after:,} bytes ({record.trials} files tried)"
    )


def failure(record: GuardRecord, file: str) -> str:
    """What to say where the gate could not be reached; ``file`` is where the best file lies."""
    return (
        f"the accuracy guard did not reach the gate: {summary(record)}; {record.why}; "
        f"the best file is {file}; ways out: {WAYS_OUT}"
    )


def rows(record: GuardRecord) -> list[tuple[str, ...]]:
    """One row per op that loses something, as text, in order of execution."""
    return [_row(layer) for layer in record.layers if layer.sqnr_db is not None]


def _row(layer: GuardedLayer) -> tuple[str, ...]:
    return (
        layer.layer,
        layer.op,
        f"{layer.sqnr_db:.1f}",
        "float32" if layer.restored else "int8",
        _bought(layer),
        "" if layer.cost_bytes is None else f"{layer.cost_bytes:+,}",
    )


def _bought(layer: GuardedLayer) -> str:
    if layer.bought_points is not None:
        return f"{layer.bought_points:+.2f}"
    return DID_NOT_RUN if layer.restored else ""
