"""Checks of what a file claims to run on, against what its ops need: P001 to P005, P013, P017."""

from collections.abc import Iterator

from converters.diagnostics import Diagnostic, Severity
from converters.tflite import op_versions
from converters.tflite.claims import gravity, misread_from, stated_too_low, too_low
from converters.tflite.hybrid_depthwise import outcome
from converters.tflite.op_versions import Release
from converters.tflite.question import Question, at
from converters.tflite.versions import (
    PER_CHANNEL_INTEGER_DENSE_SINCE,
    per_channel_integer_dense,
    version_text,
)


def versions(question: Question) -> Iterator[Diagnostic]:
    """P001, P002: claims below what the op needs."""
    graphs = {graph.index: graph for graph in question.inspection.graphs}
    for one in question.needs:
        text = too_low(one)
        if not text or one.need is None:
            continue
        graph = graphs[one.subgraph]
        if outcome(graph, one.op) != "right":
            continue  # told by P020: no version of the op would help
        if one.misread is not None:
            severity, told = gravity(one.op.name, one.misread, question.floor)
            yield at("P001", severity, f"{text}: {told}", graph, one.op)
        else:
            since = op_versions.since(one.op.name, one.need.version)
            harmless = since is not None and since <= question.floor
            message = f"{text}: older runtimes refuse it"
            yield at("P002", "info" if harmless else "warning", message, graph, one.op)


def stated(question: Question) -> Iterator[Diagnostic]:
    """P003: the metadata's minimum runtime is too low; told once, by the op that needs the newest."""
    worst: tuple[Release, str, Severity] | None = None
    for one in question.needs:
        text = stated_too_low(question.inspection, one)
        since = op_versions.since(one.op.name, one.need.version) if one.need is not None else None
        if text and one.need is not None and since is not None and (worst is None or since > worst[0]):
            # Of what is misread, the release before it answers nonsense; the rest is refused.
            grave: Severity = "error" if misread_from(one, question.floor) else "warning"
            worst = since, text, grave if since > question.floor else "info"
    if worst is not None:
        yield Diagnostic(code="P003", severity=worst[2], message=worst[1])


def floor(question: Question) -> Iterator[Diagnostic]:
    """P004: op versions newer than the floor."""
    told = set()
    graphs = {graph.index: graph for graph in question.inspection.graphs}
    for one in question.needs:
        if one.release is None or one.release <= question.floor or one.label in told:
            continue
        if per_channel_integer_dense(graphs[one.subgraph], one.op):
            continue  # told by P005: its version is in every runtime
        told.add(one.label)
        message = (
            f"{one.op.name} version {one.version} needs TensorFlow Lite {version_text(one.release)}, "
            f"the runtime floor is {version_text(question.floor)}"
        )
        yield at("P004", "error", message, graphs[one.subgraph], one.op)


def integer_dense(question: Question) -> Iterator[Diagnostic]:
    """P005: per-channel Dense weights on integers, which old runtimes misread silently."""
    if question.floor >= PER_CHANNEL_INTEGER_DENSE_SINCE:
        return
    for graph, op in question.ops():
        if per_channel_integer_dense(graph, op):
            message = (
                "FULLY_CONNECTED on integers has a scale for each channel: right since TensorFlow Lite "
                f"{version_text(PER_CHANNEL_INTEGER_DENSE_SINCE)}, nonsense before, and the runtime floor is "
                f"{version_text(question.floor)}"
            )
            yield at("P005", "error", message, graph, op)


def unknown(question: Question) -> Iterator[Diagnostic]:
    """P013: builtins that the table does not know."""
    told = set()
    graphs = {graph.index: graph for graph in question.inspection.graphs}
    for one in question.needs:
        if one.op.custom or one.release is not None or one.label in told:
            continue
        told.add(one.label)
        message = f"{one.op.name} version {one.version} is not known: what it claims is believed"
        yield at("P013", "warning", message, graphs[one.subgraph], one.op)


def too_high(question: Question) -> Iterator[Diagnostic]:
    """P017: claims above what any op that shares the claim needs; a file may hold one op under several."""
    needed: dict[tuple[str, int], int] = {}
    for one in question.needs:
        if one.need is not None:
            claim = one.op.name, one.op.version
            needed[claim] = max(needed.get(claim, 0), one.need.version)
    for (name, version), enough in needed.items():
        if version > enough:
            message = f"{name} claims version {version}, version {enough} would do"
            yield Diagnostic(code="P017", severity="info", message=message)
