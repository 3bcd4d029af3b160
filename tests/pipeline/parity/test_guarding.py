"""What is said of the accuracy guard."""

from pipeline.guard_record import GuardedLayer, GuardRecord
from pipeline.parity.guarding import COLUMNS, failure, rows, summary

CONV = GuardedLayer(
    layer="conv", op="CONV_2D", sqnr_db=5.25, restored=True, bought_points=62.5, cost_bytes=-32
)
POOL = GuardedLayer(
    layer="pool", op="MAX_POOL_2D", sqnr_db=None, restored=False, bought_points=None, cost_bytes=None
)
DENSE = GuardedLayer(
    layer="dense", op="FULLY_CONNECTED", sqnr_db=23.6, restored=False, bought_points=None, cost_bytes=None
)


def record(**changes: object) -> GuardRecord:
    """A guard that restored one layer of three."""
    values = {
        "runtime": "litert", "images": 2000, "limit_points": 1.0, "held": True, "why": "",
        "drop_before_points": 81.6, "drop_after_points": -0.25, "bytes_before": 11_240,
        "bytes_after": 14_376, "trials": 8, "layers": (CONV, POOL, DENSE),
    }  # fmt: skip
    return GuardRecord.model_validate({**values, **changes})


def test_the_sentence_says_what_was_lost_restored_bought_and_paid() -> None:
    """On which images, by which runtime."""
    assert summary(record()) == (
        "int8 drops +81.60 points on 2,000 validation images (litert), 1 allowed; with conv in float32 "
        "-0.25 points, 11,240 -> 14,376 bytes (8 files tried)"
    )


def test_without_need_it_says_so() -> None:
    """Nothing was tried."""
    sound = record(drop_before_points=0.5, drop_after_points=0.5, layers=(), trials=1)
    assert summary(sound) == (
        "int8 drops +0.50 points on 2,000 validation images (litert), 1 allowed: nothing to restore"
    )


def test_a_failure_names_the_best_the_reason_the_file_and_the_ways_out() -> None:
    """All that a reader needs to go on."""
    text = failure(record(held=False, why="1 layers may be restored of 5"), "runs/int8.tflite")
    for part in ("did not reach the gate", "with conv in float32", "1 layers may be restored of 5; ",
                 "the best file is runs/int8.tflite; ", "guard.layers"):  # fmt: skip
        assert part in text


def test_rows_leave_out_what_only_moves_values() -> None:
    """As wide as the heading."""
    table = rows(record())
    assert table == [
        ("conv", "CONV_2D", "5.2", "float32", "+62.50", "-32"),
        ("dense", "FULLY_CONNECTED", "23.6", "int8", "", ""),
    ]
    assert {len(row) for row in table} == {len(COLUMNS)}


def test_a_layer_without_which_the_file_does_not_run_says_so() -> None:
    """It bought no number of points; a layer that was left at int8 bought nothing either."""
    needed = CONV.model_copy(update={"bought_points": None})
    table = rows(record(layers=(needed, POOL, DENSE)))
    assert [row[COLUMNS.index("bought points")] for row in table] == ["does not run at int8", ""]
