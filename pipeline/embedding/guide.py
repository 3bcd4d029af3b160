"""What an app's developer must do by hand, as text: nothing of theirs is edited."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from converters.tflite import releases
from converters.tflite.versions import version_text
from pipeline.embedding import dependencies, twins
from pipeline.embedding.dependencies import Need
from pipeline.embedding.destination import Destination
from pipeline.release.manifest import Manifest

CATALOG = "gradle/libs.versions.toml"
"""Of the Android demo: the version of TensorFlow Lite that it depends on."""

PODFILE = "Podfile"
PACKAGE = "Package.swift"

JUNIT = "junit:junit:4.13.2"
"""What the generated test of an Android app is written for: the last JUnit 4, which Android's tools run."""


def gradle(destination: Destination, manifest: Manifest, need: Need, *, core: bool) -> str:
    """Lines for the module's build script, in its own language."""
    folder = destination.root / destination.module
    kotlin = not (folder / "build.gradle").is_file()
    script = f"{destination.module}/" if destination.module else ""
    quote: Callable[[str], str] = (lambda text: f'("{text}")') if kotlin else (lambda text: f" '{text}'")
    no_compress = 'noCompress += "tflite"' if kotlin else "noCompress 'tflite'"
    artefacts = dependencies.android(need)
    runtime = [f"    implementation{quote(artefact)}" for artefact in artefacts] or _unknown_android(need)
    if artefacts:
        runtime += _pages(artefacts, need)
    if core:
        reader = [f"    implementation{quote(f'{twins.GSON}:{twins.gson()}')}  // reads the manifest"]
    else:
        # Its version is that of the reader that the app has, which is not known here.
        reader = [f"    // The generated test reads with {twins.GSON}, as the contract's reader does."]
    return _joined(
        _head("//", manifest, need, artefacts[0].rsplit(":", 1)[1] if artefacts else None),
        f"// {script}build.gradle{'.kts' if kotlin else ''}; the module must apply the Kotlin plug-in too.",
        "android {",
        "    // A compressed model cannot be memory-mapped.",
        f"    androidResources {{ {no_compress} }}",
        "}",
        "dependencies {",
        *runtime,
        *reader,
        f"    testImplementation{quote(JUNIT)}",
        "}",
    )


def apple(destination: Destination, manifest: Manifest, need: Need, *, core: bool) -> str:
    """The line of the Podfile, and what to add to which target."""
    version = dependencies.ios(need)
    module = f"{destination.module}/" if destination.module else ""
    pod = _unknown_ios(need) if version is None else [f"  {dependencies.pod_line(version, need.delegates)}"]
    if (destination.root / PACKAGE).is_file():
        steps = _package(destination, core=core)
        return _joined(_head("#", manifest, need, version), "# Podfile, in the app's target:", *pod, *steps)
    steps = [
        f"# - {module}MobilePipeline/Models as a folder reference to the app's target, so that each bundle",
        "#   keeps its folder;",
        f"# - {module}MobilePipeline/ClassifierCore to the app's target;" if core else "",
        "# - MobilePipelineTests/*.swift to the target of the unit tests;",
        "# - MobilePipelineTests/Golden as a folder reference to that target.",
    ]
    return _joined(
        _head("#", manifest, need, version),
        "# Podfile, in the app's target:",
        *pod,
        "# Add to the project, in Xcode or project.yml (TensorFlow Lite has no Swift package, only pods):",
        *filter(None, steps),
    )


def _package(destination: Destination, *, core: bool) -> list[str]:
    """Lines for the targets of a Swift package, with Swift's comments."""
    app = destination.module.rsplit("/", 1)[-1]
    reader = '        .target(name: "ClassifierCore", path: "MobilePipeline/ClassifierCore"),'
    own = "" if destination.module else ", path from the target's folder"
    return [
        "",
        "// Package.swift, among the targets (TensorFlow Lite has no Swift package, only pods):",
        *([reader] if core and not app else []),
        f'        // the app\'s: resources: [.copy("MobilePipeline/Models")]{own}',
        "        .testTarget(",
        '            name: "MobilePipelineTests",',
        f'            dependencies: ["{app or "ClassifierCore"}"],',
        '            path: "MobilePipelineTests",',
        '            exclude: ["Golden"]  // read from beside the test',
        "        ),",
    ]


def demo_runtime(root: Path, need: Need) -> tuple[str, ...]:
    """A warning where the Android demo's TensorFlow Lite is not known to read the model."""
    path = root / CATALOG
    if not path.is_file():
        return (f"{path} is not there: whether the app's TensorFlow Lite reads the model is not known",)
    try:
        catalog = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:  # of TOML, and of UTF-8
        return (
            f"{path} is not TOML ({error}): whether the app's TensorFlow Lite reads the model is not known",
        )
    for library in _table(catalog, "libraries").values():
        module = _module(library)
        if module in (dependencies.TENSORFLOW, dependencies.LITERT):
            version = _version(library, _table(catalog, "versions"))
            return tuple(_too_old(module, version, need, path))
    return (f"{path} names no TensorFlow Lite: whether the app reads the model is not known",)


def demo_pod(root: Path, need: Need) -> tuple[str, ...]:
    """A warning where the iOS demo's TensorFlow Lite is not known to read the model."""
    path = root / PODFILE
    if not path.is_file():
        return (f"{path} is not there: whether the app's TensorFlow Lite reads the model is not known",)
    named = re.search(
        r"pod\s+['\"]TensorFlowLiteSwift[/\w]*['\"],\s*['\"][^\d'\"]*([\d.]+)",
        path.read_text("utf-8", errors="replace"),
    )
    if named is None:
        return (f"{path} names no {dependencies.SWIFT_POD}: whether the app reads the model is not known",)
    return tuple(_too_old(dependencies.COCOAPODS, named[1], need, path))


def _table(catalog: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = catalog.get(name)
    return found if isinstance(found, dict) else {}


def _module(library: object) -> str:
    if isinstance(library, dict):
        return str(library.get("module") or f"{library.get('group')}:{library.get('name')}")
    return ":".join(str(library).split(":")[:2])


def _version(library: object, versions: Mapping[str, object]) -> str:
    """In any of a catalogue's three forms: ``group:name:1.0``, ``version``, ``version.ref``."""
    named = library.get("version") if isinstance(library, dict) else str(library).rsplit(":", 1)[-1]
    if isinstance(named, dict):
        named = versions.get(str(named.get("ref")))
    return str(named)


def _too_old(name: str, version: str, need: Need, path: Path) -> Iterator[str]:
    (carrier,) = (one for one in releases.carriers() if one.name == name)
    row = next((one for one in carrier.versions if one.version == version), None)
    if row is None:
        yield f"{path}: what {name} {version} reads is not known; the model needs TensorFlow Lite {need.text}"
    elif (need.ops_needs or need.floor) > row.reads or not row.lacks.isdisjoint(need.ops):
        yield (
            f"{path}: {name} {version} reads what TensorFlow Lite {version_text(row.reads)} does, the "
            f"model's ops need {need.ops_release}: the app will refuse it or answer nonsense; raise the "
            "version, or convert for an older runtime (convert.runtime_floor)"
        )
    elif need.floor > row.reads:
        yield (
            f"{path}: {name} {version} reads the model's ops, but is older than TensorFlow Lite "
            f"{version_text(need.floor)}, which the model was made and verified for: it was not tried "
            "on this one"
        )


def _head(mark: str, manifest: Manifest, need: Need, version: str | None) -> str:
    told = (
        f"{mark} {manifest.name}: made for TensorFlow Lite {manifest.model.runtime_floor} and newer, its ops "
        f"need {need.ops_release}."
    )
    if need.unknown:
        told += f"\n{mark} Of {', '.join(need.unknown)} nothing is known: try it on the app's runtime."
    if version is not None:
        told += f"\n{mark} {version} is the lowest known release for it; keep a newer one that you have."
    return told


def _pages(artefacts: tuple[str, ...], need: Need) -> list[str]:
    """What to say of releases whose libraries were linked for pages of 4 KB."""
    better = dependencies.aligned(artefacts, need)
    if better is None:
        return []
    small = artefacts[0].startswith(dependencies.TENSORFLOW)
    linked = (
        "Linked for memory pages of 4 KB" if small else "Not known to be linked for memory pages of 16 KB"
    )
    told = [
        f"    // {linked}. Some phones have",
        "    // pages of 16 KB, and Google Play asks for them of apps that target Android 15 (API 35).",
    ]
    if better:
        told.append("    // Said to be linked for 16 KB, and not tried here:")
    return told + [f"    //   {artefact}" for artefact in better]


def _unknown_android(need: Need) -> list[str]:
    return [
        f"    // No release of {dependencies.TENSORFLOW} or {dependencies.LITERT} is known to read",
        f"    // what needs TensorFlow Lite {need.text}. Later ones of the latter may: take the newest and",
        "    // try, or convert for an older runtime (convert.runtime_floor).",
    ]


def _unknown_ios(need: Need) -> list[str]:
    return [
        f"  # No release of {dependencies.SWIFT_POD} reads what needs TensorFlow Lite {need.text}: convert",
        "  # for an older runtime (convert.runtime_floor).",
    ]


def _joined(*lines: str) -> str:
    return "\n".join(lines) + "\n"
