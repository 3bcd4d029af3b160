"""An independent reader agrees: androguard, on APKs made here and on the demo app's where it was built."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline import apk
from tests.converters import built
from tests.own_environment import Environment
from tests.pipeline.apk import made

pytestmark = pytest.mark.slow

BUILT = Path(__file__).parents[3] / "android_demo/build"
"""Where `make android-apk` leaves the demo app."""

ANDROGUARD = Environment(
    package="androguard==4.1.4",
    variable="ANDROGUARD_ENVIRONMENT",
    loads="from androguard.core import apk; apk.APK",
)
"""The release that was tried."""

CLIENT = Path(__file__).with_name("androguard_client.py")

RUN_SECONDS = 120
"""Two seconds, on a busy machine more."""


@pytest.fixture(scope="module")
def androguard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with androguard."""
    return ANDROGUARD.python(tmp_path_factory.mktemp("androguard"))


def read(python: Path, path: Path) -> dict[str, Any]:
    """The APK as androguard reads it."""
    finished = subprocess.run(
        [python, CLIENT, path], capture_output=True, text=True, check=False, timeout=RUN_SECONDS
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    told: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return told


def compare(path: Path, python: Path) -> apk.Apk:
    """All that both tell."""
    ours, theirs = apk.inspect(path), read(python, path)
    assert ours.app is not None
    assert ours.app.package == theirs["package"]
    assert ours.app.version_name == theirs["version_name"]
    assert str(ours.app.version_code) == theirs["version_code"]
    assert str(ours.app.min_sdk) == theirs["min_sdk"]
    assert str(ours.app.target_sdk) == theirs["target_sdk"]
    assert sorted(ours.app.permissions) == theirs["permissions"]
    assert {scheme for scheme in ("v1", "v2", "v3") if theirs[scheme]} == set(ours.signatures) & {
        "v1",
        "v2",
        "v3",
    }
    libraries = {name for name in theirs["names"] if name.startswith("lib/") and name.endswith(".so")}
    assert {one.name for one in ours.libraries} == libraries
    packed = {one.name: one for one in ours.models}
    assert theirs["models"].keys() <= packed.keys()
    content = path.read_bytes()
    for name, (size, sha256) in theirs["models"].items():
        one = packed[name]
        assert one.bytes == size
        if one.stored:
            assert hashlib.sha256(content[one.offset : one.offset + one.bytes]).hexdigest() == sha256
    return ours


def test_one_made_here(tmp_path: Path, androguard: Path) -> None:
    """Of a few kilobytes."""
    path = tmp_path / "app.apk"
    path.write_bytes(made.sound(built.cnn()))
    ours = compare(path, androguard)
    assert ours.findings == ()
    assert ours.models


def test_the_demo_app(androguard: Path) -> None:
    """Signed and aligned by Android's own tools."""
    found = sorted(BUILT.glob("*.apk"))
    if not found:
        pytest.skip(f"no APK in {BUILT}: `make android-apk` builds it")
    ours = compare(found[0], androguard)
    assert {"arm64-v8a", "x86_64"} <= set(ours.abis)
    assert ours.models
    assert all(one.stored and one.alignment >= 4 for one in ours.models)
    assert {one.version for one in ours.libraries if one.engine} == {"2.16.1"}
