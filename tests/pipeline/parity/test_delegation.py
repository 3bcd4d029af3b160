"""A target's delegates against a file: what is gated, and what is said."""

import pytest

from converters.tflite.graph import Inspection
from pipeline import target
from pipeline.parity.delegation import (
    GATE,
    LISTED_OPS,
    check_delegation,
    details,
    gates,
    headline,
    record,
)
from pipeline.parity.report import failures
from tests.converters.delegates.single import chain, single, weights

FLOATS = chain("RELU", "TANH")
ODD = chain("RELU", "GELU", "TANH")
"""The GPU leaves GELU to the CPU."""

PER_CHANNEL = single(
    "FULLY_CONNECTED",
    ("INT8", (1, 16), {"scales": (0.5,)}),
    weights(8, 16, dtype="INT8", scales=(0.1,) * 8),
    gives=(("INT8", (1, 8), {"scales": (0.5,)}),),
    version=4,
    options=("FullyConnectedOptions", {}),
)


def test_delegates_are_checked_in_the_order_of_the_target() -> None:
    """The order in which an app tries them."""
    found = check_delegation(FLOATS, target.load("ios-coreml"))
    assert [each.delegate for each in found] == ["coreml", "metal", "xnnpack"]
    assert all(each.passed and each.verdict.full for each in found)


@pytest.mark.parametrize("name", ["android-gpu", "ios-metal"])
def test_an_op_that_stays_fails_a_target_that_requires_all(name: str) -> None:
    """The message names the op and the reason; XNNPACK behind it is no failure."""
    chosen = target.load(name)
    first, second = checked = check_delegation(ODD, chosen)
    assert (first.passed, second.passed) == (False, True)
    assert "requires all of it" in str(first)
    assert "GELU #1: only newer releases" in str(first)
    (gate,) = gates("float16", checked, chosen)
    assert (gate.gate, gate.runtime, gate.passed, gate.limit) == (GATE, chosen.delegates[0], False, 1.0)
    assert gate.measured == pytest.approx(1 / 3)
    (sentence,) = failures([gate])
    assert sentence == f"float16 on {first}"


def test_a_file_that_goes_whole_passes() -> None:
    """So the failure above is for the op."""
    chosen = target.load("android-gpu")
    (gate,) = gates("float16", check_delegation(FLOATS, chosen), chosen)
    assert (gate.passed, gate.measured) == (True, 1.0)


def test_a_target_that_requires_nothing_has_no_gate() -> None:
    """What stays is told all the same."""
    chosen = target.load("tflite")
    odd = chain("RELU", "ZEROS_LIKE")
    checked = check_delegation(odd, chosen)
    assert gates("float32", checked, chosen) == []
    assert "stays: ZEROS_LIKE 1x" in str(checked[0])


@pytest.mark.parametrize(("inspection", "goes"), [(PER_CHANNEL, 0), (FLOATS, 2)])
def test_nnapi_is_asked_at_the_level_of_the_target(inspection: Inspection, goes: int) -> None:
    """Per-channel Dense weights are what the target's own conversion avoids."""
    nnapi, _ = check_delegation(inspection, target.load("android-nnapi"))
    assert len(nnapi.verdict.delegated) == goes


def test_the_options_of_the_plan_reach_the_rules() -> None:
    """A GPU that is opened without quantised models takes none."""
    chosen = target.load("android-gpu")
    assert chosen.plan.gpu is not None
    without = chosen.plan.gpu.model_copy(update={"quantized_models_allowed": False})
    closed = chosen.model_copy(update={"options": chosen.plan.model_copy(update={"gpu": without})})
    integers = chain("RELU", "TANH", dtype="INT8")
    assert check_delegation(integers, chosen)[0].passed
    assert not check_delegation(integers, closed)[0].passed


def test_what_is_kept_is_what_was_found() -> None:
    """Op by op, so that the manifest tells an app's author why."""
    kept = record(check_delegation(ODD, target.load("android-gpu"))[0])
    assert (kept.delegate, kept.ops, kept.full) == ("gpu", 3, False)
    assert kept.delegated == 3 - len(kept.staying)
    assert "GELU" in {one.op for one in kept.staying}
    assert headline(kept) == f"gpu: {kept.delegated} of 3 ops in {kept.partitions} part"
    assert any(line.startswith("stays: GELU #1: only newer releases") for line in details(kept))


def test_a_long_list_is_cut_and_says_so() -> None:
    """All of them stand in the manifest."""
    many = record(check_delegation(chain(*["GELU"] * (LISTED_OPS + 2)), target.load("android-gpu"))[0])
    assert len(many.staying) == LISTED_OPS + 2
    lines = [line for line in details(many) if line.startswith("stays: ")]
    assert len(lines) == LISTED_OPS
    assert "and 2 more stay" in details(many)


def test_warnings_are_told_as_such() -> None:
    """NNAPI is a legacy."""
    kept = record(check_delegation(FLOATS, target.load("android-nnapi"))[0])
    assert any(line.startswith("warning: ") and "Android 15" in line for line in details(kept))
