"""What stands in a folder of photos: one folder per class. Only names are looked at, no file is opened."""

import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DataError, DataMissingError, several

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""In any case of letters. What a file really holds is seen when it is decoded."""

UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories that break a line of labels.txt or cannot be written at all: control characters, bytes
that are no UTF-8, line and paragraph separators."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Photos by class.

    Attributes:
        root: the folder.
        classes: label to its photos, POSIX paths below ``root``; both sorted.
        ignored: visible files that are no photos by their extension, or lie beside the class folders.
    """

    root: Path
    classes: Mapping[str, tuple[str, ...]]
    ignored: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was ignored, in one sentence; empty where nothing was."""
        if not self.ignored:
            return ()
        return (f"{self.root}: {len(self.ignored):,} other files ignored: {several(self.ignored, limit=5)}",)


def scan(root: Path) -> Listing:
    """Lists the photos of every class.

    Links are followed as long as they stay inside the folder. Hidden files and folders are skipped.

    Raises:
        DataMissingError: no such folder.
        DataError: fewer than two classes, a class without a photo, two that only case or accents' encoding
            tells apart, a name that cannot be written on a line, photos in deeper folders, links that
            lead out, a pipe or device named as a photo.
    """
    if not root.is_dir():
        raise DataMissingError(f"{root}: no such folder: it should hold a folder of photos for each class")
    folders: list[str] = []
    ignored: list[str] = []
    for entry in _entries(root):
        (folders if entry.is_dir() else ignored).append(entry.name)
    _check_inside(root, (root / name for name in (*folders, *ignored)))
    _check_names(root, folders)
    if len(folders) < 2:
        found = f"one folder, '{folders[0]}'" if folders else "no folders"
        raise DataError(
            f"{root}: holds {found}: a classifier needs two classes or more, a folder of photos for each"
        )
    classes: dict[str, tuple[str, ...]] = {}
    nested: list[str] = []
    special: list[str] = []
    for label in folders:
        entries = list(_entries(root / label))
        _check_inside(root, (Path(entry.path) for entry in entries))
        inner = [entry.name for entry in entries if entry.is_dir()]
        nested += [f"{label}/{name}" for name in inner if _holds_photos(root / label / name)]
        names = [f"{label}/{entry.name}" for entry in entries if not entry.is_dir()]
        special += [f"{label}/{e.name}" for e in entries if not e.is_dir() and not e.is_file()]
        classes[label] = tuple(name for name in names if _is_photo(name))
        ignored += [name for name in names if not _is_photo(name)]
    # Before empty classes: with train/daisy/ and test/daisy/ both train and test look empty.
    if nested:
        raise DataError(
            f"{root}: photos in folders within class folders: {several(nested)}: name the folder whose "
            "folders are the classes, or move the photos up; ready splits go in train_list and test_list"
        )
    # Opening a pipe that nobody writes into waits for ever.
    if special := [name for name in special if _is_photo(name)]:
        raise DataError(
            f"{root}: pipes, sockets or devices named as photos: {several(special)}: only regular files are "
            "photos; remove them"
        )
    empty = [label for label, names in classes.items() if not names]
    if empty:
        raise DataError(
            f"{root}: no photo in {several(empty)} ({', '.join(EXTENSIONS)}): add photos or remove the folder"
        )
    unwritable = [repr(name) for names in classes.values() for name in names if not _writable(name)]
    if unwritable:
        raise DataError(
            f"{root}: file names with control characters or bytes that are no UTF-8: {several(unwritable)}: "
            "rename them"
        )
    return Listing(root=root, classes=classes, ignored=tuple(ignored))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Visible entries, by name."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed: {error.strerror}") from error
    return (entry for entry in entries if not entry.name.startswith("."))


def _is_photo(name: str) -> bool:
    return name.lower().endswith(EXTENSIONS)


def _holds_photos(folder: Path) -> bool:
    # Links are not followed: they could lead round in a circle.
    return any(_is_photo(name) for _, _, names in os.walk(folder) for name in names)


def _writable(name: str) -> bool:
    return not any(unicodedata.category(character) in UNPRINTABLE for character in name)


def _check_inside(root: Path, paths: Iterator[Path]) -> None:
    """Refuses links out of the folder (a bundle would name, and show, what is not the user's to give)."""
    home, outside = root.resolve(), []
    for path in paths:
        if not path.is_symlink():
            continue
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # nowhere, or round in a circle
            outside.append(f"{path.relative_to(root).as_posix()} (leads nowhere)")
            continue
        if not target.is_relative_to(home):
            outside.append(f"{path.relative_to(root).as_posix()} -> {target}")
    if outside:
        raise DataError(
            f"{root}: links that lead out of the folder: {several(outside)}: replace them by the files"
        )


def _check_names(root: Path, labels: list[str]) -> None:
    seen: dict[str, str] = {}
    for label in labels:
        if not _writable(label) or label != label.strip():
            raise DataError(
                f"{root}: class folder {label!r}: control characters, bytes that are no UTF-8, or blanks at "
                "its ends: labels.txt holds one name a line; rename the folder"
            )
        key = unicodedata.normalize("NFC", label).casefold()
        if key in seen:
            raise DataError(
                f"{root}: class folders '{seen[key]}' and '{label}' differ only in case or in the encoding "
                "of accents: file systems of phones and Macs mix them; rename one"
            )
        seen[key] = label
