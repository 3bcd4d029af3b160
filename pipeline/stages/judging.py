"""What verification tells of the files without running them: faults of each, delegates of what ships."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import converters
from converters.errors import InvalidTfliteError
from converters.tflite.inspect import inspect
from pipeline.artifacts import ConvertedModels, GateResult
from pipeline.delegation_record import DelegationRecord
from pipeline.diagnostic_record import DiagnosticRecord
from pipeline.parity import delegation, diagnosis
from pipeline.target import Target

RULES = ("diagnostics.*", "delegates/*.*", "tflite/*.py", "tflite/*.toml")
"""Files of ``converters`` that a verdict depends on."""


def rules_digest() -> str:
    """Hash of every rule and table: an edited one judges anew what was kept."""
    root = Path(converters.__file__).parent
    digest = hashlib.sha256()
    for path in sorted({path for pattern in RULES for path in root.glob(pattern)}):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the files say of themselves.

    Attributes:
        diagnostics: of every variant, in their order, the gravest first in each.
        delegation: of the variant that ships, in the order of the target's delegates.
        gates: failed ones of the diagnostics, and that on delegation where the target has one.
    """

    diagnostics: tuple[DiagnosticRecord, ...]
    delegation: tuple[DelegationRecord, ...]
    gates: tuple[GateResult, ...]


def judge(converted: ConvertedModels, target: Target, ship: str) -> Judgement:
    """Looks at every converted file.

    A damaged one is a failed gate, so that the others are judged all the same.

    Args:
        converted: the files.
        target: whose delegates are asked.
        ship: scheme of the variant that ships.
    """
    found: list[DiagnosticRecord] = []
    records: tuple[DelegationRecord, ...] = ()
    gates: list[GateResult] = []
    for variant in converted.variants:
        try:
            inspection = inspect(converted.path(variant.file))
        except InvalidTfliteError as error:
            gates.append(diagnosis.unreadable(variant.scheme, str(error)))
            continue
        own = diagnosis.diagnosed(
            inspection,
            scheme=variant.scheme,
            runtime_floor=converted.runtime_floor,
            delegates=target.delegates,
        )
        found += own
        gates += diagnosis.gates(own)
        if variant.scheme == ship:
            checked = delegation.check_delegation(inspection, target)
            records = tuple(map(delegation.record, checked))
            gates += delegation.gates(ship, checked, target)
    return Judgement(diagnostics=tuple(found), delegation=records, gates=tuple(gates))
