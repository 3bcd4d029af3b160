"""Delegates: which ops of a .tflite file an accelerator takes, why the others stay, in how many parts.

    gpu.py nnapi.py coreml.py xnnpack.py    one delegate each: verdict(inspection, **options) -> Verdict
    gpu.toml ...                            its table of ops, with the source it was read from
    gpu_checks.py nnapi_checks.py ...       the rules that the rows of a table name
    opening.py                              how an app opens a delegate
    node.py rules.py checks.py              how a table is held against a graph
    partition.py verdict.py                 the parts that are delegated, and what is said of it all

A verdict is read off the file and the delegates' sources: it says what the delegate will be handed. A driver
may still refuse, or compute less exactly; only a run on the device shows that.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from converters.delegates import coreml, gpu, nnapi, xnnpack
from converters.delegates.nnapi import LevelVerdict
from converters.delegates.node import without_tensors
from converters.delegates.opening import Opening
from converters.delegates.verdict import OpVerdict, Verdict, summary
from converters.tflite.graph import Inspection
from converters.tflite.section import Section

__all__ = [
    "DELEGATES",
    "LevelVerdict",
    "OpVerdict",
    "Opening",
    "Verdict",
    "android_api_levels",
    "delegate_sections",
    "nnapi_by_level",
    "summary",
    "verdicts",
]

DELEGATES: Mapping[str, Callable[[Inspection, Opening], Verdict]] = MappingProxyType(
    {
        gpu.NAME: lambda inspection, how: gpu.verdict(
            inspection, quantized=how.quantized, most_partitions=how.most_partitions
        ),
        nnapi.NAME: lambda inspection, how: nnapi.verdict(
            inspection,
            api_level=how.android_api,
            use_nnapi_cpu=how.use_nnapi_cpu,
            most_partitions=how.most_partitions,
        ),
        coreml.NAME: lambda inspection, how: coreml.verdict(
            inspection, coreml_version=how.coreml_version, most_partitions=how.most_partitions
        ),
        xnnpack.NAME: lambda inspection, how: xnnpack.verdict(inspection, quantized=how.quantized),
    }
)
"""Delegate to its verdict, the order of all tables."""

android_api_levels = nnapi.levels
nnapi_by_level = nnapi.by_level

SHOWN_LAYERS = 3
"""Layers that a line names; how many more there are is told."""


def verdicts(inspection: Inspection, *, android_api: int = Opening.android_api) -> tuple[Verdict, ...]:
    """What every delegate would do, each opened as it opens by itself.

    Args:
        inspection: of the file.
        android_api: Android API level that NNAPI is asked at, 27 to 34.
    """
    how = Opening(android_api=android_api)
    return tuple(verdict(inspection, how) for verdict in DELEGATES.values())


def delegate_sections(inspection: Inspection, *, android_api: int = Opening.android_api) -> Iterator[Section]:
    """Delegates for ``pipeline inspect``: an overview, then what each leaves on the CPU and why."""
    found = verdicts(inspection, android_api=android_api)
    yield Section(
        title="delegates",
        columns=("delegate", "ops", "parts", "MACs", "all of it"),
        rows=tuple(
            (
                f"{verdict.delegate} (API {android_api})"
                if verdict.delegate == nnapi.NAME
                else verdict.delegate,
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
            lines=(
                *(f"warning: {text}" for text in verdict.warnings),
                *verdict.notes,
                *((_levels(inspection),) if verdict.delegate == nnapi.NAME else ()),
            ),
            columns=("op", "times", "layers", "why") if rows else (),
            rows=rows,
            figures=frozenset({"times"}),
        )


def _levels(inspection: Inspection) -> str:
    """``ops by Android API level: 27 none, 28 2, 29 11, 30 to 34 all 11``."""
    told = []
    for found in nnapi_by_level(inspection):
        run = f"{found.lowest}" if found.lowest == found.highest else f"{found.lowest} to {found.highest}"
        count = f"all {found.ops}" if found.delegated == found.ops else str(found.delegated or "none")
        told.append(f"{run}: {count}")
    return f"ops that it takes by Android API level: {', '.join(told)}"


def _left(verdict: Verdict) -> tuple[tuple[str, ...], ...]:
    """Ops that stay, those with one reason in one line; it names a tensor where that is the same for all."""
    groups: dict[tuple[str, str], list[OpVerdict]] = {}
    for op in verdict.stays:
        groups.setdefault((op.op, without_tensors(op.reason)), []).append(op)
    return tuple(
        (
            name,
            str(len(ops)),
            _layers([op.layer for op in ops]),
            ops[0].reason if len({op.reason for op in ops}) == 1 else reason,
        )
        for (name, reason), ops in groups.items()
    )


def _layers(names: list[str]) -> str:
    told = list(dict.fromkeys(name for name in names if name))
    more = f" and {len(told) - SHOWN_LAYERS} more" if len(told) > SHOWN_LAYERS else ""
    return ", ".join(told[:SHOWN_LAYERS]) + more
