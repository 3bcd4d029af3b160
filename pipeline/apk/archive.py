"""Reads the zip that an APK is: where each file lies, and its contents within bounds.

Python's ``zipfile`` repairs and hides what matters here: at which byte a file starts, whether the two
records of it agree, whether files overlap. So the directory is read by itself, as strictly as Android does.
The format is PKWARE's APPNOTE 6.3.
"""

import mmap
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.errors import StepError

END = struct.Struct("<4s4H2LH")
"""End record: signature, disks (2), entries here and in all, bytes and offset of the directory, comment."""

CENTRAL = struct.Struct("<4s6H3L5H2L")
"""Directory record: signature, versions (2), flags, method, time, date, checksum, sizes (2), lengths of name,
extra and comment, disk, attributes (2), offset of the local record."""

LOCAL = struct.Struct("<4s5H3L2H")
"""Record before the data: signature, version, flags, method, time, date, checksum, sizes (2), lengths (2)."""

STORED, DEFLATED = 0, 8

ENCRYPTED = 1
"""Flag of an entry; nothing in an APK is."""

LONGEST_COMMENT = 65_535

MAPPED_BYTES = 256_000_000
"""From this size on an APK is mapped instead of read; see ``converters.tflite.inspect``."""

MOST_UNPACKED = 512_000_000
"""Bytes to which one file may unpack: twice the largest library or model that an APK may download with. A
zip of 500 kB can say that it holds so much."""

MOST_UNPACKED_IN_ALL = 2_000_000_000
"""Bytes to which all compressed files that are looked at may unpack; some ten seconds."""


class InvalidApkError(StepError):
    """Not a readable APK."""


class UnreadableEntryError(StepError):
    """One file of an APK cannot be unpacked."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file in the zip.

    Attributes:
        name: in the zip.
        method: 0 stored, 8 deflated; Android knows no other.
        record: where its own record starts, before the data.
        offset: of its data in the APK.
        stored_bytes: of its data in the APK.
        bytes: unpacked, as the directory says.
        checksum: CRC-32 of it unpacked, as the directory says.
    """

    name: str
    method: int
    record: int
    offset: int
    stored_bytes: int
    bytes: int
    checksum: int

    @property
    def stored(self) -> bool:
        """Whether it lies in the APK as it is, so that it can be memory-mapped."""
        return self.method == STORED

    @property
    def alignment(self) -> int:
        """Largest power of two that divides its offset."""
        return self.offset & -self.offset


class Archive:
    """An APK in memory, or mapped."""

    def __init__(self, content: bytes | mmap.mmap, *, where: str) -> None:
        """Reads the directory.

        Args:
            content: all of the file.
            where: names it in messages.

        Raises:
            InvalidApkError: no zip, or one that Android would not install.
        """
        self.content, self.where = content, where
        self.entries, self.directory = self._read()
        self._left = MOST_UNPACKED_IN_ALL

    @classmethod
    def open(cls, path: Path) -> "Archive":
        """Reads a file.

        Raises:
            InvalidApkError: no such file, or not a zip.
        """
        try:
            facts = path.stat()
            if not stat.S_ISREG(facts.st_mode):
                raise InvalidApkError(f"{path}: not a regular file")
            with path.open("rb") as file:
                mapped = facts.st_size >= MAPPED_BYTES
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if mapped else file.read()
        except OSError as error:
            raise InvalidApkError(f"{path}: {error.strerror}") from error
        return cls(content, where=str(path))

    @cached_property
    def names(self) -> frozenset[str]:
        """Of all files."""
        return frozenset(entry.name for entry in self.entries)

    @cached_property
    def _by_name(self) -> dict[str, Entry]:
        """Of names that differ only in bytes which are no text the first file counts."""
        return {entry.name: entry for entry in reversed(self.entries)}

    def find(self, name: str) -> Entry | None:
        """The file of this name."""
        return self._by_name.get(name)

    def head(self, entry: Entry, count: int) -> bytes:
        """The first bytes of a file, unpacked; fewer where it is shorter, or damaged."""
        if entry.stored:
            return self.content[entry.offset : entry.offset + min(count, entry.stored_bytes)]
        # So many packed bytes give the first eight whatever the tables of the first block look like.
        packed = self.content[entry.offset : entry.offset + min(1_024, entry.stored_bytes)]
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, count)
        except zlib.error:
            return b""

    def read(self, entry: Entry, *, most: int = MOST_UNPACKED) -> bytes:
        """A whole file, unpacked and checked against its checksum.

        Raises:
            UnreadableEntryError: it is damaged, or larger than ``most`` bytes, or is compressed and larger
                than what is left of MOST_UNPACKED_IN_ALL. A stored one is as large as what there is of it.
        """
        if not entry.stored:
            most = min(most, self._left)
        if entry.bytes > most:
            raise UnreadableEntryError(f"unpacks to {entry.bytes:,} bytes, more than {most:,} are not read")
        data = self.content[entry.offset : entry.offset + entry.stored_bytes]
        if not entry.stored:
            self._left -= entry.bytes  # before: a stream that turns out damaged took its time too
            data = _inflated(data, entry.bytes)
        if len(data) != entry.bytes or zlib.crc32(data) != entry.checksum:
            raise UnreadableEntryError("damaged: size or checksum are not those of the directory")
        return data

    def _read(self) -> tuple[tuple[Entry, ...], int]:
        end = self.content.rfind(b"PK\x05\x06", max(0, len(self.content) - LONGEST_COMMENT - END.size))
        if end < 0 or end + END.size > len(self.content):
            raise self._invalid("not a zip: it has no end record, or is cut off")
        _, disk, first_disk, here, count, size, directory, comment = END.unpack_from(self.content, end)
        if 0xFFFF in (here, count) or 0xFFFFFFFF in (size, directory):
            raise self._invalid("a zip64, which Android does not install")
        if disk or first_disk or here != count or end + END.size + comment != len(self.content):
            raise self._invalid("the zip's end record contradicts the file")
        if directory + size > end:
            raise self._invalid("the zip's directory lies outside the file")
        entries = tuple(self._entries(directory, directory + size, count))
        self._check_overlap(entries)
        return entries, directory

    def _entries(self, place: int, end: int, count: int) -> Iterator[Entry]:
        names, directory = set(), place
        for number in range(count):
            if place + CENTRAL.size > end:
                raise self._invalid(f"the directory ends at file {number + 1} of {count}")
            record = CENTRAL.unpack_from(self.content, place)
            signature, flags, method, checksum, stored, size = record[0], *record[3:5], *record[7:10]
            lengths, offset = record[10:13], record[16]
            if signature != b"PK\x01\x02":
                raise self._invalid(f"file {number + 1} of {count} has no directory record")
            raw = self.content[place + CENTRAL.size : place + CENTRAL.size + lengths[0]]
            place += CENTRAL.size + sum(lengths)
            if place > end:
                raise self._invalid(f"the directory ends within file {number + 1} of {count}")
            name = raw.decode("utf-8", errors="replace")
            if raw in names:
                raise self._invalid(f"two files are named '{name}'")
            names.add(raw)
            if flags & ENCRYPTED or method not in (STORED, DEFLATED):
                raise self._invalid(
                    f"'{name}' is encrypted, or packed by a method that Android does not know"
                )
            if method == STORED and stored != size:
                raise self._invalid(f"'{name}' is stored, but its two sizes differ")
            data = self._data(raw, name, method, offset, directory)
            if data + stored > directory:
                raise self._invalid(f"'{name}' reaches beyond the files")
            yield Entry(
                name=name, method=method, record=offset, offset=data,
                stored_bytes=stored, bytes=size, checksum=checksum,
            )  # fmt: skip

    def _data(self, raw: bytes, name: str, method: int, offset: int, directory: int) -> int:
        """Where a file's data start, by its local record."""
        if offset + LOCAL.size > directory:
            raise self._invalid(f"'{name}' lies outside the file")
        record = LOCAL.unpack_from(self.content, offset)
        start = offset + LOCAL.size
        own = self.content[start : start + record[9]]
        if record[0] != b"PK\x03\x04" or record[3] != method or own != raw:
            raise self._invalid(f"the two records of '{name}' contradict each other")
        return start + int(record[9]) + int(record[10])

    def _check_overlap(self, entries: tuple[Entry, ...]) -> None:
        """No two files share bytes: they would be another file to each reader, or a bomb."""
        reached = 0
        for entry in sorted(entries, key=lambda one: one.record):
            if entry.record < reached:
                raise self._invalid(f"'{entry.name}' overlaps another file")
            reached = entry.offset + entry.stored_bytes

    def _invalid(self, why: str) -> InvalidApkError:
        return InvalidApkError(f"{self.where}: not a readable APK: {why}")


def _inflated(data: bytes, size: int) -> bytes:
    """At most one byte more than promised, however much there is."""
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        return machine.decompress(data, size + 1)
    except zlib.error as error:
        raise UnreadableEntryError(f"damaged: {error}") from error
