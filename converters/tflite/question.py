"""What a check asks of a file, and the finding it gives: shared by all checks of :mod:`diagnose`."""

from collections.abc import Iterator
from dataclasses import dataclass

from converters.diagnostics import Diagnostic, Severity
from converters.tflite.graph import Inspection, Op, Subgraph, Tensor
from converters.tflite.op_versions import Release
from converters.tflite.versions import Requirement

CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})
WEIGHTED = CONVOLUTIONS | {"FULLY_CONNECTED"}

KERNEL = 1
BIAS = {"TRANSPOSE_CONV": 3}
DOOR = {"TRANSPOSE_CONV": 2}
"""Inputs of an op with weights: data 0, kernel 1, bias 2; a TRANSPOSE_CONV has its output shape first."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a file.

    Attributes:
        inspection: of the file.
        floor: oldest runtime that must run it.
        delegates: that the target uses.
        needs: what every op asks of a runtime.
    """

    inspection: Inspection
    floor: Release
    delegates: frozenset[str]
    needs: tuple[Requirement, ...]

    def ops(self) -> Iterator[tuple[Subgraph, Op]]:
        """Every op with its graph."""
        for graph in self.inspection.graphs:
            for op in graph.ops:
                yield graph, op


def at(code: str, severity: Severity, message: str, graph: Subgraph, op: Op) -> Diagnostic:
    """A finding about one op; of other subgraphs than the first the position is told in words."""
    where = "" if graph.index == 0 else f" (op {op.index} of subgraph {graph.index})"
    return Diagnostic(
        code=code,
        severity=severity,
        message=message + where,
        op=op.index if graph.index == 0 else None,
        layer=graph.source_layer(op),
    )


def part(graph: Subgraph, op: Op, position: int) -> Tensor | None:
    """An input of an op by its position; None where it has none there."""
    return graph.tensor(op.inputs[position]) if position < len(op.inputs) else None


def kernel_of(graph: Subgraph, op: Op) -> Tensor | None:
    """The weights of an op; None of an op without."""
    return part(graph, op, KERNEL) if op.name in WEIGHTED else None
