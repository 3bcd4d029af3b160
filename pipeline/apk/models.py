"""The .tflite models in an APK: how they lie there, and which runtime they need."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from converters.errors import InvalidTfliteError
from converters.tflite.inspect import FILE_IDENTIFIER, inspect_bytes
from converters.tflite.versions import minimum_runtime
from pipeline.apk.archive import Archive, Entry, UnreadableEntryError

SUFFIX = ".tflite"

MAPPED_ALIGNMENT = 4
"""Bytes: a model that is memory-mapped must start at a multiple of it, or its numbers cannot be read in
place; ``zipalign`` gives it to every stored file."""


LARGEST_COMPRESSED = 64_000_000
"""Bytes to which a compressed model may unpack. A stored one may be as large as the APK; a compressed one may
be a thousand times larger than what there is of it, and what is worked out of a byte takes some twenty."""


@dataclass(frozen=True, kw_only=True)
class PackedModel:
    """One of them.

    Attributes:
        name: in the APK.
        bytes: unpacked.
        sha256: of it unpacked; None where it could not be unpacked.
        stored: whether it lies uncompressed, so that it can be memory-mapped.
        offset: of its data in the APK.
        alignment: largest power of two that divides the offset.
        min_runtime: TensorFlow Lite release that its ops need; None where it is not known, or none will do.
        decided_by: op versions that no older release has; empty where none will do.
        unknown_ops: op versions of which nothing is known.
        never: ops that no release computes right; see :mod:`converters.tflite.hybrid_depthwise`.
        trouble: why it could not be read; "" where it could.
    """

    name: str
    bytes: int
    sha256: str | None
    stored: bool
    offset: int
    alignment: int
    min_runtime: str | None
    decided_by: tuple[str, ...]
    unknown_ops: tuple[str, ...]
    never: tuple[str, ...]
    trouble: str

    @property
    def release(self) -> tuple[int, ...] | None:
        """``min_runtime`` as numbers."""
        return None if self.min_runtime is None else tuple(map(int, self.min_runtime.split(".")))


def models(archive: Archive) -> Iterator[PackedModel]:
    """Files that are named so, or begin as such a file does: apps hide them under any name."""
    for entry in archive.entries:
        if entry.name.endswith("/"):
            continue
        if entry.name.lower().endswith(SUFFIX) or archive.head(entry, 8)[4:8] == FILE_IDENTIFIER:
            yield _model(archive, entry)


def _model(archive: Archive, entry: Entry) -> PackedModel:
    digest, runtime, trouble = None, None, ""
    try:
        content = archive.read(entry) if entry.stored else archive.read(entry, most=LARGEST_COMPRESSED)
        digest = hashlib.sha256(content).hexdigest()
        runtime = minimum_runtime(inspect_bytes(content, where=entry.name))
    except UnreadableEntryError as error:
        trouble = str(error)
    except InvalidTfliteError as error:
        trouble = str(error).removeprefix(f"{entry.name}: ")
    known = runtime is not None and runtime.release is not None and not runtime.unknown
    return PackedModel(
        name=entry.name,
        bytes=entry.bytes,
        sha256=digest,
        stored=entry.stored,
        offset=entry.offset,
        alignment=entry.alignment,
        min_runtime=runtime.text if runtime is not None and known else None,
        decided_by=() if runtime is None or runtime.never else runtime.decided_by,
        unknown_ops=() if runtime is None else runtime.unknown,
        never=() if runtime is None else runtime.never,
        trouble=trouble,
    )
