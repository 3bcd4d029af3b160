"""The test that is generated into an app: its own build then checks the contract, value by value."""

import re
from pathlib import Path

from pipeline.embedding.destination import Destination

TEMPLATES = Path(__file__).parent / "templates"


def class_name(bundle: str) -> str:
    """``my-flowers`` to ``MyFlowersContractTest``."""
    return (
        "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_]+", bundle) if part) + "ContractTest"
    )


def kotlin(bundle: str) -> str:
    """A JUnit 4 test of the golden vectors below ``mobile_pipeline/BUNDLE`` of the test's resources."""
    return _filled("ContractTest.kt.in", bundle, app="")


def swift(bundle: str, destination: Destination) -> str:
    """An XCTest of the golden vectors in ``Golden/BUNDLE`` of the test's bundle."""
    projects = sorted(destination.root.glob("*.xcodeproj"))
    app = destination.module.rsplit("/", 1)[-1] or (
        projects[0].stem if projects else destination.root.resolve().name
    )
    return _filled("ContractTest.swift.in", bundle, app=re.sub(r"\W", "_", app))


def _filled(template: str, bundle: str, *, app: str) -> str:
    text = (TEMPLATES / template).read_text("utf-8")
    return text.replace("@CLASS@", class_name(bundle)).replace("@BUNDLE@", bundle).replace("@APP@", app)
