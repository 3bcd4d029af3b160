"""An encoded photo without anything but its picture: what a bundle may show of a user's own file.

Phones write place, owner, serial numbers and a preview (which survives cropping) into a photo, and some
append a film. Nothing is encoded anew: what is kept is kept byte for byte, so that the pixels stay the same.

    JPEG  keeps the tables, frame and scans, JFIF without its preview, Adobe's colour transform; ends at EOI
    PNG   keeps the critical chunks and transparency; ends at IEND
    both  get an EXIF block with the orientation alone, where the picture is turned
"""

import io
import struct

import numpy as np

from pipeline.errors import DataError
from pipeline.preprocess import FORMATS, Pixels, decode

_ORIENTATION = 0x0112

_JFIF_BYTES = 14
"""Identifier, version, density: what comes before the preview (ITU-T T.871)."""

_APP0, _APP14, _APP15, _COMMENT = 0xE0, 0xEE, 0xEF, 0xFE
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_RESTARTS = range(0xD0, 0xD8)
"""Markers of ITU-T T.81, table B.1."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def bare(content: bytes, pixels: Pixels) -> tuple[bytes, str] | None:
    """Takes everything out of an encoded photo that is not its picture.

    Args:
        content: the encoded file.
        pixels: (H, W, 3) u8: what :func:`pipeline.preprocess.decode` makes of it.

    Returns:
        The file and its suffix, ``.jpg`` or ``.png``; None where that cannot be done for this file: another
        format, a damaged one, or one whose pixels hang on what was taken out.
    """
    try:
        if content.startswith(_PNG):
            found, suffix = _bare_png(content, _exif(content)), ".png"
        elif content.startswith(bytes([0xFF, _START])):
            found, suffix = _bare_jpeg(content, _exif(content)), ".jpg"
        else:
            return None
        return (found, suffix) if np.array_equal(decode(found), pixels) else None
    except (DataError, struct.error, IndexError, ValueError, OSError):
        return None


def _exif(content: bytes) -> bytes:
    """An EXIF block with the orientation: a TIFF header with one entry; empty where it is upright."""
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=FORMATS) as header:
        orientation = header.getexif().get(_ORIENTATION, 1)
    if orientation not in range(2, 9):
        return b""
    # Big-endian: magic number 42, first directory at 8; one entry, a SHORT padded to four bytes; no next one.
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)


def _bare_jpeg(content: bytes, exif: bytes) -> bytes:
    kept = [content[:2]]
    if exif:
        block = b"Exif\0\0" + exif
        kept.append(struct.pack(">BBH", 0xFF, 0xE1, len(block) + 2) + block)
    at = 2
    while True:
        if content[at] != 0xFF:
            raise ValueError("no marker where one must stand")
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker == _END:
            return b"".join([*kept, content[at : at + 2]])
        (length,) = struct.unpack_from(">H", content, at + 2)
        segment = content[at : at + 2 + length]
        if marker == _APP0 and segment[4:9] == b"JFIF\0":
            jfif = segment[4 : 4 + _JFIF_BYTES - 2] + b"\0\0"  # a preview of 0x0 pixels
            kept.append(struct.pack(">BBH", 0xFF, _APP0, len(jfif) + 2) + jfif)
        elif marker == _APP14 or not (_APP0 <= marker <= _APP15 or marker == _COMMENT):
            kept.append(segment)
        at += 2 + length
        if marker == _SCAN:
            end = _scan_end(content, at)
            kept.append(content[at:end])
            at = end


def _scan_end(content: bytes, at: int) -> int:
    """Where the coded data ends: at the next marker that is neither a stuffed zero nor a restart."""
    while True:
        at = content.index(b"\xff", at)
        if content[at + 1] not in (0x00, *_RESTARTS):
            return at
        at += 2


def _bare_png(content: bytes, exif: bytes) -> bytes:
    from zlib import crc32

    kept, at, kind = [_PNG], len(_PNG), b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", content, at)
        kind = content[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(content):
            raise ValueError("ends within a chunk")
        if kind in _PNG_KEPT:
            kept.append(content[at:end])
        if kind == b"IHDR" and exif:
            block = b"eXIf" + exif
            kept.append(struct.pack(">I", len(exif)) + block + struct.pack(">I", crc32(block)))
        at = end
    return b"".join(kept)
