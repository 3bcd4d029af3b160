"""Looks for what is known to go wrong on phones: one small check per code, all of them listed in ``CHECKS``.

Says only what the file itself proves; what a delegate makes of it stands in :mod:`converters.delegates`.
"""

from collections.abc import Callable, Collection, Iterator

from converters.diagnostics import SEVERITIES, Diagnostic
from converters.spec import DEFAULT_RUNTIME_FLOOR, parse_version
from converters.tflite import runtime_checks, weight_checks
from converters.tflite.arithmetic import CONTROL_FLOW
from converters.tflite.graph import Inspection, Tensor
from converters.tflite.names import bounded
from converters.tflite.question import Question, at
from converters.tflite.versions import requirements

STATEFUL = CONTROL_FLOW | {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"}
"""Ops that run other subgraphs, or keep values from one run to the next."""

FLEX = "Flex"
"""How the custom code of a TensorFlow op begins."""


def diagnose(
    inspection: Inspection,
    *,
    runtime_floor: str = DEFAULT_RUNTIME_FLOOR,
    delegates: Collection[str] = (),
) -> tuple[Diagnostic, ...]:
    """Everything that is known to go wrong with a file.

    Args:
        inspection: of the file.
        runtime_floor: oldest TensorFlow Lite runtime that must run it.
        delegates: names of those that the target uses, ``nnapi``.

    Returns:
        The gravest first, then by code and op; equal ones once.
    """
    question = Question(
        inspection=inspection,
        floor=parse_version(runtime_floor),
        delegates=frozenset(delegates),
        needs=tuple(requirements(inspection)),
    )
    found = dict.fromkeys(one for check in CHECKS for one in check(question))
    return tuple(
        sorted(
            found,
            key=lambda one: (SEVERITIES.index(one.severity), one.code, -1 if one.op is None else one.op),
        )
    )


def _once(tensors: Collection[Tensor]) -> Iterator[Tensor]:
    """Each tensor once: a damaged file may name one many times."""
    yield from {tensor.index: tensor for tensor in tensors}.values()


def _custom(question: Question) -> Iterator[Diagnostic]:
    """P011, P012: kernels that the app has to bring."""
    for graph, op in question.ops():
        if op.custom and op.name.startswith(FLEX):
            yield at("P012", "error", f"{op.name.removeprefix(FLEX)} is a TensorFlow op", graph, op)
        elif op.custom:
            yield at("P011", "warning", f"custom op '{op.name}'", graph, op)


def _dynamic(question: Question) -> Iterator[Diagnostic]:
    """P014: inputs of a shape that is only known at run time."""
    for tensor in _once(question.inspection.inputs):
        if tensor.dynamic:
            shape = "x".join(str(size) for size in tensor.shape_signature or tensor.shape)
            yield Diagnostic(
                code="P014", severity="warning", message=f"input '{bounded(tensor.name)}' is {shape}"
            )


def _door(question: Question) -> Iterator[Diagnostic]:
    """P015: int8 where an app puts pictures in or takes answers out."""
    inspection = question.inspection
    for side, tensors in (("input", inspection.inputs), ("output", inspection.outputs)):
        for tensor in _once(tensors):
            if tensor.dtype == "int8":
                yield Diagnostic(
                    code="P015", severity="warning", message=f"{side} '{bounded(tensor.name)}' is int8"
                )


def _control_flow(question: Question) -> Iterator[Diagnostic]:
    """P019: branches, loops, variables."""
    for graph, op in question.ops():
        if not op.custom and op.name in STATEFUL:
            yield at("P019", "warning", f"{op.name}", graph, op)


CHECKS: tuple[Callable[[Question], Iterator[Diagnostic]], ...] = (
    runtime_checks.versions,
    runtime_checks.stated,
    runtime_checks.floor,
    runtime_checks.integer_dense,
    weight_checks.asymmetric,
    weight_checks.scaleless,
    weight_checks.bias_scale,
    weight_checks.float16,
    weight_checks.narrow,
    _custom,
    runtime_checks.unknown,
    _dynamic,
    _door,
    weight_checks.nnapi,
    runtime_checks.too_high,
    weight_checks.old_scheme,
    _control_flow,
    weight_checks.one_depthwise_scale,
)
"""In the order of codes."""
