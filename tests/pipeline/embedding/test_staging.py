"""The folder that a run works in, and the lock: what is the user's, and what a killed run left."""

import errno
import fcntl
import shutil
from pathlib import Path

import pytest

from pipeline.embedding import embed, receipt, staging
from pipeline.errors import StepError, StorageError
from tests.pipeline.embedding.apps import android_demo, state
from tests.pipeline.embedding.bundles import photos


@pytest.mark.parametrize("name", [".embedding", "embedding", ".mobile-pipeline"])
def test_folders_of_the_users_stay(tmp_path: Path, name: str) -> None:
    """Also one that is called nearly so."""
    root = android_demo(tmp_path)
    (root / name).mkdir()
    (root / name / "0").write_text("mine")
    embed(photos(), root)
    assert (root / name / "0").read_text() == "mine"


@pytest.mark.parametrize("again", [False, True])
def test_one_without_the_marker_is_the_users(tmp_path: Path, again: bool) -> None:
    """It is not removed, and nothing else is done, even where nothing would be written."""
    root = android_demo(tmp_path)
    if again:
        embed(photos(), root)
    (root / staging.FOLDER).mkdir()
    (root / staging.FOLDER / "thesis.txt").write_text("mine")
    before = state(root)
    with pytest.raises(StepError, match=rf"{staging.FOLDER}: not made by an embed, which needs the name"):
        embed(photos(), root, force=True)
    assert state(root) == before


def test_a_link_of_that_name(tmp_path: Path) -> None:
    """No run makes one: neither it nor what it leads to is touched."""
    root, outside = android_demo(tmp_path), tmp_path / "outside"
    outside.mkdir()
    (outside / staging.MARKER).write_text("")
    (outside / "0").write_text("mine")
    (root / staging.FOLDER).symlink_to(outside)
    with pytest.raises(StepError, match="not made by an embed"):
        embed(photos(), root, force=True)
    assert (root / staging.FOLDER).is_symlink()
    assert (outside / "0").read_text() == "mine"
    assert not (root / receipt.FILE).exists()


def test_a_file_of_that_name(tmp_path: Path) -> None:
    """The same."""
    root = android_demo(tmp_path)
    (root / staging.FOLDER).write_text("mine")
    with pytest.raises(StepError, match="not made by an embed"):
        embed(photos(), root)
    assert (root / staging.FOLDER).read_text() == "mine"


@pytest.mark.parametrize("killed", ["after the folder", "after the marker", "full"])
@pytest.mark.parametrize("again", [False, True])
def test_what_a_killed_run_left_goes(tmp_path: Path, killed: str, again: bool) -> None:
    """Whether there is anything else to do or not."""
    root = android_demo(tmp_path)
    if again:
        embed(photos(), root)
    if killed == "after the folder":
        (root / staging.FOLDER).mkdir()
    else:
        folder = staging.make(root)
        if killed == "full":
            (folder / "0").write_text("half")
    embed(photos(), root)
    assert not (root / staging.FOLDER).exists()


def test_a_run_that_is_refused_leaves_it(tmp_path: Path) -> None:
    """Files in the way: nothing at all is done."""
    root = android_demo(tmp_path)
    staging.make(root)
    own = root / "app/src/main/assets/models/photo/labels.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    before = state(root)
    with pytest.raises(StepError, match="not from a bundle"):
        embed(photos(), root)
    assert state(root) == before


def test_the_marker_is_the_last_that_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A removal that is killed half-way is taken up by the next run."""
    folder = staging.make(tmp_path)
    for number in range(5):
        (folder / str(number)).write_text("")

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        staging.discard(tmp_path)
    monkeypatch.undo()
    assert [path.name for path in folder.iterdir()] == [staging.MARKER]
    staging.discard(tmp_path)
    assert not folder.exists()


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says so, instead of that another embed is at work or that the program is broken."""

    def refusing(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    root = android_demo(tmp_path)
    monkeypatch.setattr(fcntl, "flock", refusing)
    with pytest.raises(StorageError, match=r"cannot be locked .*No locks available.*local disk"):
        embed(photos(), root)
    assert not (root / receipt.FILE).exists()
