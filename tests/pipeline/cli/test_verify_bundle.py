"""``pipeline verify BUNDLE`` where runtimes are missing."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline import runtimes
from tests.conftest import Pipeline
from tests.golden_bundles import FOLDER


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any runtime."""
    monkeypatch.setattr(runtimes, "unavailable", lambda name: f"{name} is not installed")


@pytest.mark.usefixtures("bare")
def test_a_machine_without_runtimes_passes_nothing(cli: Pipeline) -> None:
    """Nothing ran: that is no proof, and says what to install."""
    answer = cli("verify", FOLDER / "digits")
    assert answer.code == 3
    assert "no runtime is here to run the golden vectors; install one of litert, " in answer.err
    assert "golden vectors fail" not in answer.err
    assert "absent: litert is not installed" in answer.out
    answer = cli("verify", FOLDER / "digits", "--json")
    assert answer.code == 3
    assert answer.json["passed"] is False


@pytest.mark.usefixtures("bare")
def test_what_goes_wrong_before_a_runtime_is_told(cli: Pipeline, tmp_path: Path) -> None:
    """Drawing and preprocessing need none."""
    copy = Path(shutil.copytree(FOLDER / "digits", tmp_path / "digits"))
    document = json.loads((copy / "manifest.json").read_text("utf-8"))
    document["drawing"]["pen"] = 0.3
    (copy / "manifest.json").write_text(json.dumps(document), "utf-8")
    answer = cli("verify", copy)
    assert answer.code == 3
    assert "FAILED: litert is not installed; strokes-000" in answer.out
    assert "golden vectors fail on litert" in answer.err
    answer = cli("verify", copy, "--json")
    assert all("strokes-000" in replay["wrong"] for replay in answer.json["golden"])


def test_one_runtime_is_enough(cli: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are said to be absent."""
    real = runtimes.unavailable
    monkeypatch.setattr(
        runtimes, "unavailable", lambda name: real(name) if name == "litert" else f"{name} is not installed"
    )
    if reason := real("litert"):
        pytest.skip(reason)
    answer = cli("verify", FOLDER / "digits")
    assert answer.code == 0
    assert "absent: tflite is not installed" in answer.out
    assert "no runtime is here" not in answer.err
