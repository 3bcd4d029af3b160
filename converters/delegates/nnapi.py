"""The NNAPI delegate of TensorFlow Lite, by Android API level. A legacy: Android 15 deprecates NNAPI."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from converters.delegates.nnapi_checks import CHECKS
from converters.delegates.nnapi_quantised import NAME, NNAPI_1_2, NNAPI_1_3
from converters.delegates.node import called, unpacked_constants
from converters.delegates.rules import Check, refusals, table
from converters.delegates.verdict import Limits, Verdict, assemble, decide
from converters.tflite.graph import Inspection, Op, Subgraph

__all__ = ["CHECKS", "EVERY", "NAME", "LevelVerdict", "by_level", "levels", "verdict"]

EVERY: Mapping[str, Check] = {}
"""No rule is asked of every op."""

HANDED_OVER = 3
"""Version of DEPTHWISE_CONV_2D up to which the delegate asks nothing of its weights' dtype."""

DEPRECATED = (
    "NNAPI is deprecated from Android 15 (API level 35) on: keep it as a legacy, prefer GPU and XNNPACK"
)


@dataclass(frozen=True, kw_only=True)
class LevelVerdict:
    """What the delegate takes on a run of Android API levels that have the same rules.

    Attributes:
        lowest: first of the levels.
        highest: last of them.
        delegated: ops that it takes.
        ops: all ops of the first subgraph.
        partitions: parts that they form.
    """

    lowest: int
    highest: int
    delegated: int
    ops: int
    partitions: int


def levels() -> range:
    """Android API levels that have NNAPI, up to the last before it is deprecated."""
    settings = table(NAME).settings
    return range(settings["lowest_level"], settings["highest_level"] + 1)


def verdict(
    inspection: Inspection,
    *,
    api_level: int = NNAPI_1_3,
    use_nnapi_cpu: bool = False,
    most_partitions: int | None = None,
) -> Verdict:
    """What the NNAPI delegate would hand to Android.

    Args:
        inspection: of the file.
        api_level: 27 to 34; up to 28, or where NNAPI's own CPU path is used, that of the phone; else what
            the phone's NNAPI drivers have the features of, at most its own.
        use_nnapi_cpu: whether NNAPI's own CPU path may be used, ``NnApiDelegate.Options.setUseNnapiCpu``; the
            delegate's own default is not to. Below level 29 it cannot be shut out.
        most_partitions: parts it takes; the delegate's own default where None.

    Raises:
        ValueError: an API level without NNAPI, or from which on it is deprecated.
    """
    rules = table(NAME)
    if api_level not in levels():
        raise ValueError(
            f"Android API level {api_level}: NNAPI is in levels {levels().start} to {levels()[-1]}"
        )
    warnings = [DEPRECATED, *_all_or_nothing(inspection, api_level=api_level, use_nnapi_cpu=use_nnapi_cpu)]
    resized = next((tensor for tensor in inspection.inputs if tensor.dynamic), None)
    if resized:
        warnings.append(f"input {called(resized)} has no fixed size: the delegate computes batch 1 only")
    return assemble(
        NAME,
        inspection,
        _refused(inspection, api_level=api_level, use_nnapi_cpu=use_nnapi_cpu),
        limits=_limits(most_partitions),
        unpacks=rules.unpacks_at(api_level),
        warnings=warnings,
        notes=list(_notes(inspection, api_level=api_level, use_nnapi_cpu=use_nnapi_cpu)),
    )


def by_level(inspection: Inspection, *, use_nnapi_cpu: bool = False) -> Sequence[LevelVerdict]:
    """What the delegate would take on every Android API level, levels with the same rules as one."""
    rules, graph = table(NAME), inspection.main
    steps: list[int] = rules.settings["steps"]
    found = []
    for lowest, following in zip(steps, [*steps[1:], levels().stop], strict=True):
        refused = _refused(inspection, api_level=lowest, use_nnapi_cpu=use_nnapi_cpu)
        reasons, partitions = decide(graph, refused, limits=_limits(None), unpacks=rules.unpacks_at(lowest))
        found.append(
            LevelVerdict(
                lowest=lowest,
                highest=following - 1,
                delegated=len(graph.ops) - len(reasons),
                ops=len(graph.ops),
                partitions=partitions,
            )
        )
    return found


def _limits(most_partitions: int | None) -> Limits:
    default: int = table(NAME).settings["most_partitions"]
    return Limits(most_partitions=most_partitions or default)


def _refused(inspection: Inspection, *, api_level: int, use_nnapi_cpu: bool) -> dict[int, str]:
    return refusals(
        inspection,
        table(NAME),
        CHECKS,
        every=EVERY,
        level=api_level,
        level_name="Android API level",
        accelerator=not use_nnapi_cpu and api_level >= NNAPI_1_2,
    )


def _notes(inspection: Inspection, *, api_level: int, use_nnapi_cpu: bool) -> Iterator[str]:
    yield _refusing_driver(api_level=api_level, use_nnapi_cpu=use_nnapi_cpu)
    if api_level >= NNAPI_1_2 and not use_nnapi_cpu:
        yield (
            f"rules of level {api_level}: what counts is the highest NNAPI feature level of the phone's "
            f"drivers, at most its API level (a driver of NNAPI 1.2 has the rules of {NNAPI_1_2}, 1.3 those "
            f"of {NNAPI_1_3}); without a driver nothing is taken"
        )
    graph = inspection.main
    handed = (op for op in graph.ops if op.name == "DEPTHWISE_CONV_2D" and op.version <= HANDED_OVER)
    mixed = next((op for op in handed if _float_by_int8(graph, op)), None)
    if mixed is not None:
        yield (
            f"DEPTHWISE_CONV_2D #{mixed.index}: float32 by int8 weights is handed over, as its version is "
            f"{mixed.version}, but is none of NNAPI's operand combinations: a driver refuses it"
        )


def _float_by_int8(graph: Subgraph, op: Op) -> bool:
    tensors = [graph.tensor(index) for index in op.inputs[:2]]
    return [tensor.dtype for tensor in tensors if tensor is not None] == ["float32", "int8"]


def _all_or_nothing(inspection: Inspection, *, api_level: int, use_nnapi_cpu: bool) -> Iterator[str]:
    """Float16 weights lose their DEQUANTIZE, which kernels of the CPU would need: so all goes, or nothing."""
    constants, _ = unpacked_constants(inspection.main, table(NAME).unpacks_at(api_level))
    halves = any(origin.dtype == "float16" for origin in constants.values())
    if halves and api_level >= NNAPI_1_2 and not use_nnapi_cpu:
        yield "float16 weights: if the driver refuses one op, none is delegated"


def _refusing_driver(*, api_level: int, use_nnapi_cpu: bool) -> str:
    """What becomes of an op that the delegate takes and the phone's driver does not."""
    if use_nnapi_cpu:
        return "what a driver refuses of it, Android computes on NNAPI's own CPU path, slowly (use_nnapi_cpu)"
    if api_level < NNAPI_1_2:
        return (
            f"what a driver refuses of it, Android computes on NNAPI's own CPU path, slowly: below API level "
            f"{NNAPI_1_2} that path cannot be shut out"
        )
    return (
        "a driver may refuse ops that the delegate takes: those stay with TensorFlow Lite's kernels on the "
        "CPU, as NNAPI's own CPU path is shut out (use_nnapi_cpu = false)"
    )
