"""The test that goes into an iOS app: compiled with the core's own sources, and run, where Swift is."""

import subprocess
from pathlib import Path

import pytest

from pipeline.embedding import embed
from tests.pipeline.embedding.apps import apple_app
from tests.pipeline.embedding.bundles import handwriting

SWIFT = Path(__file__).parents[3] / "ios_demo/tools/with_swift.sh"
"""Runs a command where Swift is; exit code 77 where this machine can have none."""

ABSENT = 77
SECONDS = 280
"""For a build on a busy machine; 40 s on an idle one."""

PACKAGE = """// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "app",
    targets: [
        .target(name: "ClassifierCore", path: "MobilePipeline/ClassifierCore"),
        .testTarget(
            name: "AppTests",
            dependencies: ["ClassifierCore"],
            path: "MobilePipelineTests",
            exclude: ["Golden"]
        ),
    ],
    swiftLanguageModes: [.v6]
)
"""
"""The embedded sources as a package: Xcode runs on a Mac alone."""


def run(root: Path) -> subprocess.CompletedProcess[str]:
    """Builds and runs the tests."""
    return subprocess.run(
        ["sh", str(SWIFT), "--see", str(root), "swift", "test"],
        cwd=root, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_generated_test_passes_and_fails(tmp_path: Path) -> None:
    """On what was embedded; and no longer when one byte of a golden file differs."""
    if not SWIFT.is_file():
        pytest.skip(f"{SWIFT} is not there: the generated Swift test is not compiled")
    root = apple_app(tmp_path)
    embed(handwriting(), root)
    (root / "Package.swift").write_text(PACKAGE, "utf-8")
    sound = run(root)
    if sound.returncode == ABSENT:
        pytest.skip(f"no Swift: {sound.stderr.strip()}")
    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "Executed 4 tests, with 0 failures" in sound.stdout + sound.stderr

    (file,) = root.glob("MobilePipelineTests/Golden/*/golden/image-001/tensor.bin")
    content = file.read_bytes()
    file.write_bytes(bytes([content[0] ^ 0x40]) + content[1:])
    spoilt = run(root)
    assert spoilt.returncode != 0
    assert "image-001: tensor" in spoilt.stdout + spoilt.stderr
