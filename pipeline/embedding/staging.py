"""The folder in an app that holds what is about to come, while an embed runs."""

import shutil
from pathlib import Path

from pipeline.errors import StepError

FOLDER = ".mobile-pipeline-embedding"
"""In the app's root, and so on the file system of the files' places; gone when a run ends."""

MARKER = "made-by-pipeline-embed"
"""First file of the folder, and the last that goes: without it the folder is the user's."""


def make(root: Path) -> Path:
    """Makes the folder.

    Raises:
        OSError: it cannot be made, or is there.
    """
    folder = root / FOLDER
    folder.mkdir()
    (folder / MARKER).touch()
    # Apps are under version control: what is half done must not be added to it.
    (folder / ".gitignore").write_text("*\n", "utf-8")
    return folder


def discard(root: Path) -> None:
    """Removes what a run left, whether it was finished or killed.

    Raises:
        StepError: something of this name is there that no run made.
        OSError: it cannot be removed.
    """
    folder = root / FOLDER
    if folder.is_symlink() or (folder.exists() and not _is_ours(folder)):
        raise StepError(f"{folder}: not made by an embed, which needs the name; move it away")
    if not folder.exists():
        return
    for path in folder.iterdir():
        if path.name != MARKER:
            path.unlink()
    shutil.rmtree(folder)


def _is_ours(folder: Path) -> bool:
    """An empty one is what a kill left between the folder and its marker."""
    return folder.is_dir() and ((folder / MARKER).is_file() or not any(folder.iterdir()))
