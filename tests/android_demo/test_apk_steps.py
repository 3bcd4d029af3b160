"""The steps that build the APK: which are done again, and what package the app gets."""

import os
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.android_demo.apk_tools import TOOLS, tool

running, steps = tool("running"), tool("steps")

DEMO = TOOLS.parents[1]
OTHER_ID = {"applicationId": "org.example.other"}


class Bench:
    """One step, from ``in`` to ``out`` and ``folder``, and how often it was done."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.source = work / "in"
        self.out = work / "out"
        self.folder = work / "folder"
        self.done = 0
        self.source.write_text("source")

    def make(self) -> None:
        """What the step does."""
        self.done += 1
        self.out.write_text(self.source.read_text().upper())
        self.folder.mkdir(exist_ok=True)
        for name in "ab":
            (self.folder / name).write_text(name)

    def step(self, *, jdk: str = "17.0.1", minimum: str = "24") -> int:
        """Does it where need be; returns how often that was so far."""
        tools = SimpleNamespace(jdk=SimpleNamespace(identity=jdk), jars=lambda group: [Path(group)])
        made = steps.Steps(tools=tools, work=self.work, numbers={"minSdk": minimum})
        made._step("step", [self.source], [self.out, self.folder], self.make)
        return self.done


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A step that was done once."""
    made = Bench(tmp_path)
    assert made.step() == 1
    return made


def test_a_step_is_skipped_while_nothing_changed(bench: Bench) -> None:
    """Otherwise every build takes as long as the first."""
    assert bench.step() == 1


def test_a_step_is_done_again_for_another_source(bench: Bench) -> None:
    """And its output follows."""
    bench.source.write_text("other")
    assert bench.step() == 2
    assert bench.out.read_text() == "OTHER"


def test_a_step_is_done_again_where_its_output_is_gone_or_other(bench: Bench) -> None:
    """A stamp alone says nothing of classes.dex, nor of each file in a folder of classes."""
    bench.out.unlink()
    assert bench.step() == 2
    bench.out.write_text("cut off")
    assert bench.step() == 3
    (bench.folder / "b").unlink()
    assert bench.step() == 4
    assert bench.step() == 4


def test_a_step_is_done_again_for_another_jdk_or_number(bench: Bench) -> None:
    """Both decide what the compilers make."""
    assert bench.step(jdk="21.0.1") == 2
    assert bench.step(jdk="21.0.1", minimum="26") == 3


def test_a_step_that_failed_is_not_taken_for_done(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the source is what it was before again."""

    def fail() -> None:
        raise running.BuildError("no")

    bench.source.write_text("broken")
    monkeypatch.setattr(bench, "make", fail)
    with pytest.raises(running.BuildError):
        bench.step()
    monkeypatch.undo()
    bench.source.write_text("source")
    assert bench.step() == 2


def test_a_step_names_what_is_missing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it, a source; after it, what it should have made."""
    bench.source.write_text("other")
    bench.out.unlink()
    monkeypatch.setattr(bench, "make", lambda: None)
    with pytest.raises(running.BuildError, match=r"ended well, but made no .*out"):
        bench.step()
    bench.source.unlink()
    with pytest.raises(running.BuildError, match=r"no .*in, which the step step starts from"):
        bench.step()


def test_the_manifest_gets_what_gradle_would_add() -> None:
    """Package, placeholders, natives that stay in the APK; and no permission."""
    text = steps.merged_manifest(steps.gradle_numbers()).decode()
    assert 'package="mobilepipeline.demo"' in text
    assert 'android:extractNativeLibs="false"' in text
    assert "${" not in text
    assert "tools:" not in text
    assert "uses-permission" not in text


def test_another_application_id_leaves_the_classes_where_they_are() -> None:
    """``.HomeActivity`` is of the namespace; only what another app must not have too is of the id."""
    text = steps.merged_manifest(OTHER_ID).decode()
    assert 'package="mobilepipeline.demo"' in text
    assert 'android:authorities="org.example.other.capture"' in text


def test_the_namespace_is_gradles_and_the_sources_have_it() -> None:
    """R and the app's classes import each other by it."""
    gradle = (DEMO / "app" / "build.gradle.kts").read_text(encoding="utf-8")
    assert re.findall(r'namespace = "(.+)"', gradle) == [steps.NAMESPACE]
    assert f"package {steps.NAMESPACE}\n" in next(steps.APP.rglob("HomeActivity.kt")).read_text("utf-8")


@pytest.mark.slow
def test_an_app_of_another_id_has_the_classes_of_this_one(tmp_path: Path) -> None:
    """aapt2 renames the package of the APK, and of nothing else."""
    folder = Path(os.environ.get("APK_TOOLS", DEMO / "build" / "tools"))
    try:
        tools = tool("toolchain").Toolchain(cache=folder, jdk=tool("jdk").Jdk())
    except running.UnavailableError as error:
        pytest.skip(str(error))
    if tools.missing():
        pytest.skip(f"no aapt2 in {folder} yet: make android-apk fetches it")
    made = steps.Steps(tools=tools, work=tmp_path, numbers=steps.gradle_numbers() | OTHER_ID)
    made.link()
    badging = tools.aapt2(["dump", "badging", str(made.resources)])
    assert "package: name='org.example.other'" in badging
    assert f"launchable-activity: name='{steps.NAMESPACE}.HomeActivity'" in badging
    (generated,) = (tmp_path / "gen").rglob("R.java")
    assert f"package {steps.NAMESPACE};" in generated.read_text(encoding="utf-8")
    with zipfile.ZipFile(made.resources) as archive:
        assert archive.testzip() is None
