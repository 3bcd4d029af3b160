"""apksigner: Debian's jars, one on the PATH, or else Debian's packages, unpacked here."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from jdk import Jdk
from running import BuildError, UnavailableError, run, say

DEBIAN_JARS = Path("/usr/share/java")
JARS = ("apksigner.jar", "apksig.jar")
MAIN = "com.android.apksigner.ApkSignerTool"


class Signer:
    """Finds it, and runs it.

    Args:
        packages: Debian's, that hold the jars.
        folder: for what is unpacked of them.
        jdk: that runs the jars.
    """

    def __init__(self, *, packages: Sequence[str], folder: Path, jdk: Jdk) -> None:
        self._packages = packages
        self._folder = folder
        self._jdk = jdk

    def run(self, arguments: Sequence[str]) -> str:
        """Runs apksigner; returns what it printed.

        Raises:
            UnavailableError: as ``need``.
            BuildError: it ended with an error.
        """
        jars = self._jars()
        program = shutil.which("apksigner")
        if not jars and program:
            return run([program, *arguments])
        return self._jdk.java(jars or self._fetch(), MAIN, arguments)

    def need(self) -> None:
        """Gets it where it is not here yet.

        Raises:
            UnavailableError: there is none, and no apt that could fetch it.
        """
        if not self._jars() and not shutil.which("apksigner"):
            self._fetch()

    def _jars(self) -> list[Path]:
        for folder in (DEBIAN_JARS, self._folder / DEBIAN_JARS.relative_to("/")):
            jars = [folder / name for name in JARS]
            if all(jar.exists() for jar in jars):
                return jars
        return []

    def _fetch(self) -> list[Path]:
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise UnavailableError("no apksigner: install it (Debian, Ubuntu: apt-get install apksigner)")
        # Beside its place and renamed at the end: what an earlier attempt left is not taken for it.
        aside = self._folder.with_name(f"{self._folder.name}.new")
        for folder in (aside, self._folder):
            if folder.exists():
                shutil.rmtree(folder)
        aside.mkdir(parents=True)
        say("fetching apksigner with apt-get download")
        if not self._download(aside):
            # A fresh container has no lists of packages yet; only root can get them.
            say("apt has no such package yet: apt-get update, which brings the system's lists up to date")
            updated = subprocess.run(
                ["apt-get", "update", "-qq"], capture_output=True, text=True, check=False
            )
            if updated.returncode or not self._download(aside):
                said = updated.stderr.strip()[:2000]
                raise UnavailableError(f"no apksigner, try as root: apt-get install apksigner\n{said}")
        for package in sorted(aside.glob("*.deb")):
            run(["dpkg-deb", "-x", str(package), str(aside)])
        aside.rename(self._folder)
        jars = self._jars()
        if not jars:
            raise BuildError(f"Debian's packages {self._packages} do not hold {JARS} in {DEBIAN_JARS}")
        return jars

    def _download(self, folder: Path) -> bool:
        command = ["apt-get", "download", "-qq", *self._packages]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if result.returncode:
            say(result.stderr.strip()[:2000])
        return result.returncode == 0
