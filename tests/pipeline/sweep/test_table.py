"""The table: what follows from the rows, and what is said below them."""

from dataclasses import replace

import pytest

from pipeline.sweep import table
from pipeline.sweep.rows import compared
from tests.pipeline.sweep.made import SHOWCASE, lost, row, sweep


def cells(*rows: object) -> list[dict[str, str]]:
    """Each row's text by column."""
    return [dict(zip(table.COLUMNS, line, strict=True)) for line in table.lines(compared(rows))]  # type: ignore[arg-type]


def test_the_columns_say_what_was_measured() -> None:
    """With interval, quartiles and thousands."""
    first, second = cells(*SHOWCASE[:2])
    assert first == {
        "variant": "none", "scheme": "float32", "accuracy %": "88.50", "95% CI": "87.86-89.11",
        "drop points": "+0.00", "bytes": "8,000,000", "zip bytes": "2,000,000",
        "latency us (quartiles)": "300.0 (270.0-360.0)", "times faster": "1.00", "front": "*", "note": "",
    }  # fmt: skip
    assert second["times faster"] == "3.00"
    assert second["drop points"] == "+0.10"


def test_the_front_is_marked() -> None:
    """The most accurate of all, the pruned one, and the ever smaller ones."""
    marked = [(each["variant"], each["scheme"]) for each in cells(*SHOWCASE) if each["front"]]
    assert marked == [("none", "float32"), ("prune", "int8"), ("pqat", "int8"), ("pcqat", "int8")]


def test_a_variant_that_could_not_be_made_is_a_row_that_says_so() -> None:
    """And why, below; the others keep their figures."""
    made, missing = cells(row("none"), lost("prune"))
    assert made["front"] == "*"
    assert (missing["variant"], missing["note"]) == ("prune", "NOT MADE")
    assert {missing[column] for column in table.COLUMNS[1:-1]} == {""}
    assert "prune: not made: the disk is made of cheese" in table.notes(sweep(row("none"), lost("prune")))


def test_a_file_that_was_not_measured_says_so() -> None:
    """It keeps its size, and no place on the front."""
    broken = replace(row("b", latency_us=None, problem="failed on litert: no such op"), accuracy=None)
    _, text = cells(row("a"), broken)
    assert (text["accuracy %"], text["zip bytes"], text["front"]) == ("", "50,000", "")
    assert text["note"] == "NOT MEASURED"
    assert sweep(row("a"), broken).problems == ("b int8: failed on litert: no such op",)


def test_a_failed_gate_is_a_mark_and_a_note_and_no_problem() -> None:
    """It stays on the front: a sweep explores."""
    failed = row("a", failed_gates=("int8 on litert: max_bytes is 1000, measured 200000",))
    assert cells(failed)[0]["note"] == "gate FAILED"
    assert cells(failed)[0]["front"] == "*"
    found = sweep(failed)
    assert "a: gate failed: int8 on litert: max_bytes is 1000, measured 200000" in table.notes(found)
    assert found.problems == ()


def test_the_first_row_with_a_latency_is_what_others_are_compared_with() -> None:
    """And is named."""
    rows = (lost("first"), row("second", latency_us=200.0), row("third", latency_us=100.0))
    assert [each["times faster"] for each in cells(*rows)] == ["", "1.00", "2.00"]
    assert any("times faster: than second int8" in note for note in table.notes(sweep(*rows)))


def test_the_interval_is_said_below() -> None:
    """The widest: half of it either way."""
    (note,) = [note for note in table.notes(sweep(*SHOWCASE)) if note.startswith("front")]
    assert "known to about +-0.65 points (95% Wilson interval)" in note
    assert "latencies within 10% count as equal" in note


def test_a_smoke_sweep_says_that_it_is_one() -> None:
    """Its figures mean nothing."""
    note = "profile smoke: few images and epochs, for tests alone"
    assert note in table.notes(sweep(row("a"), profile="smoke"))
    assert note not in table.notes(sweep(row("a")))


def test_each_test_set_has_a_front_of_its_own() -> None:
    """Accuracies on different images do not compare."""
    rows = (row("a", percent=99.0), row("b", percent=50.0, test_set="b", zip_bytes=60_000))
    assert [each["front"] for each in cells(*rows)] == ["*", "*"]
    assert any("different test sets" in note for note in table.notes(sweep(*rows)))
    assert not any("different test sets" in note for note in table.notes(sweep(rows[0])))


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_measured_needs_no_footnotes(count: int) -> None:
    """Not even of the front."""
    assert len(table.notes(sweep(*[lost("a")] * count))) == count
