"""The constants of a file: where they stand, and what can be told of them without keeping them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from converters.tflite.flatbuffer import U32, U64, DamagedFlatbufferError, Table

FEW = 64
"""Integers of a constant that are told: axes, shapes and paddings have less, weights more."""

COUNTED = {
    "int8": "<i1", "uint8": "u1", "int16": "<i2", "uint16": "<u2", "int32": "<i4", "uint32": "<u4",
    "int64": "<i8", "float16": "<f2", "float32": "<f4", "float64": "<f8",
    "bool": "u1", "bfloat16": "<u2",
}  # fmt: skip
"""Dtypes whose zeros are counted, as numpy's; a bfloat16 is zero where both its bytes are (or for -0)."""

_INTEGERS = frozenset({"int32", "int64", "uint32"})

_CHUNK = 1 << 22
"""Elements compared at a time, so that counting needs little memory besides the file."""


@dataclass(frozen=True)
class Data:
    """Where constant data stands: in the file from ``start`` on, or ``length`` bytes elsewhere (None)."""

    start: int | None
    length: int


_NONE = Data(None, 0)


class Buffers:
    """The buffers of a model, read when they are first asked for."""

    def __init__(self, model: Table) -> None:
        """Takes the root table."""
        self._model = model
        self._file = model.buffer
        self._count = model.length(4)
        self._known: dict[int, Data] = {}
        self._zeros: dict[tuple[Data, str, int], int] = {}
        self._external: dict[int, int] | None = None

    def data(self, index: int, *, external: int = 0) -> Data:
        """The data of a buffer; of length 0 for an activation's.

        Args:
            index: of the buffer.
            external: id of the external buffer that a tensor names instead; 0 for none.

        Raises:
            DamagedFlatbufferError: there is no such buffer, or it ends after the file.
        """
        if external:
            return Data(None, self._external_lengths().get(external, 0))
        if index not in self._known:
            if not 0 <= index < self._count:
                raise DamagedFlatbufferError(f"index {index} into {self._count} elements")
            self._known[index] = self._locate(self._model.element(4, index))
        return self._known[index]

    def copy(self, index: int) -> bytes:
        """The content of a metadata entry's buffer."""
        data = self.data(index)
        if data.start is None:
            return b""
        self._file.spend(data.length)
        return bytes(self._file.region(data.start, data.length))

    def small_integers(self, data: Data, dtype: str) -> tuple[int, ...] | None:
        """The values of a constant of few integers; None for any other."""
        if data.start is None or dtype not in _INTEGERS:
            return None
        kind = np.dtype(COUNTED[dtype])
        if data.length % kind.itemsize or data.length > FEW * kind.itemsize:
            return None
        return tuple(np.frombuffer(self._file.region(data.start, data.length), kind).tolist())

    def zeros(
        self, data: Data, dtype: str, zero_points: Sequence[int], sparse_shape: tuple[int, ...] | None
    ) -> int | None:
        """How many elements are zero, which is the zero point where there is one for the tensor.

        Args:
            data: of the constant.
            dtype: of its elements.
            zero_points: of the tensor.
            sparse_shape: its dense shape where the file leaves out zeros.

        Returns:
            None for activations and for dtypes that are not counted.
        """
        if data.start is None or dtype not in COUNTED:
            return None
        kind = np.dtype(COUNTED[dtype])
        if data.length % kind.itemsize:
            return None
        # Channels of different zero points do not occur; TensorFlow Lite has 0 for all of them.
        zero = zero_points[0] if zero_points else 0
        key = (data, dtype, zero)
        if key not in self._zeros:
            self._file.scan(data.length)
            values = np.frombuffer(self._file.region(data.start, data.length), kind)
            self._zeros[key] = sum(
                int(np.count_nonzero(values[i : i + _CHUNK] == zero)) for i in range(0, len(values), _CHUNK)
            )
        counted = self._zeros[key]
        if sparse_shape is None:
            return counted
        return counted + max(0, prod(sparse_shape) - data.length // kind.itemsize)

    def _locate(self, buffer: Table) -> Data:
        """Data stands in the flatbuffer or, in files of 2 GB and more, after it at an offset of its own."""
        offset, size = buffer.number(1, U64), buffer.number(2, U64)
        if offset > 1:  # 1 marks a file that is still being written
            self._file.region(offset, size)
            return Data(offset, size) if size else _NONE
        vector = buffer.vector(0, 1)
        return Data(*vector) if vector is not None and vector[1] else _NONE

    def _external_lengths(self) -> dict[int, int]:
        if self._external is None:
            self._external = {
                external.number(0, U32): external.number(3, U64) for external in self._model.tables(9)
            }
        return self._external
