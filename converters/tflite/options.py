"""The builtin options of an op, by the names of the schema: ``{"stride_w": 2, "padding": "SAME", ...}``.

Which fields an op has stands in the generated schema alone; its readers are given a table that checks every
offset, since their own does not.
"""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from converters.tflite.flatbuffer import U8, U32, Table

Option = int | float | bool | str | tuple[int | float, ...]
"""A number, a truth value, the name of an enum's member, a text, or a short list of numbers."""

MOST_NUMBERS = 4_096
"""Of a list, so many are told; a RESHAPE has less than ten."""

_ENUMS = {
    "padding": "Padding",
    "fused_activation_function": "ActivationFunctionType",
    "weights_format": "FullyConnectedOptionsWeightsFormat",
    "kernel_type": "LSTMKernelType",
    "combiner": "CombinerType",
    "mode": "MirrorPadMode",
    "reduce_function": "ReduceWindowFunction",
    "comparison_direction": "StablehloComparisonDirection",
    "compare_type": "StablehloComparisonType",
    "algorithm": "RngAlgorithm",
}
"""Field to its enum, whose member's name is told."""

_DTYPES = frozenset(
    {"quantized_bias_type", "in_data_type", "out_data_type", "out_type", "idx_out_type", "key_dtype",
     "value_dtype"}
)  # fmt: skip
"""Fields that are a TensorType; told in small letters, as those of tensors."""


def read(operator: Table) -> dict[str, Option]:
    """Options of an ``Operator``; empty where it has none, or of a kind newer than the schema.

    Raises:
        DamagedFlatbufferError: they lie outside the file.
    """
    for union, kind_slot, slot in (("BuiltinOptions", 3, 4), ("BuiltinOptions2", 11, 12)):
        name = names(union).get(operator.number(kind_slot, U8))
        table = operator.table(slot) if name not in (None, "NONE") else None
        if name is not None and table is not None:
            return _fields(name, table)
    return {}


def _fields(name: str, table: Table) -> dict[str, Option]:
    reader = getattr(_schema(), name)()
    reader._tab = _Checked(table)
    found: dict[str, Option] = {}
    for field, get in _getters(name):
        value = get(reader)
        if field in _ENUMS:
            found[field] = names(_ENUMS[field]).get(value, f"{value}")
        elif field in _DTYPES:
            found[field] = dtype(value)
        elif isinstance(value, bytes):
            found[field] = value.decode("utf-8", errors="replace")
        elif isinstance(value, np.ndarray):
            found[field] = tuple(value[:MOST_NUMBERS].tolist())
        elif isinstance(value, bool | int | float):
            found[field] = value
    return found


@cache
def _getters(name: str) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """Field name and what reads it, in the schema's order, for a class of the generated schema."""
    members = vars(getattr(_schema(), name))
    getters: list[tuple[str, Callable[[Any], Any]]] = []
    for member, function in members.items():
        if not callable(function) or not member[0].isupper() or isinstance(function, classmethod):
            continue
        if f"{member}AsNumpy" in members:  # a vector of numbers: all of it at once
            getters.append((_snake(member), partial(_numbers, members[f"{member}AsNumpy"])))
        elif function.__code__.co_argcount == 1 and not member.endswith(("AsNumpy", "Length", "IsNone")):
            getters.append((_snake(member), function))
    return tuple(getters)


def _numbers(get: Callable[[Any], Any], reader: Any) -> Any:
    """A vector; None where it is absent, for which the generated reader gives the number 0."""
    value = get(reader)
    return value if isinstance(value, np.ndarray) else None


def _snake(name: str) -> str:
    """``DilationWFactor`` to ``dilation_w_factor``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


@cache
def names(enum: str) -> dict[int, str]:
    """Value to name of an enum of the schema."""
    members = vars(getattr(_schema(), enum))
    return {value: name for name, value in members.items() if isinstance(value, int)}


def dtype(number: int) -> str:
    """``float32``, ``int8`` ...; ``type 77`` where the schema does not know it."""
    return names("TensorType").get(number, f"type {number}").lower()


def _schema() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


class _Checked:
    """What a generated reader calls, on a checked table: :class:`flatbuffers.table.Table` by its methods."""

    def __init__(self, table: Table) -> None:
        self._buffer = table.buffer
        self._table = table
        self.Pos = table.position
        self.Bytes = b""  # a reader of a table within starts from these: it finds nothing

    def Offset(self, vtable_offset: int) -> int:  # noqa: N802  # flatbuffers' name, as those below
        place = self._table.place((vtable_offset - 4) // 2)
        return 0 if place is None else place - self.Pos

    def Get(self, flags: Any, position: int) -> Any:  # noqa: N802
        return flags.py_type(self._buffer.number(flags.packer_type, position))

    def Indirect(self, position: int) -> int:  # noqa: N802
        return position + self._buffer.number(U32, position)

    def String(self, position: int) -> bytes:  # noqa: N802
        start = self.Indirect(position)
        length = self._buffer.number(U32, start)
        self._buffer.spend(length)
        return bytes(self._buffer.region(start + 4, length))

    def GetVectorAsNumpy(self, flags: Any, offset: int) -> Any:  # noqa: N802
        start = self.Indirect(offset + self.Pos)
        kind = np.dtype(flags.name)
        length = self._buffer.number(U32, start) * kind.itemsize
        self._buffer.spend(length)
        return np.frombuffer(self._buffer.region(start + 4, length), kind)
