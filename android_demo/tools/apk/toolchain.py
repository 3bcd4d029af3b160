"""Fetches the tools that ``pins.toml`` names, checks them, and knows where each one lies."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
DEMO = HERE.parent.parent
COPY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
DEBIAN_JARS = Path("/usr/share/java")
SIGNER_JARS = ("apksigner.jar", "apksig.jar")
AAPT2 = {
    ("Linux", "x86_64"): "prebuilt/linux/aapt2_64",
    ("Darwin", "x86_64"): "prebuilt/macosx/aapt2_64",
    ("Darwin", "arm64"): "prebuilt/macosx/aapt2_64",  # through Rosetta
}
SKIP_CODE = 77
"""What ``make android-apk`` ends with where this machine cannot build it."""


def say(text: str) -> None:
    """Progress, for a person."""
    sys.stderr.write(f"apk: {text}\n")


class UnavailableError(Exception):
    """This machine lacks a tool; the text says which and how to get it."""


class BuildError(Exception):
    """A step of the build failed; the text says which and why."""


@dataclass(frozen=True)
class Artifact:
    """One file on Maven Central: ``group:name:version:kind`` and its sha256."""

    coordinates: str
    sha256: str

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """Group, name, version, kind."""
        group, name, version, kind = self.coordinates.split(":")
        return group, name, version, kind

    @property
    def file(self) -> str:
        """Its name among the fetched ones."""
        group, name, version, kind = self.parts
        return f"{group}.{name}-{version}.{kind}"


class Toolchain:
    """The tools, once fetched.

    Args:
        cache: folder for jars and what is unpacked from them.
    """

    def __init__(self, *, cache: Path) -> None:
        pins = tomllib.loads((HERE / "pins.toml").read_text(encoding="utf-8"))
        self._groups = {
            group: [Artifact(name, sha) for name, sha in members.items()]
            for group, members in pins["maven"].items()
        }
        self._signer_packages: list[str] = pins["debian"]["signer"]
        self._cache = cache
        self._jars = cache / "jars"

    def fetch(self) -> None:
        """Gets what is not there yet.

        Raises:
            UnavailableError: no JDK, Maven, network, or apt where the signer is missing.
            BuildError: a file is not the pinned one.
        """
        self._need_java()
        artifacts = sorted({a.coordinates: a for members in self._groups.values() for a in members}.items())
        if any(not (self._jars / artifact.file).exists() for _, artifact in artifacts):
            self._copy([artifact for _, artifact in artifacts])
        for _, artifact in artifacts:
            self._check(artifact)
        self._unpack_aapt2()
        self._find_signer()

    def jars(self, group: str) -> list[Path]:
        """Files of one table of ``pins.toml``; of an AAR, its ``classes.jar``."""
        return [self._classes(artifact) for artifact in self._groups[group]]

    def aars(self) -> list[Path]:
        """The libraries that come as AAR: natives and keep rules lie beside their classes."""
        return [self._jars / a.file for a in self._groups["libraries"] if a.parts[3] == "aar"]

    def java(self, jars: Sequence[Path], main: str, arguments: Sequence[str], *, memory: str = "1g") -> str:
        """Runs a program of a jar; returns what it printed.

        Raises:
            BuildError: it ended with an error, with what it printed.
        """
        path = os.pathsep.join(str(jar) for jar in jars)
        return run([str(self._bin("java")), f"-Xmx{memory}", "-cp", path, main, *arguments])

    def java_modules(self, *names: str) -> list[Path]:
        """The JDK's own classes, which no jar on Maven Central has.

        Raises:
            UnavailableError: a JDK without its ``jmods`` folder.
        """
        folder = self._bin("javac").resolve().parent.parent / "jmods"
        modules = [folder / f"{name}.jmod" for name in names]
        if not all(module.exists() for module in modules):
            raise UnavailableError(
                f"the JDK has no {folder}: use one that has (Debian's openjdk-17-jdk-headless)"
            )
        return modules

    def javac(self, arguments: Sequence[str]) -> str:
        """Runs the JDK's compiler."""
        return run([str(self._bin("javac")), *arguments])

    def keytool(self, arguments: Sequence[str]) -> str:
        """Runs the JDK's tool for keys."""
        return run([str(self._bin("keytool")), *arguments])

    def aapt2(self, arguments: Sequence[str]) -> str:
        """Runs the compiler of resources."""
        return run([str(self._cache / "aapt2"), *arguments])

    def signer(self, arguments: Sequence[str]) -> str:
        """Runs apksigner."""
        return self.java(self._find_signer(), "com.android.apksigner.ApkSignerTool", arguments)

    def _need_java(self) -> None:
        for program in ("java", "javac", "keytool"):
            self._bin(program)

    def _bin(self, program: str) -> Path:
        home = os.environ.get("JAVA_HOME")
        found = (Path(home) / "bin" / program) if home else None
        if found and found.exists():
            return found
        on_path = shutil.which(program)
        if not on_path:
            raise UnavailableError(
                f"no {program}: install a JDK 17 or newer (Debian: apt-get install openjdk-17-jdk-headless)"
            )
        return Path(on_path)

    def _copy(self, artifacts: Sequence[Artifact]) -> None:
        maven = shutil.which("mvn")
        if not maven:
            raise UnavailableError("no mvn: install Maven (Debian: apt-get install maven)")
        self._jars.mkdir(parents=True, exist_ok=True)
        pom = self._cache / "fetch.xml"
        pom.write_text(_pom(artifacts), encoding="utf-8")
        say(f"fetching {len(artifacts)} files with Maven")
        result = subprocess.run(
            [
                *(maven, "-q", "-B", "-f", str(pom), COPY_PLUGIN, f"-DoutputDirectory={self._jars}"),
                *("-Dmdep.prependGroupId=true", "-DexcludeTransitive=true"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            said = (result.stdout + result.stderr).strip()
            raise UnavailableError(f"Maven could not fetch the tools:\n{said[:2000]}")

    def _check(self, artifact: Artifact) -> None:
        file = self._jars / artifact.file
        stamp = file.with_name(f"{file.name}.{artifact.sha256[:16]}")
        if stamp.exists() and stamp.stat().st_mtime_ns >= file.stat().st_mtime_ns:
            return
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != artifact.sha256:
            raise BuildError(
                f"{file} has sha256 {found}, but tools/apk/pins.toml says {artifact.sha256}: "
                "delete it and build again; if it stays so, do not use it"
            )
        stamp.touch()

    def _classes(self, artifact: Artifact) -> Path:
        file = self._jars / artifact.file
        if artifact.parts[3] != "aar":
            return file
        classes = file.with_suffix(".classes.jar")
        if not classes.exists() or classes.stat().st_mtime_ns < file.stat().st_mtime_ns:
            with zipfile.ZipFile(file) as archive:
                classes.write_bytes(archive.read("classes.jar"))
        return classes

    def _unpack_aapt2(self) -> None:
        host = (platform.system(), platform.machine())
        if host not in AAPT2:
            raise UnavailableError(f"no aapt2 for {host[0]} on {host[1]}: there is one for {sorted(AAPT2)}")
        program = self._cache / "aapt2"
        if not program.exists():
            with zipfile.ZipFile(self.jars("resources")[0]) as archive:
                program.write_bytes(archive.read(AAPT2[host]))
            program.chmod(0o755)

    def _find_signer(self) -> list[Path]:
        for folder in (DEBIAN_JARS, self._cache / "debian" / DEBIAN_JARS.relative_to("/")):
            jars = [folder / name for name in SIGNER_JARS]
            if all(jar.exists() for jar in jars):
                return jars
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise UnavailableError("no apksigner: install it (Debian, Ubuntu: apt-get install apksigner)")
        folder = self._cache / "debian"
        folder.mkdir(parents=True, exist_ok=True)
        say("fetching apksigner with apt-get download")
        download = ["apt-get", "download", "-qq", *self._signer_packages]
        if subprocess.run(download, cwd=folder, capture_output=True, check=False).returncode:
            # A fresh container has no lists of packages yet; only root can get them.
            subprocess.run(["apt-get", "update", "-qq"], capture_output=True, check=False)
            again = subprocess.run(download, cwd=folder, capture_output=True, text=True, check=False)
            if again.returncode:
                said = again.stderr.strip()
                raise UnavailableError(f"no apksigner, try as root: apt-get install apksigner\n{said}")
        for package in folder.glob("*.deb"):
            run(["dpkg-deb", "-x", str(package), str(folder)])
        jars = [folder / DEBIAN_JARS.relative_to("/") / name for name in SIGNER_JARS]
        missing = [str(jar) for jar in jars if not jar.exists()]
        if missing:
            raise BuildError(f"Debian's packages {self._signer_packages} hold no {missing}")
        return jars


def run(command: Sequence[str]) -> str:
    """Runs a program; returns its output (both streams).

    Raises:
        BuildError: it ended with an error.
    """
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        shown = " ".join(command) if len(" ".join(command)) < 300 else f"{Path(command[0]).name} ..."
        raise BuildError(f"{shown}\nended with {result.returncode}:\n{result.stdout.strip()[:8000]}")
    return result.stdout


def _pom(artifacts: Iterable[Artifact]) -> str:
    dependencies = "\n".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>"
        f"<type>{kind}</type><exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion>"
        "</exclusions></dependency>"
        for group, name, version, kind in (a.parts for a in artifacts)
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>mobilepipeline</groupId><artifactId>apk-tools</artifactId><version>1</version>"
        f"<packaging>pom</packaging><dependencies>\n{dependencies}\n</dependencies></project>\n"
    )
