"""A target's delegates against a file: what is gated, and what is said."""

import math
from typing import Any

import pytest

from converters.tflite.graph import Inspection
from pipeline import target
from pipeline.artifacts import Cell
from pipeline.delegation_record import AcceleratorRun, DelegationRecord, RefusedOp, StayingOp
from pipeline.parity.delegation import (
    GATE,
    LISTED_OPS,
    beside_runs,
    check_delegation,
    details,
    disagreements,
    gates,
    headline,
    record,
)
from pipeline.parity.report import failures
from tests.converters.delegates.single import chain, single, weights

FLOATS = chain("RELU", "TANH")
ODD = chain("RELU", "CEIL", "TANH")
"""The GPU leaves CEIL to the CPU."""

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
    assert "CEIL #1: listed as compatible" in str(first)
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
    assert "CEIL" in {one.op for one in kept.staying}
    assert headline(kept) == f"gpu: {kept.delegated} of 3 ops in {kept.partitions} part"
    assert any(line.startswith("stays: CEIL #1: listed as compatible") for line in details(kept))


def test_a_long_list_is_cut_and_says_so() -> None:
    """All of them stand in the manifest."""
    many = record(check_delegation(chain(*["CEIL"] * (LISTED_OPS + 2)), target.load("android-gpu"))[0])
    assert len(many.staying) == LISTED_OPS + 2
    lines = [line for line in details(many) if line.startswith("stays: ")]
    assert len(lines) == LISTED_OPS
    assert "and 2 more stay" in details(many)


def test_warnings_are_told_as_such() -> None:
    """NNAPI is a legacy."""
    kept = record(check_delegation(FLOATS, target.load("android-nnapi"))[0])
    assert any(line.startswith("warning: ") and "Android 15" in line for line in details(kept))


WHOLE = DelegationRecord(delegate="gpu", ops=3, delegated=3, partitions=1, full=True)
"""By the rules all of it goes."""

CUT = DelegationRecord(
    delegate="gpu",
    ops=3,
    delegated=2,
    partitions=1,
    full=False,
    staying=(StayingOp(index=1, op="CEIL", layer="round", reason="no such op"),),
)
"""By the rules the second op stays."""


MEASURED = "measured by litert_gpu on SwiftShader, compiled for the GPU alone"


def beside(kept: DelegationRecord, taken: int, *refused: RefusedOp, **answers: Any) -> DelegationRecord:
    """What ``litert_gpu`` did with the file that ships."""
    run = AcceleratorRun(driver="SwiftShader", ops=3, taken=taken, refused=refused)
    status = "failed" if refused else "ran"
    cell = Cell(scheme="float16", runtime="litert_gpu", status=status, accelerated=run, **answers)
    (found,) = beside_runs([kept], [cell], "float16")
    return found


def test_a_run_that_agrees_is_told_beside_the_rules() -> None:
    """In the card, with the driver."""
    kept = beside(WHOLE, 3)
    assert not disagreements([kept])
    assert details(kept) == [f"{MEASURED}: 3 of 3 ops, as the rules say; its answers were not compared"]


@pytest.mark.parametrize(
    ("agreement", "error", "says"),
    [
        (1.0, 2.4e-6, "top-1 as the reference's on 100.00 % of 500 images, largest difference 2.4e-06"),
        (0.096, 0.99, "top-1 as the reference's on 9.60 % of 500 images, largest difference 9.9e-01"),
        (0.0, math.inf, "top-1 as the reference's on 0.00 % of 500 images, largest difference not finite"),
    ],
)
def test_that_it_takes_all_ops_is_never_told_without_how_right_it_was(
    agreement: float, error: float, says: str
) -> None:
    """An accelerator may take every op, as the rules say, and compute one wrongly."""
    kept = beside(WHOLE, 3, images=500, agreement=agreement, max_abs_error=error)
    assert details(kept) == [f"{MEASURED}: 3 of 3 ops, as the rules say; {says}"]


def test_a_delegate_that_no_runtime_stands_in_for_is_measured_by_none() -> None:
    """A CPU's is the CPU's."""
    kept = WHOLE.model_copy(update={"delegate": "xnnpack"})
    assert beside(kept, 3) == kept
    assert beside(kept.model_copy(update={"delegate": "metal"}), 3).measured


def test_an_op_that_the_rules_leave_and_the_accelerator_takes_is_told() -> None:
    """By its name, and that of its layer."""
    kept = beside(CUT, 3)
    sentence = "the rules leave CEIL #1 (round): no such op; the accelerator takes it"
    assert disagreements([kept]) == [f"gpu on litert_gpu: {sentence}"]
    assert details(kept)[-2:] == [
        f"{MEASURED}: 3 of 3 ops; its answers were not compared",
        f"disagreement: {sentence}",
    ]


def test_an_op_that_the_accelerator_refuses_and_the_rules_take_is_told() -> None:
    """The dangerous one: the app would find it on the phone."""
    sentence = "the accelerator refuses TANH (last): Not today; the rules give it to the delegate"
    refused = RefusedOp(op="TANH", layers=("last",), reason="Not today")
    assert disagreements([beside(WHOLE, 2, refused)]) == [f"gpu on litert_gpu: {sentence}"]
    same_kind = RefusedOp(op="CEIL", layers=("another",), reason="Not today")
    assert any("refuses CEIL (another)" in text for text in disagreements([beside(CUT, 2, same_kind)]))


@pytest.mark.parametrize("layers", [(), ("round",), ("another", "round")])
def test_a_refusal_that_both_tell_is_no_disagreement(layers: tuple[str, ...]) -> None:
    """The accelerator names no layer, or several that it may be."""
    kept = beside(CUT, 2, RefusedOp(op="CEIL", layers=layers, reason="No"))
    assert not disagreements([kept])
    assert details(kept)[-1].endswith("2 of 3 ops, as the rules say; it did not run")


def test_an_op_that_stays_without_a_layer_may_be_the_one_that_is_refused() -> None:
    """The rules find no layer where the accelerator names the tensor's."""
    nameless = CUT.model_copy(update={"staying": (StayingOp(index=1, op="CEIL", layer="", reason="no"),)})
    assert not disagreements([beside(nameless, 2, RefusedOp(op="CEIL", layers=("round",), reason="No"))])
    other = RefusedOp(op="TANH", layers=("round",), reason="No")
    assert any("refuses TANH" in text for text in disagreements([beside(nameless, 2, other)]))


def test_other_counts_are_told_where_no_op_explains_them() -> None:
    """Parts that are chosen in another way."""
    kept = beside(CUT, 1, RefusedOp(op="CEIL", reason="No"))
    assert disagreements([kept]) == ["gpu on litert_gpu: the accelerator takes 1 of 3 ops, the rules 2 of 3"]


def test_what_was_not_measured_says_why() -> None:
    """No driver, or a failure that tells nothing of ops; another scheme is not what ships."""
    absent = Cell(scheme="float16", runtime="litert_gpu_half", status="absent", reason="no 16-bit floats")
    other = Cell(scheme="int8", runtime="litert_gpu", status="failed", reason="x")
    (kept,) = beside_runs([WHOLE], [absent, other], "float16")
    assert not disagreements([kept])
    assert details(kept) == ["not measured by litert_gpu_half, absent: no 16-bit floats"]
