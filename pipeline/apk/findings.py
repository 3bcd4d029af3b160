"""What will go wrong with an APK on a phone, one sentence each."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from pipeline.apk.archive import Entry
from pipeline.apk.elf import PAGE_16K
from pipeline.apk.libraries import Library, release
from pipeline.apk.manifest import AppFacts
from pipeline.apk.models import MAPPED_ALIGNMENT, PackedModel

NEEDS_V2 = 30
"""From this API level on an app that was made for it must have a signature of scheme v2 or newer."""

KNOWS_V2 = 24
"""From this API level on Android knows signatures other than those of scheme v1."""

MAPS_RESOURCES = 30
"""From this API level on an app that was made for it must have its resources so that they can be mapped."""

RESOURCES = "resources.arsc"
RESOURCES_ALIGNMENT = 4
"""Bytes, of which Android asks the table of resources to start at a multiple."""

PAGE_4K = 4096
"""Bytes of a memory page on every other phone: a library that is used from within the APK starts at a
multiple of it."""

FIRST_LEVEL = 1
"""API level that a manifest without ``minSdkVersion`` stands for."""


def findings(
    app: AppFacts | None,
    libraries: tuple[Library, ...],
    models: tuple[PackedModel, ...],
    signatures: tuple[str, ...],
    resources: Entry | None,
) -> Iterator[str]:
    """In the order in which they are told.

    Args:
        app: what the manifest says; None where it cannot be read.
        libraries: native ones.
        models: .tflite files.
        signatures: schemes that are present.
        resources: the file RESOURCES; None where there is none.
    """
    for library in libraries:
        yield from _of_library(library, None if app is None else app.extract_native_libs)
    for model in models:
        yield from _of_model(model)
    yield from _of_runtimes(libraries, models)
    if resources is not None and app is not None:
        yield from _of_resources(resources, app)
    yield from _of_signatures(signatures, app)


def _of_signatures(signatures: tuple[str, ...], app: AppFacts | None) -> Iterator[str]:
    if not signatures:
        yield "not signed: Android does not install it; sign it with apksigner"
        return
    if app is None:
        return
    target, least = app.target_sdk, FIRST_LEVEL if app.min_sdk is None else app.min_sdk
    if signatures == ("v1",) and isinstance(target, int) and target >= NEEDS_V2:
        yield (
            f"signed by v1 alone, but made for API level {target}: Android 11 and newer refuse it; sign it "
            "with v2 too"
        )
    if "v1" not in signatures and isinstance(least, int) and least < KNOWS_V2:
        yield (
            f"not signed by v1, but for API levels from {least} on: Android 6 and older do not install it; "
            f"sign it with v1 too, or set minSdk to {KNOWS_V2}"
        )


def _of_resources(entry: Entry, app: AppFacts) -> Iterator[str]:
    if not isinstance(app.target_sdk, int) or app.target_sdk < MAPS_RESOURCES:
        return
    if not entry.stored or entry.alignment < RESOURCES_ALIGNMENT:
        where = "compressed" if not entry.stored else f"at byte {entry.offset:,}, no multiple of 4"
        yield (
            f"{entry.name}: {where}, but made for API level {app.target_sdk}: Android 11 and newer do not "
            "install it; store it, and run zipalign 4 before signing"
        )


def _of_library(library: Library, extracted: bool | None) -> Iterator[str]:
    """``extracted`` is the manifest's ``extractNativeLibs``; None leaves it open where libraries end up."""
    if library.trouble:
        yield f"{library.name}: {library.trouble}"
        return
    if library.machine != library.abi:
        yield f"{library.name}: made for {library.machine}, so that it cannot be loaded on {library.abi}"
    if library.pages_16k is False:
        yield (
            f"{library.name}: aligned to {library.load_alignment:,} bytes, which phones with 16 KB pages "
            "refuse to load (some run the app in a compatibility mode instead); link "
            f"it with -Wl,-z,max-page-size={PAGE_16K}, or take a newer release of it"
        )
    if extracted is False and not library.stored:
        yield (
            f"{library.name}: compressed, though the manifest has extractNativeLibs false: Android does "
            "not install it; store the library, or take that attribute away"
        )
    elif extracted is False and library.offset % PAGE_4K:
        yield (
            f"{library.name}: at byte {library.offset:,} of the APK, no multiple of {PAGE_4K:,}, though the "
            "manifest has extractNativeLibs false: Android does not install it; run zipalign -P 16 before "
            "signing, or take that attribute away"
        )
    elif library.pages_16k and library.zip_16k is False and not extracted:
        yield (
            f"{library.name}: at byte {library.offset:,} of the APK, no multiple of 16 KB: phones with such "
            "pages cannot load it from there; run zipalign -P 16 before signing"
        )


def _of_model(model: PackedModel) -> Iterator[str]:
    if model.trouble:
        yield f"{model.name}: {model.trouble}"
    if model.never:
        yield (
            f"{model.name}: no release of TensorFlow Lite computes it right ({', '.join(model.never)}): "
            "convert it again"
        )
    if not model.stored:
        suffix = PurePosixPath(model.name).suffix.removeprefix(".")
        name = "" if suffix else "name it *.tflite, and "
        yield (
            f"{model.name}: compressed, so that it cannot be memory-mapped (openFd fails); {name}add "
            f'androidResources {{ noCompress += "{suffix or "tflite"}" }}'
        )
    elif model.alignment < MAPPED_ALIGNMENT:
        yield (
            f"{model.name}: at byte {model.offset:,} of the APK, no multiple of {MAPPED_ALIGNMENT}; run "
            "zipalign 4 before signing"
        )


def _of_runtimes(libraries: tuple[Library, ...], models: tuple[PackedModel, ...]) -> Iterator[str]:
    """Models against the oldest runtime that comes along."""
    shipped = [(release(one.version), one) for one in libraries if one.engine and not one.trouble]
    known = [(version, one) for version, one in shipped if version is not None]
    readable = [one for one in models if not one.trouble]
    if readable and not shipped:
        yield (
            "no TensorFlow Lite library that can be recognised comes along: the models need one from "
            "elsewhere (Play services), or another library has it inside"
        )
    for abi in sorted({one.abi for _, one in shipped} - {one.abi for _, one in known}):
        yield f"{abi}: the version of its TensorFlow Lite is unknown: whether it reads the models is not told"
    if not known:
        return
    oldest, library = min(known, key=lambda one: one[0])
    for model in readable:
        if model.release is not None and model.release > oldest:
            yield (
                f"{model.name}: needs TensorFlow Lite {model.min_runtime} ({', '.join(model.decided_by)}), "
                f"{library.name} is {library.version}: it will refuse the model or answer nonsense"
            )
