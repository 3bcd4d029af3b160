"""The zip that may follow a .tflite flatbuffer: labels and other files that metadata refers to."""

import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_CUR, SEEK_END, BufferedReader, RawIOBase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

_END = struct.Struct("<4s4H2LH")
"""End of central directory: signature, disks (2), entries (2), bytes and offset of the directory, comment."""

_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR, _ZIP64_LOCATOR_BYTES = b"PK\x06\x07", 20

LONGEST_COMMENT = 65_535
"""A zip ends with its end record and a comment of at most so many bytes."""

MOST_DIRECTORY_BYTES = 1_000_000
"""Directory of some ten thousand files; models have one or two."""

MOST_TEXT_BYTES = 262_144
"""A larger text file is not read, nor are more than so many bytes of all together: ImageNet's labels are
10 kB, and a zip of some kilobytes can say that it holds gigabytes of empty lines."""


@dataclass(frozen=True, kw_only=True)
class PackedFile:
    """One file in the zip.

    Attributes:
        name: in the zip.
        bytes: unpacked, as the directory says.
        stored_bytes: in the file.
        lines: of a small text file, as labels are; None for any other.
    """

    name: str
    bytes: int
    stored_bytes: int
    lines: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Packed:
    """The zip: its files, or why they cannot be listed ("" where they can, or where there is no zip)."""

    files: tuple[PackedFile, ...] = ()
    trouble: str = ""


def read(content: bytes | mmap.mmap) -> Packed:
    """Lists the zip at the end of a file; nothing is unpacked but small texts."""
    start = content.rfind(_END_SIGNATURE, max(0, len(content) - LONGEST_COMMENT - _END.size))
    if start < 0 or start + _END.size > len(content):
        return Packed()
    _, _, _, _, _, directory, _, comment = _END.unpack_from(content, start)
    if start + _END.size + comment != len(content):
        return Packed()  # four bytes of a weight that look like the signature
    if content[max(0, start - _ZIP64_LOCATOR_BYTES) : start].startswith(_ZIP64_LOCATOR):
        return Packed(trouble="a zip64, which is not read")
    if directory > MOST_DIRECTORY_BYTES:
        return Packed(trouble=f"a directory of {directory:,} bytes, which is not read")
    try:
        with zipfile.ZipFile(BufferedReader(_Window(content))) as archive:
            return Packed(files=tuple(_files(archive)))
    # What zipfile raises on damaged archives, kinds of compression that it lacks, and encryption.
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, IndexError, NotImplementedError,
            OSError, OverflowError, RuntimeError, ValueError) as error:  # fmt: skip
        return Packed(trouble=f"a damaged zip ({error})")


def _files(archive: zipfile.ZipFile) -> Iterator[PackedFile]:
    left = MOST_TEXT_BYTES
    for info in archive.infolist():
        lines = None
        if info.filename.endswith(".txt") and info.file_size <= left:
            with archive.open(info) as file:
                content = file.read(left)
            left -= len(content)
            lines = tuple(content.decode("utf-8", errors="replace").splitlines())
        yield PackedFile(
            name=info.filename, bytes=info.file_size, stored_bytes=info.compress_size, lines=lines
        )


class _Window(RawIOBase):
    """A file object on bytes that stay where they are; BytesIO would copy a mapped file into memory."""

    def __init__(self, content: bytes | mmap.mmap) -> None:
        self._view = memoryview(content)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        start = {SEEK_CUR: self._position, SEEK_END: len(self._view)}.get(whence, 0)
        if start + offset < 0:
            raise ValueError(f"position {start + offset}")
        self._position = start + offset
        return self._position

    def readinto(self, target: "Buffer") -> int:
        into = memoryview(target)
        part = self._view[self._position : self._position + len(into)]
        into[: len(part)] = part
        self._position += len(part)
        return len(part)
