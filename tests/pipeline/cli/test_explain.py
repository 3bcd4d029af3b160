"""``pipeline explain``."""

import pytest

from converters.diagnostics import explanations
from tests.conftest import Pipeline
from tests.pipeline.cli import fresh


@pytest.mark.parametrize("spelling", ["P012", "p012"])
def test_a_code_is_explained_with_the_ways_out(cli: Pipeline, spelling: str) -> None:
    """What it means, what it does on a phone, what to do."""
    answer = cli("explain", spelling)
    one = explanations()["P012"]
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"P012  {one.title}\n")
    flat = " ".join(answer.out.split())
    for text in (one.meaning, one.hurts, *one.ways_out):
        assert text in flat


def test_without_a_code_all_are_listed(cli: Pipeline) -> None:
    """In order, one a line."""
    answer = cli("explain")
    assert answer.code == 0
    told = [line.split()[0] for line in answer.out.splitlines() if line.strip().startswith("P")]
    assert told == sorted(explanations())


def test_json_of_one_and_of_all(cli: Pipeline) -> None:
    """The whole table."""
    assert cli("explain", "P004", "--json").json["ways_out"] == list(explanations()["P004"].ways_out)
    assert [one["code"] for one in cli("explain", "--json").json] == list(explanations())


def test_an_unknown_code_is_refused_with_the_nearest(cli: Pipeline) -> None:
    """Wrong usage."""
    answer = cli("explain", "P0012")
    assert (answer.code, answer.out) == (2, "")
    assert "unknown diagnostic 'P0012'" in answer.err
    assert "did you mean 'P012'?" in answer.err


def test_nothing_heavy_is_loaded() -> None:
    """A table of text needs no TensorFlow."""
    answer = fresh.run("explain", "P001")
    assert answer.code == 0
    assert answer.loaded(*fresh.TENSORFLOW, "sklearn", "requests", "ai_edge_litert") == set()
