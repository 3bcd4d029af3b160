"""Packages that want others than the project's, each in an environment of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

INSTALL_SECONDS = 300
"""60 MB of wheels; 11 s where pip has them."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What is installed, and whether it runs.

    Attributes:
        package: with the version that was tried: ``mediapipe==1.2.2``.
        variable: of the process's environment; names a folder where it is kept from run to run.
        loads: Python that fails where the package cannot run.
        remedy: to try where it fails.
    """

    package: str
    variable: str
    loads: str
    remedy: str = ""

    def python(self, folder: Path) -> Path:
        """Its Python, made in ``folder`` if need be; skips, saying why, where that fails."""
        kept = os.environ.get(self.variable)
        home = Path(kept) if kept else folder
        python, done = home / "bin" / "python", home / self.package.replace("==", "-")
        pip = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:")
        steps: list[tuple[str | Path, ...]] = [(sys.executable, "-m", "venv", home), (*pip, self.package)]
        for step in () if done.is_file() else steps:
            try:
                made = subprocess.run(
                    step, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
                )
            except subprocess.TimeoutExpired:
                pytest.skip(f"{self.package} was not installed within {INSTALL_SECONDS} s: is PyPI in reach?")
            if made.returncode:
                pytest.skip(f"{self.package} cannot be installed here: {made.stderr.strip()[-300:]}")
        done.touch()
        loaded = subprocess.run([python, "-c", self.loads], capture_output=True, text=True, check=False)
        if loaded.returncode:
            remedy = f", try {self.remedy}" if self.remedy else ""
            pytest.skip(f"{self.package} does not load{remedy}: {loaded.stderr.strip()[-300:]}")
        return python
