"""The zip that an APK is: what is stored, what is compressed, and where each thing begins."""

import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

LIBRARY_ALIGNMENT = 16384
"""Bytes. Natives are mapped straight from the APK; Android 15 and newer may have pages of 16 KB."""

MODEL_ALIGNMENT = 16
"""Bytes. Models are mapped too; FlatBuffers aligns the weights inside to 16."""

ENTRY_ALIGNMENT = 4
"""Bytes. What Android asks of everything that is stored, resources.arsc above all."""

ALIGNMENT_FIELD = 0xD935
"""Extra field that Android's tools write: the alignment, then padding. apksigner keeps what it says."""

LOCAL_HEADER = 30
"""Bytes of a local file header before the name (PKWARE's APPNOTE, 4.3.7)."""

FIXED_TIME = (1981, 1, 1, 1, 1, 2)
"""The same files give the same APK, up to its signature."""


@dataclass(frozen=True)
class Entry:
    """One file of the APK.

    Attributes:
        name: inside the zip.
        data: its bytes.
        stored: not compressed.
        alignment: of its first byte, where it is stored.
    """

    name: str
    data: bytes
    stored: bool = False
    alignment: int = ENTRY_ALIGNMENT


def entry(name: str, data: bytes) -> Entry:
    """An entry as its name asks for."""
    if name.endswith(".so"):
        return Entry(name, data, stored=True, alignment=LIBRARY_ALIGNMENT)
    if name.endswith(".tflite"):
        return Entry(name, data, stored=True, alignment=MODEL_ALIGNMENT)
    return Entry(name, data, stored=name == "resources.arsc" or name.endswith((".png", ".webp", ".jpg")))


def pack(entries: list[Entry], target: Path) -> None:
    """Writes the APK, not yet signed."""
    with target.open("wb") as stream, zipfile.ZipFile(stream, "w") as archive:
        for item in entries:
            info = zipfile.ZipInfo(item.name, FIXED_TIME)
            info.compress_type = zipfile.ZIP_STORED if item.stored else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            if item.stored:
                data_begins = stream.tell() + LOCAL_HEADER + len(item.name.encode())
                info.extra = _padding(data_begins, item.alignment)
            archive.writestr(info, item.data, compresslevel=9)


def misplaced(apk: Path) -> list[str]:
    """One line for every entry that is compressed though it must not be, or begins where it should not."""
    wrong = []
    with zipfile.ZipFile(apk) as archive, apk.open("rb") as stream:
        for info in archive.infolist():
            wanted = entry(info.filename, b"")
            if not wanted.stored:
                continue
            stream.seek(info.header_offset + 26)
            name, extra = struct.unpack("<HH", stream.read(4))
            start = info.header_offset + LOCAL_HEADER + name + extra
            if info.compress_type != zipfile.ZIP_STORED:
                wrong.append(f"{info.filename} is compressed")
            elif start % wanted.alignment:
                wrong.append(f"{info.filename} begins at {start}, no multiple of {wanted.alignment}")
    return wrong


def _padding(start: int, alignment: int) -> bytes:
    """The extra field that moves the data from ``start`` to the next multiple of ``alignment``."""
    fixed = 6  # the field's id, its length, and the alignment
    fill = -(start + fixed) % alignment
    return struct.pack("<HHH", ALIGNMENT_FIELD, 2 + fill, alignment) + bytes(fill)
