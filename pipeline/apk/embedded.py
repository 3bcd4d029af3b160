"""Whether a bundle's files are those in an APK: the model under any name, and what lies beside it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.apk.archive import Archive, Entry, UnreadableEntryError
from pipeline.apk.models import PackedModel

LARGEST = 64_000_000
"""Bytes to which a file beside a model may unpack: four times the largest manifest that an app reads."""

State = Literal["same", "other", "absent"]


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """One copy of the bundle's model.

    Attributes:
        model: its name in the APK.
        beside: name of a file of the bundle to whether the file of that name in the model's folder is the
            same to the byte.
    """

    model: str
    beside: Mapping[str, State]

    @property
    def others(self) -> tuple[str, ...]:
        """Names in the APK of files that are not the bundle's."""
        return tuple(_folder(self.model) + name for name, state in self.beside.items() if state == "other")


def embedded(
    archive: Archive, models: tuple[PackedModel, ...], *, model: str, beside: Mapping[str, str]
) -> tuple[Embedded, ...]:
    """Every copy of a model.

    Args:
        archive: the APK.
        models: in it.
        model: sha256 of the bundle's.
        beside: file of the bundle to its sha256.
    """
    found = []
    for one in models:
        if one.sha256 != model:
            continue
        folder = _folder(one.name)
        states = {name: _state(archive, folder + name, wanted) for name, wanted in beside.items()}
        found.append(Embedded(model=one.name, beside=states))
    return tuple(found)


def _folder(name: str) -> str:
    """``assets/photo/`` of ``assets/photo/model.tflite``; "" of a name without a folder."""
    return name[: name.rfind("/") + 1]


def _state(archive: Archive, name: str, wanted: str) -> State:
    entry = archive.find(name)
    if entry is None:
        return "absent"
    return "same" if _sha256(archive, entry) == wanted else "other"


def _sha256(archive: Archive, entry: Entry) -> str | None:
    """None of a file that cannot be unpacked: it is not the bundle's, whatever it was."""
    try:
        return hashlib.sha256(archive.read(entry, most=LARGEST)).hexdigest()
    except UnreadableEntryError:
        return None
