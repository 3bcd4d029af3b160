"""Fetches the tools that ``pins.toml`` names, checks them, and knows where each one lies."""

import hashlib
import platform
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jdk import Jdk
from running import BuildError, UnavailableError, run, say
from signer import Signer

HERE = Path(__file__).parent
DEMO = HERE.parent.parent
COPY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
AAPT2 = {
    ("Linux", "x86_64"): "prebuilt/linux/aapt2_64",
    ("Darwin", "x86_64"): "prebuilt/macosx/aapt2_64",
    ("Darwin", "arm64"): "prebuilt/macosx/aapt2_64",  # through Rosetta
}

NOT_THERE = ("Could not find artifact", "was not found in")
"""Maven reached the registry, which has no such file: the pin is wrong, whatever else went wrong besides."""

NOT_REACHED = ("Could not transfer", "Unknown host", "Connection", "Network is unreachable", "offline mode")
"""Maven did not reach it: the network's fault, or that there is none."""


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
        jdk: that they run on.
    """

    def __init__(self, *, cache: Path, jdk: Jdk) -> None:
        pins = tomllib.loads((HERE / "pins.toml").read_text(encoding="utf-8"))
        self._groups = {
            group: [Artifact(name, sha) for name, sha in members.items()]
            for group, members in pins["maven"].items()
        }
        self._cache = cache
        self._jars = cache / "jars"
        self.jdk = jdk
        self.signer = Signer(packages=pins["debian"]["signer"], folder=cache / "debian", jdk=jdk)

    def missing(self) -> list[str]:
        """Names of the files that Maven still has to fetch."""
        return [a.file for a in self._artifacts() if not (self._jars / a.file).exists()]

    def fetch(self) -> None:
        """Gets what is not there yet.

        Raises:
            UnavailableError: no Maven, network, or apt where the signer is missing.
            BuildError: a file is not the pinned one, or nowhere.
        """
        if self.missing():
            self._copy(self._artifacts())
        for artifact in self._artifacts():
            self._check(artifact)
        self.signer.need()

    def jars(self, group: str) -> list[Path]:
        """Files of one table of ``pins.toml``; of an AAR, its ``classes.jar``."""
        return [self._classes(artifact) for artifact in self._groups[group]]

    def aars(self) -> list[Path]:
        """The libraries that come as AAR: natives and keep rules lie beside their classes."""
        return [self._jars / a.file for a in self._groups["libraries"] if a.parts[3] == "aar"]

    def aapt2(self, arguments: Sequence[str]) -> str:
        """Runs the compiler of resources.

        Raises:
            UnavailableError: there is none for this computer.
        """
        host = (platform.system(), platform.machine())
        if host not in AAPT2:
            raise UnavailableError(f"no aapt2 for {host[0]} on {host[1]}: there is one for {sorted(AAPT2)}")
        (carrier,) = self._groups["resources"]
        return run([str(self._unpacked(carrier, AAPT2[host], "aapt2", mode=0o755)), *arguments])

    def _artifacts(self) -> list[Artifact]:
        by_name = {a.coordinates: a for members in self._groups.values() for a in members}
        return [by_name[name] for name in sorted(by_name)]

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
            raise fetch_error((result.stdout + result.stderr).strip())

    def _check(self, artifact: Artifact) -> None:
        file = self._jars / artifact.file
        if not file.exists():
            raise BuildError(
                f"Maven ended well, but there is no {file} for {artifact.coordinates} of tools/apk/pins.toml"
            )
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
        if artifact.parts[3] != "aar":
            return self._jars / artifact.file
        return self._unpacked(artifact, "classes.jar", f"{artifact.parts[1]}.jar", mode=0o644)

    def _unpacked(self, artifact: Artifact, member: str, name: str, *, mode: int) -> Path:
        """A member of a fetched zip, as a file of its own that changes when the pin does."""
        target = self._cache / "unpacked" / artifact.sha256[:16] / name
        if not target.exists():
            with zipfile.ZipFile(self._jars / artifact.file) as archive:
                data = archive.read(member)
            target.parent.mkdir(parents=True, exist_ok=True)
            aside = target.with_name(f"{name}.new")
            aside.write_bytes(data)
            aside.chmod(mode)
            aside.rename(target)
        return target


def fetch_error(said: str) -> Exception:
    """What Maven's failure means: this machine cannot, or ``pins.toml`` is wrong."""
    reached = any(text in said for text in NOT_THERE) or not any(text in said for text in NOT_REACHED)
    if reached:
        return BuildError(f"Maven could not fetch what tools/apk/pins.toml names:\n{said[:2000]}")
    return UnavailableError(f"Maven did not reach its registry:\n{said[:2000]}")


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
