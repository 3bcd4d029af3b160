"""Several modules of one app, several bundles in one module: what is shared, and what is not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.embedding import embed, receipt
from pipeline.embedding.destination import find
from pipeline.errors import StepError
from tests.pipeline.embedding.apps import apple_app, gradle_app, state
from tests.pipeline.embedding.bundles import changed, handwriting, photos

TEST = "MobilePipelineTests/ShapesContractTest.swift"
READER = "src/main/java/mobilepipeline/core/Manifest.kt"


class TestReader:
    """The contract's sources in the modules of an Android app."""

    def test_two_bundles_share_it(self, tmp_path: Path) -> None:
        """The second does not write it again, and --no-core does not take it from the first."""
        root = gradle_app(tmp_path)
        embed(photos(), root)
        second = embed(handwriting(), root)
        assert not any("/core/" in name for name in second.outcome.written)
        without = embed(handwriting(), root, core=False)
        assert (without.outcome.written, without.outcome.removed) == ((), ())
        assert (root / "app" / READER).is_file()
        assert set(receipt.read(root, "gradle").readers) == {"app"}

    def test_no_core_writes_none(self, tmp_path: Path) -> None:
        """Where there was none."""
        root = gradle_app(tmp_path)
        embed(photos(), root, core=False)
        assert not (root / "app" / READER).exists()

    @pytest.mark.parametrize("second", ["the same", "another"])
    def test_each_module_has_its_own(self, tmp_path: Path, second: str) -> None:
        """An app cannot take it from another app: the first keeps it, the second gets it."""
        root = gradle_app(tmp_path, "app", "wear")
        embed(photos(), root, module="app")
        first = state(root / "app")
        done = embed(photos() if second == "the same" else handwriting(), root, module="wear")
        assert (done.outcome.removed, done.plan.notes) == ((), ())
        assert state(root / "app") == first
        assert (root / "wear" / READER).is_file()
        assert embed(photos(), root, module="app").outcome.written == ()

    def test_a_later_bundle_clears_its_own_module_alone(self, tmp_path: Path) -> None:
        """Slots of two modules do not mix, though the bundle has one name."""
        root = gradle_app(tmp_path, "app", "wear")
        embed(photos(), root, module="app")
        embed(photos(), root, module="wear")
        assert set(receipt.read(root, "gradle").slots) == {"app:shapes", "wear:shapes"}
        first = state(root / "app")
        later = changed(photos(), tmp_path / "later", seed=9)
        assert all(name.startswith("wear/") for name in embed(later, root, module="wear").outcome.written)
        assert state(root / "app") == first

    def test_one_in_a_library_of_the_users(self, tmp_path: Path) -> None:
        """After an embed had brought its own: the note says that there are two now."""
        root = gradle_app(tmp_path)
        embed(photos(), root)
        other = root / "classifier/src/main/kotlin/mobilepipeline/core"
        other.mkdir(parents=True)
        (other / "Manifest.kt").write_text("package mobilepipeline.core\n")
        done = embed(photos(), root)
        (note,) = done.plan.notes
        assert "remove app/src/main/java/mobilepipeline/core, which an earlier embed wrote" in note
        assert done.outcome.removed == ()

    def test_one_that_was_moved_into_a_library(self, tmp_path: Path) -> None:
        """Nothing is there twice: that is not said, and the receipt lists it no longer."""
        root = gradle_app(tmp_path)
        embed(photos(), root)
        own, other = (root / "app" / READER).parent, root / "lib/src/main/kotlin/mobilepipeline/core"
        other.parent.mkdir(parents=True)
        own.rename(other)
        done = embed(photos(), root)
        said = ("the contract's reader is in lib already and was not written again",)
        assert (done.plan.notes, done.outcome.written, done.outcome.removed) == (said, (), ())
        assert receipt.read(root, "gradle").readers == {}
        before = state(root)
        assert embed(photos(), root).plan.notes == said
        assert state(root) == before

    def test_one_of_which_something_is_left(self, tmp_path: Path) -> None:
        """Two halves: still to be removed, and still known as an embed's own."""
        root = gradle_app(tmp_path)
        embed(photos(), root)
        own, other = root / "app" / READER, root / "lib/src/main/kotlin/mobilepipeline/core"
        other.mkdir(parents=True)
        own.rename(other / own.name)
        (note,) = embed(photos(), root).plan.notes
        assert "remove app/src/main/java/mobilepipeline/core, which an earlier embed wrote" in note
        assert set(receipt.read(root, "gradle").readers) == {"app"}


class TestTargets:
    """One bundle and two targets of an iOS app: the golden vectors and their test are there once."""

    @pytest.mark.parametrize(
        ("first", "where", "models"),
        [
            ("One", "target 'One'", "One/MobilePipeline/Models/shapes"),
            (".", "the app's root", "MobilePipeline/Models/shapes"),
        ],
    )
    def test_the_remedy_is_told_and_works(self, tmp_path: Path, first: str, where: str, models: str) -> None:
        """Word by word; without it nothing is written."""
        root = apple_app(tmp_path)
        for name in ("One", "Two"):
            (root / name).mkdir()
        embed(photos(), root, module=first)
        before = state(root)
        slot = "One:shapes" if first == "One" else ":shapes"
        homes = sorted([models, "MobilePipelineTests/Golden/shapes", TEST])
        with pytest.raises(StepError) as told:
            embed(photos(), root, module="Two", force=True)
        assert str(told.value) == (
            f"{root}: 'shapes' is embedded into {where} already, and its test can be of one target alone; to "
            f"move it, remove {', '.join(homes)} and slot '{slot}' of embedded.json, and embed it again"
        )
        assert state(root) == before
        for home in homes:
            place = root / home
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        document = json.loads((root / receipt.FILE).read_text())
        del document["slots"][slot]
        (root / receipt.FILE).write_text(json.dumps(document))
        done = embed(photos(), root, module="Two")
        assert set(receipt.read(root, "apple").slots) == {"Two:shapes"}
        assert (done.outcome.removed, done.outcome.kept) == ((), ())
        assert not (root / models).exists()
        assert "@testable import Two\n" in (root / TEST).read_text()


class TestNames:
    """A module has one name, however it is written."""

    @pytest.mark.parametrize("again", ["./app", "app/", ":app", "app/../app", "wear/../app", "app/."])
    def test_of_gradle(self, tmp_path: Path, again: str) -> None:
        """Nothing is written or removed by the second spelling."""
        root = gradle_app(tmp_path, "app", "wear")
        embed(photos(), root, module="app")
        before = state(root)
        done = embed(photos(), root, module=again)
        assert (done.destination.module, done.outcome.written, done.outcome.removed) == ("app", (), ())
        assert state(root) == before

    @pytest.mark.parametrize("again", ["./My App", "My App/", "My App/../My App", "ABSOLUTE"])
    def test_of_apple(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str) -> None:
        """The same; also where the app's folder was named from where one stands."""
        root = apple_app(tmp_path)
        monkeypatch.chdir(root)
        named = str(root / "My App") if again == "ABSOLUTE" else again
        assert find(Path(), named).module == "My App"
        assert find(root, named).module == "My App"
        assert find(root, str(root)).module == ""

    def test_a_link_to_a_module_is_no_second_one(self, tmp_path: Path) -> None:
        """It is not looked into when the app is searched, and named it is the module that it leads to."""
        root = gradle_app(tmp_path)
        (root / "mobile").symlink_to("app")
        assert find(root, None).module == "app"
        assert find(root, "mobile").module == "app"

    def test_a_wanted_file_under_another_name_stays(self, tmp_path: Path) -> None:
        """As where a folder was moved, and a link left in its old place."""
        root = gradle_app(tmp_path)
        embed(photos(), root)
        path = root / receipt.FILE
        path.write_text(path.read_text().replace('"app/src', '"old/src'))
        (root / "old").symlink_to("app")
        before = state(root / "app")
        done = embed(photos(), root, force=True)
        assert done.outcome.removed == ()
        assert state(root / "app") == before
        known = json.loads(path.read_text())["slots"]["app:shapes"]["files"]
        assert not any(name.startswith("old/") for name in known)


class TestOneName:
    """Two bundles whose names differ, and whose tests would not."""

    @pytest.mark.parametrize(("first", "second"), [("a-b", "a_b"), ("ab", "Ab"), ("ab", "aB")])
    @pytest.mark.parametrize("make", [gradle_app, apple_app])
    def test_is_refused(self, tmp_path: Path, make: Callable[[Path], Path], first: str, second: str) -> None:
        """With both names; nothing was written, and --force changes nothing about it."""
        root = make(tmp_path)
        embed(changed(photos(), tmp_path / "one", name=first), root)
        before = state(root)
        other = changed(photos(), tmp_path / "two", name=second)
        with pytest.raises(StepError, match=rf"'{second}' .*'{first}' .*embedded already\) would both have"):
            embed(other, root, force=True)
        assert state(root) == before


class TestDemosAlike:
    """An app of one's own that has taken over sources of a demo."""

    def test_android(self, tmp_path: Path) -> None:
        """Its ``core`` module is the reader's place, and the app is still the user's."""
        root = gradle_app(tmp_path)
        core = root / "core/src/main/kotlin/mobilepipeline/core"
        core.mkdir(parents=True)
        (core / "Manifest.kt").write_text("package mobilepipeline.core\n")
        done = embed(photos(), root)
        assert (done.destination.kind, done.destination.module) == ("gradle", "app")
        assert "already and was not written again" in done.plan.notes[0]

    def test_ios(self, tmp_path: Path) -> None:
        """The same with Swift's."""
        root = tmp_path / "package"
        (root / "Sources/ClassifierCore").mkdir(parents=True)
        (root / "Package.swift").write_text("// swift-tools-version: 6.0\n")
        assert find(root, None).kind == "apple"

    @pytest.mark.parametrize("kind", ["android_demo", "ios_demo"])
    def test_the_demos_themselves(self, kind: str) -> None:
        """As they are in the checkout."""
        assert find(Path(__file__).parents[3] / kind, None).kind == kind
