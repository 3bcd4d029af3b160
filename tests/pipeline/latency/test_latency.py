"""Latency: measured in turns, in a process of its own, and one that fails costs one row."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline import latency
from pipeline.artifacts import PreparedData
from pipeline.console import Console
from pipeline.latency import Latency, Subject, measure
from tests.conftest import SmokeBuild

QUIET = Console(quiet=True)
ROUNDS = 3


@pytest.fixture
def subject(smoke_build: SmokeBuild) -> Subject:
    """The int8 digits model on its test images."""
    data = PreparedData.read(smoke_build.stage("data"))
    return Subject(
        name="int8",
        model=smoke_build.stage("convert") / "int8.tflite",
        images=data.path("test_images.npy"),
        preprocess=data.facts.preprocess,
    )


def other(subject: Subject, **changes: object) -> Subject:
    """The same with changes."""
    return Subject(**{**vars(subject), **changes})


@pytest.mark.parametrize("runtime", ["litert", "tflite_runtime"])
def test_every_subject_gets_its_figures_in_order(subject: Subject, runtime: str) -> None:
    """Quartiles about the median; int16x8 runs on slow kernels, so that the order can be told."""
    slow = other(subject, name="int16x8", model=subject.model.with_name("int16x8.tflite"))
    fast, slower, again = measure(runtime, [subject, slow, subject], QUIET, rounds=ROUNDS)
    assert [each.name for each in (fast, slower, again)] == ["int8", "int16x8", "int8"]
    for each in (fast, slower, again):
        assert each.error == ""
        assert each.rounds == ROUNDS
        assert each.block >= 5
        assert 0 < each.q1_us <= each.median_us <= each.q3_us
    assert slower.median_us > fast.median_us
    assert slower.median_us > again.median_us


def test_a_file_that_cannot_be_run_costs_its_own_row_alone(subject: Subject, tmp_path: Path) -> None:
    """It says why."""
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(b"no model")
    images = tmp_path / "images.npy"
    np.save(images, np.zeros((10, 32, 32), dtype=np.uint8))
    found = measure(
        "litert",
        [other(subject, model=damaged), other(subject, images=images), subject],
        QUIET,
        rounds=1,
    )
    assert found[0].error.startswith("ValueError: ")
    assert found[0].median_us == 0
    assert "the model takes (28, 28), the images are (32, 32)" in found[1].error
    assert found[2].error == ""
    assert found[2].median_us > 0


def test_a_worker_that_dies_is_every_rows_reason(subject: Subject) -> None:
    """With the last words of the worker."""
    found = measure("no_such_runtime", [subject, subject], QUIET)
    assert [each.median_us for each in found] == [0, 0]
    for each in found:
        assert each.error.startswith("the worker died (exit code 1): ")
        assert "unknown runtime 'no_such_runtime'" in each.error


def test_nothing_to_measure_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a process."""
    monkeypatch.setattr("subprocess.Popen", None)
    assert measure("litert", [], QUIET) == ()


def test_few_images_are_used_again_and_again(subject: Subject, tmp_path: Path) -> None:
    """One image is enough to measure with."""
    images = tmp_path / "one.npy"
    np.save(images, np.load(subject.images)[:1])
    (found,) = measure("litert", [other(subject, images=images)], QUIET, rounds=1)
    assert found.median_us > 0


def test_the_median_and_quartiles_are_those_of_the_rounds(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One slow round changes no median."""
    answer = {"subject": 0, "block": 7, "microseconds": [3.0, 1.0, 2.0, 900.0, 4.0]}
    monkeypatch.setattr(latency, "_ask", lambda _request, **_more: ({0: json.loads(json.dumps(answer))}, ""))
    assert measure("litert", [subject], QUIET) == (
        Latency(name="int8", median_us=3.0, q1_us=2.0, q3_us=4.0, rounds=5, block=7),
    )
