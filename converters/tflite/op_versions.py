"""Which version of an op its options and tensor types need, and which release has each version.

The rules are data: ``op_versions.toml``, read off TensorFlow's own versioning tools, with its source. An op
that is not in it is not known, and nothing is guessed of it.

    op + its tensors --need()--> Need(version, why)          what a kernel must be able to do
    name, version    --since()--> (2, 17, 0)                 who can
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from converters.spec import parse_version
from converters.tflite.graph import Op, Subgraph, Tensor

FILE = Path(__file__).parent / "op_versions.toml"

Release = tuple[int, int, int]
"""Of TensorFlow Lite, as (2, 17, 0)."""

_UNSET = frozenset({0, "", "NONE", "FULL", "DEFAULT"})
"""Values of an option that ask for nothing beyond version 1; False equals 0."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One row: the op needs this version if every condition holds. The data file says what each means."""

    version: int
    dtypes: Mapping[str, frozenset[str]]
    set: str | None = None
    unset: str | None = None
    fact: str | None = None
    rank_over: int | None = None
    inputs: int | None = None
    misread: bool = False
    tried: str | None = None

    def holds(self, graph: Subgraph, op: Op) -> bool:
        """Whether all conditions hold for an op of the graph."""
        first = _slot(graph, op, "in0")
        return (
            all(
                (tensor := _slot(graph, op, slot)) is not None and tensor.dtype in dtypes
                for slot, dtypes in self.dtypes.items()
            )
            and (self.set is None or op.options.get(self.set, 0) not in _UNSET)
            # An absent option table says nothing: it must not raise the version.
            and (self.unset is None or op.options.get(self.unset, 1) in _UNSET)
            and (self.fact is None or FACTS[self.fact](graph, op))
            and (self.rank_over is None or (first is not None and len(first.shape) > self.rank_over))
            and (self.inputs is None or len(op.inputs) == self.inputs)
        )

    @property
    def why(self) -> str:
        """The conditions in words: ``is hybrid per channel``, ``takes int8``."""
        door, weights, output = ("|".join(sorted(self.dtypes.get(s, ""))) for s in ("in0", "in1", "out0"))
        kind = _KINDS.get((door, weights, output), "")
        named = [_WORDS[slot] + " or ".join(sorted(names)) for slot, names in self.dtypes.items()]
        words = [kind or " and ".join(named)] if self.dtypes else []
        if self.fact is not None:
            words.append(self.fact if words else f"is {self.fact}")
        if self.set is not None:
            words.append(f"with {self.set}" if words else f"sets {self.set}")
        if self.rank_over is not None:
            words.append(f"takes more than {self.rank_over} dimensions")
        if self.inputs is not None:
            words.append("has no bias")
        return " ".join(words)


_KINDS = {
    ("float32", "int8", "float32"): "is hybrid",
    ("int8", "int8", "int8"): "is int8",
    ("int16", "int8", "int16"): "is int16x8",
    ("int16", "int16|int8", "int16"): "is int16x8",
    ("int8", "int4", "int8"): "is int8 with int4 weights",
    ("int16", "int4", "int16"): "is int16 with int4 weights",
}
"""Dtypes of input, weights and output to what such an op is called."""

_WORDS = {"in0": "takes ", "in1": "has a second input of ", "in2": "has a third input of ", "out0": "gives ",
          "out1": "has a second output of "}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Misread:
    """Arithmetic that kernels without it take for another under a lower version, instead of refusing the op.

    Attributes:
        version: the least whose kernel has the arithmetic.
        why: in words, as :attr:`Need.why`.
        tried: case of ``tried.toml`` in which such an op claimed less; None where that was not tried.
    """

    version: int
    why: str
    tried: str | None = None


@dataclass(frozen=True, kw_only=True)
class Need:
    """What an op needs.

    Attributes:
        version: the least whose kernel computes it.
        why: in words, as the end of a sentence about the op; "" where the first version will do.
        misread: what an older kernel would misread of it; the version may need to be higher for another
            reason: int8 (4) without a bias (6). None where older kernels refuse the op.
    """

    version: int
    why: str
    misread: Misread | None = None


@dataclass(frozen=True, kw_only=True)
class OpTable:
    """All that is known of one op.

    Attributes:
        since: release of version 1, 2, 3 ... by the source; None where it names none.
        rules: in the order in which they are tried.
        otherwise: version where no rule holds.
    """

    since: tuple[Release | None, ...]
    rules: tuple[Rule, ...] = ()
    otherwise: int = 1


def need(graph: Subgraph, op: Op) -> Need | None:
    """The least version of an op; None for a custom op and for one that the table does not know."""
    table = None if op.custom else tables().get(op.name)
    if table is None:
        return None
    holding = [rule for rule in table.rules if rule.holds(graph, op)]
    misread = next((Misread(version=r.version, why=r.why, tried=r.tried) for r in holding if r.misread), None)
    if holding:
        return Need(version=holding[0].version, why=holding[0].why, misread=misread)
    return Need(version=table.otherwise, why="")


def since(op: str, version: int) -> Release | None:
    """The first release that has the op in this version; None where the table does not tell."""
    measured = _measured().get(f"{op} {version}")
    if measured is not None:
        return measured
    table = tables().get(op)
    if table is None or not 1 <= version <= len(table.since):
        return None
    return table.since[version - 1]


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text("utf-8"))


@cache
def _measured() -> Mapping[str, Release]:
    return {label: parse_version(text) for label, text in _data()["measured"].items()}


@cache
def tables() -> Mapping[str, OpTable]:
    """Op name to what is known of it."""
    data = _data()
    found = {name: OpTable(since=(parse_version(text),)) for name, text in data["only_version_1"].items()}
    for name, entry in data["op"].items():
        found[name] = OpTable(
            since=tuple(parse_version(text) if text else None for text in entry["since"]),
            rules=tuple(_rule(row) for row in entry["rules"]),
            otherwise=entry.get("otherwise", 1),
        )
    return MappingProxyType(found)


def _rule(row: Mapping[str, Any]) -> Rule:
    slots = {slot: frozenset(names.split("|")) for slot, names in row.items() if slot in _WORDS}
    rest = {key: value for key, value in row.items() if key not in _WORDS}
    if "fact" in rest and rest["fact"] not in FACTS:
        raise ValueError(f"{FILE}: unknown fact '{rest['fact']}', choose from: {', '.join(FACTS)}")
    return Rule(dtypes=MappingProxyType(slots), **rest)


def _slot(graph: Subgraph, op: Op, slot: str) -> Tensor | None:
    """``in0`` to the first input; None where the op has no such tensor."""
    side, position = (op.inputs, slot[2:]) if slot.startswith("in") else (op.outputs, slot[3:])
    return graph.tensor(side[int(position)]) if int(position) < len(side) else None


def _scales(graph: Subgraph, op: Op, slot: str) -> tuple[float, ...]:
    tensor = _slot(graph, op, slot)
    return () if tensor is None else tensor.scales


def _grouped(graph: Subgraph, op: Op) -> bool:
    door, kernel = _slot(graph, op, "in0"), _slot(graph, op, "in1")
    if door is None or kernel is None or len(door.shape) != 4 or len(kernel.shape) != 4:
        return False
    return door.shape[3] != kernel.shape[3]


def _sparse(graph: Subgraph, op: Op) -> bool:
    kernel = _slot(graph, op, "in1")
    return kernel is not None and kernel.sparse


def _ranks(graph: Subgraph, op: Op) -> list[int]:
    return [len(tensor.shape) for i in op.inputs if (tensor := graph.tensor(i)) is not None]


def _broadcast_over_4(graph: Subgraph, op: Op) -> bool:
    first, second = _slot(graph, op, "in0"), _slot(graph, op, "in1")
    if first is None or second is None or first.shape == second.shape:
        return False
    return max(_ranks(graph, op)) > 4


def _rescaled_by_1_or_more(graph: Subgraph, op: Op) -> bool:
    scales = [_scales(graph, op, slot) for slot in ("in0", "in1", "out0")]
    if not all(scales) or scales[2][0] == 0:
        return False
    # In float32, as the converter computes it: at 1 exactly the last bit decides.
    first, second, out = (np.float32(one[0]) for one in scales)
    with np.errstate(all="ignore"):  # scales of a hostile file overflow; infinity compares as it should
        return bool(first * second / out >= 1)


def _quantised(graph: Subgraph, op: Op) -> bool:
    return bool(_scales(graph, op, "in0") or (op.name == "MUL" and _scales(graph, op, "in1")))


FACTS: Mapping[str, Callable[[Subgraph, Op], bool]] = MappingProxyType(
    {
        "per channel": lambda graph, op: len(_scales(graph, op, "in1")) > 1,
        "per channel input": lambda graph, op: len(_scales(graph, op, "in0")) > 1,
        "per channel output": lambda graph, op: len(_scales(graph, op, "out0")) > 1,
        "grouped": _grouped,
        "sparse": _sparse,
        "dilated": lambda _, op: (
            op.options.get("dilation_w_factor", 1) != 1 or op.options.get("dilation_h_factor", 1) != 1
        ),
        "shuffled": lambda _, op: op.options.get("weights_format") == "SHUFFLED4x16INT8",
        "of int32 bias": lambda graph, op: (
            (bias := _slot(graph, op, "in3" if op.name == "TRANSPOSE_CONV" else "in2")) is not None
            and bias.dtype == "int32"
        ),
        "biased": lambda _, op: len(op.inputs) == 4 and op.inputs[3] >= 0,
        "not quantised": lambda graph, op: not _quantised(graph, op),
        "rescaled by 1 or more": _rescaled_by_1_or_more,
        "broadcast over 4 dimensions": _broadcast_over_4,
        "not of 4 dimensions": lambda graph, op: _ranks(graph, op)[:1] != [4],
        "an input of 5 dimensions": lambda graph, op: 5 in _ranks(graph, op),
    }
)
"""What a rule may ask of an op's tensors, by the name that the data file uses."""
