"""What ``pipeline inspect`` says of an APK."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from converters.tflite.inspect import FILE_IDENTIFIER
from pipeline.cli._inspection import plain
from pipeline.cli._options import print_json, print_table

if TYPE_CHECKING:
    from pipeline.apk import Apk, Archive
    from pipeline.apk.embedded import Embedded
    from pipeline.apk.libraries import Library
    from pipeline.apk.manifest import AppFacts
    from pipeline.apk.models import PackedModel
    from pipeline.release.manifest import Manifest

MAGIC = b"PK"
"""What Android asks an APK to begin with; another zip may have anything before its files."""

LABELS = "labels.txt"
"""File of a bundle that an app reads beside the model and the manifest."""

LONGEST_FINDING = 600
"""Characters of a finding that are shown."""

LIBRARY_COLUMNS = (
    "file",
    "bytes",
    "in the APK",
    "LOAD alignment",
    "16 KB pages",
    "16 KB in the zip",
    "TensorFlow Lite",
)
MODEL_COLUMNS = ("file", "bytes", "in the APK", "offset aligned to", "minimum runtime", "sha256")


def is_zip(file: Path) -> bool:
    """Whether a file is to be read as an APK: it begins as a zip does.

    Not one that is named as a model, or that is a .tflite file which happens to begin with ``PK``: of those
    one is told why they are no model.
    """
    try:
        if not file.is_file() or file.suffix.lower() == ".tflite":
            return False
        with file.open("rb") as opened:
            head = opened.read(8)
            return head.startswith(MAGIC) and head[4:] != FILE_IDENTIFIER
    except OSError:
        return False  # the reader of models tells what is wrong with it


def run(file: Path, bundle: Path | None, *, as_json: bool) -> None:
    """Shows an APK; compares it with a bundle where one is named.

    Raises:
        InvalidApkError: it is none.
        StepError: the bundle cannot be read.
        GateError: the bundle's model is not in it, or other labels or another manifest lie beside it, after
            all else was shown.
    """
    from pipeline import apk
    from pipeline.release.manifest import read

    manifest = None if bundle is None else read(bundle)
    archive = apk.Archive.open(file)
    found = apk.inspect_archive(archive)
    copies = () if bundle is None or manifest is None else _copies(archive, found, bundle, manifest)
    if as_json:
        compared = {} if manifest is None else {"bundle": _compared(manifest, copies)}
        print_json({"file": str(file), "kind": "apk", **asdict(found), **compared})
    else:
        _show(file, found)
        if manifest is not None:
            click.echo(f"\nbundle {manifest.name}")
            for line in _said(manifest, copies):
                click.echo(f"  {line}")
    if manifest is not None:
        _judge(file, bundle, manifest, copies)


def _copies(archive: "Archive", found: "Apk", bundle: Path, manifest: "Manifest") -> tuple["Embedded", ...]:
    """Every copy of the bundle's model, with what an app reads beside it."""
    from pipeline.apk.embedded import embedded
    from pipeline.artifacts import sha256
    from pipeline.release.manifest import FILE

    beside = {FILE: sha256(bundle / FILE)}
    if LABELS in manifest.files:
        beside = {LABELS: manifest.files[LABELS].sha256, **beside}
    return embedded(archive, found.models, model=manifest.model.sha256, beside=beside)


def _judge(file: Path, bundle: Path | None, manifest: "Manifest", copies: tuple["Embedded", ...]) -> None:
    from pipeline.errors import GateError

    if not copies:
        raise GateError(
            f"{file}: no model in it is {bundle}'s model.tflite (sha256 {manifest.model.sha256}); embed the "
            "bundle and build the app anew"
        )
    others = [plain(name) for copy in copies for name in copy.others]
    if others:
        raise GateError(
            f"{file}: {', '.join(others)}: not {bundle}'s, though the model beside it is; embed the bundle "
            "and build the app anew"
        )


def _compared(manifest: "Manifest", copies: tuple["Embedded", ...]) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "model_sha256": manifest.model.sha256,
        "found_as": [copy.model for copy in copies],
        "copies": [asdict(copy) for copy in copies],
    }


def _said(manifest: "Manifest", copies: tuple["Embedded", ...]) -> list[str]:
    if not copies:
        return [f"its model.tflite (sha256 {manifest.model.sha256[:12]}...) is not in the APK"]
    words = {"same": "the same", "other": "ANOTHER", "absent": "not there"}
    return [
        f"its model.tflite, byte for byte: {plain(copy.model)}; beside it "
        + ", ".join(f"{name} {words[state]}" for name, state in copy.beside.items())
        for copy in copies
    ]


def _show(file: Path, found: "Apk") -> None:
    click.echo(f"{file}: {found.bytes:,} bytes, an Android app")
    click.echo("\napp")
    if found.app is not None:
        _show_app(found.app)
    click.echo(f"  ABIs: {', '.join(map(plain, found.abis)) or 'none: it has no native library'}")
    signed = ", ".join(found.signatures)
    click.echo(
        f"  signatures: {f'{signed} present, not verified (apksigner verify does)' if signed else 'none'}"
    )
    if found.libraries:
        click.echo("\nnative libraries")
        print_table(LIBRARY_COLUMNS, [_library(one) for one in found.libraries])
    click.echo("\nmodels")
    if found.models:
        print_table(MODEL_COLUMNS, [_model(one) for one in found.models])
    else:
        click.echo("  none")
    click.echo("\nwhat will go wrong")
    for finding in found.findings:
        click.echo(f"  {plain(finding, longest=LONGEST_FINDING)}")
    if not found.findings:
        click.echo("  nothing that is known")


def _show_app(app: "AppFacts") -> None:
    def told(value: str | int | None) -> str:
        return "not said" if value is None else plain(str(value))

    click.echo(f"  package: {told(app.package)}")
    click.echo(f"  version: {told(app.version_name)} (code {told(app.version_code)})")
    click.echo(f"  Android API levels: from {told(app.min_sdk)}, made for {told(app.target_sdk)}")
    click.echo(f"  permissions: {', '.join(map(plain, app.permissions)) or 'none'}")
    if app.debuggable:
        click.echo("  debuggable")


def _lies(*, stored: bool) -> str:
    return "stored" if stored else "compressed"


def _library(one: "Library") -> tuple[str, ...]:
    asked = {True: "yes", False: "no", None: "not asked"}
    zipped = {True: "yes", False: "no", None: "copied out"}
    runtime = (one.version or "unknown") if one.engine else ""
    return (
        plain(one.name), f"{one.bytes:,}", _lies(stored=one.stored), f"{one.load_alignment:,}",
        "?" if one.trouble else asked[one.pages_16k], zipped[one.zip_16k], plain(runtime),
    )  # fmt: skip


def _model(one: "PackedModel") -> tuple[str, ...]:
    return (
        plain(one.name), f"{one.bytes:,}", _lies(stored=one.stored), f"{one.alignment:,}",
        plain(_runtime(one)), one.sha256 or "?",
    )  # fmt: skip


def _runtime(one: "PackedModel") -> str:
    from converters.tflite.versions import NO_RELEASE

    if one.trouble:
        return "?"
    if one.never:
        return NO_RELEASE
    return one.min_runtime or f"unknown: {', '.join(one.unknown_ops)}"
