"""The accuracy guard from the command line: a model that int8 breaks, mended, or refused with exit code 3."""

import json
import shutil
from pathlib import Path

import pytest

from converters import stack
from converters.tflite.keras import load_keras
from pipeline.artifacts import FileRecord, OptimizedModel, sha256
from pipeline.stages.checkpoints import save_h5
from tests.conftest import SmokeBuild, pipeline
from tests.converters.spoilt import spoil

pytestmark = pytest.mark.tensorflow

SMOKE = ("digits", "--profile", "smoke", "--set", 'convert.schemes=["float32", "int8"]')
"""Without dynamic_range, which the spoilt model breaks too, and which is not guarded."""

GATE_POINTS = 5.0
"""Of a smoke build."""

HOPELESS = 10.0
"""Points that the spoilt model loses at int8 at least: 15 measured, where the gate allows 5."""

AROUND = ["conv_1_1", "conv_2_1"]
"""Between these stand pooling and dropout, and the channel that is a thousand times too large."""


@pytest.fixture(scope="module")
def spoilt(smoke_build: SmokeBuild, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs whose optimised model computes the same as before in float32, and nonsense at int8."""
    stack.load()
    runs = tmp_path_factory.mktemp("spoilt") / "runs"
    shutil.copytree(smoke_build.runs, runs, symlinks=True)
    (folder,) = (runs / "digits-smoke" / "stages" / "optimize").iterdir()
    artifact = OptimizedModel.read(folder)
    path = folder / "model.h5"
    save_h5(spoil(load_keras(path), *AROUND), path)
    record = FileRecord(sha256=sha256(path), bytes=path.stat().st_size)
    artifact.model_copy(update={"files": {**artifact.files, "model.h5": record}}).write(folder)
    return runs


@pytest.fixture
def runs(spoilt: Path, tmp_path: Path) -> Path:
    """A copy to build into."""
    shutil.copytree(spoilt, tmp_path / "runs", symlinks=True)
    return tmp_path / "runs"


@pytest.mark.slow
def test_the_guard_restores_two_layers_and_every_runtime_confirms_it(runs: Path) -> None:
    """Artifact, JSON, progress, manifest, model card; the bundled file passes its gates on the test set."""
    answer = pipeline("build", *SMOKE, "--runs", runs, "--set", "guard={}", "--json")
    assert answer.code == 0, answer.err
    found = answer.json["artifacts"]["convert"]["guard"]
    assert [layer["layer"] for layer in found["layers"] if layer["restored"]] == AROUND
    assert found["held"] is True
    assert found["drop_before_points"] >= HOPELESS
    assert found["drop_after_points"] <= found["limit_points"] == GATE_POINTS
    assert found["images"] == answer.json["artifacts"]["data"]["facts"]["validation"]
    (int8,) = (v for v in answer.json["artifacts"]["convert"]["variants"] if v["scheme"] == "int8")
    assert int8["bytes"] == found["bytes_after"] > found["bytes_before"]
    assert (int8["input"]["dtype"], int8["input"]["scale"], int8["input"]["zero_point"]) == ("uint8", 1.0, 0)
    cells = [c for c in answer.json["artifacts"]["verify"]["cells"] if c["scheme"] == "int8"]
    assert {"litert", "tflite", "tflite_reference"} <= {c["runtime"] for c in cells if c["status"] == "ran"}
    assert all(c["accuracy_drop_points"] <= GATE_POINTS for c in cells if c["status"] == "ran")
    assert "guard: plain int8: " in answer.err
    bundle = Path(answer.json["bundle"])
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert manifest["guard"] == found
    card = (bundle / "MODEL_CARD.md").read_text("utf-8")
    assert "## Accuracy guard" in card
    assert "with conv_1_1, conv_2_1 in float32" in card
    again = pipeline("convert", *SMOKE, "--runs", runs, "--set", "guard={}")
    assert again.err.splitlines()[-1] == "convert: unchanged"
    guarded = next(line for line in again.out.splitlines() if line.startswith("guard "))
    assert "with conv_1_1, conv_2_1 in float32" in guarded


@pytest.mark.slow
def test_a_gate_out_of_reach_ends_with_code_3_the_best_file_and_why(runs: Path) -> None:
    """One layer is not enough; nothing is lost, and the next attempt starts where this one ended."""
    options = ("--runs", runs, "--set", "guard.layers=1")
    answer = pipeline("build", *SMOKE, *options)
    assert answer.code == 3
    (error,) = (line for line in answer.err.splitlines() if line.startswith("error: "))
    assert "the accuracy guard did not reach the gate: int8 drops +" in error
    assert "1 layers may be restored of " in error
    best = Path(error.split("the best file is ")[1].split(";")[0])
    assert best.is_file()
    table = [line.split() for line in answer.out.splitlines()]
    assert ["conv_1_1", "CONV_2D"] in [row[:2] for row in table]
    again = pipeline("build", *SMOKE, *options, "--json")
    assert again.code == 3
    assert again.err.splitlines()[:4] == [f"{s}: unchanged" for s in ("data", "train", "optimize", "convert")]
    assert again.json["artifacts"]["convert"]["guard"]["held"] is False
    assert again.json["bundle"] is None
    assert best.stat().st_size == again.json["artifacts"]["convert"]["guard"]["bytes_after"]
    mended = pipeline("convert", *SMOKE, "--runs", runs, "--set", "guard.layers=2")
    assert mended.code == 0
    assert mended.err.splitlines()[:3] == [f"{s}: unchanged" for s in ("data", "train", "optimize")]


@pytest.mark.slow
def test_a_sound_model_is_left_alone(smoke_build: SmokeBuild, tmp_path: Path) -> None:
    """It says so, and int8 is the file of a build without a guard."""
    shutil.copytree(smoke_build.runs, tmp_path / "runs", symlinks=True)
    answer = pipeline("convert", *SMOKE, "--runs", tmp_path / "runs", "--set", "guard={}", "--json")
    found = answer.json["artifacts"]["convert"]
    assert (found["guard"]["held"], found["guard"]["layers"], found["guard"]["trials"]) == (True, [], 1)
    assert "nothing to restore" in answer.err
    plain = smoke_build.answer.json["artifacts"]["convert"]["variants"]
    assert found["variants"] == [each for each in plain if each["scheme"] in ("float32", "int8")]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("guard.layer=2",), "guard.layer"),
        (("guard.layers=0",), "guard.layers"),
        (("guard={}", 'convert.schemes=["float32"]'), "guard restores layers of int8, which convert.schemes"),
    ],
)
def test_a_guard_that_makes_no_sense_is_refused(
    tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    """Before anything runs, with exit code 2."""
    sets = [word for option in options for word in ("--set", option)]
    answer = pipeline("build", "digits", "--runs", tmp_path, *sets)
    assert answer.code == 2
    assert sentence in answer.err
