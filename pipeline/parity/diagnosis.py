"""What is known to go wrong with a file: records of it, its gates, and its lines for people."""

from collections import Counter
from collections.abc import Collection, Sequence

from converters.spec import DEFAULT_RUNTIME_FLOOR, parse_version
from converters.tflite.diagnose import diagnose
from converters.tflite.graph import Inspection
from converters.tflite.versions import minimum_runtime, stated_minimum, version_text
from pipeline.artifacts import GateResult
from pipeline.diagnostic_record import DiagnosticRecord

FILE = "file"
"""In place of a runtime in gates on what stands in a file: no runtime is asked."""

FAILING = frozenset({"P001"})
"""Codes that no gate lets pass, however grave: an op that claims less than its arithmetic, which an older
kernel may misread silently. Runtimes that were right on one platform promise nothing of a phone."""

READABLE = "readable"
"""Gate of a file in which nothing can be looked up."""


def diagnosed(
    inspection: Inspection, *, scheme: str, runtime_floor: str, delegates: Collection[str] = ()
) -> tuple[DiagnosticRecord, ...]:
    """Everything that is known to go wrong with a file, the gravest first.

    Args:
        inspection: of the file.
        scheme: for the records.
        runtime_floor: oldest runtime that must run it.
        delegates: that the target names.
    """
    return tuple(
        DiagnosticRecord(
            scheme=scheme, code=one.code, severity=one.severity, message=one.message, op=one.op,
            layer=one.layer,
        )
        for one in diagnose(inspection, runtime_floor=runtime_floor, delegates=delegates)
    )  # fmt: skip


def own_floor(inspection: Inspection) -> str:
    """The floor that a file sets itself: what it states, else what its ops need, but no runtime of long ago.

    For a file of which nobody says which runtimes must run it.
    """
    promised = stated_minimum(inspection) or minimum_runtime(inspection).release
    return version_text(max(parse_version(DEFAULT_RUNTIME_FLOOR), promised or (0, 0, 0)))


def gates(records: Sequence[DiagnosticRecord]) -> list[GateResult]:
    """A failed gate for each code of which a file has errors, and for FAILING: measured is how many."""
    errors = [record for record in records if record.severity == "error" or record.code in FAILING]
    return [
        GateResult(
            scheme=scheme, runtime=FILE, gate=code, limit=0, measured=count, passed=False,
            why=_sentence(scheme, code, [one for one in errors if (one.scheme, one.code) == (scheme, code)]),
        )
        for (scheme, code), count in Counter((one.scheme, one.code) for one in errors).items()
    ]  # fmt: skip


def unreadable(scheme: str, why: str) -> GateResult:
    """The failed gate of a file that is damaged; ``why`` is what the reader said of it."""
    return GateResult(
        scheme=scheme, runtime=FILE, gate=READABLE, limit=1, measured=0, passed=False, why=why
    )  # fmt: skip


def lines(records: Sequence[DiagnosticRecord]) -> list[str]:
    """A line for each error and warning; what is only worth knowing stays in the records.

    ``int8: warning P014: input 'image' is -1x28x28 (pipeline explain P014)``.
    """
    return [
        f"{one.scheme}: {one.severity} {one.code}{_place(one)}: {one.message} (pipeline explain {one.code})"
        for one in records
        if one.severity != "info"
    ]


def _sentence(scheme: str, code: str, errors: Sequence[DiagnosticRecord]) -> str:
    more = f" and {len(errors) - 1} more of the kind" if len(errors) > 1 else ""
    return f"{scheme}: {code}{_place(errors[0])}: {errors[0].message}{more} (pipeline explain {code})"


def _place(record: DiagnosticRecord) -> str:
    op = "" if record.op is None else f" op {record.op}"
    return f"{op} ({record.layer})" if record.layer else op
