"""Who made the photos that a bundle shows: one line per file, beside the pictures that show them."""

from collections.abc import Iterable
from pathlib import Path

FILE = "CREDITS.txt"


def write(folder: Path, photos: Iterable[tuple[str, str]]) -> None:
    """Writes ``CREDITS.txt`` into a folder; no file where no credit is known.

    Args:
        folder: that holds the pictures.
        photos: (file name in the dataset, credit); a file may come again, an empty credit is left out.
    """
    known = sorted({(name, credit) for name, credit in photos if credit})
    if known:
        text = "".join(f"{name}: {credit}\n" for name, credit in known)
        (folder / FILE).write_text(text, "utf-8")
