"""The verify stage: wrong models fail, absent runtimes say why, and nobody else opens the test set."""

import ast
import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline import recipe, runtimes, target
from pipeline.artifacts import Artifact, ConvertedModels, FileRecord, PreparedData, VerifiedModel, sha256
from pipeline.console import Console
from pipeline.parity.report import failures, notes, unexpected
from pipeline.runtimes import litert, tflite_runtime
from pipeline.sections import ExpectSection
from pipeline.stages import STAGES, Work, verify
from pipeline.stages.data import Part
from pipeline.stages.data import test_part as of_test
from tests.conftest import SmokeBuild

ROOT = Path(__file__).parents[3]


def work(smoke_build: SmokeBuild, tmp_path: Path, converted: ConvertedModels | None = None) -> Work:
    """The verify stage of the smoke build, to be run anew."""
    (tmp_path / "verify").mkdir()
    inputs: dict[str, Artifact] = {
        "data": PreparedData.read(smoke_build.stage("data")),
        "convert": converted or ConvertedModels.read(smoke_build.stage("convert")),
    }
    chosen = recipe.load("digits", overrides={"verify.runtimes": '["keras", "litert", "tflite_runtime"]'})
    return Work(
        stage=next(stage for stage in STAGES if stage.name == "verify"),
        key="0",
        recipe=chosen.smoke(),
        target=target.load("tflite"),
        data=None,
        folder=tmp_path / "verify",
        run=tmp_path,
        console=Console(quiet=True),
        inputs=inputs,
        made_by={},
    )


def run(work: Work) -> VerifiedModel:
    """Runs the stage."""
    verified = verify.run(work)
    assert isinstance(verified, VerifiedModel)
    return verified


def spoilt(smoke_build: SmokeBuild, folder: Path, content: bytes) -> ConvertedModels:
    """The converted models with another int8 file."""
    shutil.copytree(smoke_build.stage("convert"), folder)
    (folder / "int8.tflite").write_bytes(content)
    artifact = ConvertedModels.read(smoke_build.stage("convert"))
    record = FileRecord(sha256=sha256(folder / "int8.tflite"), bytes=len(content))
    return artifact.model_copy(update={"files": {**artifact.files, "int8.tflite": record}}).placed(folder)


def test_a_wrong_model_is_a_failed_row_with_its_numbers(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """Weights of the first Dense layer zeroed: it runs, and is wrong."""
    content = bytearray((smoke_build.stage("convert") / "int8.tflite").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = bytes(20_000)
    verified = run(work(smoke_build, tmp_path, spoilt(smoke_build, tmp_path / "spoilt", bytes(content))))
    assert not verified.passed
    cells = [cell for cell in verified.cells if cell.scheme == "int8"]
    assert [cell.status for cell in cells] == ["ran", "ran"]
    for cell in cells:
        assert cell.agreement is not None
        assert cell.agreement < 0.9
        assert cell.accuracy_drop_points is not None
        assert cell.accuracy_drop_points > 5
    failed = [(gate.scheme, gate.gate) for gate in verified.gates if not gate.passed]
    assert failed == [("int8", "max_accuracy_drop_points")] * 2


def test_a_file_that_no_runtime_takes_fails_its_gate(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """The other schemes are measured all the same."""
    converted = spoilt(smoke_build, tmp_path / "spoilt", b"\0\0\0\0TFL3" + bytes(64))
    verified = run(work(smoke_build, tmp_path, converted))
    status = {(cell.scheme, cell.runtime): cell.status for cell in verified.cells}
    assert status["int8", "litert"] == "failed"
    assert status["float32", "litert"] == "ran"
    assert {gate.gate for gate in verified.gates if not gate.passed} >= {"runs", "readable"}
    assert any("int8.tflite" in text for text in failures(verified.gates))
    assert verified.delegation == ()
    assert all(cell.reason for cell in verified.cells if cell.status == "failed")


def test_an_absent_runtime_is_a_row_that_says_why(
    smoke_build: SmokeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no pass: it has no gate."""
    monkeypatch.setattr(tflite_runtime, "missing", lambda name: f"{name} is not installed")
    verified = run(work(smoke_build, tmp_path))
    absent = [cell for cell in verified.cells if cell.runtime == "tflite_runtime"]
    assert {cell.status for cell in absent} == {"absent"}
    assert {cell.reason for cell in absent} == {"tflite-runtime is not installed"}
    assert not [gate for gate in verified.gates if gate.runtime == "tflite_runtime"]
    assert verified.passed


def test_cells_that_were_measured_are_not_measured_again(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """After a kill, verification goes on with the next one."""
    task = work(smoke_build, tmp_path)
    first = run(task)
    kept = sorted((tmp_path / "cells").glob("*.json"))
    assert len(kept) == 2 * 5 + 1, "each file on each runtime, and the reference"
    written = {path: path.stat().st_mtime_ns for path in kept}
    kept[0].unlink()
    shutil.rmtree(task.scratch)
    assert run(task) == first
    again = {path: path.stat().st_mtime_ns for path in kept}
    assert [path for path in kept if again[path] != written[path]] == [kept[0]]


def test_expectations_are_compared_on_the_same_train_set_alone(smoke_build: SmokeBuild) -> None:
    """A figure of another train set says nothing."""
    facts = PreparedData.read(smoke_build.stage("data")).facts
    cells = VerifiedModel.read(smoke_build.stage("verify")).cells
    for images, sentences in ((1438, 4), (1000, 0)):
        expect = ExpectSection(train_images=images, accuracy_percent={"int8": 99.99})
        assert len(unexpected(expect, facts, cells)) == sentences
    assert not unexpected(None, facts, cells)


def test_a_slow_runtime_is_given_a_sample(
    smoke_build: SmokeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cell is measured on them, says so, and is no ground for a pass or a picture."""
    monkeypatch.setattr(litert, "MAX_IMAGES", 100, raising=False)
    task = work(smoke_build, tmp_path)
    verified = run(task)
    cells = {(cell.scheme, cell.runtime): cell for cell in verified.cells}
    few, all_of_it = cells["int8", "litert"], cells["int8", "tflite_runtime"]
    assert (few.images, few.test_images) == (100, 359)
    assert (all_of_it.images, all_of_it.test_images) == (359, None)
    assert cells["float32", "litert"].agreement == 1.0, "the same images of both"
    assert notes(verified.cells) == ["litert: a sample of 100 of the 359 images"]
    assert verified.outputs_of == "tflite_runtime"
    assert not unexpected(
        ExpectSection(train_images=1438, accuracy_percent={"int8": 99.99}),
        PreparedData.read(smoke_build.stage("data")).facts,
        [few],
    )
    monkeypatch.setattr(litert, "MAX_IMAGES", 50, raising=False)
    again = next(cell for cell in run(task).cells if (cell.scheme, cell.runtime) == ("int8", "litert"))
    assert again.images == 50, "another count is another cell"


def test_the_sample_holds_every_class_in_its_share(
    smoke_build: SmokeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos stand by class: the first ones would be of one class alone."""
    monkeypatch.setattr(litert, "MAX_IMAGES", 100, raising=False)
    task = work(smoke_build, tmp_path)
    part = of_test(task.input(PreparedData))
    ordered = Part(part.images, np.sort(part.labels))
    measuring = verify._Measuring(task, ordered, task.input(ConvertedModels))
    rows = measuring._rows("litert")
    assert rows is not None
    assert rows == measuring._rows("litert") == tuple(sorted(set(rows)))
    assert measuring._rows("tflite_runtime") is None
    shares = np.bincount(ordered.labels) / len(ordered.labels) * 100
    assert np.abs(np.bincount(ordered.labels[list(rows)]) - shares).max() <= 1


def test_another_driver_is_another_cell(
    smoke_build: SmokeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version of the package alone does not tell on what it ran."""
    task = work(smoke_build, tmp_path)
    measuring = verify._Measuring(task, of_test(task.input(PreparedData)), task.input(ConvertedModels))
    before = measuring._path("litert", "int8.tflite")
    monkeypatch.setattr(litert, "identity", lambda: "another driver", raising=False)
    assert measuring._path("litert", "int8.tflite") != before
    named = verify.settings(task.recipe, task.target, None)["runtimes"]
    assert named["litert"][2] == "another driver"


@pytest.mark.slow
def test_the_accelerators_part_stands_beside_the_rules(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """On a real driver: what ships for a GPU is taken whole, by the rules and by the run."""
    if reason := runtimes.unavailable("litert_gpu"):
        pytest.skip(reason)
    task = work(smoke_build, tmp_path)
    chosen = recipe.load("digits", overrides={"verify.runtimes": '["keras", "litert", "litert_gpu"]'}).smoke()
    verified = run(dataclasses.replace(task, recipe=chosen, target=target.load("android-gpu")))
    gpu = next(record for record in verified.delegation if record.delegate == "gpu")
    (measured,) = (one for one in gpu.measured if one.runtime == "litert_gpu")
    assert measured.status == "ran"
    assert measured.run is not None
    assert measured.run.taken == measured.run.ops == gpu.ops == gpu.delegated
    assert measured.run.driver
    assert measured.disagreements == ()


def test_the_runtimes_of_the_target_are_in_the_settings() -> None:
    """Those that stand in for its delegates too, so that installing one verifies anew."""
    chosen = recipe.load("digits")
    on = {n: verify.settings(chosen, target.load(n), None)["runtimes"] for n in ("tflite", "android-gpu")}
    assert "litert_gpu" not in on["tflite"]
    assert on["android-gpu"]["litert_gpu"][1] == 500


def test_an_error_of_any_file_fails_the_build(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """A floor below what the dynamic-range file needs, 2.4: every runtime of this machine still runs it."""
    stated = ConvertedModels.read(smoke_build.stage("convert"))
    old = stated.model_copy(update={"runtime_floor": "2.3.0"}).placed(stated.folder)
    verified = run(work(smoke_build, tmp_path, old))
    failed = [gate for gate in verified.gates if not gate.passed]
    assert {(gate.scheme, gate.runtime, gate.gate) for gate in failed} == {("dynamic_range", "file", "P004")}
    assert not verified.passed
    (sentence,) = failures(verified.gates)
    assert sentence.startswith("dynamic_range: P004 op ")
    assert "needs TensorFlow Lite 2.4.0, the runtime floor is 2.3.0" in sentence
    assert "pipeline explain P004" in sentence


def test_what_ships_must_be_delegated_where_the_target_requires_it(
    smoke_build: SmokeBuild, tmp_path: Path
) -> None:
    """XNNPACK leaves the change of signedness at a uint8 door to the reference kernels."""
    task = work(smoke_build, tmp_path)
    strict = task.target.model_copy(update={"require_full_delegation": True})
    verified = run(dataclasses.replace(task, target=strict))
    failed = [gate for gate in verified.gates if not gate.passed]
    assert [(gate.scheme, gate.runtime) for gate in failed] == [("int8", "xnnpack")]
    assert not verified.passed
    (kept,) = verified.delegation
    assert not kept.full
    assert kept.delegated + len(kept.staying) == kept.ops
    assert "QUANTIZE" in failures(verified.gates)[0]


def test_what_ships_must_fit_the_targets_budget(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """Other schemes may be larger."""
    task = work(smoke_build, tmp_path)
    small = task.target.model_copy(update={"max_bytes": 10_000})
    failed = [gate for gate in run(dataclasses.replace(task, target=small)).gates if not gate.passed]
    assert {(gate.scheme, gate.gate) for gate in failed} == {("int8", "max_bytes")}


def test_the_test_set_is_opened_by_the_verify_stage_alone() -> None:
    """Whoever else called for it could tune on it."""
    callers = set()
    for path in (ROOT / "pipeline").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Name | ast.Attribute | ast.alias):
                name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
                if name == "test_part":
                    callers.add(path.relative_to(ROOT).as_posix())
    assert callers == {"pipeline/stages/verify.py"}
