"""``pipeline sweep``: real sweeps of smoke size, and what is refused before one begins."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from filelock import FileLock
from PIL import Image

from pipeline import recipe
from pipeline.artifacts import ConvertedModels
from pipeline.cli.app import INTERRUPTED
from tests.conftest import Answer, Pipeline, SmokeBuild, pipeline
from tests.listening import listening
from tests.pipeline.cli import fresh

SMOKE = ("--profile", "smoke")
EPOCHS = ("--over", "train.epochs=1,2")
WAIT_SECONDS = 120
"""For another process to get somewhere; generous, because machines are busy."""


def run(runs: Path, *arguments: str | Path) -> Answer:
    """Sweeps digits at smoke size in a fresh process."""
    return pipeline("sweep", "digits", *SMOKE, "--runs", runs, *arguments)


@pytest.fixture(scope="module")
def swept(smoke_build: SmokeBuild, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """A sweep over epochs in a run folder where `pipeline build` has been: (run folder, answer)."""
    runs = tmp_path_factory.mktemp("sweep") / "runs"
    shutil.copytree(smoke_build.runs, runs, symlinks=True)
    answer = run(runs, *EPOCHS, "--json")
    assert answer.code == 0, answer.err
    return runs, answer


@pytest.mark.slow
def test_a_sweep_gives_a_row_for_every_file(swept: tuple[Path, Answer]) -> None:
    """With all figures."""
    rows = swept[1].json["rows"]
    assert [(row["variant"], row["scheme"]) for row in rows] == [
        ("epochs=1", "float32"), ("epochs=1", "int8"), ("epochs=2", "float32"), ("epochs=2", "int8"),
    ]  # fmt: skip
    assert rows[0]["times_faster"] == 1
    assert any(row["front"] for row in rows)
    for row in rows:
        assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]
        assert row["zip_bytes"] < row["bytes"]
        assert row["latency_us_q1"] <= row["latency_us"] <= row["latency_us_q3"]
        assert row["problem"] is None


@pytest.mark.slow
def test_what_a_build_has_made_is_not_made_again(swept: tuple[Path, Answer], smoke_build: SmokeBuild) -> None:
    """Data once for all, the training of two epochs from the build; and the very same files."""
    before, (first, second) = swept[1].err.split("variant 1 of 2")[0], swept[1].err.split("variant 2 of 2")
    assert before == ""
    assert "data: unchanged" in first
    assert "epoch 1/1" in first
    assert "train: unchanged" in second
    built = ConvertedModels.read(smoke_build.stage("convert"))
    rows = {(row["variant"], row["scheme"]): row for row in swept[1].json["rows"]}
    for scheme in ("float32", "int8"):
        assert rows["epochs=2", scheme]["sha256"] == built.variant(scheme).sha256
    verify = second[second.index("\nverify") :]
    assert "litert int8" not in verify, "measured by the build"


@pytest.mark.slow
def test_the_same_sweep_again_makes_nothing_and_measures_latency_anew(swept: tuple[Path, Answer]) -> None:
    """Latencies of two runs do not compare: they are not kept."""
    runs, first = swept
    again = run(runs, *EPOCHS, "--json")
    assert again.code == 0, again.err
    stages = [line for line in again.err.splitlines() if line.split(":")[0] in ("data", "train", "verify")]
    assert stages == ["data: unchanged", "train: unchanged", "verify: unchanged"] * 2
    assert "latency on litert: 21 rounds" in again.err
    kept = ("variant", "scheme", "accuracy", "zip_bytes", "sha256")
    assert [[row[key] for key in kept] for row in again.json["rows"]] == [
        [row[key] for key in kept] for row in first.json["rows"]
    ]
    assert [row["latency_us"] for row in again.json["rows"]] != [
        row["latency_us"] for row in first.json["rows"]
    ]


@pytest.mark.slow
def test_table_and_files(swept: tuple[Path, Answer], tmp_path: Path) -> None:
    """The files hold what --json prints; the picture is one; --out says where."""
    runs = swept[0]
    first = run(runs, *EPOCHS, "--json")
    files = {kind: Path(path) for kind, path in first.json["files"].items()}
    assert files["json"].parent.parent == runs / "sweeps"
    document = json.loads(files["json"].read_text("utf-8"))
    assert document == {key: value for key, value in first.json.items() if key != "files"}
    with Image.open(files["png"]) as image:
        assert image.size == (1200, 800)
    answer = run(runs, *EPOCHS, "--out", tmp_path / "out", "--quiet")
    assert answer.code == 0
    assert answer.err == ""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "sweep.csv", "sweep.json", "sweep.png",
    ]  # fmt: skip
    lines = answer.out.splitlines()
    assert lines[0] == "data      359 digits test images, trained on 1,438 digits train images"
    assert [line.split()[:2] for line in lines[3:7]] == [
        ["epochs=1", "float32"], ["epochs=1", "int8"], ["epochs=2", "float32"], ["epochs=2", "int8"],
    ]  # fmt: skip
    assert "profile smoke" in answer.out
    assert f"written   {tmp_path / 'out' / 'sweep.csv'}" in lines


@pytest.mark.slow
def test_a_failed_gate_shows_in_its_row_and_stops_nothing(swept: tuple[Path, Answer]) -> None:
    """A sweep explores: exit code 0."""
    answer = run(swept[0], *EPOCHS, "--set", "verify.gates.int8.max_bytes=1000")
    assert answer.code == 0
    rows = [line for line in answer.out.splitlines() if line.strip().startswith("epochs=")][:4]
    assert ["gate FAILED" in row for row in rows] == [False, True, False, True]
    assert "epochs=1: gate failed: int8 on litert: max_bytes is 1000, measured" in answer.out


@pytest.mark.slow
def test_a_variant_that_cannot_be_made_leaves_the_others(swept: tuple[Path, Answer]) -> None:
    """Its row says why; exit code 1, because not everything was measured."""
    runs = swept[0]
    answer = run(runs, "--over", "dataset.max_train=10,5000", "--json")
    assert answer.code == 1
    assert "error: 1 of 3 rows could not be measured, see above" in answer.err
    assert "Traceback" not in answer.err
    missing, *rows = answer.json["rows"]
    assert "max_train = 10 is too few for 10 classes" in missing["problem"]
    assert (missing["scheme"], missing["accuracy"], missing["times_faster"]) == (None, None, None)
    assert [(row["scheme"], row["problem"]) for row in rows] == [("float32", None), ("int8", None)]
    assert all(row["latency_us"] > 0 for row in rows)


@pytest.mark.slow
def test_a_chain_that_the_model_cannot_take_is_a_row(swept: tuple[Path, Answer], tmp_path: Path) -> None:
    """Found by the scan of the trained model; the variants beside it are measured."""
    own = tmp_path / "own.toml"
    digits = (recipe.FOLDER / "digits.toml").read_text("utf-8")
    own.write_text(f'name = "digits"\n{digits}\n[[optimize]]\nname = "prune"\nlayers = ["dense_9"]\n')
    over = ("--over", "optimize=none,prune", "--schemes", "int8", "--json")
    answer = pipeline("sweep", own, *SMOKE, "--runs", swept[0], *over)
    assert answer.code == 1, answer.err
    made, missing = answer.json["rows"]
    assert made["problem"] is None
    assert "unknown layer 'dense_9'" in missing["problem"]
    assert "did you mean 'dense_1'?" in missing["problem"]


@pytest.mark.slow
def test_two_recipes_stand_in_one_table(swept: tuple[Path, Answer], tmp_path: Path) -> None:
    """Measured on the same images, compared with the first."""
    compact = tmp_path / "compact.toml"
    compact.write_text(
        '[dataset]\nname = "digits"\nvalidation = 0.1\n[model]\nname = "emnist_cnn"\n'
        "blocks = [{ filters = 4, convolutions = 1 }]\ndense = [16]\n[train]\nbatch = 32\n"
    )
    runs = swept[0]
    answer = pipeline("sweep", "digits", compact, *SMOKE, "--runs", runs, "--schemes", "int8", "--json")
    assert answer.code == 0, answer.err
    first, second = answer.json["rows"]
    assert (first["variant"], second["variant"]) == ("digits", "compact")
    assert first["test_set_sha256"] == second["test_set_sha256"]
    assert second["bytes"] < first["bytes"]
    assert second["times_faster"] > 1
    assert len(answer.json["data"]) == 1
    assert (runs / "compact-smoke").is_dir()


@pytest.mark.slow
def test_a_sweep_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    """What the first variant made is kept; Ctrl-C ends with 130."""
    command = listening("-m", "pipeline", "sweep", "digits", *SMOKE, "--runs", str(tmp_path), *EPOCHS)
    environment = {key: value for key, value in os.environ.items() if key != "PIPELINE_DATA"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stderr is not None
    deadline = time.monotonic() + WAIT_SECONDS
    for line in process.stderr:
        if line.startswith("variant 2 of 2") or time.monotonic() > deadline:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == INTERRUPTED
    answer = run(tmp_path, *EPOCHS)
    assert answer.code == 0, answer.err
    first, _ = answer.err.split("variant 2 of 2")
    assert "train: unchanged" in first
    assert "verify: unchanged" in first


def test_a_run_folder_that_another_build_holds_stops_the_sweep(cli: Pipeline, tmp_path: Path) -> None:
    """Every variant would meet it: no row for each."""
    (tmp_path / "digits-smoke").mkdir()
    with FileLock(tmp_path / "digits-smoke" / ".lock"):
        answer = cli("sweep", "digits", *SMOKE, "--runs", tmp_path, "--no-wait")
    assert (answer.code, answer.out) == (1, "")
    assert "is building into it" in answer.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Missing argument 'RECIPE...'"),
        (("digts",), "did you mean 'digits'?"),
        (("digits", "--over", "optimize=none,pquat"), "did you mean 'pqat'?"),
        (("digits", "--over", "train.epochs"), "write it as KEY=V1,V2"),
        (("digits", "--over", "train.epochs=1,0"), "train.epochs: "),
        (("digits", "--schemes", "int9"), "unknown scheme 'int9'"),
        (("digits", "--runtime", "liter"), "did you mean 'litert'?"),
        (("digits", "--target", "tflight"), "did you mean 'tflite'?"),
        (("digits", "--data", "nowhere"), "--data names 'nowhere', which is no folder"),
    ],
)
def test_wrong_usage_is_found_before_anything_runs(
    cli: Pipeline, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    """Exit code 2, and no run folder."""
    answer = cli("sweep", *arguments, "--runs", tmp_path / "runs")
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err
    assert not (tmp_path / "runs").exists()


def test_an_absent_runtime_is_said_before_anything_is_trained(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing could be measured."""
    monkeypatch.setattr("pipeline.runtimes.litert.missing", lambda _name: "it is not installed")
    answer = cli("sweep", "digits", *SMOKE, "--runs", tmp_path)
    assert answer.code == 1
    assert "runtime 'litert' is absent, nothing could be measured: it is not installed" in answer.err
    assert not (tmp_path / "digits-smoke").exists()


def test_wrong_usage_loads_neither_tensorflow_nor_matplotlib(tmp_path: Path) -> None:
    """It is answered at once."""
    answer = fresh.run("sweep", "digits", "--over", "optimize=pquat", "--runs", tmp_path)
    assert answer.code == 2
    assert answer.loaded(*fresh.TENSORFLOW, "matplotlib", "ai_edge_litert") == set()


@pytest.mark.slow
@pytest.mark.tensorflow
def test_what_the_optimisations_are_for_shows_in_the_zip_sizes(tmp_path: Path) -> None:
    """Pruned and clustered weights pack; quantised ones more so."""
    chains = "optimize=none,prune,cluster,qat,pqat,cqat,pcqat"
    answer = run(tmp_path, "--over", chains, "--json")
    assert answer.code == 0, answer.err
    rows = answer.json["rows"]
    size = {(row["variant"], row["scheme"]): row["zip_bytes"] for row in rows}
    assert list(size) == [
        ("none", "float32"), ("none", "int8"), ("prune", "float32"), ("prune", "int8"),
        ("cluster", "float32"), ("cluster", "int8"), ("qat", "int8"), ("pqat", "int8"), ("cqat", "int8"),
        ("pcqat", "int8"),
    ]  # fmt: skip
    assert size["pcqat", "int8"] == min(size.values())
    assert size["pqat", "int8"] < size["qat", "int8"]
    assert size["cqat", "int8"] < size["qat", "int8"]
    assert size["prune", "int8"] < size["none", "int8"] < size["none", "float32"]
    assert size["cluster", "int8"] < size["none", "int8"]
    assert all(row["problem"] is None for row in rows)
    assert answer.json["rows"][[*size].index(("pcqat", "int8"))]["front"]
