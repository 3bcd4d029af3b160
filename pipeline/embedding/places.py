"""Where everything of a bundle goes in each kind of app."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.embedding import contract_test, guide, reach, twins
from pipeline.embedding.dependencies import Need
from pipeline.embedding.destination import Destination, is_app, module_folders
from pipeline.embedding.plan import Content, Copied, Plan, Written
from pipeline.embedding.receipt import Receipt
from pipeline.errors import StepError, UsageError
from pipeline.release import golden
from pipeline.release.manifest import FILE, Manifest

ASSETS = ("model.tflite", "labels.txt", FILE)
"""What an app needs at run time."""

CARD = "MODEL_CARD.md"
"""For people: beside the golden vectors of the demo apps' tests, since an app's assets are all shipped."""

READER = "src/main/java/mobilepipeline/core"
"""Of an Android app's module: where the contract's Kotlin sources go."""

DRAWING, PHOTO = "drawing", "photo"
"""Slots of the demo apps: the screens."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is embedded.

    Attributes:
        bundle: its folder, whose files were checked against the manifest.
        manifest: of it.
        need: what its model asks of the app's runtime.
        core: whether the contract's reader comes along, where the app is none of the demos.
    """

    bundle: Path
    manifest: Manifest
    need: Need
    core: bool

    def copied(self, *names: str) -> dict[str, Content]:
        """Files of the bundle."""
        return {name: Copied(self.bundle / name, self._digest(name)) for name in names}

    def golden(self) -> dict[str, Content]:
        """The golden vectors and the manifest, which lists them."""
        cases = [name for name in self.manifest.files if name.startswith(f"{golden.FOLDER}/")]
        return self.copied(FILE, *sorted(cases))

    def _digest(self, name: str) -> str:
        if name == FILE:
            return Copied.of(self.bundle / FILE).digest
        if name not in self.manifest.files:
            raise StepError(
                f"{self.bundle / name}: not in the bundle, but apps need it; build the bundle anew"
            )
        return self.manifest.files[name].sha256


def plan(subject: Subject, destination: Destination, before: Receipt) -> Plan:
    """What goes where.

    Args:
        subject: what is embedded.
        destination: the app.
        before: what was embedded into it earlier.

    Raises:
        UsageError: the bundle's name cannot be that of a folder and a class.
        StepError: the contract's sources are not there.
    """
    if destination.kind == "android_demo":
        return _android_demo(subject, destination)
    if destination.kind == "ios_demo":
        return _ios_demo(subject, destination)
    if not re.fullmatch(reach.BUNDLE, subject.manifest.name):
        raise UsageError(
            f"{subject.bundle}: the bundle's name '{subject.manifest.name}' must be letters, digits, - and "
            "_, the first a letter, at most 64: folders and a class of the app are called so"
        )
    if destination.kind == "gradle":
        return _gradle(subject, destination, before)
    return _apple(subject, destination)


def slot(manifest: Manifest) -> str:
    """The screen of the demo apps that shows the model."""
    return PHOTO if manifest.drawing is None else DRAWING


def _android_demo(subject: Subject, destination: Destination) -> Plan:
    place = slot(subject.manifest)
    cases = subject.golden()
    return Plan(
        destination=destination,
        slot=place,
        files={
            **_under(f"app/src/main/assets/models/{place}", subject.copied(*ASSETS)),
            **_under(f"app/src/androidTest/assets/golden/{place}", cases),
            **_under(
                f"core/src/test/resources/golden/{place}",
                {**cases, **subject.copied("model.tflite", CARD)},
            ),
        },
        notes=guide.demo_runtime(destination.root, subject.need),
    )


def _ios_demo(subject: Subject, destination: Destination) -> Plan:
    place = slot(subject.manifest)
    return Plan(
        destination=destination,
        slot=place,
        files={
            **_under(f"App/Resources/Models/{place}", subject.copied(*ASSETS)),
            **_under(f"Tests/Golden/{place}", {**subject.golden(), **subject.copied("model.tflite", CARD)}),
        },
        notes=guide.demo_pod(destination.root, subject.need),
    )


def _gradle(subject: Subject, destination: Destination, before: Receipt) -> Plan:
    name = subject.manifest.name
    module = f"{destination.module}/" if destination.module else ""
    # Whoever has the sources in a module of their own has no need of them twice.
    elsewhere = _reader_elsewhere(destination) if subject.core else None
    brings_core = subject.core and elsewhere is None
    test = contract_test.class_name(name)
    files = {
        **_under(f"{module}src/main/assets/mobile_pipeline/{name}", subject.copied(*ASSETS)),
        **_under(f"{module}src/test/resources/mobile_pipeline/{name}", subject.golden()),
        f"{module}src/test/java/mobilepipeline/contract/{test}.kt": Written(contract_test.kotlin(name)),
    }
    return Plan(
        destination=destination,
        slot=f"{destination.module}:{name}",
        files=files,
        core=_under(f"{module}{READER}", _core("kotlin")) if brings_core else {},
        dependencies=guide.gradle(destination, subject.manifest, subject.need, core=brings_core),
        notes=_twice(elsewhere, destination, before),
    )


def _apple(subject: Subject, destination: Destination) -> Plan:
    name = subject.manifest.name
    module = f"{destination.module}/" if destination.module else ""
    test = contract_test.class_name(name)
    files = {
        **_under(f"{module}MobilePipeline/Models/{name}", subject.copied(*ASSETS)),
        **_under(f"MobilePipelineTests/Golden/{name}", subject.golden()),
        f"MobilePipelineTests/{test}.swift": Written(contract_test.swift(name, destination)),
    }
    return Plan(
        destination=destination,
        slot=f"{destination.module}:{name}",
        files=files,
        core=_under(f"{module}MobilePipeline/ClassifierCore", _core("swift")) if subject.core else {},
        dependencies=guide.apple(destination, subject.manifest, subject.need, core=subject.core),
    )


def _core(language: twins.Language) -> dict[str, Content]:
    return {name: Copied.of(path) for name, path in twins.sources(language).items()}


def _reader_elsewhere(destination: Destination) -> str | None:
    """The module that an app can have the Kotlin sources from: not another app, on which none can depend."""
    own = destination.root / destination.module
    for folder in module_folders(destination.root):
        if folder != own and is_app(folder):
            continue
        for language in ("kotlin", "java"):
            if folder == own and language == "java":
                continue  # where they are embedded
            if (folder / "src/main" / language / "mobilepipeline/core/Manifest.kt").is_file():
                return folder.relative_to(destination.root).as_posix()
    return None


def _twice(elsewhere: str | None, destination: Destination, before: Receipt) -> tuple[str, ...]:
    """What to say where the user's own copy of the reader was found."""
    if elsewhere is None:
        return ()
    told = f"the contract's reader is in {elsewhere} already and was not written again"
    record = before.readers.get(destination.module)
    if record is not None and any(os.path.lexists(destination.root / name) for name in record.files):
        own = f"{destination.module}/{READER}" if destination.module else READER
        told += f"; remove {own}, which an earlier embed wrote: the app has it twice"
    return (told,)


def _under(folder: str, files: Mapping[str, Content]) -> dict[str, Content]:
    return {f"{folder}/{name}": content for name, content in files.items()}
