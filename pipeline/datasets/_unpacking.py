"""Files out of an archive: each appears whole or not at all, and damage is told with the way on."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.errors import DataError

CHUNK_BYTES = 1 << 20


def unpack(source: IO[bytes], target: Path) -> None:
    """Writes one file beside its place and renames it; closes ``source``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    with source, partial.open("wb") as sink:
        while block := source.read(CHUNK_BYTES):
            sink.write(block)
    partial.replace(target)


@contextmanager
def damage(archive: Path) -> Iterator[None]:
    """Turns every way in which an archive can be damaged into a DataError."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's, not the archive's
        kind = archive.suffix.removeprefix(".")
        raise DataError(f"{archive}: not a whole {kind} file ({error}); remove it and fetch again") from error
