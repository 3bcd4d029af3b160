"""Reads the binary form of AndroidManifest.xml: elements with their attributes, in their order.

The layout is that of ``ResourceTypes.h`` in the Android framework. No library was taken: androguard brings a
disassembler and forty packages, pyaxmlparser its own zip and resource readers, lxml, and bounds on nothing.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

STRING_POOL, XML, START, END, RESOURCE_MAP = 0x0001, 0x0003, 0x0102, 0x0103, 0x0180
"""Kinds of chunks that are read."""

UTF8 = 1 << 8
"""Flag of a string pool."""

NONE = 0xFFFFFFFF
"""In place of a string's number."""

REFERENCE, STRING, DECIMAL, HEXADECIMAL, BOOLEAN = 0x01, 0x03, 0x10, 0x11, 0x12
"""Kinds of values that are read."""

LONGEST_STRING = 1_024
"""Characters of a string that are read: names of packages, versions and permissions are far shorter."""

MOST_ATTRIBUTES = 1_000
"""Of one element; the framework knows some hundred for an activity. All of them may be long strings."""

ELEMENT_BYTES, ATTRIBUTE_BYTES = 20, 20


class DamagedXmlError(Exception):
    """Not binary XML, or damaged; the text says where."""


Value = str | int | bool


@dataclass(frozen=True, kw_only=True)
class Element:
    """A start tag.

    Attributes:
        name: of the tag.
        depth: 1 for the root.
        named: attributes by their name in the file, which tools may have blanked.
        known: attributes by their number in the framework, 0x0101021b ... .
    """

    name: str
    depth: int
    named: dict[str, Value]
    known: dict[int, Value]


def elements(content: bytes) -> Iterator[Element]:
    """All start tags of a file.

    Raises:
        DamagedXmlError: while it goes, where the file is damaged.
    """
    try:
        yield from _elements(content)
    except struct.error as error:
        raise DamagedXmlError(f"cut off ({error})") from error


def _elements(content: bytes) -> Iterator[Element]:
    kind, header, size = _chunk(content, 0, len(content))
    if kind != XML:
        raise DamagedXmlError(f"begins with {kind:#06x}, not with {XML:#06x}: plain text, or no XML")
    pool, resources, depth = _Strings(b""), (), 0
    for kind, start, body, end in _chunks(content, header, size):
        if kind == STRING_POOL:
            pool = _Strings(content[start:end])
        elif kind == RESOURCE_MAP:
            count = (end - body) // 4
            resources = struct.unpack_from(f"<{count}I", content, body)
        elif kind == START:
            depth += 1
            yield _element(content, body, end, depth, pool, resources)
        elif kind == END:
            depth -= 1


def _chunks(content: bytes, place: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Kind, start, start of the body, and end of each chunk."""
    while place < end:
        kind, header, size = _chunk(content, place, end)
        yield kind, place, place + header, place + size
        place += size


def _chunk(content: bytes, place: int, end: int) -> tuple[int, int, int]:
    kind, header, size = struct.unpack_from("<HHI", content, place)
    if header < 8 or size < header or place + size > end:
        raise DamagedXmlError(f"a chunk at byte {place} of {size} bytes does not fit")
    return kind, header, size


def _element(
    content: bytes, body: int, end: int, depth: int, pool: "_Strings", resources: tuple[int, ...]
) -> Element:
    if body + ELEMENT_BYTES > end:
        raise DamagedXmlError(f"a tag at byte {body} is cut off")
    _, name, first, size, count = struct.unpack_from("<IIHHH", content, body)
    if count > MOST_ATTRIBUTES:
        raise DamagedXmlError(f"{count:,} attributes at byte {body}, more than {MOST_ATTRIBUTES:,}")
    if size < ATTRIBUTE_BYTES or body + first + size * count > end:
        raise DamagedXmlError(f"{count} attributes at byte {body} do not fit")
    named: dict[str, Value] = {}
    known: dict[int, Value] = {}
    for number in range(count):
        place = body + first + size * number
        _, key, raw, _, _, kind, data = struct.unpack_from("<IIIHBBI", content, place)
        value = _value(pool, raw, kind, data)
        if value is None:
            continue
        # The first of two counts, as for Android.
        named.setdefault(pool.text(key), value)
        if key < len(resources):
            known.setdefault(resources[key], value)
    return Element(name=pool.text(name), depth=depth, named=named, known=known)


def _value(pool: "_Strings", raw: int, kind: int, data: int) -> Value | None:
    if kind == STRING:
        return pool.text(data)
    if kind in (DECIMAL, HEXADECIMAL):
        return data - (1 << 32) if data >= 1 << 31 else data
    if kind == BOOLEAN:
        return data != 0
    if kind == REFERENCE:
        return f"@{data:#010x}"
    return pool.text(raw) if raw != NONE else None


class _Strings:
    """A string pool; texts are read when they are asked for."""

    def __init__(self, chunk: bytes) -> None:
        self._chunk, self._utf8, self._start = chunk, False, 0
        self._offsets: tuple[int, ...] = ()
        if chunk:
            count, _, flags, self._start = struct.unpack_from("<IIII", chunk, 8)
            header = struct.unpack_from("<H", chunk, 2)[0]
            if header + 4 * count > len(chunk):
                raise DamagedXmlError(f"{count:,} strings do not fit into {len(chunk):,} bytes")
            self._utf8 = bool(flags & UTF8)
            self._offsets = struct.unpack_from(f"<{count}I", chunk, header)

    def text(self, number: int) -> str:
        """A string; "" where there is none."""
        if number == NONE:
            return ""
        if number >= len(self._offsets):
            raise DamagedXmlError(f"string {number} of {len(self._offsets)}")
        place = self._start + self._offsets[number]
        if self._utf8:
            _, place = self._length(place, "<B", 7)
            count, place = self._length(place, "<B", 7)
            return self._cut(place, min(count, 4 * LONGEST_STRING), count).decode("utf-8", errors="replace")
        count, place = self._length(place, "<H", 15)
        return self._cut(place, 2 * min(count, LONGEST_STRING), 2 * count).decode(
            "utf-16-le", errors="replace"
        )

    def _length(self, place: int, form: str, bits: int) -> tuple[int, int]:
        """A length in one unit, or in two where the first one's highest bit is set."""
        width = struct.calcsize(form)
        (first,) = struct.unpack_from(form, self._chunk, place)
        if not first >> bits:
            return first, place + width
        (second,) = struct.unpack_from(form, self._chunk, place + width)
        return (first & ((1 << bits) - 1)) << (8 * width) | second, place + 2 * width

    def _cut(self, place: int, count: int, whole: int) -> bytes:
        if place + whole > len(self._chunk):
            raise DamagedXmlError(f"a string at byte {place} of {whole} bytes does not fit")
        return self._chunk[place : place + count]
