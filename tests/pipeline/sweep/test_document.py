"""JSON and CSV, and how the files are written."""

import csv
import json
from pathlib import Path

import pytest

from pipeline import target
from pipeline.sweep import document
from pipeline.sweep.measure import Sweep
from pipeline.sweep.variants import Variant, derive
from tests.pipeline.sweep.made import SHOWCASE, lost, row, sweep


def variants(**more: str) -> tuple[Variant, ...]:
    """Two of digits."""
    return derive(
        ["digits"],
        {"train.epochs": ("1", "2")},
        overrides=more,
        schemes=["int8"],
        runtime="litert",
        profile="full",
        target=target.load("tflite"),
    )


def draw(_sweep: Sweep, path: Path) -> None:
    """Stands for the picture."""
    path.write_bytes(b"picture")


def test_all_three_files_are_written(tmp_path: Path) -> None:
    """And nothing else is left."""
    paths = document.write(sweep(*SHOWCASE), variants(), tmp_path / "a" / "b", draw)
    assert {kind: path.name for kind, path in paths.items()} == {
        "json": "sweep.json", "csv": "sweep.csv", "png": "sweep.png",
    }  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == [
        "sweep.csv", "sweep.json", "sweep.png",
    ]  # fmt: skip


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """The one that was there stays."""
    document.write(sweep(*SHOWCASE), variants(), tmp_path, draw)

    def fail(_sweep: Sweep, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    with pytest.raises(OSError, match="No space left"):
        document.write(sweep(*SHOWCASE), variants(), tmp_path, fail)
    assert (tmp_path / "sweep.png").read_bytes() == b"picture"
    assert len(list(tmp_path.iterdir())) == 3


def test_csv_and_json_hold_the_same_rows(tmp_path: Path) -> None:
    """One per file, what is not known is empty."""
    paths = document.write(sweep(*SHOWCASE, lost("x")), variants(), tmp_path, draw)
    rows = json.loads(paths["json"].read_text("utf-8"))["rows"]
    with paths["csv"].open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(rows) == len(lines) == len(SHOWCASE) + 1
    for row_, line in zip(rows, lines, strict=True):
        assert {key: "" if value is None else str(value) for key, value in row_.items()} == line
    assert rows[0]["accuracy"] == 0.885
    assert rows[0]["zip_bytes"] == 2_000_000
    assert rows[1]["times_faster"] == 3.0
    assert (rows[-1]["scheme"], rows[-1]["gates_passed"]) == (None, None)


def test_the_document_says_how_it_was_made() -> None:
    """Variants with their chains and schemes; the gates' verdict per row."""
    found = document.document(sweep(row("a"), row("b", failed_gates=("too large",))), variants())
    assert found["schema_version"] == 1
    assert found["runtime"] == "litert 2.3.0"
    assert found["variants"][1] == {
        "variant": "epochs=2", "recipe": "digits", "over": {"train.epochs": "2"}, "optimize": [],
        "schemes": ["int8"],
    }  # fmt: skip
    assert [each["gates_passed"] for each in found["rows"]] == [True, False]
    json.dumps(found, allow_nan=False)


def test_the_same_sweep_has_the_same_folder_and_another_has_not() -> None:
    """A changed option, runtime or target is another sweep."""
    plain = target.load("tflite")
    name = document.folder_name(variants(), "litert", plain)
    assert name.startswith("digits-")
    assert name == document.folder_name(variants(), "litert", plain)
    assert name != document.folder_name(variants(seed="2"), "litert", plain)
    assert name != document.folder_name(variants(), "tflite", plain)
    assert name != document.folder_name(variants()[:1], "litert", plain)
