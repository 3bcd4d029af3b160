"""An independent reader agrees: androguard, on APKs made here and on the demo app's where it was built."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import apk
from tests.converters import built
from tests.pipeline.apk import made

BUILT = Path(__file__).parents[3] / "android_demo/build"
"""Where `make android-apk` leaves the demo app."""


def opened(path: Path) -> Any:
    """The APK as androguard reads it."""
    core = pytest.importorskip(
        "androguard.core.apk", reason="androguard is not installed: pip install androguard"
    )
    from loguru import logger  # type: ignore[import-not-found, unused-ignore]

    logger.remove()
    return core.APK(str(path))


def compare(path: Path) -> apk.Apk:
    """All that both tell."""
    ours, theirs = apk.inspect(path), opened(path)
    assert ours.app is not None
    assert ours.app.package == theirs.get_package()
    assert ours.app.version_name == theirs.get_androidversion_name()
    assert str(ours.app.version_code) == theirs.get_androidversion_code()
    assert str(ours.app.min_sdk) == theirs.get_min_sdk_version()
    assert str(ours.app.target_sdk) == theirs.get_target_sdk_version()
    assert sorted(ours.app.permissions) == sorted(theirs.get_permissions())
    assert ("v1" in ours.signatures) == theirs.is_signed_v1()
    assert ("v2" in ours.signatures) == theirs.is_signed_v2()
    assert ("v3" in ours.signatures) == theirs.is_signed_v3()
    names = set(theirs.get_files())
    assert {one.name for one in ours.libraries} == {
        name for name in names if name.startswith("lib/") and name.endswith(".so")
    }
    packed = {one.name: one for one in ours.models}
    assert {name for name in names if name.endswith(".tflite")} <= set(packed)
    for name, one in packed.items():
        assert len(theirs.get_file(name)) == one.bytes
        assert (
            path.read_bytes()[one.offset : one.offset + one.bytes] == theirs.get_file(name) or not one.stored
        )
    return ours


@pytest.mark.slow
def test_one_made_here(tmp_path: Path) -> None:
    """Of a few kilobytes."""
    path = tmp_path / "app.apk"
    path.write_bytes(made.sound(built.cnn()))
    assert compare(path).findings == ()


@pytest.mark.slow
def test_the_demo_app() -> None:
    """Signed and aligned by Android's own tools."""
    found = sorted(BUILT.glob("*.apk"))
    if not found:
        pytest.skip(f"no APK in {BUILT}: `make android-apk` builds it")
    ours = compare(found[0])
    assert {"arm64-v8a", "x86_64"} <= set(ours.abis)
    assert ours.models
    assert all(one.stored and one.alignment >= 4 for one in ours.models)
    assert {one.version for one in ours.libraries if one.engine} == {"2.16.1"}
