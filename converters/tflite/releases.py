"""What an app depends on to get a TensorFlow Lite release: packages of PyPI, Maven and CocoaPods.

The table is data, ``releases.toml``, each row with its source.
"""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from converters.spec import parse_version
from converters.tflite.op_versions import Release

FILE = Path(__file__).parent / "releases.toml"

Known = Literal["tried", "listed", "told"]
"""How the versions of a package are known."""

NONE = "none"
"""In place of a version: the package ends before the release."""


@dataclass(frozen=True, kw_only=True)
class PackageVersion:
    """One published version.

    Attributes:
        version: as published.
        reads: the newest release whose op versions it has.
        lacks: op versions of that release that it does not have: ``CAST 7``.
    """

    version: str
    reads: Release
    lacks: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """A package that brings the runtime.

    Attributes:
        name: that an app's build file names.
        where: it is published.
        ends: whether no later version is to be expected.
        known: how: ``tried``, run and asked; ``listed``, the registry named these versions when it was asked,
            and what they read is told by their number; ``told``, by others, the registry was not asked.
        source: where the rows are from.
        versions: known ones, oldest first.
        pages_16k: the first version for phones with pages of 16 KB; "" where none is; None where the question
            is not asked, as outside Android.
    """

    name: str
    where: str
    ends: bool
    known: Known
    source: str
    versions: tuple[PackageVersion, ...]
    pages_16k: str | None = None

    def lowest(self, release: Release, ops: Collection[str]) -> str | None:
        """The lowest known version that reads a file.

        Args:
            release: that the file needs.
            ops: its op versions, ``CAST 7``.

        Returns:
            :data:`NONE` where there is none and none will come; None where later ones may, or may not.
        """
        for one in self.versions:
            if one.reads >= release and one.lacks.isdisjoint(ops):
                return one.version
        return NONE if self.ends else None


def release_of(runtime: str) -> Release:
    """``tflite-runtime 2.9.1`` to (2, 9, 0): the newest release whose op versions a published runtime has.

    Raises:
        KeyError: the table has no such package or version.
    """
    return _reads()[runtime]


@cache
def _reads() -> dict[str, Release]:
    return {f"{carrier.name} {one.version}": one.reads for carrier in carriers() for one in carrier.versions}


@cache
def carriers() -> tuple[Carrier, ...]:
    """All of them, in the order of the table."""
    return tuple(
        Carrier(
            name=row["name"],
            where=row["where"],
            ends=row.get("ends", False),
            known=row["known"],
            source=row["source"],
            versions=tuple(
                PackageVersion(
                    version=one["version"],
                    reads=parse_version(one["reads"]),
                    lacks=frozenset(one.get("lacks", ())),
                )
                for one in row["versions"]
            ),
            pages_16k=row["pages_16k"]["since"] if "pages_16k" in row else None,
        )
        for row in tomllib.loads(FILE.read_text("utf-8"))["carrier"]
    )
