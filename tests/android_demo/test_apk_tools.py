"""The tools that build the APK: where its entries lie, and whether a name that does not resolve is seen."""

import re
import shutil
import struct
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.android_demo.apk_tools import TOOLS, tool

packing, references, steps = tool("packing"), tool("references"), tool("steps")

needs_javac = pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK here")

OBJECT = "class\tjava/lang/Object\t\n<init>()V\n"
OLD_VIEW = "class\tandroid/View\tjava/lang/Object\n<init>()V\nshow()V\n"
NEW_VIEW = """package android; public class View { public void show() {} public void glow() {} }"""


def data_offset(apk: Path, name: str) -> int:
    """Where an entry's bytes begin in the file."""
    with zipfile.ZipFile(apk) as archive, apk.open("rb") as stream:
        header = archive.getinfo(name).header_offset
        stream.seek(header + 26)
        name_length, extra_length = struct.unpack("<HH", stream.read(4))
    return int(header + 30 + name_length + extra_length)


def test_what_is_mapped_is_stored_and_aligned(tmp_path: Path) -> None:
    """Models and natives are mapped from the APK, so that both must lie at whole pages or words."""
    apk = tmp_path / "a.apk"
    contents = {
        "AndroidManifest.xml": b"m" * 77,
        "assets/models/photo/model.tflite": b"t" * 1001,
        "resources.arsc": b"r" * 13,
        "lib/arm64-v8a/liba.so": b"s" * 4097,
        "lib/x86_64/libb.so": b"s" * 3,
    }
    packing.pack([packing.entry(name, data) for name, data in contents.items()], apk)
    with zipfile.ZipFile(apk) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == contents
        stored = {i.filename for i in archive.infolist() if i.compress_type == zipfile.ZIP_STORED}
    assert stored == set(contents) - {"AndroidManifest.xml"}
    assert data_offset(apk, "lib/arm64-v8a/liba.so") % 16384 == 0
    assert data_offset(apk, "lib/x86_64/libb.so") % 16384 == 0
    assert data_offset(apk, "assets/models/photo/model.tflite") % 16 == 0
    assert data_offset(apk, "resources.arsc") % 4 == 0
    assert packing.misplaced(apk) == []


def test_a_compressed_model_and_a_misplaced_library_are_seen(tmp_path: Path) -> None:
    """The check of the finished APK can fail."""
    apk = tmp_path / "a.apk"
    with zipfile.ZipFile(apk, "w") as archive:
        archive.writestr("assets/m.tflite", b"t" * 100, compress_type=zipfile.ZIP_DEFLATED)
        archive.writestr("lib/x86_64/liba.so", b"s" * 100)
    wrong = packing.misplaced(apk)
    assert len(wrong) == 2
    assert "assets/m.tflite is compressed" in wrong[0]
    assert "lib/x86_64/liba.so begins at" in wrong[1]


def compiled(folder: Path, sources: dict[str, str], *, path: Path | None = None) -> Path:
    """A jar of Java sources."""
    out = folder / "classes"
    for name, text in sources.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    files = [str(folder / name) for name in sources]
    options = ["-cp", str(path)] if path else []
    subprocess.run(
        ["javac", "--release", "8", "-Xlint:-options", "-d", str(out), *options, *files], check=True
    )
    jar = folder / "out.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        for file in out.rglob("*.class"):
            archive.write(file, file.relative_to(out).as_posix())
    return jar


@pytest.fixture
def newest(tmp_path: Path) -> Path:
    """The framework that programs are compiled against."""
    return compiled(tmp_path / "newest", {"View.java": NEW_VIEW})


def found(tmp_path: Path, newest: Path, sources: dict[str, str]) -> list[str]:
    """What is wrong with a program of these sources."""
    program = compiled(tmp_path / "program", sources, path=newest)
    oldest = references.Signature(OBJECT + OLD_VIEW)
    return list(references.problems(program, oldest=oldest, newest=newest, allowed={}))


@needs_javac
def test_a_call_that_the_oldest_android_has_is_fine(tmp_path: Path, newest: Path) -> None:
    """An inherited method counts."""
    source = "class A extends android.View { void a() { show(); } }"
    assert found(tmp_path, newest, {"A.java": source}) == []


@needs_javac
def test_a_newer_call_is_named_unless_its_class_is_guarded(tmp_path: Path, newest: Path) -> None:
    """What lint calls NewApi."""
    source = "class {} {{ static void a(android.View v) {{ v.glow(); }} }}"
    (problem,) = found(tmp_path / "1", newest, {"A.java": source.format("A")})
    assert "A: calls android/View.glow()V, which is not in the oldest API" in problem
    assert found(tmp_path / "2", newest, {"GlowApi30.java": source.format("GlowApi30")}) == []


@needs_javac
def test_a_class_that_is_left_out_is_named(tmp_path: Path, newest: Path) -> None:
    """As GpuDelegateFactory, which no AAR of TensorFlow Lite 2.16.1 declares."""
    both = {"A.java": "class A { static void a() { B.b(); } }", "B.java": "class B { static void b() {} }"}
    whole = compiled(tmp_path / "whole", both)
    program = tmp_path / "program.jar"
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(program, "w") as target:
        target.writestr("A.class", archive.read("A.class"))
    oldest = references.Signature(OBJECT + OLD_VIEW)
    problems = list(references.problems(program, oldest=oldest, newest=newest, allowed={}))
    assert problems == ["A: names B, which is nowhere"]


@needs_javac
def test_invokedynamic_is_named(tmp_path: Path, newest: Path) -> None:
    """The dexer would write it, and Android 7 would not load it."""
    problems = found(tmp_path, newest, {"A.java": "class A { Runnable a() { return () -> {}; } }"})
    assert "A: has invokedynamic, which no Android below API 26 loads" in problems


def test_what_ships_has_the_versions_that_gradle_takes() -> None:
    """The APK of ``make android-apk`` and Gradle's hold the same libraries, compiled by the same compiler."""
    catalog = tomllib.loads((TOOLS.parents[1] / "gradle" / "libs.versions.toml").read_text(encoding="utf-8"))
    versions = catalog["versions"]
    gradle = {lib["module"]: versions[lib["version"]["ref"]] for lib in catalog["libraries"].values()}
    pins = tomllib.loads((TOOLS / "pins.toml").read_text(encoding="utf-8"))["maven"]
    shipped = dict(name.rsplit(":", 2)[:2] for name in pins["libraries"])
    assert shipped.pop("org.jetbrains.kotlin:kotlin-stdlib") == versions["kotlin"]
    assert shipped == {module: gradle[module] for module in shipped}
    assert f"org.jetbrains.kotlin:kotlin-compiler-embeddable:{versions['kotlin']}:jar" in pins["compiler"]


def test_the_wrapper_task_asks_for_the_gradle_of_the_wrapper_settings() -> None:
    """Otherwise ``gradle wrapper`` writes its own version's address above the sum of this one."""
    demo = TOOLS.parents[1]
    task = (demo / "build.gradle.kts").read_text(encoding="utf-8")
    settings = (demo / "gradle" / "wrapper" / "gradle-wrapper.properties").read_text(encoding="utf-8")
    (version,) = re.findall(r'gradleVersion = "(.+)"', task)
    (checksum,) = re.findall(r'distributionSha256Sum = "(.+)"', task)
    assert re.findall(r"gradle-(.+)-bin\.zip", settings) == [version]
    assert re.findall(r"distributionSha256Sum=(.+)", settings) == [checksum]


def test_the_libraries_bear_their_double_namespace() -> None:
    """Version 9 of Gradle's plug-in for Android refuses two libraries of one namespace; these have one."""
    catalog = tomllib.loads((TOOLS.parents[1] / "gradle" / "libs.versions.toml").read_text(encoding="utf-8"))
    assert catalog["versions"]["agp"].split(".")[0] == "8"
