"""Which kind of app a folder is: one of the two demo apps, another Gradle project, another app for iOS."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import StorageError, UsageError, several, unknown

Kind = Literal["android_demo", "ios_demo", "gradle", "apple"]

DEMOS: dict[Kind, tuple[str, ...]] = {
    "android_demo": ("core/src/main/kotlin/mobilepipeline/core", "contract", "desktop", "tools/apk"),
    "ios_demo": ("Sources/ClassifierCore", "contract", "DeviceTests", "project.yml"),
}
"""Demo app to what stands in it and, taken together, in no other: an app of one's own may well have taken
over the reader's sources, but not what tests them."""

GRADLE = ("settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts")
APPLE = ("Package.swift", "project.yml", "project.yaml", "Podfile")

CHOICES = (
    "android_demo, ios_demo, a Gradle project (settings.gradle or build.gradle), or an app for iOS "
    "(*.xcodeproj, Package.swift, project.yml or Podfile)"
)

DEEPEST = 4
"""Folders below the root in which a module of Gradle is looked for."""

SKIPPED = frozenset({"build", "src", "buildSrc", "node_modules", "Pods", "gradle"})
"""Folders that hold no module: what tools make, and sources."""

LARGEST_SCRIPT = 1_000_000
"""Bytes of a build script; a longer one is none."""

_APPLIES = re.compile(
    r"com\.android\.application|plugins\.[\w.]*android[.\w]*application|androidApplication", re.IGNORECASE
)
"""A build script that makes an app: the plug-in by its name, or by an alias of a version catalogue."""

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Destination:
    """An app to embed into.

    Attributes:
        root: its folder.
        kind: of app.
        module: folder below the root that takes the files, with ``/``; "" for the root itself.
    """

    root: Path
    kind: Kind
    module: str = ""


def find(into: Path, module: str | None) -> Destination:
    """Looks at a folder.

    Args:
        into: the app's folder.
        module: that the user named: ``app`` or ``:feature:camera`` of a Gradle project, the folder of an
            iOS app's target; None to find it.

    Raises:
        UsageError: no such folder, none of the known kinds, or the module is unknown or not clear.
        StorageError: a folder of the app cannot be read.
    """
    try:
        return _find(into, module)
    except OSError as error:
        raise StorageError(f"{error.filename or into}: {error.strerror}") from error


def _find(into: Path, module: str | None) -> Destination:
    if not into.is_dir():
        raise UsageError(f"--into names '{into}', which is no folder; choose {CHOICES}{_nearby(into)}")
    for kind, marks in DEMOS.items():
        if all((into / mark).exists() for mark in marks):
            if module is not None:
                raise UsageError(f"--module is for apps of your own: {into} is {kind}, which has its places")
            return Destination(root=into, kind=kind)
    if any((into / name).is_file() for name in GRADLE):
        return Destination(root=into, kind="gradle", module=_gradle_module(into, module))
    if any((into / name).is_file() for name in APPLE) or any(into.glob("*.xcodeproj")):
        return Destination(root=into, kind="apple", module=_apple_module(into, module))
    raise UsageError(f"{into}: not an app that is known; --into takes {CHOICES}")


def _nearby(into: Path) -> str:
    """Where a demo app that was named is, if it is elsewhere."""
    checkout = Path(__file__).resolve().parents[2]
    demo = checkout / into.name
    return f"; {into.name} is at {demo}" if into.name in DEMOS and demo.is_dir() else ""


def _gradle_module(root: Path, named: str | None) -> str:
    apps = sorted(_apps(root))
    if named is not None:
        place = named.strip(":").replace(":", "/").strip("/")
        if _has_script(root / place) and (root / place).resolve().is_relative_to(root.resolve()):
            return _below(root, root / place)
        raise UsageError(f"{root}: {unknown('module', named, [one or ':' for one in apps])}")
    if len(apps) == 1:
        return apps[0]
    if not apps:
        raise UsageError(f"{root}: no module applies com.android.application; name one by --module")
    raise UsageError(f"{root}: several modules are apps, choose one by --module: {several(apps)}")


def _apps(root: Path) -> Iterator[str]:
    """Modules that apply the plug-in of Android apps, as folders below the root; "" is the root."""
    for folder in module_folders(root):
        if is_app(folder):
            yield "" if folder == root else folder.relative_to(root).as_posix()


def module_folders(root: Path) -> Iterator[Path]:
    """The root and the folders below it that may be modules of Gradle."""
    yield from _folders(root, DEEPEST)


def is_app(folder: Path) -> bool:
    """Whether its build script applies the plug-in of Android apps, on which no other module can depend."""
    scripts = (folder / name for name in ("build.gradle", "build.gradle.kts"))
    return any(
        script.is_file() and script.stat().st_size <= LARGEST_SCRIPT and _makes_an_app(script)
        for script in scripts
    )


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    if depth:
        for inner in sorted(folder.iterdir()):
            hidden = inner.name.startswith(".") or inner.name in SKIPPED
            if not hidden and inner.is_dir() and not inner.is_symlink():
                yield from _folders(inner, depth - 1)


def _makes_an_app(script: Path) -> bool:
    text = _COMMENT.sub("", script.read_text("utf-8", errors="replace"))
    # A root script names plug-ins for its modules and applies none of them: `apply false`.
    return any(
        _APPLIES.search(line) and not re.search(r"\bapply\s*\(?\s*false", line) for line in text.splitlines()
    )


def _has_script(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("build.gradle", "build.gradle.kts"))


def _apple_module(root: Path, named: str | None) -> str:
    if named is None:
        return ""
    folder = root / named
    if not folder.is_dir() or not folder.resolve().is_relative_to(root.resolve()):
        inner = [one.name for one in root.iterdir() if one.is_dir() and not one.name.startswith(".")]
        raise UsageError(f"{root}: {unknown('folder', named, inner)}")
    return _below(root, folder)


def _below(root: Path, folder: Path) -> str:
    """One name for one folder, however it was written; "" for the root itself."""
    place = folder.resolve().relative_to(root.resolve()).as_posix()
    return "" if place == "." else place
