"""The contract's reader in Kotlin and in Swift: where its sources are, in a checkout and beside a wheel.

A wheel carries them as data files, which pip lays under ``share/mobile-pipeline``; its record of installed
files says where that is.
"""

import re
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Literal

from pipeline.errors import StepError

Language = Literal["kotlin", "swift"]

CHECKOUT = Path(__file__).resolve().parents[2]

SHARE = "share/mobile-pipeline"
"""Where the wheel's data files lie; pyproject.toml names the same."""

FOLDERS: dict[Language, str] = {
    "kotlin": "android_demo/core/src/main/kotlin/mobilepipeline/core",
    "swift": "ios_demo/Sources/ClassifierCore",
}
SUFFIXES: dict[Language, str] = {"kotlin": ".kt", "swift": ".swift"}

VERSIONS = "android_demo/pom.xml"
"""Names the version of every library that the Kotlin sources use."""

DISTRIBUTION = "mobile-pipeline"

GSON = "com.google.code.gson:gson"
"""What the Kotlin sources read JSON with."""


def sources(language: Language) -> dict[str, Path]:
    """File name to file, sorted.

    Raises:
        StepError: neither this checkout nor the installed package has them.
    """
    folder, suffix = FOLDERS[language], SUFFIXES[language]
    found = {path.name: path for path in sorted((CHECKOUT / folder).glob(f"*{suffix}"))}
    found = found or {
        path.name: path
        for path in _installed(PurePosixPath(folder))
        if path.suffix == suffix and path.is_file()
    }
    if not found:
        raise StepError(
            f"the {language.capitalize()} sources of the contract ({folder}) are neither in {CHECKOUT} nor "
            f"in the installed package: embed from a checkout of the project, reinstall {DISTRIBUTION}, or "
            "give --no-core and add them yourself"
        )
    return dict(sorted(found.items()))


def gson() -> str:
    """Version of :data:`GSON` that the sources were tested with.

    Raises:
        StepError: the file that names it is not there, or does not.
    """
    path = CHECKOUT / VERSIONS
    if not path.is_file():
        path = next(
            (one for one in _installed(PurePosixPath(VERSIONS).parent) if one.name == "pom.xml"), path
        )
    try:
        named = re.search(r"<gson\.version>([\w.-]+)</gson\.version>", path.read_text("utf-8"))
    except OSError as error:
        raise StepError(f"{path}: {error.strerror}; embed from a checkout of the project") from error
    if named is None:
        raise StepError(f"{path}: names no gson.version")
    return named[1]


def _installed(folder: PurePosixPath) -> list[Path]:
    """Data files of the installed package that come from one folder of the checkout."""
    try:
        files = metadata.distribution(DISTRIBUTION).files or []
    except metadata.PackageNotFoundError:
        return []
    end = (*PurePosixPath(SHARE).parts, *folder.parts)
    return sorted(Path(str(file.locate())) for file in files if file.parts[:-1][-len(end) :] == end)
