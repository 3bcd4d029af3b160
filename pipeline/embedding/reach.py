"""Where an embed may put files, in each kind of app: nothing else is removed, whatever a receipt says."""

import re
from pathlib import PurePosixPath

from pipeline.embedding.destination import Kind

BUNDLE = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
"""A bundle's name, which becomes a folder's and a part of a class's in an app that is no demo."""

_SLOT = r"(?:drawing|photo)"
_MODULE = r"(?:.+/)?"

_PLACES: dict[Kind, tuple[str, ...]] = {
    "android_demo": (
        rf"(app/src/main/assets/models/{_SLOT})/.+",
        rf"(app/src/androidTest/assets/golden/{_SLOT})/.+",
        rf"(core/src/test/resources/golden/{_SLOT})/.+",
    ),
    "ios_demo": (rf"(App/Resources/Models/{_SLOT})/.+", rf"(Tests/Golden/{_SLOT})/.+"),
    "gradle": (
        rf"({_MODULE}src/main/assets/mobile_pipeline/{BUNDLE})/.+",
        rf"({_MODULE}src/test/resources/mobile_pipeline/{BUNDLE})/.+",
        rf"({_MODULE}src/test/java/mobilepipeline/contract/\w+ContractTest\.kt)",
        rf"({_MODULE}src/main/java/mobilepipeline/core/\w+\.kt)",
    ),
    "apple": (
        rf"({_MODULE}MobilePipeline/Models/{BUNDLE})/.+",
        rf"({_MODULE}MobilePipeline/ClassifierCore/\w+\.swift)",
        rf"(MobilePipelineTests/Golden/{BUNDLE})/.+",
        r"(MobilePipelineTests/\w+ContractTest\.swift)",
    ),
}
"""Kind of app to what files of a bundle are called in it; the group is the folder that one bundle has for
itself, or the file where it has none. A place that is given up stays here: an earlier
version's files must still be known as its own."""


def within(kind: Kind, name: str) -> bool:
    """Whether a file can be a bundle's.

    Args:
        kind: of app.
        name: path below the app's root, with ``/``.
    """
    return own(kind, name) is not None


def own(kind: Kind, name: str) -> str | None:
    """The folder that one bundle has for itself and a file is in, or the file; None where it is no bundle's.

    Args:
        kind: of app.
        name: path below the app's root, with ``/``.
    """
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or place.as_posix() != name or "\0" in name:
        return None
    found = (re.fullmatch(pattern, name, re.DOTALL) for pattern in _PLACES[kind])
    return next((one[1] for one in found if one), None)
