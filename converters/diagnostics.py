"""Diagnostics: what can be wrong with a file on a phone, each with a code that stays.

The table of codes is data, ``diagnostics.toml``; which of them a file has is told by
:func:`converters.tflite.diagnose.diagnose` and the delegates.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

FILE = Path(__file__).parent / "diagnostics.toml"

Severity = Literal["error", "warning", "info"]
"""An error fails the gate: phones that the floor promises would answer wrongly or refuse the file."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""The gravest first."""


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One finding in one file.

    Attributes:
        code: a key of :func:`explanations`.
        severity: how grave it is in this file.
        message: one sentence that names what was found, with values.
        op: position of the op in the first subgraph; None where it is about the whole file.
        layer: the Keras layer the op comes from; "" where that cannot be told.
    """

    code: str
    severity: Severity
    message: str
    op: int | None = None
    layer: str = ""

    def __post_init__(self) -> None:
        if self.code not in explanations():
            raise ValueError(f"diagnostic code '{self.code}' is not in {FILE}")

    @property
    def line(self) -> str:
        """``error P001 op 5 (hidden): FULLY_CONNECTED is ...``."""
        op = "" if self.op is None else f" op {self.op}"
        layer = f" ({self.layer})" if self.layer else ""
        return f"{self.severity} {self.code}{op}{layer}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What a code means.

    Attributes:
        code: ``P012``.
        title: a few words.
        meaning: what stands in the file.
        hurts: what it does on a phone.
        ways_out: what to do, the best first.
    """

    code: str
    title: str
    meaning: str
    hurts: str
    ways_out: tuple[str, ...]


@cache
def explanations() -> Mapping[str, Explanation]:
    """Code to explanation, in the order of codes."""
    table = tomllib.loads(FILE.read_text("utf-8"))
    return MappingProxyType(
        {
            code: Explanation(
                code=code,
                title=row["title"],
                meaning=row["meaning"],
                hurts=row["hurts"],
                ways_out=tuple(row["ways_out"]),
            )
            for code, row in sorted(table.items())
        }
    )
