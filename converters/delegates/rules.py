"""Reads a delegate's table of ops, and holds a graph against it.

A table is a TOML file with its source, and one row for each op that the delegate takes:

    [ops.CONV_2D]
    version = 6                      highest op version; left out where any will do
    since = 29                       lowest level (Android API level); left out where any will do
    dtypes = ["float32", "int8"]     of the data input, or by level: { 27 = [...], 30 = [...] }
    data = 2                         which input is the data; 0 where left out
    checks = ["bias"]                further rules: functions by name

An op without a row stays on the CPU, whatever it is.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from converters.delegates.node import Node, called, nodes, printable
from converters.tflite.graph import Inspection

Check = Callable[[Node], str]
"""Why an op is refused; "" where the rule is kept."""


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
        known = [since for since in self.dtypes if since <= level]
        return self.dtypes[max(known)] if known else ()


@dataclass(frozen=True, kw_only=True)
class Table:
    """A delegate's rules.

    Attributes:
        source: what they were read from.
        rows: op to row.
        newer: ops that only releases after the ones read take: they stay, and say so.
        settings: other values of the file.
    """

    source: str
    rows: Mapping[str, Row]
    newer: frozenset[str]
    settings: Mapping[str, Any]


@cache
def table(name: str) -> Table:
    """The table of one delegate: ``gpu``, ``nnapi``, ``coreml``, ``xnnpack``."""
    values = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text("utf-8"))
    rows = {op: _row(row) for op, row in values.pop("ops").items()}
    newer = frozenset(values.pop("newer", ()))
    return Table(source=values.pop("source"), rows=rows, newer=newer, settings=values)


def _row(values: dict[str, Any]) -> Row:
    dtypes = values.pop("dtypes", {})
    by_level = dtypes if isinstance(dtypes, dict) else {"0": dtypes}
    row = Row(
        version=values.pop("version", None),
        since=values.pop("since", 0),
        dtypes={int(level): tuple(names) for level, names in by_level.items()},
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
    every: tuple[Check, ...] = (),
    level: int = 0,
    level_name: str = "",
    quantized: bool = True,
) -> dict[int, str]:
    """Why ops of the first subgraph stay on the CPU: op index to reason, for those that do.

    Args:
        inspection: of the file.
        rules: of the delegate.
        checks: the functions that its rows name.
        every: rules for every op that has a row, after those of the row.
        level: Android API level or Core ML version.
        level_name: how messages call it.
        quantized: whether the delegate is opened for quantised models.
    """
    found = {}
    for node in nodes(inspection.main, level=level, quantized=quantized):
        reason = _refusal(node, rules, checks, every, level_name)
        if reason:
            found[node.op.index] = reason
    return found


def _refusal(
    node: Node, rules: Table, checks: Mapping[str, Check], every: tuple[Check, ...], level_name: str
) -> str:
    op = node.op
    if op.custom:
        return f"custom op '{printable(op.name)}': no delegate knows it"
    if not op.known:
        return f"unknown op '{op.name}': newer than the schema that this program reads"
    if op.name in rules.newer:
        return "only newer releases of the delegate take this op"
    row = rules.rows.get(op.name)
    if row is None:
        return "the delegate has no such op"
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
    for check in (*(checks[name] for name in row.checks), *every):
        reason = check(node)
        if reason:
            return reason
    return ""
