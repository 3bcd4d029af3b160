"""Where everything of a bundle goes in each kind of app."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.embedding import contract_test, guide, twins
from pipeline.embedding.dependencies import Need
from pipeline.embedding.destination import Destination, apps_folders
from pipeline.embedding.plan import Content, Copied, Plan, Written
from pipeline.errors import StepError, UsageError
from pipeline.release import golden
from pipeline.release.manifest import FILE, Manifest

ASSETS = ("model.tflite", "labels.txt", FILE)
"""What an app needs at run time."""

CARD = "MODEL_CARD.md"
"""Beside them in the demo apps, for whoever reads the code."""

DRAWING, PHOTO = "drawing", "photo"
"""Slots of the demo apps: the screens."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""A bundle's name becomes a folder's, and a part of a class's."""


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


def plan(subject: Subject, destination: Destination) -> Plan:
    """What goes where.

    Raises:
        UsageError: the bundle's name cannot be that of a folder and a class.
        StepError: the contract's sources are not there.
    """
    if destination.kind == "android_demo":
        return _android_demo(subject, destination)
    if destination.kind == "ios_demo":
        return _ios_demo(subject, destination)
    if not _NAME.fullmatch(subject.manifest.name):
        raise UsageError(
            f"{subject.bundle}: the bundle's name '{subject.manifest.name}' must be letters, digits, - and "
            "_, the first a letter, at most 64: folders and a class of the app are called so"
        )
    return _gradle(subject, destination) if destination.kind == "gradle" else _apple(subject, destination)


def slot(manifest: Manifest) -> str:
    """The screen of the demo apps that shows the model."""
    return PHOTO if manifest.drawing is None else DRAWING


def _android_demo(subject: Subject, destination: Destination) -> Plan:
    place = slot(subject.manifest)
    cases = subject.golden()
    return Plan(
        root=destination.root,
        slot=place,
        files={
            **_under(f"app/src/main/assets/models/{place}", subject.copied(*ASSETS, CARD)),
            **_under(f"app/src/androidTest/assets/golden/{place}", cases),
            **_under(f"core/src/test/resources/golden/{place}", {**cases, **subject.copied("model.tflite")}),
        },
        notes=guide.demo_runtime(destination.root, subject.need),
    )


def _ios_demo(subject: Subject, destination: Destination) -> Plan:
    place = slot(subject.manifest)
    return Plan(
        root=destination.root,
        slot=place,
        files={
            **_under(f"App/Resources/Models/{place}", subject.copied(*ASSETS, CARD)),
            **_under(f"Tests/Golden/{place}", {**subject.golden(), **subject.copied("model.tflite")}),
        },
        notes=guide.demo_pod(destination.root, subject.need),
    )


def _gradle(subject: Subject, destination: Destination) -> Plan:
    name = subject.manifest.name
    module = f"{destination.module}/" if destination.module else ""
    # Whoever has the sources in a module of their own has no need of them twice.
    elsewhere = _core_elsewhere(destination)
    brings_core = subject.core and elsewhere is None
    test = contract_test.class_name(name)
    files = {
        **_under(f"{module}src/main/assets/mobile_pipeline/{name}", subject.copied(*ASSETS)),
        **_under(f"{module}src/test/resources/mobile_pipeline/{name}", subject.golden()),
        f"{module}src/test/java/mobilepipeline/contract/{test}.kt": Written(contract_test.kotlin(name)),
    }
    return Plan(
        root=destination.root,
        slot=name,
        files=files,
        core=_under(f"{module}src/main/java/mobilepipeline/core", _core("kotlin")) if brings_core else {},
        keeps_core=False,
        dependencies=guide.gradle(destination, subject.manifest, subject.need, core=brings_core),
        notes=(f"the contract's reader is in {elsewhere} already and was not written again",)
        if subject.core and elsewhere is not None
        else (),
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
        root=destination.root,
        slot=name,
        files=files,
        core=_under(f"{module}MobilePipeline/ClassifierCore", _core("swift")) if subject.core else {},
        keeps_core=False,
        dependencies=guide.apple(destination, subject.manifest, subject.need, core=subject.core),
    )


def _core(language: twins.Language) -> dict[str, Content]:
    return {name: Copied.of(path) for name, path in twins.sources(language).items()}


def _core_elsewhere(destination: Destination) -> str | None:
    """The module of the app, other than the one embedded into, that has the Kotlin sources already."""
    own = destination.root / destination.module
    for folder in apps_folders(destination.root):
        for language in ("kotlin", "java"):
            if folder == own and language == "java":
                continue
            if (folder / "src/main" / language / "mobilepipeline/core/Manifest.kt").is_file():
                return folder.relative_to(destination.root).as_posix() if folder != destination.root else "."
    return None


def _under(folder: str, files: Mapping[str, Content]) -> dict[str, Content]:
    return {f"{folder}/{name}": content for name, content in files.items()}
