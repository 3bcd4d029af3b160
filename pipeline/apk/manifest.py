"""What an app says of itself in AndroidManifest.xml."""

from dataclasses import dataclass

from pipeline.apk import axml
from pipeline.apk.axml import DamagedXmlError, Element, Value

FILE = "AndroidManifest.xml"

LARGEST = 4_000_000
"""Bytes of a manifest; those of the largest apps have some hundred thousand."""

MOST_PERMISSIONS = 1_000
"""The framework has some hundred; a manifest of 4 MB can name more, each as a long text."""

VERSION_CODE, VERSION_NAME, VERSION_CODE_MAJOR = 0x0101021B, 0x0101021C, 0x01010576
MIN_SDK, TARGET_SDK = 0x0101020C, 0x01010270
NAME, DEBUGGABLE, EXTRACT_NATIVE_LIBS = 0x01010003, 0x0101000F, 0x010104EA
"""Numbers of attributes in the framework's ``public.xml``; their names may be blanked in a file."""

KEYS = {
    VERSION_CODE: "versionCode",
    VERSION_NAME: "versionName",
    VERSION_CODE_MAJOR: "versionCodeMajor",
    MIN_SDK: "minSdkVersion",
    TARGET_SDK: "targetSdkVersion",
    NAME: "name",
    DEBUGGABLE: "debuggable",
    EXTRACT_NATIVE_LIBS: "extractNativeLibs",
}


@dataclass(frozen=True, kw_only=True)
class AppFacts:
    """The part of a manifest that is told; None is what it does not say.

    Attributes:
        package: name of the app.
        version_name: for people; ``@0x...`` where it is a resource, which is not looked up.
        version_code: for the system.
        min_sdk: lowest Android API level; a text for a preview's code name.
        target_sdk: API level that it was made for; a text likewise.
        permissions: that it asks for, sorted.
        debuggable: whether it may be debugged.
        extract_native_libs: whether libraries are copied out when it is installed. None is the default, which
            depends on the system and on who made the APK.
    """

    package: str | None
    version_name: str | None
    version_code: int | None
    min_sdk: int | str | None
    target_sdk: int | str | None
    permissions: tuple[str, ...]
    debuggable: bool | None
    extract_native_libs: bool | None


def read(content: bytes) -> AppFacts:
    """Reads a binary manifest.

    Raises:
        DamagedXmlError: it is none, or damaged.
    """
    root, sdk, application = None, None, None
    permissions = set()
    for element in axml.elements(content):
        if element.depth == 1 and element.name == "manifest" and root is None:
            root = element
        elif element.depth == 2 and element.name == "uses-sdk" and sdk is None:
            sdk = element
        elif element.depth == 2 and element.name == "application" and application is None:
            application = element
        elif element.depth == 2 and element.name in ("uses-permission", "uses-permission-sdk-23"):
            permissions.add(_text(_of(element, NAME)) or "without a name")
            if len(permissions) > MOST_PERMISSIONS:
                raise DamagedXmlError(f"more than {MOST_PERMISSIONS:,} permissions")
    if root is None:
        raise DamagedXmlError("no element 'manifest'")
    code, major = _number(_of(root, VERSION_CODE)), _number(_of(root, VERSION_CODE_MAJOR))
    return AppFacts(
        package=_text(root.named.get("package")),
        version_name=_text(_of(root, VERSION_NAME)),
        version_code=None if code is None else (major or 0) << 32 | (code & 0xFFFFFFFF),
        min_sdk=_level(_of(sdk, MIN_SDK)),
        target_sdk=_level(_of(sdk, TARGET_SDK)),
        permissions=tuple(sorted(permissions)),
        debuggable=_flag(_of(application, DEBUGGABLE)),
        extract_native_libs=_flag(_of(application, EXTRACT_NATIVE_LIBS)),
    )


def _of(element: Element | None, key: int) -> Value | None:
    if element is None:
        return None
    return element.known.get(key, element.named.get(KEYS[key]))


def _text(value: Value | None) -> str | None:
    return None if value is None else str(value)


def _number(value: Value | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _level(value: Value | None) -> int | str | None:
    return value if isinstance(value, str) else _number(value)


def _flag(value: Value | None) -> bool | None:
    return value if isinstance(value, bool) else None
