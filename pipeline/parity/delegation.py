"""Whether a target's delegates take the file that ships: by their rules, and by runs where some are made."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from converters.delegates import DELEGATES, Verdict, summary
from converters.tflite.graph import Inspection
from pipeline.artifacts import Cell, GateResult
from pipeline.delegate_plan import ANALYSED_AS, opening
from pipeline.delegation_record import (
    AcceleratorRun,
    DelegationRecord,
    MeasuredDelegation,
    RefusedOp,
    StayingOp,
)
from pipeline.recipe import stands_for
from pipeline.target import Target

GATE = "require_full_delegation"
"""Name of the gate, as the target calls it."""

NAMED_OPS = 3
"""Ops that stay on the CPU which a message names; how many more there are is told."""

LISTED_OPS = 10
"""The same of a list for people; all of them stand in the manifest."""


@dataclass(frozen=True, kw_only=True)
class Delegation:
    """One delegate of a target and a file.

    Attributes:
        delegate: as the target calls it.
        verdict: what it would do, opened as the target says.
        passed: whether it takes enough: False only for the first delegate of a target that requires all.
    """

    delegate: str
    verdict: Verdict
    passed: bool

    def __str__(self) -> str:
        """``gpu: 9 of 11 ops in 2 parts ...`` and, where it fails, the ops and why."""
        text = f"{self.delegate}: {summary(self.verdict)}"
        if self.passed:
            return text
        staying = self.verdict.stays
        more = f"; and {len(staying) - NAMED_OPS} more" if len(staying) > NAMED_OPS else ""
        why = "; ".join(map(str, staying[:NAMED_OPS])) or "it is cut into parts"
        return f"{text}. The target requires all of it: {why}{more}"


def check_delegation(inspection: Inspection, target: Target) -> tuple[Delegation, ...]:
    """What each delegate of a target does with a file, in the order in which an app tries them.

    Args:
        inspection: of the file that ships.
        target: with how the delegates are opened.
    """
    found = []
    for position, name in enumerate(target.delegates):
        verdict = DELEGATES[ANALYSED_AS.get(name, name)](inspection, opening(target.plan, name))
        required = target.require_full_delegation and position == 0
        found.append(Delegation(delegate=name, verdict=verdict, passed=verdict.full or not required))
    return tuple(found)


def gates(scheme: str, checked: tuple[Delegation, ...], target: Target) -> list[GateResult]:
    """The gate on delegation; none where the target requires nothing.

    The limit is the share of ops that the first delegate must take in one part, all of them; measured is what
    it takes, and of several parts the share of one.
    """
    if not target.require_full_delegation:
        return []
    first = checked[0]
    share = len(first.verdict.delegated) / max(1, len(first.verdict.ops)) / max(1, first.verdict.partitions)
    return [
        GateResult(
            scheme=scheme,
            runtime=first.delegate,
            gate=GATE,
            limit=1.0,
            measured=share if not first.passed else 1.0,
            passed=first.passed,
            why="" if first.passed else f"{scheme} on {first}",
        )
    ]


def record(checked: Delegation) -> DelegationRecord:
    """What the artifact and the manifest keep of it."""
    verdict = checked.verdict
    return DelegationRecord(
        delegate=checked.delegate,
        ops=len(verdict.ops),
        delegated=len(verdict.delegated),
        partitions=verdict.partitions,
        macs_share=verdict.macs_share,
        full=verdict.full,
        staying=tuple(
            StayingOp(index=op.index, op=op.op, layer=op.layer, reason=op.reason) for op in verdict.stays
        ),
        warnings=verdict.warnings,
        notes=verdict.notes,
    )


def beside_runs(
    records: Sequence[DelegationRecord], cells: Iterable[Cell], ship: str
) -> tuple[DelegationRecord, ...]:
    """The rules' verdicts, each beside what the runtimes that stand in for its delegate did.

    Args:
        records: of the file that ships.
        cells: of all schemes and runtimes.
        ship: scheme of that file.
    """
    shipped = [cell for cell in cells if cell.scheme == ship]
    return tuple(
        kept.model_copy(
            update={
                "measured": tuple(
                    _measured(kept, cell) for cell in shipped if kept.delegate in stands_for(cell.runtime)
                )
            }
        )
        for kept in records
    )


def _measured(kept: DelegationRecord, cell: Cell) -> MeasuredDelegation:
    run, error = cell.accelerated, cell.max_abs_error
    return MeasuredDelegation(
        runtime=cell.runtime,
        status=cell.status,
        reason=cell.reason,
        run=run,
        images=cell.images,
        agreement=cell.agreement,
        max_abs_error=error if error is not None and math.isfinite(error) else None,
        disagreements=() if run is None else tuple(_differences(kept, run)),
    )


def _differences(kept: DelegationRecord, run: AcceleratorRun) -> list[str]:
    """Where the rules and an accelerator differ.

    The accelerator names kinds of ops, with a layer where it can, and says how many stay; so ops are paired
    by kind and layer, and what is left of a difference is told by the counts.
    """
    found = [
        f"the accelerator refuses {_refused(each)}; the rules give it to the delegate"
        for each in run.refused
        if not any(_same(staying, each) for staying in kept.staying)
    ]
    if run.taken > kept.delegated:
        taken = [one for one in kept.staying if not any(_same(one, each) for each in run.refused)]
        found += [f"the rules leave {_staying(one)}; the accelerator takes it" for one in taken[:NAMED_OPS]]
        if len(taken) > NAMED_OPS:
            found.append(f"and {len(taken) - NAMED_OPS} more ops that the accelerator takes")
    if run.taken != kept.delegated and not found:
        found.append(
            f"the accelerator takes {run.taken} of {run.ops} ops, the rules {kept.delegated} of {kept.ops}"
        )
    return found


def _same(staying: StayingOp, refused: RefusedOp) -> bool:
    """Whether both may be about one op: the kind decides where either names no layer."""
    nameless = not refused.layers or not staying.layer
    return staying.op == refused.op and (nameless or staying.layer in refused.layers)


def _refused(each: RefusedOp) -> str:
    where = f" ({', '.join(each.layers)})" if each.layers else ""
    return f"{each.op}{where}: {each.reason}"


def _staying(one: StayingOp) -> str:
    return f"{one.op} #{one.index}{f' ({one.layer})' if one.layer else ''}: {one.reason}"


def disagreements(records: Iterable[DelegationRecord]) -> list[str]:
    """Where rules and accelerators differ: ``gpu on litert_gpu: the accelerator refuses ...``."""
    return [
        f"{kept.delegate} on {each.runtime}: {text}"
        for kept in records
        for each in kept.measured
        for text in each.disagreements
    ]


def headline(kept: DelegationRecord) -> str:
    """``gpu: 9 of 11 ops in 2 parts, 98.0 % of the multiply-accumulates``."""
    parts = f"{kept.partitions} part{'' if kept.partitions == 1 else 's'}"
    text = f"{kept.delegate}: {kept.delegated} of {kept.ops} ops in {parts}"
    if kept.macs_share is None:
        return text
    return f"{text}, {100 * kept.macs_share:.1f} % of the multiply-accumulates"


def details(kept: DelegationRecord) -> list[str]:
    """The ops that stay and why, the first of them; warnings and notes; then what was measured beside it."""
    staying = [f"stays: {_staying(one)}" for one in kept.staying[:LISTED_OPS]]
    if len(kept.staying) > LISTED_OPS:
        staying.append(f"and {len(kept.staying) - LISTED_OPS} more stay")
    measured = [line for each in kept.measured for line in _told(each)]
    return [*staying, *(f"warning: {text}" for text in kept.warnings), *kept.notes, *measured]


def _told(each: MeasuredDelegation) -> list[str]:
    """The ops that it took, whether as the rules say, and how right its answers were.

    ``measured by litert_gpu on SwiftShader, compiled for the GPU alone: 9 of 9 ops, as the rules say; top-1
    as the reference's on 100.00 % of 500 images, largest difference 2.4e-06``.
    """
    if each.run is None:
        return [f"not measured by {each.runtime}, {each.status}: {each.reason}"]
    agreed = "" if each.disagreements else ", as the rules say"
    where = f" on {each.run.driver}" if each.run.driver else ""
    ops = f"{each.run.taken} of {each.run.ops} ops{agreed}"
    return [
        f"measured by {each.runtime}{where}, compiled for the GPU alone: {ops}; {_answered(each)}",
        *(f"disagreement: {text}" for text in each.disagreements),
    ]


def _answered(each: MeasuredDelegation) -> str:
    """How right its answers were: that it takes an op does not say that it computes it."""
    if each.status != "ran":
        return "it did not run"
    if each.agreement is None:
        return "its answers were not compared"
    error = "not finite" if each.max_abs_error is None else f"{each.max_abs_error:.1e}"
    return (
        f"top-1 as the reference's on {100 * each.agreement:.2f} % of {each.images:,} images, largest "
        f"difference {error}"
    )
