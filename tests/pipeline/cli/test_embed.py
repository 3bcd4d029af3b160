"""``pipeline embed``."""

import shutil
from pathlib import Path

from tests.conftest import Pipeline
from tests.pipeline.cli import fresh
from tests.pipeline.embedding.apps import android_demo, gradle_app, state
from tests.pipeline.embedding.bundles import changed, handwriting, photos


def test_what_was_done_is_told(cli: Pipeline, tmp_path: Path) -> None:
    """Folder by folder; and that nothing was, the second time."""
    root = android_demo(tmp_path)
    first = cli("embed", photos(), "--into", root)
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith(f"shapes in {root}, slot photo\n")
    assert "  written    app/src/main/assets/models/photo  (3 files)\n" in first.out
    second = cli("embed", photos(), "--into", root)
    assert second.out.splitlines()[1:] == [f"  unchanged: {len(state(root)) - 2:,} files"]


def test_an_app_of_ones_own_is_told_as_briefly(cli: Pipeline, tmp_path: Path) -> None:
    """All golden cases in one line; and what was left, as it was edited."""
    root = gradle_app(tmp_path)
    first = cli("embed", photos(), "--into", root).out
    assert first.startswith(f"shapes in {root}, slot app:shapes\n")
    assert first.count("app/src/test/resources/mobile_pipeline/shapes/golden  (") == 1
    assert "image-000" not in first
    edited = root / "app/src/test/resources/mobile_pipeline/shapes/golden/image-000/tensor.bin"
    receipt = root / "embedded.json"
    gone = edited.with_name("gone.bin")
    gone.write_bytes(b"edited")
    receipt.write_text(receipt.read_text().replace("image-000/tensor.bin", "image-000/gone.bin"))
    told = cli("embed", photos(), "--into", root, "--force")
    assert f"  left       {gone.relative_to(root).as_posix()}  (edited since" in told.out
    assert gone.read_bytes() == b"edited"


def test_json(cli: Pipeline, tmp_path: Path) -> None:
    """One document, whatever the app."""
    root = gradle_app(tmp_path)
    found = cli("embed", handwriting(), "--into", root, "--json").json
    assert (found["kind"], found["module"], found["slot"], found["bundle"]) == (
        "gradle",
        "app",
        "app:digits",
        "digits",
    )
    assert "app/src/main/assets/mobile_pipeline/digits/model.tflite" in found["written"]
    assert (found["removed"], found["unchanged"], found["notes"]) == ([], [], [])
    assert "dependencies {" in found["dependencies"]
    again = cli("embed", handwriting(), "--into", root, "--json").json
    assert (again["written"], again["unchanged"]) == ([], found["written"])


def test_the_lines_for_the_build_file(cli: Pipeline, tmp_path: Path) -> None:
    """On stdout, or in a file of the user's choice, which is not overwritten."""
    root, file = gradle_app(tmp_path), tmp_path / "lines.txt"
    printed = cli("embed", photos(), "--into", root)
    assert 'androidResources { noCompress += "tflite" }' in printed.out
    written = cli("embed", photos(), "--into", root, "--dependencies", file)
    assert "noCompress" not in written.out
    assert file.read_text() in printed.out
    before = file.stat().st_mtime_ns
    assert cli("embed", photos(), "--into", root, "--dependencies", file).code == 0
    assert file.stat().st_mtime_ns == before
    file.write_text("mine")
    (tmp_path / "two").mkdir()
    fresh_root = gradle_app(tmp_path / "two")
    untouched = state(fresh_root)
    refused = cli("embed", photos(), "--into", fresh_root, "--dependencies", file)
    assert refused.code == 2
    assert f"{file}: there already, with other lines; --force replaces it" in refused.err
    assert (file.read_text(), state(fresh_root)) == ("mine", untouched)


def test_warnings_are_on_stderr(cli: Pipeline, tmp_path: Path) -> None:
    """With the app's own version of TensorFlow Lite."""
    newer = changed(photos(), tmp_path / "newer", model__runtime_floor="2.17.0")
    answer = cli("embed", newer, "--into", android_demo(tmp_path))
    assert answer.code == 0
    assert answer.err.startswith("warning: ")
    assert "2.17.0, which the model was made and verified for" in answer.err


def test_wrong_use(cli: Pipeline, tmp_path: Path) -> None:
    """Exit code 2 for what the user can put right on the command line, 1 for what is in the way."""
    root = android_demo(tmp_path)
    assert cli("embed", photos()).code == 2
    assert cli("embed", photos(), "--into", tmp_path).code == 2
    assert cli("embed", photos(), "--into", root, "--module", "app").code == 2
    assert cli("embed", photos(), "--into", root, "--dependencies", tmp_path / "lines.txt").code == 2
    assert not (tmp_path / "lines.txt").exists()
    spoilt = Path(shutil.copytree(photos(), tmp_path / "spoilt"))
    (spoilt / "model.tflite").write_bytes(b"no")
    refused = cli("embed", spoilt, "--into", root)
    assert refused.code == 1
    assert "model.tflite: changed since the bundle was made" in refused.err
    assert "embedded.json" not in state(root)


def test_no_tensorflow_is_loaded(tmp_path: Path) -> None:
    """In a fresh process."""
    answer = fresh.run("embed", photos(), "--into", android_demo(tmp_path))
    assert answer.code == 0, answer.err
    assert answer.loaded(*fresh.TENSORFLOW) == set()
