"""Whether a target's delegates take the file that ships."""

from dataclasses import dataclass

from converters.delegates import DELEGATES, Verdict, summary
from converters.tflite.graph import Inspection
from pipeline.artifacts import GateResult
from pipeline.delegate_plan import ANALYSED_AS, verdict_options
from pipeline.delegation_record import DelegationRecord, StayingOp
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
        verdict = DELEGATES[ANALYSED_AS.get(name, name)](inspection, **verdict_options(target.plan, name))
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


def headline(kept: DelegationRecord) -> str:
    """``gpu: 9 of 11 ops in 2 parts, 98.0 % of the multiply-accumulates``."""
    parts = f"{kept.partitions} part{'' if kept.partitions == 1 else 's'}"
    text = f"{kept.delegate}: {kept.delegated} of {kept.ops} ops in {parts}"
    if kept.macs_share is None:
        return text
    return f"{text}, {100 * kept.macs_share:.1f} % of the multiply-accumulates"


def details(kept: DelegationRecord) -> list[str]:
    """The ops that stay and why, the first of them; then warnings and notes."""
    staying = [
        f"stays: {one.op} #{one.index}{f' ({one.layer})' if one.layer else ''}: {one.reason}"
        for one in kept.staying[:LISTED_OPS]
    ]
    if len(kept.staying) > LISTED_OPS:
        staying.append(f"and {len(kept.staying) - LISTED_OPS} more stay")
    return [*staying, *(f"warning: {text}" for text in kept.warnings), *kept.notes]
