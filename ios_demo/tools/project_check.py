"""project_check.py DEMO: plists load, project.yml names what exists, the core stands alone, models are whole.

Needs nothing but Python's own library, so that it runs before anything is set up. Of project.yml it reads
what this project writes there, paths as ``path: X`` and lists of paths under ``sources:``, not all of YAML.
"""

import hashlib
import json
import plistlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PLISTS = ("*.plist", "*.xcprivacy", "*.entitlements")
APP = ("App", "Sources/ClassifierLive", "DeviceTests")
"""Folders that project.yml alone builds."""
LIBRARY_CALLS = {"NSPrivacyAccessedAPICategoryFileTimestamp": "C617.1"}
"""Of TensorFlowLiteC 2.17.0's own privacy manifest: each kind of call and the reason for it."""

# A key that names one file or folder.
ONE = re.compile(
    r"^(?P<indent>\s*)(?:-\s+)?(?:path|INFOPLIST_FILE|CODE_SIGN_ENTITLEMENTS)\s*:\s*(?P<path>\S.*)$"
)
# A key whose items are files or folders.
LIST = re.compile(r"^(?P<indent>\s*)(?:sources|resources|fileGroups)\s*:\s*(?:#.*)?$")
# The same with a single one behind it.
INLINE = re.compile(r"^\s*(?:sources|resources|fileGroups)\s*:\s*(?P<path>[^\[\]{}#\s][^#]*)$")
ITEM = re.compile(r"^(?P<indent>\s*)-\s+(?P<path>[^:{}\[\]]+)$")
IMPORT = re.compile(r"^(?:@\w+\s+)*import\s+(?:\w+\s+)?([\w.]+)", re.MULTILINE)
OPTIONAL = re.compile(r"^\s+(?:-\s+)?optional\s*:\s*true\s*$")


def main() -> int:
    """Prints each complaint; 1 if there is one."""
    demo = Path(sys.argv[1])
    complaints = [*_lists(demo), *_project(demo), *_core(demo), *_models(demo), *_privacy(demo)]
    for complaint in complaints:
        print(complaint, file=sys.stderr)  # noqa: T201 - a program of one file
    return 1 if complaints else 0


def named(text: str) -> Iterator[tuple[str, bool]]:
    """Each path of a project.yml, and whether it may be missing."""
    lines = [line.rstrip() for line in text.splitlines()]
    inside: int | None = None
    for number, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        if inside is not None and (
            indent < inside or (indent == inside and not line.lstrip().startswith("-"))
        ):
            inside = None
        if LIST.match(line):
            inside = indent
        elif found := (
            ONE.match(line) or INLINE.match(line) or (ITEM.match(line) if inside is not None else None)
        ):
            # Settings of one entry stand right behind its path, deeper than the dash.
            rest = lines[number + 1 :]
            entry = []
            for other in rest:
                if (
                    other.strip().startswith("-")
                    or len(other) - len(other.lstrip()) < indent
                    or not other.strip()
                ):
                    break
                entry.append(other)
            yield found["path"].split(" #")[0].strip().strip("\"'"), any(map(OPTIONAL.match, entry))


def _lists(demo: Path) -> Iterator[str]:
    found = [path for folder in APP for glob in PLISTS for path in (demo / folder).rglob(glob)]
    if not found:
        yield f"{demo}: no property list under {', '.join(APP)}"
    for path in found:
        try:
            plistlib.loads(path.read_bytes())
        except Exception as error:  # noqa: BLE001 - a damaged plist shows as almost any exception
            yield f"{path}: not a property list: {error}"
    for path in (demo / "App").rglob("*.xcassets/**/Contents.json"):
        try:
            json.loads(path.read_bytes())
        except ValueError as error:
            yield f"{path}: not JSON: {error}"


def _project(demo: Path) -> Iterator[str]:
    file = demo / "project.yml"
    if not file.is_file():
        yield f"{file}: no such file"
        return
    paths = list(named(file.read_text("utf-8")))
    if not paths:
        yield f"{file}: names no file"
    for path, optional in paths:
        if not optional and "$(" not in path and not (demo / path).exists():
            yield f"{file}: names {path}, which does not exist"
    roots = [(demo / path).resolve() for path, _ in paths]
    for folder in APP:
        for swift in (demo / folder).rglob("*.swift"):
            if not any(swift.resolve().is_relative_to(root) for root in roots if root != demo.resolve()):
                yield f"{file}: does not build {swift.relative_to(demo)}"


def _core(demo: Path) -> Iterator[str]:
    for path in (demo / "Sources" / "ClassifierCore").rglob("*.swift"):
        for module in IMPORT.findall(path.read_text("utf-8")):
            if module != "Foundation":
                yield f"{path}: imports {module}; the core knows Foundation alone"


def _models(demo: Path) -> Iterator[str]:
    """Of the app, and of the golden bundles: the size and the sha256 that the manifest gives."""
    places = (demo / "App" / "Resources" / "Models", demo / "Tests" / "Golden")
    for manifest in (path for place in places for path in sorted(place.glob("*/manifest.json"))):
        named = json.loads(manifest.read_bytes())["model"]
        file = manifest.parent / named["file"]
        if not file.is_file():
            yield f"{file}: no such file, which {manifest.name} names"
            continue
        content = file.read_bytes()
        if (len(content), hashlib.sha256(content).hexdigest()) != (named["bytes"], named["sha256"]):
            yield f"{file}: not the file of {manifest}: size or sha256 differ"


def _privacy(demo: Path) -> Iterator[str]:
    """TensorFlowLiteC says which calls it makes; a static library's word does not come into the app."""
    pods, file = demo / "Podfile", demo / "App/Resources/PrivacyInfo.xcprivacy"
    if not pods.is_file() or "TensorFlowLite" not in pods.read_text("utf-8"):
        return
    try:
        types = plistlib.loads(file.read_bytes())["NSPrivacyAccessedAPITypes"]
        reasons = {
            each["NSPrivacyAccessedAPIType"]: each["NSPrivacyAccessedAPITypeReasons"] for each in types
        }
    except Exception as error:  # noqa: BLE001 - as above
        yield f"{file}: no privacy manifest: {type(error).__name__}: {error}"
        return
    for kind, reason in LIBRARY_CALLS.items():
        if reason not in reasons.get(kind, []):
            yield f"{file}: {kind} for {reason} is missing, which TensorFlowLiteC declares"


if __name__ == "__main__":
    sys.exit(main())
