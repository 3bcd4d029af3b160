"""What will go wrong with an APK on a phone, one sentence each."""

from collections.abc import Iterator

from pipeline.apk.elf import PAGE_16K
from pipeline.apk.libraries import Library, release
from pipeline.apk.manifest import AppFacts
from pipeline.apk.models import MAPPED_ALIGNMENT, PackedModel

NEEDS_V2 = 30
"""From this API level on an app that was made for it must have a signature of scheme v2 or newer."""


def findings(
    app: AppFacts | None,
    libraries: tuple[Library, ...],
    models: tuple[PackedModel, ...],
    signatures: tuple[str, ...],
) -> Iterator[str]:
    """In the order in which they are told."""
    for library in libraries:
        yield from _of_library(library)
        if app is not None and app.extract_native_libs is False and not library.stored:
            yield (
                f"{library.name}: compressed, though the manifest has extractNativeLibs false: Android does "
                "not install it; store the library, or take that attribute away"
            )
    for model in models:
        yield from _of_model(model)
    yield from _of_runtimes(libraries, models)
    if not signatures:
        yield "not signed: Android does not install it; sign it with apksigner"
    target = None if app is None else app.target_sdk
    if signatures == ("v1",) and isinstance(target, int) and target >= NEEDS_V2:
        yield (
            f"signed by v1 alone, but made for API level {target}: Android 11 and newer refuse it; sign it "
            "with v2 too"
        )


def _of_library(library: Library) -> Iterator[str]:
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
    if library.pages_16k and library.zip_16k is False:
        yield (
            f"{library.name}: at byte {library.offset:,} of the APK, no multiple of 16 KB: phones with such "
            "pages cannot load it from there; run zipalign -P 16 before signing"
        )


def _of_model(model: PackedModel) -> Iterator[str]:
    if model.trouble:
        yield f"{model.name}: {model.trouble}"
    if not model.stored:
        yield (
            f"{model.name}: compressed, so that it cannot be memory-mapped (openFd fails); add "
            'androidResources { noCompress += "tflite" }'
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
        yield "no TensorFlow Lite library comes along: the models need one from elsewhere (Play services)"
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
