"""The verdict: cells and gates as rows of a table, and what a failed gate says."""

import math
from collections.abc import Sequence

from pipeline.artifacts import Cell, ConvertedModels, DatasetFacts, GateResult, VerifiedModel
from pipeline.interval import Interval
from pipeline.sections import ExpectSection, Gate

Row = tuple[str, ...]

COLUMNS: Row = (
    "scheme", "runtime", "bytes", "zip bytes", "accuracy % (95 % CI)", "drop points", "McNemar p",
    "agreement %", "max error", "mean error", "SQNR dB", "gates",
)  # fmt: skip


FORGIVEN_NEAR_TIES = 1
"""Of a cell's images: which way a near-tie falls is chance, and on a small test set one alone is more than
the share that a gate on agreement allows. Two are no longer one bad draw, whatever the size."""


def check_gates(cell: Cell, gate: Gate, size: int) -> list[GateResult]:
    """Compares one cell with its gate.

    An absent runtime fails nothing. One that broke fails every gate on its answers and ``runs``; one that
    answered NaN or infinity fails ``finite``: both stand whatever the recipe asks for. Agreement is judged
    without FORGIVEN_NEAR_TIES, which are told in the result; a disagreement on which the reference is sure
    counts on a test set of any size.
    """
    if cell.status == "absent":
        return []
    measured: list[tuple[str, float | None, float | None, bool]] = [
        (
            "min_top1_agreement",
            gate.min_top1_agreement,
            cell.agreement,
            _agrees(cell, gate, FORGIVEN_NEAR_TIES),
        ),
        (
            "max_accuracy_drop_points",
            gate.max_accuracy_drop_points,
            cell.accuracy_drop_points,
            cell.accuracy_drop_points is not None
            and gate.max_accuracy_drop_points is not None
            and cell.accuracy_drop_points <= gate.max_accuracy_drop_points,
        ),
        ("max_bytes", gate.max_bytes, size, gate.max_bytes is not None and size <= gate.max_bytes),
    ]
    results = [
        GateResult(
            scheme=cell.scheme,
            runtime=cell.runtime,
            gate=name,
            limit=limit,
            measured=value,
            passed=ok,
            forgiven=FORGIVEN_NEAR_TIES
            if name == "min_top1_agreement" and ok and not _agrees(cell, gate, 0)
            else 0,
        )
        for name, limit, value, ok in measured
        if limit is not None
    ]
    if cell.status == "failed":
        results.append(_wrong(cell, "runs"))
    elif cell.max_abs_error is not None and not math.isfinite(cell.max_abs_error):
        results.append(_wrong(cell, "finite"))
    return results


def _agrees(cell: Cell, gate: Gate, forgiven: int) -> bool:
    """Whether enough answers agree, with at most so many near-ties counted as agreeing."""
    if cell.agreement is None or gate.min_top1_agreement is None:
        return False
    near = min(forgiven, cell.near_ties)
    # Counted in images where there is one to count: shares add up to a last bit less than one.
    share = (round(cell.agreement * cell.images) + near) / cell.images if near else cell.agreement
    return share >= gate.min_top1_agreement


def passed(gates: Sequence[GateResult], cells: Sequence[Cell], scheme: str) -> bool:
    """Whether every gate holds and at least one runtime ran the scheme on all images: less is no pass."""
    ran = any(cell.scheme == scheme and cell.status == "ran" and cell.test_images is None for cell in cells)
    return ran and all(gate.passed for gate in gates)


def _wrong(cell: Cell, gate: str) -> GateResult:
    return GateResult(scheme=cell.scheme, runtime=cell.runtime, gate=gate, limit=1, measured=0, passed=False)


def rows(converted: ConvertedModels, verified: VerifiedModel) -> list[Row]:
    """One row per scheme and runtime, as text."""
    sizes = {v.scheme: (v.bytes, v.zip_bytes) for v in converted.variants}
    return [row(cell, sizes[cell.scheme], verified.gates) for cell in verified.cells]


def failures(gates: Sequence[GateResult]) -> list[str]:
    """A sentence for each gate that failed."""
    sentences = []
    for gate in gates:
        if gate.passed:
            continue
        if gate.why:
            sentences.append(gate.why)
        elif gate.gate == "runs":
            sentences.append(f"{gate.scheme} on {gate.runtime} did not run")
        elif gate.gate == "finite":
            sentences.append(f"{gate.scheme} on {gate.runtime} answered NaN or infinity")
        else:
            value = "nothing" if gate.measured is None else _figure(gate.measured)
            sentences.append(
                f"{gate.scheme} on {gate.runtime}: {gate.gate} is {_figure(gate.limit)}, measured {value}"
            )
    return sentences


def _figure(value: float) -> str:
    """Bytes with all their digits, shares and points with six."""
    return f"{value:.0f}" if value.is_integer() else f"{value:g}"


def unexpected(expect: ExpectSection | None, facts: DatasetFacts, cells: Sequence[Cell]) -> list[str]:
    """A sentence for each accuracy that is not what the recipe expects on this very train set."""
    if expect is None or expect.train_images != facts.train + facts.validation:
        return []
    return [
        f"{cell.scheme} on {cell.runtime}: accuracy {100 * cell.accuracy.value:.2f} % where the recipe "
        f"expects {expect.accuracy_percent[cell.scheme]:g} +- {expect.tolerance_points:g}"
        for cell in cells
        if cell.accuracy is not None
        and cell.test_images is None
        and cell.scheme in expect.accuracy_percent
        and abs(100 * cell.accuracy.value - expect.accuracy_percent[cell.scheme]) > expect.tolerance_points
    ]


def percent(interval: Interval) -> str:
    """``88.12 (87.93-88.31)``, in percent."""
    return f"{100 * interval.value:.2f} ({100 * interval.low:.2f}-{100 * interval.high:.2f})"


def row(cell: Cell, size: tuple[int, int | None], gates: Sequence[GateResult]) -> Row:
    """One cell as text; ``size`` is that of the file in bytes, raw and zipped (None: not measured)."""
    sizes = tuple("" if each is None else f"{each:,}" for each in size)
    own = [gate for gate in gates if (gate.scheme, gate.runtime) == (cell.scheme, cell.runtime)]
    verdict = "FAILED" if any(not gate.passed for gate in own) else "passed" if own else "none"
    if cell.status != "ran":
        blanks = ("",) * (len(COLUMNS) - 6)
        verdict = "" if cell.status == "absent" else verdict
        return (cell.scheme, cell.runtime, *sizes, cell.status, *blanks, verdict)
    return (
        cell.scheme,
        f"{cell.runtime} {cell.version}",
        *sizes,
        "" if cell.accuracy is None else percent(cell.accuracy),
        _number(cell.accuracy_drop_points, "+.3f"),
        _number(cell.mcnemar_p, ".2g"),
        "" if cell.agreement is None else f"{100 * cell.agreement:.3f}",
        _error(cell),
        _number(cell.mean_abs_error, ".1e"),
        "inf" if cell.sqnr_db is None else f"{cell.sqnr_db:.1f}",
        verdict,
    )


def notes(cells: Sequence[Cell]) -> list[str]:
    """Why cells did not run, or not on all images: a sentence for each such runtime and each failed file."""
    return list(dict.fromkeys(text for text in map(_note, cells) if text))


def _note(cell: Cell) -> str:
    if cell.status == "absent":
        return f"{cell.runtime} is absent: {cell.reason}"
    if cell.status != "ran":
        return f"{cell.scheme} on {cell.runtime} failed: {cell.reason}"
    if cell.test_images is not None:
        return f"{cell.runtime}: a sample of {cell.images:,} of the {cell.test_images:,} images"
    return ""


def _error(cell: Cell) -> str:
    text = _number(cell.max_abs_error, ".1e")
    return text if cell.max_steps is None else f"{text} ({cell.max_steps:.0f} steps)"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
