"""The lines for a build file, in a file of the user's choice."""

from pathlib import Path

from pipeline.errors import StorageError, UsageError


def check(path: Path, text: str, *, force: bool) -> None:
    """Looks whether they can be written, before anything is.

    Raises:
        UsageError: there are no lines, as for the demo apps; or another file is there and force is not given.
        StorageError: the file cannot be read.
    """
    if not text:
        raise UsageError("--dependencies is for apps of your own: the demo apps have theirs")
    try:
        if path.exists() and not force and path.read_bytes() != text.encode():
            raise UsageError(f"{path}: there already, with other lines; --force replaces it")
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error


def save(path: Path, text: str) -> None:
    """Writes them; leaves a file that says the same already.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        if not path.exists() or path.read_bytes() != text.encode():
            path.write_bytes(text.encode())
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
