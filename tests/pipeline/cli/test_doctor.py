"""``pipeline doctor``."""

import os
from pathlib import Path

import pytest

from pipeline import recipe, shelf
from pipeline.cli import doctor_command
from tests.conftest import Answer, Pipeline, pipeline
from tests.pipeline.cli import fresh
from tests.pipeline.datasets.emnist_files import write_variant

STATES = {"ok", "absent", "broken"}


def finding(answer: Answer, what: str) -> dict[str, str]:
    """One line of the JSON document."""
    (found,) = (each for each in answer.json if each["what"] == what)
    return dict(found)


def test_everything_that_a_build_needs_is_looked_at(cli: Pipeline, tmp_path: Path) -> None:
    """Python, packages, every runtime, every recipe's data, disk, processors."""
    answer = cli("doctor", "--json", "--runs", tmp_path)
    assert (answer.code, answer.err) == (0, "")
    looked_at = {each["what"] for each in answer.json}
    assert {"python", "tensorflow", "tf_keras", "numpy", "run folder", "processors"} <= looked_at
    assert {f"runtime {name}" for name in shelf.names("runtimes")} <= looked_at
    assert {f"data of recipe {name}" for name in recipe.names()} <= looked_at
    assert {each["state"] for each in answer.json} <= STATES
    assert all(each["found"] for each in answer.json)


def test_the_table_says_the_same_as_the_document(cli: Pipeline, tmp_path: Path) -> None:
    """A line for each finding, however narrow the terminal."""
    table = cli("doctor", "--runs", tmp_path).out.splitlines()
    document = cli("doctor", "--runs", tmp_path, "--json").json
    assert table[0].split() == ["what", "state", "found", "remedy"]
    assert len(table) == 2 + len(document)
    for line, each in zip(table[2:], document, strict=True):
        assert line.split() == f"{each['what']} {each['state']} {each['found']} {each['remedy']}".split()


def test_no_data_folder_is_no_fault_but_has_a_remedy(cli: Pipeline, tmp_path: Path) -> None:
    """The set of digits needs none; emnist says what to do."""
    answer = cli("doctor", "--json", "--runs", tmp_path)
    assert answer.code == 0
    assert finding(answer, "data folder") == {
        "what": "data folder",
        "state": "absent",
        "found": "not named",
        "remedy": "--data DIR or PIPELINE_DATA=DIR",
    }
    assert finding(answer, "data of recipe digits")["state"] == "ok"
    assert finding(answer, "data of recipe emnist")["state"] == "absent"
    assert "--data or PIPELINE_DATA" in finding(answer, "data of recipe emnist")["found"]


def test_a_data_folder_that_does_not_exist_is_broken(cli: Pipeline, tmp_path: Path) -> None:
    """Exit code 1, and the rest is looked at all the same."""
    nowhere = tmp_path / "nowhere"
    answer = cli("doctor", "--json", "--data", nowhere, "--runs", tmp_path)
    assert answer.code == 1
    assert finding(answer, "data folder")["state"] == "broken"
    assert finding(answer, "data folder")["found"] == f"{nowhere}: no such folder"
    assert finding(answer, "data of recipe digits")["state"] == "ok"
    assert finding(answer, "processors")["found"] == f"{os.cpu_count()} cores"


def test_data_that_is_there_is_counted(cli: Pipeline, tmp_path: Path) -> None:
    """From the files' headers."""
    write_variant(tmp_path / "emnist", "bymerge")
    answer = cli("doctor", "--json", "--data", tmp_path, "--runs", tmp_path)
    assert finding(answer, "data of recipe emnist")["found"] == "emnist-bymerge: 8 train, 3 test images"


def test_damaged_data_is_named(cli: Pipeline, tmp_path: Path) -> None:
    """It does not end the command."""
    write_variant(tmp_path / "emnist", "bymerge")
    (tmp_path / "emnist" / "emnist-bymerge-train-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    answer = cli("doctor", "--json", "--data", tmp_path, "--runs", tmp_path)
    assert "not a gzip file" in finding(answer, "data of recipe emnist")["found"]


def test_a_run_folder_that_cannot_be_made_is_broken(cli: Pipeline, tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "file").write_text("", "utf-8")
    answer = cli("doctor", "--json", "--runs", tmp_path / "file" / "runs")
    assert answer.code == 1
    assert finding(answer, "run folder")["state"] == "broken"
    assert finding(answer, "run folder")["remedy"] == "--runs DIR"


def test_a_run_folder_that_is_not_there_yet_is_no_fault(cli: Pipeline, tmp_path: Path) -> None:
    """It will be made; nothing is made by looking."""
    answer = cli("doctor", "--json", "--runs", tmp_path / "a" / "b")
    assert answer.code == 0
    assert "GB free" in finding(answer, "run folder")["found"]
    assert list(tmp_path.iterdir()) == []


def test_too_little_space_is_broken(cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a build finds out."""
    monkeypatch.setattr(doctor_command, "MIN_FREE_BYTES", 10**18)
    answer = cli("doctor", "--json", "--runs", tmp_path)
    assert answer.code == 1
    assert finding(answer, "run folder")["remedy"] == "free some, or --runs DIR"


def test_a_runtime_that_is_not_installed_is_absent_with_the_way_to_get_it(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs a row of the verdict, not the build."""
    monkeypatch.setattr(shelf.load("runtimes", "litert"), "DISTRIBUTION", "no-such-package")
    answer = cli("doctor", "--json", "--runs", tmp_path)
    assert answer.code == 0
    assert finding(answer, "runtime litert") == {
        "what": "runtime litert",
        "state": "absent",
        "found": "no-such-package is not installed",
        "remedy": "pip install no-such-package, or verify without it",
    }


def test_looking_loads_no_tensorflow(tmp_path: Path) -> None:
    """What is installed is read from the packages' records."""
    assert fresh.run("doctor", "--runs", tmp_path).loaded(*fresh.TENSORFLOW) == set()


def test_the_variable_names_the_data_folder(tmp_path: Path) -> None:
    """As --data does."""
    answer = pipeline("doctor", "--json", "--runs", tmp_path, env={"PIPELINE_DATA": str(tmp_path / "none")})
    assert answer.code == 1
    assert finding(answer, "data folder")["found"] == f"{tmp_path / 'none'}: no such folder"
