"""Runtime floors."""

import pytest

from converters.errors import RuntimeFloorError
from converters.tflite.versions import check_floor, per_channel_dense

NEW_DENSE = [("CONV_2D", 3), ("FULLY_CONNECTED", 12)]


@pytest.mark.parametrize(
    ("floor", "allowed"),
    [("2.9.0", False), ("2.14.0", False), ("2.16.9", False), ("2.17", True), ("2.17.0", True), ("3.0", True)],
)
def test_dense_is_per_channel_from_2_17_on(floor: str, allowed: bool) -> None:
    """Compared as numbers, not as text."""
    assert per_channel_dense(floor) is allowed


def test_a_new_op_below_its_release_is_refused_with_both() -> None:
    """The message names op, version, release, floor and the ways out."""
    with pytest.raises(RuntimeFloorError) as caught:
        check_floor(NEW_DENSE, runtime_floor="2.16.1", where="model.tflite")

    assert str(caught.value) == (
        "model.tflite: FULLY_CONNECTED version 12 needs TensorFlow Lite 2.17.0, the runtime floor is 2.16.1: "
        "raise runtime_floor, or convert without per-channel Dense weights"
    )


@pytest.mark.parametrize(
    ("ops", "floor"),
    [
        (NEW_DENSE, "2.17.0"),
        ([("FULLY_CONNECTED", 9)], "2.3.0"),
        ([("CONV_2D", 12)], "2.14.0"),
        ([], "2.0"),
    ],
)
def test_everything_else_passes(ops: list[tuple[str, int]], floor: str) -> None:
    """At the release itself, older versions, other ops of the same version, no op."""
    check_floor(ops, runtime_floor=floor, where="model.tflite")
