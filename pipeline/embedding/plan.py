"""What an embed puts into an app: files by their place, and the words that go with them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.artifacts import sha256
from pipeline.embedding.destination import Destination


@dataclass(frozen=True)
class Copied:
    """A file that is copied as it is.

    Attributes:
        path: of the original.
        digest: SHA-256 of its contents.
    """

    path: Path
    digest: str

    @classmethod
    def of(cls, path: Path) -> "Copied":
        """The file as it is now."""
        return cls(path, sha256(path))


@dataclass(frozen=True)
class Written:
    """A file that is made here, from a text."""

    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()


Content = Copied | Written


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that one bundle needs in one app.

    Attributes:
        destination: the app.
        slot: the bundle's place in it.
        files: path below the root, with ``/``, to content, for the bundle alone.
        core: the same for the contract's reader, which all bundles of the module share; empty in the demo
            apps, which are where it is from, and where the user has it already. What an earlier run brought
            stays then: its bundles need it.
        dependencies: lines for the app's build file; empty for the demo apps, which have them.
        notes: sentences that the user must read.
    """

    destination: Destination
    slot: str
    files: Mapping[str, Content]
    core: Mapping[str, Content] = field(default_factory=dict)
    dependencies: str = ""
    notes: tuple[str, ...] = ()
