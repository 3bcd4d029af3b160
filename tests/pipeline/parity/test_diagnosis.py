"""Known faults of a file: which fail the build, and what is said of them."""

import pytest

from converters.tflite.graph import Inspection
from pipeline.diagnostic_record import DiagnosticRecord
from pipeline.parity.diagnosis import FILE, diagnosed, gates, lines, own_floor, unreadable
from pipeline.parity.report import failures
from tests.converters.flat import layer

HYBRID, INT8, INT16X8 = ("float32", "int8", "float32"), ("int8",) * 3, ("int16", "int8", "int16")

NEWER = layer("FULLY_CONNECTED", 12, HYBRID, scales=16)
"""Needs TensorFlow Lite 2.17."""


def found(severity: str, code: str = "P006", op: int | None = 5, scheme: str = "int8") -> DiagnosticRecord:
    """A finding."""
    return DiagnosticRecord.model_validate(
        {"scheme": scheme, "code": code, "severity": severity, "message": "it is so", "op": op, "layer": "fc"}
    )


def test_errors_of_a_code_are_one_gate_that_counts_them() -> None:
    """None are allowed; the sentence names code, message and where more is told."""
    errors = [found("error"), found("error", op=7), found("error", "P004", None), found("warning", "P014")]
    first, second = gates(errors)
    assert (first.scheme, first.runtime, first.gate) == ("int8", FILE, "P006")
    assert (first.limit, first.measured, first.passed) == (0, 2, False)
    assert (second.gate, second.measured) == ("P004", 1)
    assert failures([first, second]) == [
        "int8: P006 op 5 (fc): it is so and 1 more of the kind (pipeline explain P006)",
        "int8: P004 (fc): it is so (pipeline explain P004)",
    ]


def test_the_same_code_in_two_files_is_two_gates() -> None:
    """Each with its own count."""
    both = gates([found("error"), found("error", scheme="int16x8")])
    assert [(gate.scheme, gate.measured) for gate in both] == [("int8", 1), ("int16x8", 1)]


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_what_is_no_error_fails_nothing(severity: str) -> None:
    """It is told, unless it is only worth knowing."""
    assert gates([found(severity)]) == []
    told = ["int8: warning P006 op 5 (fc): it is so (pipeline explain P006)"]
    assert lines([found(severity)]) == (told if severity == "warning" else [])


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_a_claim_that_may_be_misread_fails_however_grave(severity: str) -> None:
    """Kernels of a phone are others than those that were tried."""
    (gate,) = gates([found(severity, "P001")])
    assert (gate.gate, gate.measured, gate.passed) == ("P001", 1, False)


@pytest.mark.parametrize("op", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
@pytest.mark.parametrize("floor", ["2.3.0", "2.14.0", "2.17.0"])
def test_hybrid_per_channel_weights_under_version_1_fail_the_gate(op: str, floor: str) -> None:
    """Whatever the floor; under their own version they pass from its release on."""
    records = diagnosed(layer(op, 1, HYBRID, scales=16), scheme="x", runtime_floor=floor)
    assert "P001" in {gate.gate for gate in gates(records)}
    honest = layer(op, {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 12}[op], HYBRID, scales=16)
    assert not gates(diagnosed(honest, scheme="x", runtime_floor="2.17.0"))


def test_the_floor_decides() -> None:
    """The same file is an error for old phones and none for new ones."""
    codes = [
        {one.code for one in diagnosed(NEWER, scheme="x", runtime_floor=floor) if one.severity == "error"}
        for floor in ("2.16.1", "2.17.0")
    ]
    assert codes == [{"P004"}, set()]


def test_claims_of_the_converter_that_older_runtimes_refuse_are_no_error() -> None:
    """What TensorFlow writes into int16x8 files."""
    records = diagnosed(layer("CONV_2D", 3, INT16X8), scheme="int16x8", runtime_floor="2.14.0")
    assert ("P002", "info") in {(one.code, one.severity) for one in records}
    assert gates(records) == []


@pytest.mark.parametrize(
    ("inspection", "floor"),
    [
        (layer("CONV_2D", 3, INT8, claims="1.14.0"), "2.14.0"),
        (layer("CONV_2D", 3, INT8, claims="2.16.1"), "2.16.1"),
        (NEWER, "2.17.0"),
    ],
)
def test_a_file_of_ones_own_promises_what_it_states_or_needs(inspection: Inspection, floor: str) -> None:
    """No more: nobody said that it must run on 2.14."""
    assert own_floor(inspection) == floor


def test_a_damaged_file_says_what_is_wrong() -> None:
    """In the reader's own words."""
    gate = unreadable("int8", "int8.tflite: damaged")
    assert (gate.runtime, gate.passed) == (FILE, False)
    assert failures([gate]) == ["int8.tflite: damaged"]
