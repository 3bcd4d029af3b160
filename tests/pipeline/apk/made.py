"""Writes small APKs with known contents: zip records, binary XML and ELF heads by hand."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NO_STRING = 0xFFFFFFFF

NUMBERS = {
    "versionCode": 0x0101021B,
    "versionName": 0x0101021C,
    "versionCodeMajor": 0x01010576,
    "minSdkVersion": 0x0101020C,
    "targetSdkVersion": 0x01010270,
    "name": 0x01010003,
    "debuggable": 0x0101000F,
    "extractNativeLibs": 0x010104EA,
}


@dataclass(frozen=True)
class Tag:
    """An element; attributes are texts, numbers and truth values, by their name."""

    name: str
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)
    inner: Sequence["Tag"] = ()


def chunk(kind: int, header: bytes, body: bytes) -> bytes:
    """A chunk of binary XML: kind, size of its header, its size."""
    return struct.pack("<HHI", kind, 8 + len(header), 8 + len(header) + len(body)) + header + body


def axml(root: Tag, *, utf8: bool = True, blank_names: bool = False) -> bytes:
    """Binary XML; ``blank_names`` empties the names of the framework's attributes, as some tools do."""
    strings = list(NUMBERS)
    events: list[tuple[str, Tag]] = []

    def walk(tag: Tag) -> None:
        events.append(("start", tag))
        for text in (tag.name, *tag.attributes, *tag.attributes.values()):
            if isinstance(text, str) and text not in strings:
                strings.append(text)
        for inner in tag.inner:
            walk(inner)
        events.append(("end", tag))

    walk(root)
    shown = ["" if blank_names and text in NUMBERS else text for text in strings]
    body = pool(shown, utf8=utf8) + chunk(0x0180, b"", struct.pack(f"<{len(NUMBERS)}I", *NUMBERS.values()))
    for kind, tag in events:
        line = struct.pack("<II", 1, NO_STRING)
        if kind == "end":
            body += chunk(0x0103, line, struct.pack("<II", NO_STRING, strings.index(tag.name)))
            continue
        count = len(tag.attributes)
        inner = struct.pack("<IIHHHHHH", NO_STRING, strings.index(tag.name), 20, 20, count, 0, 0, 0)
        for name, value in tag.attributes.items():
            inner += struct.pack("<II", NO_STRING, strings.index(name))
            if isinstance(value, bool):
                inner += struct.pack("<IHBBI", NO_STRING, 8, 0, 0x12, 0xFFFFFFFF if value else 0)
            elif isinstance(value, int):
                inner += struct.pack("<IHBBI", NO_STRING, 8, 0, 0x10, value & 0xFFFFFFFF)
            else:
                inner += struct.pack("<IHBBI", strings.index(value), 8, 0, 0x03, strings.index(value))
        body += chunk(0x0102, line, inner)
    return chunk(0x0003, b"", body)


def pool(strings: Sequence[str], *, utf8: bool) -> bytes:
    """A string pool."""
    data, offsets = b"", []
    for text in strings:
        offsets.append(len(data))
        if utf8:
            raw = text.encode()
            data += _length(len(text), 1) + _length(len(raw), 1) + raw + b"\0"
        else:
            data += _length(len(text), 2) + text.encode("utf-16-le") + b"\0\0"
    data += b"\0" * (-len(data) % 4)
    start = 28 + 4 * len(strings)
    header = struct.pack("<IIIII", len(strings), 0, 0x100 if utf8 else 0, start, 0)
    return chunk(0x0001, header, struct.pack(f"<{len(strings)}I", *offsets) + data)


def _length(count: int, width: int) -> bytes:
    top = 1 << (8 * width - 1)
    form = "<B" if width == 1 else "<H"
    if count < top:
        return struct.pack(form, count)
    return struct.pack(form, top | count >> (8 * width)) + struct.pack(form, count & ((1 << 8 * width) - 1))


MANIFEST = Tag(
    "manifest",
    {"versionCode": 7, "versionName": "1.2", "package": "org.example.seen"},
    (
        Tag("uses-sdk", {"minSdkVersion": 24, "targetSdkVersion": 35}),
        Tag("uses-permission", {"name": "android.permission.CAMERA"}),
        Tag("application", {"debuggable": False}, (Tag("activity", {"name": "org.example.Main"}),)),
    ),
)


def elf(machine: int = 183, *alignments: int, wide: bool = True, tail: bytes = b"") -> bytes:
    """The head of a library with a LOAD part of each alignment, a part that is none, and anything behind."""
    size = 56 if wide else 32
    parts = b""
    for alignment in alignments:
        parts += (
            struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 100, 100, alignment)
            if wide
            else struct.pack("<IIIIIIII", 1, 0, 0, 0, 100, 100, 5, alignment)
        )
    parts += struct.pack("<I", 4) + bytes(size - 4)  # PT_NOTE, aligned to nothing
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    form, place = ("<HHIQQQIHHHHHH", 64) if wide else ("<HHIIIIIHHHHHH", 52)
    head = struct.pack(form, 3, machine, 1, 0, place, 0, 0, place, size, len(alignments) + 1, 0, 0, 0)
    return ident + head + parts + tail


ENGINE_TEXT = b"\0TfLiteInterpreterCreate\0"


@dataclass(frozen=True)
class Packed:
    """A file to pack; data are put at a multiple of ``align`` where that is not 0."""

    name: str
    content: bytes
    deflated: bool = False
    align: int = 4


def apk(*files: Packed, pairs: Mapping[int, bytes] | None = None, comment: bytes = b"") -> bytes:
    """A zip, as Android's tools write it; ``pairs`` fill an APK Signing Block."""
    out, directory = bytearray(), bytearray()
    for file in files:
        raw = file.name.encode()
        data = file.content
        if file.deflated:
            packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
            data = packer.compress(file.content) + packer.flush()
        start = len(out)
        extra = bytes(-(start + 30 + len(raw)) % file.align) if file.align else b""
        method, check = 8 if file.deflated else 0, zlib.crc32(file.content)
        sizes = (check, len(data), len(file.content))
        out += struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, method, 0, 0, *sizes, len(raw), len(extra))
        out += raw + extra + data
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, method, 0, 0, *sizes, len(raw), 0, 0, 0, 0, 0, start
        )
        directory += raw
    if pairs is not None:
        block = b"".join(struct.pack("<QI", 4 + len(v), k) + v for k, v in pairs.items())
        size = struct.pack("<Q", len(block) + 24)
        out += size + block + size + b"APK Sig Block 42"
    end = (b"PK\5\6", 0, 0, len(files), len(files), len(directory), len(out), len(comment))
    return bytes(out + directory) + struct.pack("<4s4H2LH", *end) + comment


V2, V3, PADDING = 0x7109871A, 0xF05368C0, 0x42726577


def manifest(root: Tag = MANIFEST) -> Packed:
    """The manifest, packed as tools do."""
    return Packed("AndroidManifest.xml", axml(root), deflated=True)


def library(
    abi: str = "arm64-v8a", *, alignment: int = 0x4000, version: bytes = b"2.16.1", **how: int
) -> Packed:
    """A TensorFlow Lite library as far as it is looked at."""
    machine = {"arm64-v8a": 183, "x86_64": 62}[abi]
    content = elf(machine, alignment, alignment, tail=ENGINE_TEXT + version + b"\0")
    return Packed(f"lib/{abi}/libtensorflowlite_jni.so", content, align=how.get("align", 0x4000))


def sound(model: bytes) -> bytes:
    """An app in which nothing is wrong."""
    return apk(
        manifest(),
        Packed("assets/models/photo/model.tflite", model),
        library(),
        library("x86_64"),
        Packed("classes.dex", b"dex\n035\0" + bytes(90), deflated=True),
        pairs={V2: bytes(20), V3: bytes(30), PADDING: bytes(200)},
    )
