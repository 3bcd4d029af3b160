"""The JDK that the tools run on: where it is, whether it is new enough, what it can do."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from running import BuildError, UnavailableError, run

LOWEST = 17
"""Single-file programs with ``-cp``, and jmods that ProGuard reads; also what Gradle's plug-in asks for."""

GET_ONE = f"install a JDK {LOWEST} or newer (Debian: apt-get install openjdk-{LOWEST}-jdk-headless)"


class Jdk:
    """The JDK of JAVA_HOME, or where that is not set the one on the PATH.

    Attributes:
        identity: what decides whether a class compiled earlier may stay: program and version.

    Raises:
        UnavailableError: there is none, JAVA_HOME leads to none, or it is too old.
    """

    def __init__(self) -> None:
        self._programs = {name: _find(name) for name in ("java", "javac", "keytool")}
        versions = {name: _version(self._programs[name]) for name in ("java", "javac")}
        for name, version in versions.items():
            if int(re.split(r"\D", version)[0]) < LOWEST:
                raise UnavailableError(
                    f"{self._programs[name]} is of JDK {version}: {GET_ONE}, or set JAVA_HOME"
                )
        self.identity = f"{self._programs['javac'].resolve()} {sorted(versions.items())}"

    def java(self, jars: Sequence[Path], main: str, arguments: Sequence[str], *, memory: str = "1g") -> str:
        """Runs a program of a jar; returns what it printed.

        Raises:
            BuildError: it ended with an error, with what it printed.
        """
        path = os.pathsep.join(str(jar) for jar in jars)
        return run([str(self._programs["java"]), f"-Xmx{memory}", "-cp", path, main, *arguments])

    def javac(self, arguments: Sequence[str]) -> str:
        """Runs the compiler of Java."""
        return run([str(self._programs["javac"]), *arguments])

    def keytool(self, arguments: Sequence[str]) -> str:
        """Runs the tool for keys."""
        return run([str(self._programs["keytool"]), *arguments])

    def modules(self, *names: str) -> list[Path]:
        """Its own classes, which no jar on Maven Central has.

        Raises:
            UnavailableError: a JDK without its ``jmods`` folder.
        """
        folder = self._programs["javac"].resolve().parent.parent / "jmods"
        modules = [folder / f"{name}.jmod" for name in names]
        if not all(module.exists() for module in modules):
            raise UnavailableError(
                f"the JDK has no {folder}: use one that has (Debian's openjdk-{LOWEST}-jdk-headless)"
            )
        return modules


def _find(program: str) -> Path:
    home = os.environ.get("JAVA_HOME")
    if home:
        of_home = Path(home) / "bin" / program
        if not of_home.is_file():
            raise UnavailableError(f"JAVA_HOME is {home}, which has no bin/{program}: {GET_ONE}, or unset it")
        return of_home
    on_path = shutil.which(program)
    if not on_path:
        raise UnavailableError(f"no {program}: {GET_ONE}")
    return Path(on_path)


def _version(program: Path) -> str:
    """``17.0.15`` of ``javac 17.0.15`` or ``openjdk version "17.0.15" 2025-04-15``."""
    try:
        said = run([str(program), "-version"])
    except BuildError as error:  # macOS has a java that only says where to buy one
        raise UnavailableError(f"{program} does not run: {GET_ONE}\n{error}") from error
    found = re.search(r'(?:javac |version ")(\d[\d._]*)', said)
    if not found:
        raise UnavailableError(f"{program} -version says no version but {said.strip()!r}: {GET_ONE}")
    return found[1]
