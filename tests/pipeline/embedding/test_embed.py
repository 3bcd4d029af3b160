"""Embedding: what goes where, what stays, what is refused."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts import sha256
from pipeline.embedding import embed, receipt, staging, writing
from pipeline.errors import BusyError, StepError, StorageError, UsageError
from tests.pipeline.embedding.apps import android_demo, apple_app, gradle_app, ios_demo, state
from tests.pipeline.embedding.bundles import changed, handwriting, photos, with_case_removed

MODELS = "app/src/main/assets/models"


class TestDemos:
    """The two apps of the project."""

    def test_android(self, tmp_path: Path) -> None:
        """Assets, the device's tests and the desktop's, each byte for byte; the slot by the manifest."""
        root = android_demo(tmp_path)
        done = embed(handwriting(), root)
        assert (done.destination.kind, done.plan.slot, done.plan.notes) == ("android_demo", "drawing", ())
        files = state(root)
        for name in ("model.tflite", "labels.txt", "manifest.json"):
            assert files[f"{MODELS}/drawing/{name}"][0] == (handwriting() / name).read_bytes()
        for place in ("app/src/androidTest/assets/golden/drawing", "core/src/test/resources/golden/drawing"):
            for case in (handwriting() / "golden").rglob("*.u8"):
                assert files[f"{place}/{case.relative_to(handwriting()).as_posix()}"][0] == case.read_bytes()
            assert files[f"{place}/manifest.json"][0] == (handwriting() / "manifest.json").read_bytes()
        assert "core/src/test/resources/golden/drawing/model.tflite" in files
        # All assets are in the APK that people install; the card is for those who read the code.
        assert [name for name in files if name.endswith(".md")] == [
            "core/src/test/resources/golden/drawing/MODEL_CARD.md"
        ]
        assert not (root / staging.FOLDER).exists()

    def test_ios(self, tmp_path: Path) -> None:
        """Resources, and the golden vectors beside the tests."""
        root = ios_demo(tmp_path)
        assert embed(photos(), root).plan.slot == "photo"
        assert (root / "App/Resources/Models/photo/model.tflite").read_bytes() == (
            photos() / "model.tflite"
        ).read_bytes()
        assert sorted(path.name for path in (root / "App/Resources/Models/photo").iterdir()) == [
            "labels.txt",
            "manifest.json",
            "model.tflite",
        ]
        assert sorted(path.name for path in (root / "Tests/Golden/photo").iterdir()) == [
            "MODEL_CARD.md",
            "golden",
            "manifest.json",
            "model.tflite",
        ]

    def test_both_slots_side_by_side(self, tmp_path: Path) -> None:
        """One does not disturb the other; the receipt knows both."""
        root = android_demo(tmp_path)
        embed(handwriting(), root)
        before = state(root / MODELS / "drawing")
        embed(photos(), root)
        assert state(root / MODELS / "drawing") == before
        assert {slot: record.bundle for slot, record in receipt.read(root, "android_demo").slots.items()} == {
            "drawing": "digits",
            "photo": "shapes",
        }

    def test_a_model_that_the_demo_does_not_read_is_told(self, tmp_path: Path) -> None:
        """By the version in the demo's own build files."""
        newer = changed(photos(), tmp_path / "newer", model__runtime_floor="2.17.0")
        (note,) = embed(newer, android_demo(tmp_path)).plan.notes
        assert "org.tensorflow:tensorflow-lite 2.16.1 reads the model's ops, but is older than" in note
        assert "TensorFlow Lite 2.17.0, which the model was made and verified for" in note
        assert embed(newer, ios_demo(tmp_path)).plan.notes == ()


class TestAgain:
    """A second run, and another bundle in the same slot."""

    @pytest.mark.parametrize("make", [android_demo, ios_demo, gradle_app, apple_app])
    def test_nothing_is_touched(self, tmp_path: Path, make: Callable[[Path], Path]) -> None:
        """Not even a time of change."""
        root = make(tmp_path)
        first = embed(photos(), root)
        before = state(root)
        second = embed(photos(), root)
        assert state(root) == before
        assert (second.outcome.written, second.outcome.removed) == ((), ())
        assert second.outcome.unchanged == first.outcome.written

    def test_what_the_earlier_bundle_left_goes(self, tmp_path: Path) -> None:
        """Files that the new one has not, and folders that become empty; the user's beside them stay."""
        root = android_demo(tmp_path)
        embed(handwriting(), root)
        case = json.loads((handwriting() / "manifest.json").read_text())["golden"]["cases"][-1]["id"]
        gone = root / "core/src/test/resources/golden/drawing/golden" / case
        own = root / MODELS / "drawing/notes.txt"
        own.write_text("mine")
        assert gone.is_dir()
        done = embed(with_case_removed(handwriting(), tmp_path / "later"), root)
        assert not gone.exists()
        assert any(case in name for name in done.outcome.removed)
        assert (root / MODELS / "drawing/labels.txt").read_text().splitlines()[0] == "another"
        assert own.read_text() == "mine"

    def test_missing_files_come_back(self, tmp_path: Path) -> None:
        """As in a fresh clone, where the golden vectors are not under version control."""
        root = android_demo(tmp_path)
        embed(photos(), root)
        shutil.rmtree(root / "core/src/test")
        done = embed(photos(), root)
        assert done.outcome.written
        assert all(name.startswith("core/src/test/") for name in done.outcome.written)


class TestInTheWay:
    """What is not a bundle's is not overwritten."""

    def test_a_file_of_the_users(self, tmp_path: Path) -> None:
        """Named; nothing was written; --force replaces it."""
        root = android_demo(tmp_path)
        own = root / MODELS / "photo/labels.txt"
        own.parent.mkdir(parents=True)
        own.write_text("mine")
        before = state(root)
        with pytest.raises(
            StepError, match=r"not from a bundle: app/.*/photo/labels.txt; nothing was written"
        ):
            embed(photos(), root)
        assert state(root) == before
        embed(photos(), root, force=True)
        assert own.read_bytes() == (photos() / "labels.txt").read_bytes()

    @pytest.mark.parametrize("again", ["same", "later"])
    def test_a_file_that_was_edited(self, tmp_path: Path, again: str) -> None:
        """Whether it would be replaced or removed."""
        root = android_demo(tmp_path)
        embed(handwriting(), root)
        later = with_case_removed(handwriting(), tmp_path / "later")
        case = json.loads((handwriting() / "manifest.json").read_text())["golden"]["cases"][-1]["id"]
        edited = root / "core/src/test/resources/golden/drawing/golden" / case / "pixels.u8"
        edited.write_bytes(b"edited")
        bundle = later if again == "later" else handwriting()
        with pytest.raises(StepError, match=rf"changed since they were embedded: core/.*/{case}/pixels.u8"):
            embed(bundle, root)
        assert edited.read_bytes() == b"edited"
        done = embed(bundle, root, force=True)
        if again == "same":
            assert edited.read_bytes() != b"edited"
            return
        # What nobody needs and somebody edited is not removed, and from now on it is the user's.
        assert edited.read_bytes() == b"edited"
        assert done.outcome.kept == (edited.relative_to(root).as_posix(),)
        again_done = embed(bundle, root)
        assert (again_done.outcome.written, again_done.outcome.kept, edited.exists()) == ((), (), True)

    def test_a_link_is_no_file_of_a_bundle(self, tmp_path: Path) -> None:
        """Though it points to the right contents: what it points to is not ours to replace."""
        root = android_demo(tmp_path)
        place = root / MODELS / "photo/labels.txt"
        place.parent.mkdir(parents=True)
        place.symlink_to(photos() / "labels.txt")
        with pytest.raises(StepError, match="not from a bundle"):
            embed(photos(), root)

    def test_a_link_out_of_the_app(self, tmp_path: Path) -> None:
        """Is not followed, with or without --force."""
        root, outside = android_demo(tmp_path), tmp_path / "outside"
        outside.mkdir()
        (root / "app/src/main/assets").symlink_to(outside)
        with pytest.raises(StepError, match="leads out of the app"):
            embed(photos(), root, force=True)
        assert list(outside.iterdir()) == []

    def test_a_folder_where_a_file_goes(self, tmp_path: Path) -> None:
        """Is not removed, with or without --force; the run can be repeated."""
        root = android_demo(tmp_path)
        (root / MODELS / "photo/labels.txt/inner").mkdir(parents=True)
        before = state(root)
        with pytest.raises(StepError, match="a folder stands where a file must go; remove it"):
            embed(photos(), root, force=True)
        assert state(root) == before
        (root / MODELS / "photo/labels.txt/inner").rmdir()
        (root / MODELS / "photo/labels.txt").rmdir()
        assert embed(photos(), root).outcome.written


class TestInterruption:
    """A run that ends in the middle, wherever that is."""

    @pytest.mark.parametrize("fresh", [False, True])
    @pytest.mark.parametrize("moves", [0, 1, 2, 9, 40, 70, 200])
    def test_the_next_run_completes_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int, fresh: bool
    ) -> None:
        """Also with another bundle; without --force, and without a trace of the first."""
        root = android_demo(tmp_path)
        if not fresh:
            embed(handwriting(), root)
        later = with_case_removed(handwriting(), tmp_path / "later")
        left = moves
        replace = Path.replace

        def counting(self: Path, target: Path) -> Path:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", counting)
        # As after a kill: what was staged is still there too.
        monkeypatch.setattr(staging, "discard", lambda *_: None)
        bundle = changed(later, tmp_path / "between", seed=9)
        with suppress(KeyboardInterrupt):
            embed(bundle, root)
        monkeypatch.undo()
        embed(later, root)
        (tmp_path / "clean").mkdir()
        clean = android_demo(tmp_path / "clean")
        embed(later, clean)
        assert {n: c for n, (c, _) in state(root).items()} == {n: c for n, (c, _) in state(clean).items()}


class TestStorage:
    """Disks and rights."""

    def test_a_full_disk_is_noticed_before_anything_changes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One sentence with the remedy."""
        root = android_demo(tmp_path)
        embed(handwriting(), root)
        before, later = state(root), with_case_removed(handwriting(), tmp_path / "later")

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device", str(root / staging.FOLDER / "3"))

        monkeypatch.setattr(shutil, "copyfile", full)
        with pytest.raises(StorageError, match=r"No space left on device; free some space"):
            embed(later, root)
        assert state(root) == before

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One sentence; nothing else happens. Root writes everywhere, so that the refusal is played."""
        root = android_demo(tmp_path)
        before, mkdir = state(root), Path.mkdir

        def refusing(self: Path, *arguments: Any, **options: Any) -> None:
            if self.name == staging.FOLDER:
                raise PermissionError(13, "Permission denied", str(self))
            mkdir(self, *arguments, **options)

        monkeypatch.setattr(Path, "mkdir", refusing)
        with pytest.raises(StorageError, match="Permission denied; the app's folder must be writable"):
            embed(photos(), root)
        assert state(root) == before

    def test_two_at_once(self, tmp_path: Path) -> None:
        """The second says so and does nothing; no lock file is left in the app."""
        root = android_demo(tmp_path)
        with writing._alone(root), pytest.raises(BusyError, match="another embed is at work"):
            embed(photos(), root)
        assert not (root / receipt.FILE).exists()


class TestBundles:
    """What is embedded."""

    def test_every_hash_is_checked(self, tmp_path: Path) -> None:
        """Of every file, before anything is written."""
        for name in ("model.tflite", "golden/image-000/tensor.bin", "labels.txt"):
            spoilt = Path(shutil.copytree(photos(), tmp_path / name.replace("/", "-")))
            content = (spoilt / name).read_bytes() if (spoilt / name).exists() else None
            assert content is not None, name
            (spoilt / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            root = android_demo(tmp_path / f"app-{name.replace('/', '-')}")
            before = state(root)
            with pytest.raises(StepError, match=rf"{name}: changed since the bundle was made"):
                embed(spoilt, root, force=True)
            assert state(root) == before

    def test_labels_are_those_of_the_manifest(self, tmp_path: Path) -> None:
        """An app reads the one or the other; a hash that fits the wrong file does not make it right."""
        spoilt = changed(photos(), tmp_path / "spoilt")
        manifest = json.loads((spoilt / "manifest.json").read_text("utf-8"))
        lines = (spoilt / "labels.txt").read_text("utf-8").splitlines()
        (spoilt / "labels.txt").write_text("\n".join(reversed(lines)) + "\n", "utf-8")
        manifest["files"]["labels.txt"]["sha256"] = sha256(spoilt / "labels.txt")
        (spoilt / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        with pytest.raises(StepError, match=r"labels\.txt: other labels than the manifest's"):
            embed(spoilt, android_demo(tmp_path))

    def test_a_file_that_changes_while_it_is_copied(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Never gets into the app, as nothing of that run does."""
        root, copy = android_demo(tmp_path), shutil.copyfile
        before = state(root)

        def spoiling(source: Path, target: Path) -> None:
            copy(source, target)
            if source.name == "labels.txt":
                target.write_bytes(b"another")

        monkeypatch.setattr(shutil, "copyfile", spoiling)
        with pytest.raises(StepError, match=r"labels\.txt: changed while it was copied"):
            embed(photos(), root)
        assert state(root) == before

    def test_a_smoke_build_is_for_tests(self, tmp_path: Path) -> None:
        """Unless one insists."""
        smoke, root = changed(photos(), tmp_path / "smoke", profile="smoke"), android_demo(tmp_path)
        with pytest.raises(UsageError, match=r"a smoke build.*--force"):
            embed(smoke, root)
        assert embed(smoke, root, force=True).outcome.written

    def test_no_bundle(self, tmp_path: Path) -> None:
        """A folder without a manifest."""
        with pytest.raises(StepError, match=r"a bundle is a folder with a manifest\.json"):
            embed(tmp_path, android_demo(tmp_path))

    @pytest.mark.parametrize("name", ["../up", "a b", "", "ä", "x" * 65, "1a"])
    def test_names_that_no_folder_or_class_can_have(self, tmp_path: Path, name: str) -> None:
        """Of a user's own app; the demos' slots have names of their own."""
        strange = changed(photos(), tmp_path / "strange", name=name)
        with pytest.raises(UsageError, match="letters, digits"):
            embed(strange, gradle_app(tmp_path))
        assert embed(strange, android_demo(tmp_path)).plan.slot == "photo"
