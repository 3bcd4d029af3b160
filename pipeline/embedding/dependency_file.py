"""The lines for a build file, in a file of the user's choice."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from pipeline.embedding.destination import APPLE, GRADLE
from pipeline.errors import StorageError, UsageError

BUILD_FILES = frozenset(
    name.casefold()
    for name in (*GRADLE, *APPLE, "libs.versions.toml", "gradle.properties", "Podfile.lock", "pom.xml")
)
"""What a build is told by, and what would be lost under the lines: they are for the user to put in."""


def check(path: Path, text: str, *, force: bool) -> None:
    """Looks whether they can be written, before anything is.

    Raises:
        UsageError: there are no lines, as for the demo apps; or the file is a build file; or another one is
            there and force is not given.
        StorageError: the file cannot be read, or its folder cannot be written.
    """
    if not text:
        raise UsageError("--dependencies is for apps of your own: the demo apps have theirs")
    if path.name.casefold() in BUILD_FILES:
        raise UsageError(
            f"--dependencies {path}: a build file, which the lines would replace; name a new file, and copy "
            "them from it"
        )
    if not path.parent.is_dir():
        raise UsageError(f"--dependencies {path}: there is no folder {path.parent}; make it first")
    try:
        if path.exists() and path.read_bytes() != text.encode() and not force:
            raise UsageError(f"{path}: there already, with other lines; --force replaces it")
        # Tried, not asked: a read-only file system, or a container, lets more be asked than done.
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error


def save(path: Path, text: str) -> None:
    """Writes them as one step; leaves a file that says the same already.

    Raises:
        StorageError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and path.read_bytes() == text.encode():
            return
        try:
            draft.write_bytes(text.encode())
            draft.replace(path)
        except OSError:
            with suppress(OSError):  # told below is why it could not be written
                draft.unlink()
            raise
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
