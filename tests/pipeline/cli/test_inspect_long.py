"""``pipeline inspect`` of files with more to say than a person reads, and with numbers that are none."""

import json
import struct
from pathlib import Path

import pytest

from pipeline.cli._inspection import MOST_ROWS
from tests.conftest import Pipeline
from tests.converters import built
from tests.converters.described import metadata


def chain(folder: Path, *names: str) -> Path:
    """Ops behind each other, each of one layer."""
    path = folder / "chain.tflite"
    tensors = [built.tensor(f"net/layer_{i}/Relu", (1, 4)) for i in range(len(names) + 1)]
    ops = [built.op(name, (i,), (i + 1,)) for i, name in enumerate(names)]
    path.write_bytes(built.model(built.graph(tensors, ops, inputs=(0,), outputs=(len(names),))))
    return path


@pytest.mark.parametrize("over", [0, 5])
def test_the_first_ops_are_listed_and_the_rest_counted(cli: Pipeline, tmp_path: Path, over: int) -> None:
    """JSON has every one."""
    path = chain(tmp_path, *("RELU",) * (MOST_ROWS + over))
    lines = cli("inspect", path).out.splitlines()
    table = lines[lines.index("ops") + 2 : lines.index("minimum runtime")]
    assert sum(line.lstrip()[:1].isdigit() and " RELU " in line for line in table) == MOST_ROWS
    assert ("  and 5 more; --json tells all" in table) is (over > 0)
    assert len(cli("inspect", path, "--json").json["ops"]) == MOST_ROWS + over


def test_findings_and_kinds_of_ops_are_cut_too(cli: Pipeline, tmp_path: Path) -> None:
    """One line each for 230 custom ops would push the rest off the screen."""
    out = cli("inspect", chain(tmp_path, *(f"Fancy{i}" for i in range(MOST_ROWS + 30)))).out
    assert "Fancy199 1 and 30 more" in out
    findings = out[out.index("what can go wrong") : out.index("delegates\n")]
    assert findings.count("P011") == MOST_ROWS
    assert "  and 31 more; --json tells all" in findings


def test_a_long_custom_code_is_cut_in_both(cli: Pipeline, tmp_path: Path) -> None:
    """A file of 200 kB once asked for 140 MB of JSON."""
    path = chain(tmp_path, *("C" * 200_000,) * 100)
    assert len(cli("inspect", path).out) < 200_000
    assert len(cli("inspect", path, "--json").out) < 1_000_000


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_metadata_that_is_no_number_is_told(cli: Pipeline, tmp_path: Path, value: str) -> None:
    """A normalisation by nothing, as other tools write it."""
    usual, odd = struct.pack("<f", 127.5), struct.pack("<f", float(value))
    assert metadata().count(usual) == 2
    path = tmp_path / "model.tflite"
    path.write_bytes(built.cnn(metadata={"TFLITE_METADATA": metadata().replace(usual, odd)}))
    assert f"normalised by mean {value} and std {value}" in cli("inspect", path).out
    answer = cli("inspect", path, "--json")
    expected = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[value]
    assert answer.code == 0
    assert json.loads(answer.out)["model_metadata"]["inputs"][0]["mean"] == [expected]


def test_whose_level_the_option_means_is_in_the_help(cli: Pipeline) -> None:
    """A phone of API level 34 may have a driver of NNAPI 1.2."""
    said = " ".join(cli("inspect", "--help").out.split())
    assert "from 29 on that of the phone's NNAPI driver" in said
    assert "with no driver it takes nothing" in said
