"""What stands in an APK, told from the file alone: any app's, without Android's tools.

Nothing of it is run or trusted: every size is checked before it is used, what is unpacked is bounded, and
what is damaged is either refused or told.
"""

from dataclasses import dataclass
from pathlib import Path

from pipeline.apk import manifest, signing
from pipeline.apk.archive import Archive, InvalidApkError, UnreadableEntryError
from pipeline.apk.axml import DamagedXmlError
from pipeline.apk.findings import RESOURCES, findings
from pipeline.apk.libraries import Library, libraries
from pipeline.apk.manifest import AppFacts
from pipeline.apk.models import PackedModel, models

__all__ = ["Apk", "Archive", "InvalidApkError", "inspect", "inspect_archive"]

BUNDLE_MARK = "BundleConfig.pb"
"""In an Android App Bundle, from which a store makes APKs."""


@dataclass(frozen=True, kw_only=True)
class Apk:
    """All that is told.

    Attributes:
        bytes: of the file.
        app: what the app says of itself; None where its manifest cannot be read.
        manifest_trouble: why; "" where it can.
        abis: that have libraries, sorted.
        signatures: schemes that are present; none was verified.
        libraries: native ones.
        models: .tflite files.
        findings: what will go wrong on a phone.
    """

    bytes: int
    app: AppFacts | None
    manifest_trouble: str
    abis: tuple[str, ...]
    signatures: tuple[str, ...]
    libraries: tuple[Library, ...]
    models: tuple[PackedModel, ...]
    findings: tuple[str, ...]


def inspect(path: Path) -> Apk:
    """Reads a file.

    Raises:
        InvalidApkError: not an APK, or one that Android would refuse as damaged.
    """
    return inspect_archive(Archive.open(path))


def inspect_archive(archive: Archive) -> Apk:
    """Reads an APK that is open already.

    Raises:
        InvalidApkError: a zip, but no APK.
    """
    entry = archive.find(manifest.FILE)
    if entry is None:
        if BUNDLE_MARK in archive.names:
            raise InvalidApkError(
                f"{archive.where}: an Android App Bundle (.aab), which is not read: make APKs from it "
                "(bundletool build-apks --mode=universal) and inspect those"
            )
        raise InvalidApkError(f"{archive.where}: a zip without {manifest.FILE}, so no APK")
    app, trouble = None, ""
    try:
        app = manifest.read(archive.read(entry, most=manifest.LARGEST))
    except (DamagedXmlError, UnreadableEntryError) as error:
        trouble = f"{manifest.FILE}: {error}"
    natives, packed, signed = tuple(libraries(archive)), tuple(models(archive)), signing.schemes(archive)
    wrong = tuple(findings(app, natives, packed, signed, archive.find(RESOURCES)))
    return Apk(
        bytes=len(archive.content),
        app=app,
        manifest_trouble=trouble,
        abis=tuple(sorted({one.abi for one in natives})),
        signatures=signed,
        libraries=natives,
        models=packed,
        findings=((trouble,) if trouble else ()) + wrong,
    )
