"""Reads flatbuffers that may be damaged or hostile: every offset is checked, and the work is bounded.

The format is that of https://flatbuffers.dev/internals/: a table begins with the signed distance back to its
vtable; the vtable holds its own length, the table's, and for each field the distance from the table's begin,
0 where the field is absent. Vectors and strings begin with their length as u32.

    Flatbuffer(content) --root()--> Table --table(slot), tables(slot)--> Table ...
"""

import mmap
import struct
from collections.abc import Iterator

import numpy as np

U8, I8, BOOL = struct.Struct("<B"), struct.Struct("<b"), struct.Struct("<?")
U16, I32, U32, U64 = struct.Struct("<H"), struct.Struct("<i"), struct.Struct("<I"), struct.Struct("<Q")
F32 = struct.Struct("<f")

READS_PER_BYTE = 4
"""How often a file's bytes may be read in all. A sound file is a tree: each byte is reached once. A hostile
one lets a thousand references point at one long vector; 4 leaves room for strings that a writer shared."""

FREE_READS = 1_000_000
"""Bytes that may be read besides, so that small files of many shared parts pass."""

MOST_READS = 64_000_000
"""Bytes of tables, texts and numbers, constants aside, that are read of any file: they become Python objects.
Models of a billion weights have 20 MB of them, most of it scales."""

TABLE_COST = 64
"""What reading one table counts, bytes: about the least that a tensor or op takes up in a file. With it the
number of Python objects that a file can cause is bounded by its size too."""


class DamagedFlatbufferError(ValueError):
    """An offset or length points outside the file, or the same parts are reached over and over."""


class Flatbuffer:
    """A buffer with checked access and a budget of reads."""

    def __init__(self, content: bytes | mmap.mmap) -> None:
        """Takes the whole file: offsets of large buffers count from its first byte."""
        self.bytes = memoryview(content)
        self.size = len(content)
        self._budget = min(READS_PER_BYTE * self.size + FREE_READS, MOST_READS)
        self._scans = READS_PER_BYTE * self.size

    def spend(self, cost: int) -> None:
        """Takes ``cost`` bytes, of what becomes Python objects, from the budget.

        Raises:
            DamagedFlatbufferError: there is not so much left.
        """
        self._budget -= cost
        if self._budget < 0:
            raise DamagedFlatbufferError(
                "more tables and numbers than a model has, or the same ones over and over"
            )

    def scan(self, cost: int) -> None:
        """Takes ``cost`` bytes, of constants that are only gone through, from a budget of their own.

        Raises:
            DamagedFlatbufferError: there is not so much left.
        """
        self._scans -= cost
        if self._scans < 0:
            raise DamagedFlatbufferError("constants overlap each other over and over")

    def number(self, kind: struct.Struct, position: int) -> int:
        """One number.

        Raises:
            DamagedFlatbufferError: it lies outside the file.
        """
        if not 0 <= position <= self.size - kind.size:
            raise DamagedFlatbufferError(f"offset {position} in {self.size} bytes")
        value: int = kind.unpack_from(self.bytes, position)[0]
        return value

    def region(self, start: int, length: int) -> memoryview:
        """Bytes of the file, not copied.

        Raises:
            DamagedFlatbufferError: they lie outside the file.
        """
        if start < 0 or length < 0 or start + length > self.size:
            raise DamagedFlatbufferError(f"{length} bytes at offset {start} in {self.size} bytes")
        return self.bytes[start : start + length]

    def root(self) -> "Table":
        """The table at which the file begins.

        Raises:
            DamagedFlatbufferError: there is none.
        """
        return Table(self, self.number(U32, 0))


class Table:
    """A table, its fields by slot: 0 for the first field of the schema, in the order of their ids."""

    def __init__(self, buffer: Flatbuffer, position: int) -> None:
        """Checks the table's vtable.

        Raises:
            DamagedFlatbufferError: it lies outside the file.
        """
        buffer.spend(TABLE_COST)
        self.buffer = buffer
        self.position = position
        self._vtable = position - buffer.number(I32, position)
        self._slots = (buffer.number(U16, self._vtable) - 4) // 2
        buffer.region(self._vtable, 4 + 2 * max(0, self._slots))

    def place(self, slot: int) -> int | None:
        """Where a field stands in the file; None where it is absent."""
        if not 0 <= slot < self._slots:
            return None
        distance = self.buffer.number(U16, self._vtable + 4 + 2 * slot)
        return self.position + distance if distance else None

    def number(self, slot: int, kind: struct.Struct, default: int = 0) -> int:
        """A field that is one number."""
        place = self.place(slot)
        return default if place is None else self.buffer.number(kind, place)

    def flag(self, slot: int) -> bool:
        """A field that is a truth value, false by default."""
        return bool(self.number(slot, U8))

    def table(self, slot: int) -> "Table | None":
        """A field that is a table."""
        place = self.place(slot)
        return None if place is None else Table(self.buffer, self._target(place))

    def region(self, slot: int) -> memoryview | None:
        """A vector of bytes, not copied; None where it is absent."""
        vector = self.vector(slot, 1)
        return None if vector is None else self.buffer.region(*vector)

    def text(self, slot: int) -> str:
        """A string; empty where it is absent. What is no UTF-8 is replaced."""
        region = self.region(slot)
        if region is None:
            return ""
        self.buffer.spend(len(region))
        return bytes(region).decode("utf-8", errors="replace")

    def array(self, slot: int, dtype: str) -> "np.ndarray[tuple[int], np.dtype[np.generic]]":
        """A vector of numbers, not copied, as numpy's little-endian ``dtype`` (``"<i4"``)."""
        kind = np.dtype(dtype)
        vector = self.vector(slot, kind.itemsize)
        if vector is None:
            return np.empty(0, kind)
        start, length = vector
        self.buffer.spend(length * kind.itemsize)
        return np.frombuffer(self.buffer.region(start, length * kind.itemsize), kind)

    def ints(self, slot: int, dtype: str = "<i4") -> tuple[int, ...]:
        """A vector of integers as Python's."""
        return tuple(self.array(slot, dtype).tolist())

    def length(self, slot: int) -> int:
        """How many elements a vector of tables has."""
        vector = self.vector(slot, 4)
        return 0 if vector is None else vector[1]

    def tables(self, slot: int) -> Iterator["Table"]:
        """A vector of tables, read one after the other."""
        vector = self.vector(slot, 4)
        start, length = vector or (0, 0)
        for i in range(length):
            yield Table(self.buffer, self._target(start + 4 * i))

    def element(self, slot: int, index: int) -> "Table":
        """One table of a vector.

        Raises:
            DamagedFlatbufferError: the vector is not so long.
        """
        start, length = self.vector(slot, 4) or (0, 0)
        if not 0 <= index < length:
            raise DamagedFlatbufferError(f"index {index} into {length} elements")
        return Table(self.buffer, self._target(start + 4 * index))

    def _target(self, place: int) -> int:
        return place + self.buffer.number(U32, place)

    def vector(self, slot: int, width: int) -> tuple[int, int] | None:
        """First byte and number of elements of a vector, ``width`` bytes each, that lies within the file."""
        place = self.place(slot)
        if place is None:
            return None
        target = self._target(place)
        length = self.buffer.number(U32, target)
        self.buffer.region(target + 4, length * width)
        return target + 4, length
