"""``pipeline build`` and the commands of single stages: what is chosen, printed, refused, left behind."""

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import recipe, runner, runtimes, target
from pipeline.console import Console
from pipeline.datasets import emnist
from pipeline.release.manifest import read
from pipeline.stages import STAGES
from tests.conftest import Answer, Pipeline, SmokeBuild, pipeline
from tests.pipeline.datasets.emnist_files import write_variant
from tests.pipeline.datasets.idx_files import IdxSet, image_bytes, label_bytes, write, write_set

SMOKE = ("--profile", "smoke")


OFFLINE = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
"""A proxy that refuses: NIST's server does not answer, wherever the tests run."""


@pytest.fixture
def runs(smoke_build: SmokeBuild, tmp_path: Path) -> Path:
    """A copy of the finished smoke build: building again finds every stage."""
    shutil.copytree(smoke_build.runs, tmp_path / "runs", symlinks=True)
    return tmp_path / "runs"


@pytest.mark.tensorflow
def test_json_of_a_build_is_one_document_with_every_stage(smoke_build: SmokeBuild) -> None:
    """Artifacts, keys, where the bundle is; progress on stderr."""
    document = smoke_build.answer.json
    stages = [stage.name for stage in STAGES]
    assert [stage["stage"] for stage in document["stages"]] == stages
    assert list(document["artifacts"]) == stages
    assert Path(document["run"]) == smoke_build.folder
    assert Path(document["bundle"]) == smoke_build.bundle
    assert (smoke_build.bundle / "manifest.json").is_file()
    assert document["artifacts"]["verify"]["passed"] is True
    for stage in stages:
        assert f"\n{stage}\n" in f"\n{smoke_build.answer.err}"


@pytest.mark.tensorflow
def test_the_table_of_a_build_says_what_a_reader_wants_first(cli: Pipeline, runs: Path) -> None:
    """Which data, how good the model is, each scheme on each runtime, where the bundle is."""
    answer = cli("build", "digits", *SMOKE, "--runs", runs)
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0] == "data      359 digits test images, trained on 1,438 digits train images"
    assert lines[1].startswith("model     emnist_cnn, ")
    assert lines[2].startswith("keras     ")
    assert lines[-2] == f"pictures  {runs / 'digits-smoke' / 'pictures'}"
    assert lines[-1] == f"bundle    {runs / 'digits-smoke' / 'bundle-tflite'}"
    verified = json.loads((runs / "digits-smoke" / "bundle-tflite" / "manifest.json").read_text("utf-8"))
    cells = verified["verification"]["cells"]
    table, below = lines[5 : 5 + len(cells)], lines[5 + len(cells) : -2]
    assert {tuple(line.split()[:2]) for line in table} == {(c["scheme"], c["runtime"]) for c in cells}
    (kept,) = verified["verification"]["delegation"]
    assert below[0].startswith(f"delegate  xnnpack: {kept['delegated']} of {kept['ops']} ops in ")
    for line, op in zip(below[1:], kept["staying"], strict=False):
        assert line.startswith(f"          stays: {op['op']} #{op['index']}")
    assert answer.err == "".join(f"{stage.name}: unchanged\n" for stage in STAGES)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_build_for_a_gpu_runs_on_one_and_says_how_an_app_opens_it(cli: Pipeline, runs: Path) -> None:
    """LiteRT's GPU accelerator takes every op and answers as the CPU does; the plan stands in the bundle."""
    reason = runtimes.unavailable("litert_gpu")
    if reason is not None:
        pytest.skip(f"litert_gpu: {reason}")
    answer = cli("build", "digits", *SMOKE, "--runs", runs, "--target", "android-gpu")
    assert answer.code == 0, answer.err
    manifest = read(runs / "digits-smoke" / "bundle-android-gpu")
    cells = [cell for cell in manifest.verification.cells if cell.runtime == "litert_gpu"]
    assert {(cell.scheme, cell.status, cell.images) for cell in cells} == {
        (scheme, "ran", 359) for scheme in ("float32", "float16", "int8")
    }
    assert manifest.model.delegate_plan.gpu is not None
    assert manifest.model.delegate_plan.gpu.precision_loss_allowed
    assert [(kept.delegate, kept.full) for kept in manifest.verification.delegation] == [
        ("gpu", True),
        ("xnnpack", True),
    ]
    gates = [gate for gate in manifest.verification.gates if gate.gate == "require_full_delegation"]
    assert [(gate.scheme, gate.runtime, gate.passed) for gate in gates] == [("float16", "gpu", True)]
    assert "delegate  gpu: " in answer.out


@pytest.mark.tensorflow
def test_quiet_says_nothing_but_the_result(cli: Pipeline, runs: Path) -> None:
    """For scripts."""
    answer = cli("build", "digits", *SMOKE, "--runs", runs, "--quiet")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("data ")


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("command", "until"),
    [
        ("train", "train"),
        ("optimize", "optimize"),
        ("convert", "convert"),
        ("verify", "verify"),
        ("bundle", "bundle"),
    ],
)
def test_a_command_of_one_stage_runs_what_it_needs_and_no_more(
    cli: Pipeline, runs: Path, command: str, until: str
) -> None:
    """Stages up to its own, in order."""
    document = cli(command, "digits", *SMOKE, "--runs", runs, "--json").json
    names = [stage.name for stage in STAGES]
    assert [stage["stage"] for stage in document["stages"]] == names[: names.index(until) + 1]
    assert (document["bundle"] is None) is (until != "bundle")


@pytest.mark.tensorflow
def test_the_convert_stage_lists_its_files(cli: Pipeline, runs: Path) -> None:
    """With sizes, as they lie and as a store ships them."""
    answer = cli("convert", "digits", *SMOKE, "--runs", runs)
    rows = [line.split() for line in answer.out.splitlines()[4:]]
    assert [row[0] for row in rows] == ["float32", "float16", "dynamic_range", "int8", "int16x8"]
    for _, size, zipped, file in rows:
        assert Path(file).stat().st_size == int(size.replace(",", "")) > int(zipped.replace(",", ""))


@pytest.mark.tensorflow
def test_without_recipe_and_data_digits_is_built_and_that_is_said(runs: Path) -> None:
    """No data is passed off as another set; the stages themselves are found finished."""
    answer = pipeline("build", *SMOKE, "--runs", runs, "--json", cwd=runs, env=OFFLINE)
    assert answer.code == 0
    assert Path(answer.json["run"]).name == "digits-smoke"
    assert answer.json["artifacts"]["data"]["facts"]["name"] == "digits"
    (warning,) = (line for line in answer.err.splitlines() if line.startswith("warning: "))
    assert "EMNIST needs a data folder: name it with --data or PIPELINE_DATA" in warning
    assert "Building 'digits' instead: the 1,797 handwritten digits of scikit-learn" in warning
    assert "Its figures say nothing about 'emnist'" in warning


@pytest.mark.tensorflow
def test_quiet_still_says_that_other_data_is_used(runs: Path) -> None:
    """It changes what the figures mean."""
    answer = pipeline("build", *SMOKE, "--runs", runs, "--quiet", cwd=runs, env=OFFLINE)
    assert answer.code == 0
    (line,) = answer.err.splitlines()
    assert line.startswith("warning: ")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the recipes that the command would build; nothing is built."""
    names: list[str] = []
    monkeypatch.setattr("pipeline.cli._build.run", lambda recipe, *_, **__: names.append(recipe.name))
    return names


def answering(monkeypatch: pytest.MonkeyPatch, *, there: bool) -> list[Path]:
    """Puts a made-up server in NIST's place; gives the folders that are fetched into."""
    fetched: list[Path] = []
    monkeypatch.setattr(emnist, "fetchable", lambda _options: there)
    monkeypatch.setattr(emnist, "fetch", lambda _options, data, _console: fetched.append(data))
    return fetched


def test_without_recipe_emnist_is_built_where_its_data_is(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: list[str]
) -> None:
    """Nothing is asked of the network."""
    write_variant(tmp_path / "emnist", "bymerge")
    monkeypatch.delattr(emnist, "fetchable")
    answer = cli("build", "--data", tmp_path)
    assert (answer.code, answer.err) == (0, "")
    assert built == ["emnist"]


def test_without_recipe_emnist_is_fetched_where_the_server_answers(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: list[str]
) -> None:
    """Into the data folder that was named, and it is said."""
    fetched = answering(monkeypatch, there=True)
    answer = cli("build", "--data", tmp_path)
    assert answer.code == 0
    assert (built, fetched) == (["emnist"], [tmp_path])
    assert f"fetching it now into {tmp_path}" in answer.err


def test_without_recipe_and_server_digits_is_built(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: list[str]
) -> None:
    """The files that are missing are named."""
    fetched = answering(monkeypatch, there=False)
    answer = cli("build", "--data", tmp_path)
    assert answer.code == 0
    assert (built, fetched) == (["digits"], [])
    assert "missing emnist-bymerge-mapping.txt" in answer.err
    assert "Building 'digits' instead" in answer.err


def test_damaged_data_is_an_error_and_no_reason_for_other_data(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: list[str]
) -> None:
    """The user has EMNIST and wants it."""
    write_variant(tmp_path / "emnist", "bymerge")
    (tmp_path / "emnist" / "emnist-bymerge-mapping.txt").write_text("damaged\n", "utf-8")
    fetched = answering(monkeypatch, there=True)
    answer = cli("build", "--data", tmp_path)
    assert (answer.code, built, fetched) == (1, [], [])
    assert "emnist-bymerge-mapping.txt:1: 'damaged' is not 'label code" in answer.err


def test_a_recipe_that_is_named_is_never_replaced(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is its data fetched unasked."""
    fetched = answering(monkeypatch, there=True)
    answer = cli("build", "emnist", "--data", tmp_path, "--runs", tmp_path / "runs")
    assert (answer.code, answer.out, fetched) == (1, "", [])
    assert "get the set with `pipeline data get emnist" in answer.err


@pytest.mark.tensorflow
@pytest.mark.parametrize("as_json", [False, True])
def test_a_failed_gate_gives_exit_code_3_and_bundles_nothing(
    cli: Pipeline, runs: Path, as_json: bool
) -> None:
    """The verdict is on stdout as JSON, the sentence on stderr; the old bundle stays as it was."""
    bundle = runs / "digits-smoke" / "bundle-tflite"
    before = bundle.resolve()
    gates = (
        'verify.runtimes=["tflite_runtime"]',
        "verify.gates.int8={max_bytes = 9}",
        "convert.schemes=['int8']",
    )
    options = [f"--set={gate}" for gate in gates] + (["--json"] if as_json else [])
    answer = cli("build", "digits", *SMOKE, "--runs", runs, *options)
    assert answer.code == 3
    assert answer.err.splitlines()[-1].startswith(
        "error: 1 gate(s) failed, nothing was bundled: int8 on tflite_runtime: max_bytes is 9, measured "
    )
    assert bundle.resolve() == before
    if as_json:
        assert answer.json["passed"] is False
        gates = answer.json["artifacts"]["verify"]["gates"]
        assert [gate["passed"] for gate in gates].count(False) == 1
        assert answer.json["bundle"] is None
    else:
        (row,) = (line for line in answer.out.splitlines() if "FAILED" in line)
        assert row.split()[:2] == ["int8", "tflite_runtime"]
        assert "bundle " not in answer.out


TRAIN, TEST = np.repeat([0, 1, 2], 10), np.repeat([0, 1, 2], 4)


@pytest.fixture(params=["", ".gz"])
def tiny(request: pytest.FixtureRequest, tmp_path: Path) -> IdxSet:
    """Thirty and twelve images, raw and gzipped."""
    return write_set(tmp_path / "data", train=TRAIN, test=TEST, side=8, suffix=request.param)


def build(cli: Pipeline, found: IdxSet, runs: Path, *more: str) -> Answer:
    """Builds a recipe file of one's own on the set."""
    path = found.write_recipe(runs.parent / "own.toml")
    return cli("build", path, "--data", found.folder, "--runs", runs, *more)


def cut(path: Path) -> None:
    """Takes away the end of a file."""
    path.write_bytes(path.read_bytes()[:-20])


DAMAGE: dict[str, tuple[Callable[[IdxSet], object], str, str]] = {
    "cut": (lambda found: cut(found.path("test", "images")), "test-images", "truncated:|stream ends early"),
    "magic": (
        lambda found: write(found.path("train", "images"), label_bytes(np.zeros(99))),
        "train-images",
        "no idx images file",
    ),
    "counts": (
        lambda found: write(found.path("train", "labels"), label_bytes(TRAIN[1:])),
        "train-labels",
        "holds 30 images, .* 29 labels: they are not of one set",
    ),
    "label": (
        lambda found: write(found.path("train", "labels"), label_bytes(TRAIN + 1)),
        "train-labels",
        "label 3 of image 20 stands for no class",
    ),
    "empty class": (
        lambda found: write(found.path("train", "labels"), label_bytes(TRAIN % 2)),
        "dataset 'idx'",
        r"class 2 \('c'\) has 0 train images",
    ),
    "left over": (
        lambda found: write(found.path("test", "labels"), label_bytes(TEST) + b"\0"),
        "test-labels",
        "bytes left over",
    ),
    "zero images": (
        lambda found: write(found.path("test", "images"), image_bytes(np.zeros((0, 8, 8), np.uint8))),
        "test-images",
        "the header says 0 x 8 x 8: damaged or empty",
    ),
    "size": (
        lambda found: write(found.path("test", "images"), image_bytes(np.zeros((12, 9, 8), np.uint8))),
        "test-images",
        "images of 9x8 pixels, not 8x8",
    ),
    "missing": (lambda found: found.path("test", "labels").unlink(), "test-labels", "missing"),
    "other kind": (
        lambda found: found.path("test", "images").write_bytes(
            b"\x1f\x8b rubbish" if found.suffix else gzip.compress(b"rubbish")
        ),
        "test-images",
        "not a gzip file|magic number",
    ),
}
"""What happened to the set: (the damage, what the error names, what it says)."""


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_data_is_one_sentence_and_leaves_no_half_made_stage(
    cli: Pipeline, tiny: IdxSet, tmp_path: Path, case: str
) -> None:
    """Exit code 1; after the files are mended the stage is made, not found."""
    runs, whole = tmp_path / "runs", {path: path.read_bytes() for path in tiny.folder.iterdir()}
    damage, names, says = DAMAGE[case]
    damage(tiny)
    answer = build(cli, tiny, runs)
    assert (answer.code, answer.out) == (1, "")
    *progress, last = answer.err.splitlines()
    assert all(line == "data" or line.startswith("  decode ") for line in progress)
    assert last.startswith("error: ")
    assert names in last
    assert re.search(says, last)
    left = list((runs / "own" / "stages").glob("*/*"))
    assert [path.name for path in left if path.suffix != ".partial"] == []
    for path, content in whole.items():
        path.write_bytes(content)
    made = runner.run(
        recipe.load(str(tmp_path / "own.toml")),
        target.load("tflite"),
        runs=runs,
        data=tiny.folder,
        console=Console(quiet=True),
        until="data",
    )
    assert [report.cached for report in made.reports] == [False]


def test_damage_comes_with_a_traceback_on_demand(cli: Pipeline, tmp_path: Path) -> None:
    """--debug, and the sentence all the same."""
    found = write_set(tmp_path / "data", train=TRAIN, test=TEST)
    cut(found.path("train", "images"))
    answer = build(cli, found, tmp_path / "runs", "--debug")
    assert answer.code == 1
    assert "Traceback" in answer.err
    assert answer.err.splitlines()[-1].startswith("error: ")


def test_a_file_in_the_place_of_the_run_folder_is_said(cli: Pipeline, tmp_path: Path) -> None:
    """With the option that names another."""
    (tmp_path / "runs").write_text("", "utf-8")
    answer = cli("build", "digits", "--runs", tmp_path / "runs")
    assert (answer.code, answer.out) == (1, "")
    assert "choose another folder with --runs" in answer.err


def test_a_recipes_name_is_not_taken_for_a_folder_of_that_name(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--runs .`` makes ./digits; convert and verify of the recipe must still work."""
    started: list[Any] = []
    monkeypatch.setattr("pipeline.cli._build.run", lambda *_, until: started.append(until))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    for command in ("convert", "verify"):
        assert cli(command, "digits").code == 0
    assert started == ["convert", "verify"]
