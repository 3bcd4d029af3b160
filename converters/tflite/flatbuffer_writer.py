"""Writes small flatbuffers front to back: a table first, then what it refers to.

The counterpart of :mod:`converters.tflite.flatbuffer`. References point forward only, so that another
flatbuffer can follow unchanged and be referred to, which the usual back-to-front builder cannot do::

    write(Table({0: Text("name"), 1: Vector((Existing(40),))}), identifier=b"M001", followed_by=old)

        root offset, identifier | tables, vectors, texts | padding | old, byte for byte
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from converters.tflite.flatbuffer import I32, U16, U32

REFERENCE_BYTES = 4
"""Of a reference, of a vector's length, and the alignment of both."""

ALIGNMENT = 16
"""What follows begins at a multiple of it: the largest alignment in TensorFlow Lite's schema (``force_align``
of a buffer's data), so that everything keeps its own."""


@dataclass(frozen=True)
class Number:
    """A field that is one number of at most four bytes: tables are aligned to no more."""

    kind: struct.Struct
    value: float


@dataclass(frozen=True)
class Text:
    """A string."""

    text: str


@dataclass(frozen=True)
class Numbers:
    """A vector of numbers.

    Attributes:
        content: the elements, little-endian.
        count: how many they are.
        alignment: of the first one, bytes.
    """

    content: bytes
    count: int
    alignment: int = REFERENCE_BYTES


@dataclass(frozen=True)
class Existing:
    """A table, vector or string at this position of the flatbuffer that follows."""

    position: int


@dataclass(frozen=True)
class Vector:
    """A vector of tables."""

    elements: "tuple[Table | Existing, ...]"


@dataclass(frozen=True)
class Table:
    """A table, its fields by slot; a slot without a field is absent."""

    fields: "Mapping[int, Number | Part]" = field(default_factory=dict)


Part = Text | Numbers | Vector | Table | Existing
"""What is referred to."""


def floats(*values: float) -> Numbers:
    """A vector of float32."""
    return Numbers(struct.pack(f"<{len(values)}f", *values), len(values))


def write(root: Table, *, identifier: bytes, followed_by: bytes = b"") -> bytes:
    """The flatbuffer, and ``followed_by`` behind it at a multiple of :data:`ALIGNMENT`."""
    writing = _Writing(identifier)
    writing.refer(0, root)
    return writing.finish(followed_by)


class _Writing:
    def __init__(self, identifier: bytes) -> None:
        self._bytes = bytearray(REFERENCE_BYTES) + identifier
        self._existing: list[tuple[int, int]] = []

    def refer(self, place: int, part: Part) -> None:
        """Writes a part and points the reference at ``place`` to it."""
        if isinstance(part, Existing):
            self._existing.append((place, part.position))  # where that will stand is not known yet
        elif isinstance(part, Table):
            self._table(place, part)
        elif isinstance(part, Vector):
            self._align(REFERENCE_BYTES)
            self._point(place, len(self._bytes))
            self._bytes += U32.pack(len(part.elements))
            first = len(self._bytes)
            self._bytes += bytes(REFERENCE_BYTES * len(part.elements))
            for i, element in enumerate(part.elements):
                self.refer(first + REFERENCE_BYTES * i, element)
        elif isinstance(part, Text):
            content = part.text.encode()
            self._numbers(place, content + b"\0", len(content), REFERENCE_BYTES)
        else:
            self._numbers(place, part.content, part.count, part.alignment)

    def _numbers(self, place: int, content: bytes, count: int, alignment: int) -> None:
        self._align(alignment, before=REFERENCE_BYTES)
        self._point(place, len(self._bytes))
        self._bytes += U32.pack(count) + content

    def _table(self, place: int, table: Table) -> None:
        # Larger fields first, so that none needs padding.
        sizes = {
            slot: value.kind.size if isinstance(value, Number) else REFERENCE_BYTES
            for slot, value in table.fields.items()
        }
        order = sorted(table.fields, key=lambda slot: (-sizes[slot], slot))
        distances, end = {}, 4
        for slot in order:
            distances[slot], end = end, end + sizes[slot]
        slots = [distances.get(slot, 0) for slot in range(max(table.fields, default=-1) + 1)]
        vtable = b"".join(map(U16.pack, (4 + 2 * len(slots), end, *slots)))
        self._align(REFERENCE_BYTES, before=len(vtable))
        self._bytes += vtable
        start = len(self._bytes)
        self._point(place, start)
        self._bytes += I32.pack(len(vtable)) + bytes(end - 4)
        for slot in order:
            value, at = table.fields[slot], start + distances[slot]
            if isinstance(value, Number):
                value.kind.pack_into(self._bytes, at, value.value)
            else:
                self.refer(at, value)

    def finish(self, followed_by: bytes) -> bytes:
        """The bytes."""
        if followed_by:
            self._align(ALIGNMENT)
        for place, position in self._existing:
            self._point(place, len(self._bytes) + position)
        return bytes(self._bytes) + followed_by

    def _align(self, alignment: int, *, before: int = 0) -> None:
        """Pads, so that what comes ``before`` bytes later is aligned."""
        self._bytes += bytes(-(len(self._bytes) + before) % alignment)

    def _point(self, place: int, target: int) -> None:
        U32.pack_into(self._bytes, place, target - place)
