"""Delegates: which ops of a .tflite file an accelerator takes, why the others stay, in how many parts.

    gpu.py nnapi.py coreml.py xnnpack.py    one delegate each: verdict(inspection, **options) -> Verdict
    gpu.toml ...                            its table of ops, with the source it was read from
    node.py rules.py checks.py              how a table is held against a graph
    partition.py verdict.py                 the parts that are delegated, and what is said of it all

A verdict is read off the file and the delegates' sources: it says what the delegate will be handed. A driver
may still refuse, or compute less exactly; only a run on the device shows that.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from converters.delegates import coreml, gpu, nnapi, xnnpack
from converters.delegates.verdict import OpVerdict, Verdict, summary
from converters.tflite.graph import Inspection
from converters.tflite.section import Section

__all__ = ["DELEGATES", "OpVerdict", "Verdict", "delegate_sections", "summary", "verdicts"]

DELEGATES: Mapping[str, Callable[..., Verdict]] = MappingProxyType(
    {
        gpu.NAME: gpu.verdict,
        nnapi.NAME: nnapi.verdict,
        coreml.NAME: coreml.verdict,
        xnnpack.NAME: xnnpack.verdict,
    }
)
"""Delegate to its verdict, the order of all tables."""

SHOWN_LAYERS = 3
"""Layers that a line names; how many more there are is told."""


def verdicts(inspection: Inspection) -> tuple[Verdict, ...]:
    """What every delegate would do, each opened as it opens by itself."""
    return tuple(verdict(inspection) for verdict in DELEGATES.values())


def delegate_sections(inspection: Inspection) -> Iterator[Section]:
    """Delegates for ``pipeline inspect``: an overview, then what each leaves on the CPU and why."""
    found = verdicts(inspection)
    yield Section(
        title="delegates",
        columns=("delegate", "ops", "parts", "MACs", "all of it"),
        rows=tuple(
            (
                verdict.delegate,
                f"{len(verdict.delegated)} of {len(verdict.ops)}",
                str(verdict.partitions),
                "-" if verdict.macs_share is None else f"{100 * verdict.macs_share:.1f} %",
                "yes" if verdict.full else "no",
            )
            for verdict in found
        ),
        figures=frozenset({"ops", "parts", "MACs"}),
    )
    for verdict in found:
        rows = _left(verdict)
        yield Section(
            title=f"{verdict.delegate}: what stays on the CPU" if rows else f"{verdict.delegate}",
            lines=(*(f"warning: {text}" for text in verdict.warnings), *verdict.notes),
            columns=("op", "times", "layers", "why") if rows else (),
            rows=rows,
            figures=frozenset({"times"}),
        )


def _left(verdict: Verdict) -> tuple[tuple[str, ...], ...]:
    """Ops that stay, those with the same reason in one line."""
    groups: dict[tuple[str, str], list[str]] = {}
    for op in verdict.stays:
        groups.setdefault((op.op, op.reason), []).append(op.layer)
    return tuple((op, str(len(layers)), _layers(layers), reason) for (op, reason), layers in groups.items())


def _layers(names: list[str]) -> str:
    told = list(dict.fromkeys(name for name in names if name))
    more = f" and {len(told) - SHOWN_LAYERS} more" if len(told) > SHOWN_LAYERS else ""
    return ", ".join(told[:SHOWN_LAYERS]) + more
