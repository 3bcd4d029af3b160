"""The receipt of an app: which of its files came from which bundle, with the hash that they had then.

It tells a file that an earlier bundle left from one of the user's own, and a file that was edited since from
one that may be replaced.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.embedding import reach
from pipeline.embedding.destination import Kind
from pipeline.errors import StepError, several
from pipeline.shelf import explain

FILE = "embedded.json"
"""In the app's root folder."""

SCHEMA_VERSION: Final = 1

LARGEST = 16_000_000
"""Bytes of a receipt: each of its lines is some 150 bytes, and no bundle has a hundred thousand files."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Files(_Frozen):
    """Files that one thing brought: path below the app's root to sha256."""

    files: Mapping[str, str] = {}


class Slot(Files):
    """A bundle in its place.

    Attributes:
        bundle: its name.
        model_sha256: of its ``model.tflite``.
    """

    bundle: str
    model_sha256: str


class Receipt(_Frozen):
    """All that was ever embedded and is still there.

    Attributes:
        schema_version: of this format.
        slots: place to bundle: ``drawing`` and ``photo`` in the demo apps, ``MODULE:BUNDLE`` in others.
        readers: module to the sources of the contract's reader, which all its bundles share, while one of
            them is there; none in the demo apps.
        pending: what a run was about to write; empty once it is done. What is left of an interrupted run is
            told by it from the user's own files.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    slots: Mapping[str, Slot] = {}
    readers: Mapping[str, Files] = {}
    pending: Files = Field(default=Files())

    def owned(self, name: str) -> frozenset[str]:
        """Hashes that a file may have and still be as a bundle left it; empty: it is not from a bundle."""
        return frozenset(record.files[name] for record in self._records() if name in record.files)

    def names(self) -> frozenset[str]:
        """Every file that it lists."""
        return frozenset(name for record in self._records() for name in record.files)

    def _records(self) -> tuple[Files, ...]:
        return (*self.slots.values(), *self.readers.values(), self.pending)

    def text(self) -> str:
        """As it stands in the file; without a key for what is empty."""
        said = self.model_dump(mode="json", exclude_defaults=True)
        slots = {name: said["slots"][name] for name in sorted(self.slots)}
        document = {"schema_version": SCHEMA_VERSION, **said, **({"slots": slots} if slots else {})}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def read(root: Path, kind: Kind) -> Receipt:
    """The receipt of an app; an empty one where nothing was embedded yet.

    Args:
        root: of the app.
        kind: of app: a receipt decides what is removed, so that it may list only files in the places where a
            bundle's go.

    Raises:
        StepError: it cannot be read, or was not written by this program.
    """
    path = root / FILE
    remedy = f"remove {FILE} and embed anew with --force"
    try:
        if path.stat().st_size > LARGEST:
            raise StepError(f"{path}: more than {LARGEST:,} bytes, which no receipt has; {remedy}")
        found = Receipt.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Receipt()
    except OSError as error:
        raise StepError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise StepError(
            f"{path}: not a receipt of this program: {explain(error, Receipt)}; {remedy}"
        ) from error
    foreign = sorted(repr(name) for name in found.names() if not reach.within(kind, name))
    if foreign:
        raise StepError(
            f"{path}: not a receipt of this program, lists what no bundle brings: {several(foreign)}; "
            f"{remedy}"
        )
    return found
