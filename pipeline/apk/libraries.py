"""The native libraries of an APK: for which machine, how aligned, and which of them is TensorFlow Lite."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.apk import elf
from pipeline.apk.archive import Archive, Entry, UnreadableEntryError
from pipeline.apk.elf import LARGE_PAGE_ABIS, PAGE_16K

_PLACE = re.compile(r"lib/([^/]+)/[^/]+\.so")

_VERSION = re.compile(rb"\0(([12])\.(\d{1,3})\.(\d{1,3})(?:[-.+][\w.+-]{1,40})?)(?=\0)")
"""A text that is nothing but a version: TensorFlow Lite's own is among a library's constants."""

OLDEST = (2, 1, 0)
"""Below, nothing is taken for TensorFlow Lite's version: libraries that are linked into it have such texts,
as 2.0.3 and 1.2.13; no app of today ships an older runtime."""

ENGINE_MARKS = (
    b"TfLiteInterpreterCreate",
    b"Java_org_tensorflow_lite_NativeInterpreterWrapper_",
    b"LiteRtCreateCompiledModel",
)
"""Names of functions that a TensorFlow Lite, or LiteRT, runtime exports; a delegate's library does not."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """One of them.

    Attributes:
        name: in the APK.
        abi: folder that it lies in.
        machine: ABI that it is really for; None where it is no ELF file.
        bytes: unpacked.
        stored: whether it lies uncompressed in the APK, so that it can be used from there.
        offset: of its data in the APK.
        load_alignment: least ``p_align`` of its parts, in bytes; 0 where it has none.
        pages_16k: whether it can be loaded where memory pages have 16 KB; None where nobody asks, as of 32
            bits.
        zip_16k: whether its data lie at a multiple of 16 KB in the APK; None where it is compressed, and so
            copied out when the app is installed.
        engine: whether it is a TensorFlow Lite or LiteRT runtime.
        version: of that runtime by the text in it; None where it cannot be told.
        trouble: why it could not be read; "" where it could.
    """

    name: str
    abi: str
    machine: str | None
    bytes: int
    stored: bool
    offset: int
    load_alignment: int
    pages_16k: bool | None
    zip_16k: bool | None
    engine: bool
    version: str | None
    trouble: str


def libraries(archive: Archive) -> Iterator[Library]:
    """All files that Android takes for native libraries."""
    for entry in archive.entries:
        place = _PLACE.fullmatch(entry.name)
        if place is not None:
            yield _library(archive, entry, place[1])


def release(version: str | None) -> tuple[int, int, int] | None:
    """``2.16.1`` and ``2.20.0-dev0+selfbuilt`` to their three numbers."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version or "")
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def _library(archive: Archive, entry: Entry, abi: str) -> Library:
    facts, trouble, engine, version = None, "", False, None
    try:
        content = archive.read(entry)
        facts = elf.read(content)
        engine = any(mark in content for mark in ENGINE_MARKS)
        version = _version(content) if engine else None
    except (UnreadableEntryError, elf.DamagedElfError) as error:
        trouble = str(error)
    asked = facts is not None and facts.abi in LARGE_PAGE_ABIS
    return Library(
        name=entry.name,
        abi=abi,
        machine=None if facts is None else facts.abi,
        bytes=entry.bytes,
        stored=entry.stored,
        offset=entry.offset,
        load_alignment=0 if facts is None else facts.alignment,
        pages_16k=facts.alignment % PAGE_16K == 0 and facts.alignment > 0
        if facts is not None and asked
        else None,
        zip_16k=entry.offset % PAGE_16K == 0 if entry.stored else None,
        engine=engine,
        version=version,
        trouble=trouble,
    )


def _version(content: bytes) -> str | None:
    """The one text in a runtime that can be its version; None where there is none, or more than one."""
    found = {
        match[1].decode("ascii")
        for match in _VERSION.finditer(content)
        if (int(match[2]), int(match[3]), int(match[4])) >= OLDEST
    }
    return found.pop() if len(found) == 1 else None
