"""Which signatures an APK carries. Only that they are there: to verify them is ``apksigner verify``'s work.

The layout of the block before the zip's directory is that of "APK Signature Scheme v2", source.android.com.
"""

import re
import struct

from pipeline.apk.archive import Archive

MAGIC = b"APK Sig Block 42"

SCHEMES = {0x7109871A: "v2", 0xF05368C0: "v3", 0x1B93AD61: "v3.1"}
"""Number of a pair in the block to the scheme."""

MOST_PAIRS = 1_000
"""Pairs of one block; tools write at most five."""

_JAR = re.compile(r"META-INF/[^/]+\.(RSA|DSA|EC)", re.IGNORECASE)


def schemes(archive: Archive) -> tuple[str, ...]:
    """Names of the schemes, in their order: ``v1``, ``v2``, ``v3``, ``v3.1``."""
    jar = any(_JAR.fullmatch(name) for name in archive.names) and "META-INF/MANIFEST.MF" in archive.names
    return (*(("v1",) if jar else ()), *sorted(SCHEMES[n] for n in _numbers(archive) if n in SCHEMES))


def _numbers(archive: Archive) -> set[int]:
    """Numbers of the block's pairs; none where there is no block, or a damaged one."""
    content, end = archive.content, archive.directory
    if end < 32 or content[end - 16 : end] != MAGIC:
        return set()
    (size,) = struct.unpack_from("<Q", content, end - 24)
    start = end - size - 8
    if size < 24 or start < 0 or struct.unpack_from("<Q", content, start)[0] != size:
        return set()
    place, last, found = start + 8, end - 24, set()
    for _ in range(MOST_PAIRS):
        if place + 12 > last:
            break
        length, number = struct.unpack_from("<QI", content, place)
        if length < 4 or place + 8 + length > last:
            break
        found.add(number)
        place += 8 + length
    return found
