"""What the apps' own tests compare with is what the Python reference gives today.

Kotlin and Swift are tested against files that were written once. A change of the contract that leaves them as
they were would be seen in neither language.
"""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
VECTORS = Path("android_demo/tools/vectors.py")
WRITTEN = Path("android_demo/core/src/test/resources/vectors/vectors.json")
REFERENCE = Path("ios_demo/Tests/reference.py")
CASES = Path("ios_demo/Tests/Reference/cases.json")


def checked(root: Path) -> "subprocess.CompletedProcess[str]":
    """``vectors.py --check`` of a checkout, with this checkout's reference."""
    line = [sys.executable, str(root / VECTORS), "--check"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(line, capture_output=True, text=True, check=False, env=environment)


def test_androids_vectors_are_the_references() -> None:
    """To the letter."""
    finished = checked(ROOT)
    assert finished.returncode == 0, finished.stderr


def test_vectors_that_are_not_are_refused(tmp_path: Path) -> None:
    """So the test above can fail."""
    for file in (VECTORS, WRITTEN):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_bytes((ROOT / file).read_bytes())
    assert checked(tmp_path).returncode == 0
    (tmp_path / WRITTEN).write_text((ROOT / WRITTEN).read_text("utf-8").replace('"side": 33', '"side": 34'))
    finished = checked(tmp_path)
    assert finished.returncode == 1
    assert "not what the Python reference gives" in finished.stderr


@pytest.mark.skipif(not (ROOT / REFERENCE).is_file(), reason="no ios_demo in this checkout")
def test_ios_cases_are_the_references(tmp_path: Path) -> None:
    """Written into a folder of its own, and compared."""
    main: Any = runpy.run_path(str(ROOT / REFERENCE))["main"]
    main.__globals__["OUT"] = out = tmp_path / "Reference" / "cases.json"
    main()
    assert out.read_text("utf-8") == (ROOT / CASES).read_text("utf-8"), f"run python {REFERENCE}"
