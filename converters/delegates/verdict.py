"""What a delegate would do with a file: op by op, why not, in how many parts, for how much of the work."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from converters.delegates.node import links, unpacked_constants
from converters.delegates.partition import partitions
from converters.tflite.arithmetic import costs
from converters.tflite.graph import Inspection, Op, Subgraph

NEVER_RUNS = "it can never run: its inputs depend on its own outputs, or on those of such an op"


@dataclass(frozen=True, kw_only=True)
class OpVerdict:
    """One op.

    Attributes:
        index: position in the first subgraph.
        op: builtin name, or custom code.
        layer: Keras layer it came from; "" where the file does not tell.
        delegated: whether the delegate computes it.
        reason: why it stays on the CPU, naming the tensor or option; "" where it is delegated.
    """

    index: int
    op: str
    layer: str
    delegated: bool
    reason: str = ""

    def __str__(self) -> str:
        """``CONV_2D #3 (layer 'conv_1'): reason``."""
        layer = f" (layer '{self.layer}')" if self.layer else ""
        return f"{self.op} #{self.index}{layer}: {self.reason or 'delegated'}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A file and a delegate.

    Attributes:
        delegate: its name.
        ops: every op of the first subgraph; bodies of control flow are never delegated.
        partitions: parts of the graph that the delegate computes, each entered and left at every run.
        macs_share: share of the multiply-accumulates in them, 0..1; None where an op's cannot be counted.
        warnings: what an app must know although the ops go.
        notes: which of the delegate's paths the file takes.
    """

    delegate: str
    ops: tuple[OpVerdict, ...]
    partitions: int
    macs_share: float | None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def full(self) -> bool:
        """Whether nothing stays on the CPU, and all of it is one part."""
        return all(op.delegated for op in self.ops) and self.partitions == 1

    @property
    def stays(self) -> tuple[OpVerdict, ...]:
        """Ops that stay on the CPU."""
        return tuple(op for op in self.ops if not op.delegated)

    @property
    def delegated(self) -> tuple[OpVerdict, ...]:
        """Ops that the delegate computes."""
        return tuple(op for op in self.ops if op.delegated)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How a delegate chooses among the parts that it could take.

    Attributes:
        most_partitions: it takes so many, the largest first; None for all.
        fewest_ops: smaller parts are left to the CPU.
    """

    most_partitions: int | None = None
    fewest_ops: int = 1


def assemble(
    delegate: str,
    inspection: Inspection,
    refusals: Mapping[int, str],
    *,
    limits: Limits,
    unpacks: Set[str],
    warnings: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> Verdict:
    """The verdict from what was said of each op.

    Args:
        delegate: its name.
        inspection: of the file.
        refusals: op index to why it stays; ops that are not in it could go.
        limits: which parts are taken.
        unpacks: ops whose constant input the delegate unpacks once, as it is made.
        warnings: of the verdict.
        notes: of the verdict.
    """
    graph = inspection.main
    reasons, taken = decide(graph, refusals, limits=limits, unpacks=unpacks)
    return Verdict(
        delegate=delegate,
        ops=tuple(_op_verdict(graph, op, reasons) for op in graph.ops),
        partitions=taken,
        macs_share=_share(inspection, reasons),
        warnings=tuple(warnings),
        notes=tuple(notes),
    )


def decide(
    graph: Subgraph, refusals: Mapping[int, str], *, limits: Limits, unpacks: Set[str]
) -> tuple[Mapping[int, str], int]:
    """Op index to why it stays, for all that stay, and the number of parts; arguments as above."""
    constants, folded = unpacked_constants(graph, unpacks)
    runs = [op for op in graph.ops if op.index not in folded]
    parts = partitions(
        runs,
        could_go=frozenset(op.index for op in runs if op.index not in refusals),
        known={*constants, *(t.index for t in (*graph.inputs, *(t for t in graph.tensors if t.constant)))},
    )
    placed = {index for part in parts for index in part}
    reasons = dict(refusals) | _left_out(parts, limits)
    reasons |= {op.index: NEVER_RUNS for op in runs if op.index not in placed and op.index not in refusals}
    taken = [part for part in parts if not any(index in reasons for index in part)]
    # What unpacks constants goes with the ops that read them.
    readers = links(graph).readers
    for op in reversed(graph.ops):
        if op.index in folded:
            reading = readers.get(op.outputs[0], ())
            staying = any(reader.index in reasons for reader in reading)
            if staying or not reading:
                reasons[op.index] = "what reads it stays on the CPU" if staying else "nothing reads it"
    return reasons, len(taken)


def _op_verdict(graph: Subgraph, op: Op, reasons: Mapping[int, str]) -> OpVerdict:
    return OpVerdict(
        index=op.index,
        op=op.name,
        layer=graph.source_layer(op),
        delegated=op.index not in reasons,
        reason=reasons.get(op.index, ""),
    )


def _left_out(parts: Sequence[Sequence[int]], limits: Limits) -> dict[int, str]:
    """Why parts that could go are not taken: op index to reason."""
    by_size = sorted(parts, key=len, reverse=True)
    large = [part for part in by_size if len(part) >= limits.fewest_ops]
    reasons = {
        index: f"in a part of {_count(part)}; the delegate takes none below {limits.fewest_ops}"
        for part in by_size[len(large) :]
        for index in part
    }
    most = limits.most_partitions
    if most is not None:
        reasons |= {
            index: f"in a part of {_count(part)} cut off from the rest; the delegate takes the "
            f"{_largest(most)} of {len(large)} parts"
            for part in large[most:]
            for index in part
        }
    return reasons


def _count(part: Sequence[int]) -> str:
    return f"{len(part)} op{'s' if len(part) > 1 else ''}"


def _largest(most: int) -> str:
    return "largest" if most == 1 else f"{most} largest"


def _share(inspection: Inspection, reasons: Mapping[int, str]) -> float | None:
    """Share of the first subgraph's multiply-accumulates in ops that go; None where it cannot be told."""
    counts = {cost.index: cost.macs for cost in costs(inspection) if cost.subgraph == 0}
    known = {index: count for index, count in counts.items() if count is not None}
    total = sum(known.values())
    if len(known) < len(counts) or not total:
        return None
    return sum(count for index, count in known.items() if index not in reasons) / total


def summary(verdict: Verdict) -> str:
    """One line: ``9 of 11 ops in 2 parts, 98.0 % of the multiply-accumulates; stays: RESHAPE 2x``."""
    parts = f"{verdict.partitions} part{'' if verdict.partitions == 1 else 's'}"
    text = f"{len(verdict.delegated)} of {len(verdict.ops)} ops in {parts}"
    if verdict.macs_share is not None:
        text += f", {100 * verdict.macs_share:.1f} % of the multiply-accumulates"
    staying = Counter(op.op for op in verdict.stays)
    if staying:
        text += "; stays: " + ", ".join(f"{op} {count}x" for op, count in staying.most_common())
    return text
