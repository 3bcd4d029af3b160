"""What stands in the way is found before anything is written, with or without --force."""

from pathlib import Path

import pytest

from pipeline.embedding import embed
from pipeline.errors import StepError, StorageError, UsageError
from tests.pipeline.embedding.apps import android_demo, gradle_app, state
from tests.pipeline.embedding.bundles import photos

ASSETS = "app/src/main/assets"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("place", [ASSETS, f"{ASSETS}/models/photo", "core/src/test"])
def test_a_file_where_a_folder_must_go(tmp_path: Path, place: str, force: bool) -> None:
    """Named; it stays."""
    root = android_demo(tmp_path)
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).write_text("mine")
    before = state(root)
    with pytest.raises(StepError, match=rf"{place}: a file stands where a folder must go; remove it"):
        embed(photos(), root, force=force)
    assert state(root) == before


@pytest.mark.parametrize("target", ["nowhere", "assets"])
def test_a_link_that_leads_nowhere(tmp_path: Path, target: str) -> None:
    """Or to itself."""
    root = android_demo(tmp_path)
    (root / ASSETS).symlink_to(target)
    before = state(root)
    with pytest.raises(
        StepError, match=rf"{ASSETS}: a link that leads nowhere stands where a folder must go"
    ):
        embed(photos(), root, force=True)
    assert state(root) == before


def test_a_link_to_a_folder_of_the_app(tmp_path: Path) -> None:
    """Is the user's way of arranging it: it is followed."""
    root = android_demo(tmp_path)
    (root / "shared").mkdir()
    (root / ASSETS).symlink_to("../../../shared")
    embed(photos(), root)
    assert (root / "shared/models/photo/model.tflite").is_file()
    assert embed(photos(), root).outcome.written == ()


class TestDependencyFile:
    """``--dependencies`` is looked at before the app is written."""

    def test_its_folder_must_be_there(self, tmp_path: Path) -> None:
        """Otherwise the app would be written and the lines lost."""
        root = gradle_app(tmp_path)
        before = state(root)
        with pytest.raises(UsageError, match=r"there is no folder .*missing; make it first"):
            embed(photos(), root, dependency_file=tmp_path / "missing/lines.txt")
        assert state(root) == before

    def test_its_folder_must_be_writable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Root writes everywhere, so that the refusal is played."""
        import tempfile

        def refusing(**_: object) -> None:
            raise OSError(30, "Read-only file system")

        root = gradle_app(tmp_path)
        before = state(root)
        monkeypatch.setattr(tempfile, "TemporaryFile", refusing)
        with pytest.raises(StorageError, match=r"lines\.txt: Read-only file system"):
            embed(photos(), root, dependency_file=tmp_path / "lines.txt")
        assert state(root) == before

    @pytest.mark.parametrize(
        "name",
        [
            "app/build.gradle.kts",
            "settings.gradle.kts",
            "gradle/libs.versions.toml",
            "Podfile",
            "Package.swift",
        ],
    )
    def test_it_is_no_build_file(self, tmp_path: Path, name: str) -> None:
        """Which --force would replace as a whole."""
        root = gradle_app(tmp_path)
        before = state(root)
        with pytest.raises(UsageError, match="a build file, which the lines would replace"):
            embed(photos(), root, dependency_file=root / name, force=True)
        assert state(root) == before

    def test_it_is_written_as_one_step(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A full disk leaves what was there, and no draft."""
        root, lines = gradle_app(tmp_path), tmp_path / "lines.txt"
        lines.write_text("mine")
        write = Path.write_bytes

        def full(self: Path, content: bytes) -> int:
            if "lines.txt" not in self.name:
                return write(self, content)
            write(self, content[:7])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(StorageError, match=r"lines\.txt: No space left on device"):
            embed(photos(), root, dependency_file=lines, force=True)
        assert lines.read_text() == "mine"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["gradle_app", "lines.txt"]
