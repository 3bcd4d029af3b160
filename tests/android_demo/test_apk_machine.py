"""What the tools say of a machine that cannot build the APK, and what of a build that went wrong."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.android_demo.apk_tools import TOOLS, tool

running, jdk, signer, toolchain = tool("running"), tool("jdk"), tool("signer"), tool("toolchain")


def program(file: Path, text: str) -> Path:
    """A script that can be run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def java_home(folder: Path, *, java: str, javac: str) -> Path:
    """A JDK that says these versions."""
    program(folder / "bin" / "java", f"echo 'openjdk version \"{java}\" 2025-04-15' >&2")
    program(folder / "bin" / "javac", f"echo 'javac {javac}'")
    program(folder / "bin" / "keytool", "true")
    return folder


def test_an_old_python_is_named_before_anything_is_imported() -> None:
    """Not one of the modules loads in it: a traceback would say nothing of Python."""
    start = (
        "import runpy, sys; sys.version_info = (3, 9, 2); sys.modules['tomllib'] = None; "
        f"runpy.run_path({str(TOOLS)!r}, run_name='__main__')"
    )
    result = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=False)
    assert result.returncode == 77
    assert "is Python 3.9.2; use 3.11 or newer" in result.stderr
    assert "Traceback" not in result.stderr


def test_both_places_mean_the_same_by_77() -> None:
    """It stands in the file that an old Python reads, too."""
    text = (TOOLS / "__main__.py").read_text(encoding="utf-8")
    assert f"SKIP_CODE = {tool('apk').SKIP_CODE}\n" in text


def test_a_java_home_that_leads_nowhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another Java than the one that was asked for is no substitute."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    with pytest.raises(running.UnavailableError, match=r"JAVA_HOME is .*gone, which has no bin/java"):
        jdk.Jdk()


@pytest.mark.parametrize(
    ("java", "javac", "named"),
    [("11.0.2", "11.0.2", "11.0.2"), ("1.8.0_402", "17.0.1", "1.8.0_402"), ("17", "1.8.0_1", "1.8.0_1")],
)
def test_an_old_jdk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, java: str, javac: str, named: str
) -> None:
    """Also where only one of the two is old."""
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path, java=java, javac=javac)))
    with pytest.raises(running.UnavailableError, match=rf"is of JDK {named}: install a JDK 17"):
        jdk.Jdk()


def test_a_new_jdk_is_taken_and_tells_itself_from_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Classes of the one are not kept with the other."""
    home = tmp_path / "jdk"
    monkeypatch.setenv("JAVA_HOME", str(java_home(home, java="17", javac="17")))
    first = jdk.Jdk().identity
    assert jdk.Jdk().identity == first
    java_home(home, java="25-ea", javac="25-ea")
    assert jdk.Jdk().identity != first


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Could not find artifact g:a:jar:1 in central", "BuildError"),
        ("g:a:jar:1 was not found in central during a previous attempt", "BuildError"),
        ("Could not find artifact g:a:jar:1; Could not transfer artifact g:b:jar:1", "BuildError"),
        ("Non-parseable POM fetch.xml", "BuildError"),
        ("Could not transfer artifact g:a:jar:1: transfer failed: Connection refused", "UnavailableError"),
        ("Cannot access central in offline mode and the artifact g:a:jar:1 has not been", "UnavailableError"),
    ],
)
def test_only_a_registry_out_of_reach_is_the_machines_fault(said: str, kind: str) -> None:
    """A typo in pins.toml would else look like a skipped build."""
    error = toolchain.fetch_error(said)
    assert type(error).__name__ == kind
    assert said in str(error)


def made_toolchain(folder: Path) -> SimpleNamespace:
    """A toolchain whose jars are in ``folder``, and the one artifact that is asked of it."""
    tools = toolchain.Toolchain(cache=folder, jdk=SimpleNamespace())
    (folder / "jars").mkdir(exist_ok=True)
    return SimpleNamespace(tools=tools, pin=lambda sha: toolchain.Artifact("g:a:1:aar", sha))


def carrier(folder: Path, data: bytes) -> str:
    """Writes the artifact's file; returns its sha256."""
    file = folder / "jars" / "g.a-1.aar"
    file.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("tool", data)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_is_unpacked_follows_the_pin(tmp_path: Path) -> None:
    """A new aapt2 in pins.toml is not built with the one before; and it can be run."""
    made = made_toolchain(tmp_path)
    for data in (b"old", b"new"):
        pin = made.pin(carrier(tmp_path, data))
        unpacked = made.tools._unpacked(pin, "tool", "tool", mode=0o755)
        assert unpacked.read_bytes() == data
        assert unpacked.stat().st_mode & 0o777 == 0o755
        assert [f.name for f in unpacked.parent.iterdir()] == ["tool"]


def test_a_file_that_is_missing_or_not_the_pinned_one_is_named(tmp_path: Path) -> None:
    """With what to do."""
    made = made_toolchain(tmp_path)
    with pytest.raises(running.BuildError, match=r"there is no .*g\.a-1\.aar for g:a:1:aar"):
        made.tools._check(made.pin("0" * 64))
    right = made.pin(carrier(tmp_path, b"data"))
    made.tools._check(right)
    with pytest.raises(running.BuildError, match="delete it and build again"):
        made.tools._check(made.pin("0" * 64))


def test_an_apksigner_on_the_path_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of Android's SDK, which has no jars in Debian's folder."""
    program(tmp_path / "bin" / "apksigner", 'echo "signed with $1"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(signer, "DEBIAN_JARS", Path("/nowhere"))
    found = signer.Signer(packages=["apksigner"], folder=tmp_path / "debian", jdk=SimpleNamespace())
    found.need()
    assert found.run(["verify"]) == "signed with verify\n"
    assert not (tmp_path / "debian").exists()


def apt(folder: Path, *, download: str) -> None:
    """An apt that downloads this way, and a dpkg-deb that unpacks a jar of each package's name."""
    program(folder / "apt-get", f'test "$1" = download || exit 0\n{download}')
    program(folder / "dpkg-deb", 'mkdir -p "$3/jars"; cp "$2" "$3/jars/$(basename "$2" .deb).jar"')


def test_debians_packages_are_unpacked_without_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of an earlier attempt is not taken for this one's."""
    apt(tmp_path / "bin", download="echo new > apksigner.deb; echo new > apksig.deb")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setattr(signer, "DEBIAN_JARS", Path("/jars"))
    monkeypatch.setattr(signer.shutil, "which", lambda name: None if name == "apksigner" else name)
    folder = tmp_path / "debian"
    program(folder / "old.deb", "old")
    signer.Signer(packages=["a"], folder=folder, jdk=SimpleNamespace()).need()
    assert sorted(f.name for f in (folder / "jars").iterdir()) == ["apksig.jar", "apksigner.jar"]
    assert not (folder / "old.deb").exists()


def test_apts_failure_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And that its lists are brought up to date, which changes the system."""
    apt(tmp_path / "bin", download="echo no such package >&2; exit 100")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setattr(signer, "DEBIAN_JARS", Path("/jars"))
    monkeypatch.setattr(signer.shutil, "which", lambda name: None if name == "apksigner" else name)
    found = signer.Signer(packages=["a"], folder=tmp_path / "debian", jdk=SimpleNamespace())
    with pytest.raises(running.UnavailableError, match="try as root: apt-get install apksigner"):
        found.need()
    said = capsys.readouterr().err
    assert "no such package" in said
    assert "apt-get update" in said
