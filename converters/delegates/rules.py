"""Reads a delegate's table of ops, and holds a graph against it.

A table is a TOML file with its source, and one row for each op that the delegate takes:

    [ops.CONV_2D]
    version = 6                      highest op version; left out where any will do
    since = 29                       lowest level (Android API level); left out where any will do
    dtypes = ["float32", "int8"]     of the data input, or by level: { 27 = [...], 30 = [...] }
    data = 2                         which input is the data; 0 where left out
    checks = ["bias"]                further rules: functions by name

    [custom.Resampler]               the same for custom ops that the delegate knows by name

An op without a row stays on the CPU, whatever it is, for one of three reasons that are told apart: the
delegate has no such op; it has it, but its rules are not in the table (``untranscribed``); or only the newer
engine behind the same API has it (``newer``).
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from converters.delegates.node import Node, called, nodes, short
from converters.tflite.graph import Inspection

Check = Callable[[Node], str]
"""Why an op is refused; "" where the rule is kept."""

NO_SUCH_OP = "the delegate has no such op"
NOT_TRANSCRIBED = (
    "not transcribed: the delegate has this op, its rules are not in this program's table; "
    "counted as staying, only the device tells"
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a delegate asks of one op; see above."""

    version: int | None
    since: int
    dtypes: Mapping[int, tuple[str, ...]]
    data: int
    checks: tuple[str, ...]

    def dtypes_at(self, level: int) -> tuple[str, ...]:
        """Dtypes of the data input at a level; empty for any."""
        return _at(self.dtypes, level)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A delegate's rules.

    Attributes:
        source: what they were read from: repository, file and commit.
        rows: op to row.
        custom: custom code to row.
        untranscribed: ops and custom codes that the delegate knows, and this table does not.
        newer: ops to why the delegate read here does not take them yet.
        unpacks: level to the ops whose constant input the delegate unpacks once, as it is made.
        settings: other values of the file.
    """

    source: str
    rows: Mapping[str, Row]
    custom: Mapping[str, Row]
    untranscribed: frozenset[str]
    newer: Mapping[str, str]
    unpacks: Mapping[int, tuple[str, ...]]
    settings: Mapping[str, Any]

    def unpacks_at(self, level: int) -> frozenset[str]:
        """Ops whose constant input is unpacked once, at a level."""
        return frozenset(_at(self.unpacks, level))


def _at(by_level: Mapping[int, tuple[str, ...]], level: int) -> tuple[str, ...]:
    known = [since for since in by_level if since <= level]
    return by_level[max(known)] if known else ()


@cache
def table(name: str) -> Table:
    """The table of one delegate: ``gpu``, ``nnapi``, ``coreml``, ``xnnpack``."""
    values = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text("utf-8"))
    newer = values.pop("newer", {})
    return Table(
        source=values.pop("source"),
        rows={op: _row(row) for op, row in values.pop("ops").items()},
        custom={op: _row(row) for op, row in values.pop("custom", {}).items()},
        untranscribed=frozenset(values.pop("untranscribed", ())),
        newer=dict.fromkeys(newer.get("ops", ()), newer.get("why", "")),
        unpacks=_by_level(values.pop("unpacks")),
        settings=values,
    )


def _by_level(values: Any) -> dict[int, tuple[str, ...]]:
    by_level = values if isinstance(values, dict) else {"0": values}
    return {int(level): tuple(names) for level, names in by_level.items()}


def _row(values: dict[str, Any]) -> Row:
    row = Row(
        version=values.pop("version", None),
        since=values.pop("since", 0),
        dtypes=_by_level(values.pop("dtypes", {})),
        data=values.pop("data", 0),
        checks=tuple(values.pop("checks", ())),
    )
    if values:
        raise ValueError(f"unknown keys in a row of a delegate's table: {', '.join(values)}")
    return row


def refusals(
    inspection: Inspection,
    rules: Table,
    checks: Mapping[str, Check],
    *,
    every: Mapping[str, Check] | None = None,
    level: int = 0,
    level_name: str = "",
    quantized: bool = True,
    accelerator: bool = False,
) -> dict[int, str]:
    """Why ops of the first subgraph stay on the CPU: op index to reason, for those that do.

    Args:
        inspection: of the file.
        rules: of the delegate.
        checks: the functions that its rows name.
        every: rules for every op that has a row, by name, after those of the row.
        level: Android API level or Core ML version.
        level_name: how messages call it.
        quantized: whether the delegate is opened for quantised models.
        accelerator: whether NNAPI's own CPU path is shut out.
    """
    found = {}
    for node in nodes(
        inspection.main,
        unpacks=rules.unpacks_at(level),
        level=level,
        quantized=quantized,
        accelerator=accelerator,
    ):
        reason = _refusal(node, rules, checks, every or {}, level_name)
        if reason:
            found[node.op.index] = reason
    return found


def _refusal(
    node: Node,
    rules: Table,
    checks: Mapping[str, Check],
    every: Mapping[str, Check],
    level_name: str,
) -> str:
    op = node.op
    if not op.known and not op.custom:
        return f"unknown op '{short(op.name)}': newer than the schema that this program reads"
    row = (rules.custom if op.custom else rules.rows).get(op.name)
    if row is None:
        return _without_row(node, rules)
    if node.level < row.since:
        return f"needs {level_name} {row.since}, this is {node.level}"
    if row.version is not None and op.version > row.version:
        return f"op version {op.version}: the delegate takes versions up to {row.version}"
    data = node.input(row.data)
    if data is None or node.output() is None:
        return "an input or output is missing"
    allowed = row.dtypes_at(node.level)
    if allowed and data.dtype not in allowed:
        return f"input {called(data)}: the delegate takes {', '.join(allowed)} here"
    for check in (*(checks[name] for name in row.checks), *every.values()):
        reason = check(node)
        if reason:
            return reason
    return ""


def _without_row(node: Node, rules: Table) -> str:
    op = node.op
    if op.name in rules.untranscribed:
        return NOT_TRANSCRIBED
    if op.custom:
        known = f"of custom ops it takes {', '.join(rules.custom)} alone" if rules.custom else "it takes none"
        return f"custom op '{short(op.name)}': the delegate does not know it, {known}"
    return rules.newer.get(op.name, NO_SUCH_OP)
