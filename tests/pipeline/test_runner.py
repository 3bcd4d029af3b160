"""The runner: cache, resume, lock, storage."""

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline import recipe, runner, shelf, target
from pipeline.artifacts import PreparedData
from pipeline.console import Console
from pipeline.errors import BusyError, StorageError
from pipeline.stages import train
from tests.conftest import SmokeBuild, pipeline

FILE_SIZE_LIMIT = 300_000
"""Bytes: less than the 1,015,072 of the digits' train images, more than any record or label file."""


@pytest.fixture
def runs(smoke_build: SmokeBuild, tmp_path: Path) -> Path:
    """A copy of the finished smoke build, to go on from."""
    shutil.copytree(smoke_build.runs, tmp_path / "runs", symlinks=True)
    return tmp_path / "runs"


def rebuild(runs: Path, *arguments: str) -> dict[str, bool]:
    """Builds again; gives stage -> whether it was there already."""
    answer = pipeline("build", "digits", "--profile", "smoke", "--runs", runs, "--json", *arguments)
    assert answer.code == 0, answer.err
    return {stage["stage"]: stage["cached"] for stage in answer.json["stages"]}


def prepare(runs: Path, *, wait: bool = True) -> PreparedData:
    """Runs the data stage of digits."""
    digits = recipe.load("digits").smoke()
    build = runner.run(
        digits,
        target.load("tflite"),
        runs=runs,
        data=None,
        console=Console(quiet=True),
        until="data",
        wait=wait,
    )
    data = build.artifacts["data"]
    assert isinstance(data, PreparedData)
    return data


def test_an_unchanged_rebuild_runs_nothing(runs: Path) -> None:
    """Every stage is found."""
    assert all(rebuild(runs).values())


def test_an_unchanged_rebuild_loads_no_tensorflow(runs: Path) -> None:
    """What makes it fast: only hashes are computed."""
    script = (
        "import sys; from pipeline.cli.app import app\n"
        f"app(['build', 'digits', '--profile', 'smoke', '--runs', {str(runs)!r}, '--quiet'],"
        " standalone_mode=False)\n"
        "heavy = {'tensorflow', 'tf_keras', 'keras', 'ai_edge_litert', 'tflite_runtime'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.slow
def test_a_changed_convert_option_reruns_only_from_there(runs: Path) -> None:
    """Training is kept."""
    assert rebuild(runs, "--set", "convert.io=float32") == {
        "data": True,
        "train": True,
        "optimize": True,
        "convert": False,
        "verify": False,
        "bundle": False,
    }
    assert all(rebuild(runs).values()), "the first build is still there"


def test_a_changed_gate_does_not_convert_again(runs: Path) -> None:
    """Gates are read by verify alone."""
    cached = rebuild(runs, "--set", "verify.gates.float32.min_top1_agreement=0.9")
    assert cached["convert"]
    assert not cached["verify"]


def test_a_changed_gate_measures_nothing_again(runs: Path) -> None:
    """The cells are kept: only the verdict is made anew."""
    answer = pipeline("verify", "digits", "--profile", "smoke", "--runs", runs,
                      "--set", "verify.gates.float32.min_top1_agreement=0.9")  # fmt: skip
    assert answer.code == 0, answer.err
    assert "images" not in answer.err


def test_a_failed_gate_is_exit_code_3_and_bundles_nothing(runs: Path) -> None:
    """And the verdict is kept: asking again runs nothing."""
    arguments = ("build", "digits", "--profile", "smoke", "--runs", runs,
                 "--set", "verify.gates.int8.max_bytes=1000")  # fmt: skip
    for attempt in range(2):
        answer = pipeline(*arguments)
        assert answer.code == 3
        assert "int8 on litert: max_bytes is 1000, measured" in answer.err
        assert ("verify: unchanged" in answer.err) == (attempt == 1)
        assert "Traceback" not in answer.err
        assert "FAILED" in answer.out, "with its row in the table"
        folder = runs / "digits-smoke" / "pictures"
        assert f"its pictures: {folder}" in answer.err
        assert {path.name for path in folder.glob("*.png")} == {
            "learning_curves.png", "confusion.png", "mistakes.png", "least_sure.png",
        }  # fmt: skip
        if attempt == 0:
            # Neither are they taken from an earlier build, nor missing where only they were removed.
            shutil.rmtree(folder)


def test_a_damaged_artifact_is_noticed_and_made_again(runs: Path) -> None:
    """Byte for byte as it was."""
    (folder,) = (runs / "digits-smoke" / "stages" / "convert").iterdir()
    model = folder / "int8.tflite"
    before = model.read_bytes()
    model.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    answer = pipeline("build", "digits", "--profile", "smoke", "--runs", runs, "--json")
    assert answer.code == 0
    assert "int8.tflite: missing or changed since it was made; making it again" in answer.err
    assert {s["stage"] for s in answer.json["stages"] if not s["cached"]} == {"convert"}
    assert model.read_bytes() == before


def test_a_run_folder_of_another_layout_is_refused(runs: Path) -> None:
    """It names both versions and the ways out, and touches nothing."""
    stamp = runs / "digits-smoke" / "run.json"
    stamp.write_text(json.dumps({"layout": 99}))
    answer = pipeline("build", "digits", "--profile", "smoke", "--runs", runs)
    assert answer.code == 1
    assert "layout 99" in answer.err
    assert "--runs" in answer.err
    assert stamp.read_text() == json.dumps({"layout": 99})


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"layout": null}'])
def test_a_damaged_stamp_is_refused(tmp_path: Path, text: str) -> None:
    """Never a traceback."""
    (tmp_path / "digits-smoke").mkdir()
    (tmp_path / "digits-smoke" / "run.json").write_text(text)
    with pytest.raises(StorageError, match=r"run\.json|layout"):
        prepare(tmp_path)


def test_a_run_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    answer = pipeline("train", "digits", "--runs", tmp_path / "file")
    assert answer.code == 1
    assert "cannot be read or written" in answer.err
    assert "--runs" in answer.err
    assert "Traceback" not in answer.err


def test_a_full_disk_is_one_sentence_and_leaves_no_artifact(tmp_path: Path) -> None:
    """The limit on file sizes stands for the disk: the system answers alike."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE_LIMIT, FILE_SIZE_LIMIT))

    finished = subprocess.run(
        [sys.executable, "-m", "pipeline", "train", "digits", "--runs", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert finished.returncode == 1
    assert "no space left" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not list(tmp_path.rglob("artifact.json"))
    assert prepare(tmp_path).facts.test == 359, "and the next build goes on"


def test_a_second_build_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    """With --no-wait it gives up at once."""
    prepare(tmp_path)
    folder = tmp_path / "digits-smoke"
    with FileLock(folder / ".lock"):
        (folder / "holder.json").write_text(json.dumps({"pid": 4711, "host": "there", "since": "noon"}))
        with pytest.raises(BusyError, match="process 4711 on there"):
            prepare(tmp_path, wait=False)
    assert prepare(tmp_path, wait=False).stage == "data"


def test_a_second_build_waits_for_the_first(tmp_path: Path) -> None:
    """And goes on by itself when the first is done."""
    prepare(tmp_path)
    lock = FileLock(tmp_path / "digits-smoke" / ".lock")
    lock.acquire()
    script = (
        "import sys; from pathlib import Path; from pipeline import recipe, runner, target\n"
        "from pipeline.console import Console\n"
        "runner.run(recipe.load('digits').smoke(), target.load('tflite'), runs=Path(sys.argv[1]),"
        " data=None, console=Console(), until='data')"
    )
    second = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.PIPE, text=True
    )
    assert second.stderr is not None
    try:
        assert "waiting" in second.stderr.readline()
        lock.release()
        assert "data: unchanged" in second.stderr.read()
        assert second.wait() == 0
    finally:
        second.kill()
        second.wait()
        second.stderr.close()


def test_an_edited_plugin_makes_its_stage_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its source stands in the key."""
    before = shelf.source_digest("models", "emnist_cnn")
    root = tmp_path / "pipeline"
    shutil.copytree(shelf.ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    with (root / "models" / "emnist_cnn.py").open("a") as file:
        file.write("# edited\n")
    monkeypatch.setattr(shelf, "ROOT", root)
    assert shelf.source_digest("models", "emnist_cnn") != before
    digits = recipe.load("digits").smoke()
    assert train.settings(digits, target.load("tflite"), None)["plugin"] != before
