"""Diagnostics: for each code a file that has it and one that just has not."""

from dataclasses import replace
from typing import Any

import pytest

from converters.diagnostics import Diagnostic, explanations
from converters.tflite.diagnose import diagnose
from converters.tflite.inspect import Inspection, Op, inspect_bytes
from converters.tflite.schemes import SCHEMES
from tests.converters.conftest import TrainedCnn
from tests.converters.flat import layer, one_op, tensor

HYBRID, INT8, INT16X8 = ("float32", "int8", "float32"), ("int8",) * 3, ("int16", "int8", "int16")
F32 = tensor("float32")


def door(dtype: str, **more: Any) -> Inspection:
    """A file of one RESHAPE, whose doors have the dtype."""
    own = tensor(dtype, scales=[0.1] if dtype == "int8" else [], **more)
    return one_op("RESHAPE", 1, [own, tensor("int32")], [own])


def two(first: Inspection, version: int) -> Inspection:
    """The file with a second op of the same kind that needs version 1 only."""
    plain = layer("FULLY_CONNECTED", version, ("float32",) * 3)
    moved = tuple(replace(one, index=one.index + 4) for one in plain.tensors)
    op = Op(name="FULLY_CONNECTED", version=version, custom=False, inputs=(4, 5, 6), outputs=(7,), index=1)
    return replace(first, tensors=(*first.tensors, *moved), ops=(*first.ops, op))


CASES: dict[str, tuple[Inspection, Inspection, dict[str, Any]]] = {
    "P001": (
        layer("FULLY_CONNECTED", 3, HYBRID, scales=16),
        layer("FULLY_CONNECTED", 12, HYBRID, scales=16),
        {},
    ),
    "P002": (layer("CONV_2D", 3, INT16X8), layer("CONV_2D", 4, INT16X8), {}),
    "P003": (layer("CONV_2D", 3, INT8, claims="1.5.0"), layer("CONV_2D", 3, INT8, claims="1.14.0"), {}),
    "P004": (
        layer("FULLY_CONNECTED", 12, HYBRID, scales=16),
        layer("FULLY_CONNECTED", 9, HYBRID, options={"asymmetric_quantize_inputs": True}),
        {"runtime_floor": "2.16.1"},
    ),
    "P005": (
        layer("FULLY_CONNECTED", 4, INT8, scales=16),
        layer("FULLY_CONNECTED", 4, INT8),
        {"runtime_floor": "2.9.1"},
    ),
    "P006": (layer("CONV_2D", 3, INT8, zero_point=3), layer("FULLY_CONNECTED", 4, INT8, zero_point=3), {}),
    "P007": (
        one_op("CONV_2D", 3, [tensor("int8"), tensor("int8", scales=[0.1])], [tensor("int8", scales=[1.0])]),
        one_op("RESHAPE", 1, [tensor("int8"), tensor("int32")], [tensor("int8")]),
        {},
    ),
    "P008": (
        layer("CONV_2D", 3, INT8, bias_scale=0.0201),
        layer("CONV_2D", 3, INT8, bias_scale=0.0200001),
        {},
    ),
    "P009": (
        layer("CONV_2D", 1, ("float32", "float16", "float32")),
        one_op("DEQUANTIZE", 3, [tensor("float16", constant=True)], [F32]),
        {},
    ),
    "P010": (layer("CONV_2D", 7, ("int8", "int4", "int8")), layer("CONV_2D", 3, INT8), {}),
    "P011": (
        one_op("Mine", 1, [F32], [F32], custom=True),
        one_op("FlexErf", 1, [F32], [F32], custom=True),
        {},
    ),
    "P012": (
        one_op("FlexErf", 1, [F32], [F32], custom=True),
        one_op("Mine", 1, [F32], [F32], custom=True),
        {},
    ),
    "P013": (one_op("OF_TOMORROW", 1, [F32], [F32]), one_op("Mine", 1, [F32], [F32], custom=True), {}),
    "P014": (door("float32", shape_signature=(-1,)), door("float32", shape_signature=(1,)), {}),
    "P015": (door("int8"), door("uint8"), {}),
    "P016": (
        layer("FULLY_CONNECTED", 4, INT8, scales=16),
        layer("CONV_2D", 3, INT8, scales=16),
        {"delegates": ("nnapi",)},
    ),
    "P017": (
        layer("FULLY_CONNECTED", 12, HYBRID),
        two(layer("FULLY_CONNECTED", 12, HYBRID, scales=16), 12),
        {},
    ),
    "P018": (layer("CONV_2D", 1, ("uint8",) * 3), layer("CONV_2D", 3, INT8), {}),
    "P020": (
        one_op("DEPTHWISE_CONV_2D", 6, [F32, tensor("int8", (1, 3, 3, 8), scales=[0.1]), F32], [F32]),
        one_op("DEPTHWISE_CONV_2D", 6, [F32, tensor("int8", (1, 3, 3, 8), scales=[0.1] * 8), F32], [F32]),
        {},
    ),
    "P019": (one_op("WHILE", 1, [F32], [F32]), one_op("While", 1, [F32], [F32], custom=True), {}),
}
"""Code to a file that triggers it, one that does not, and the options of the question."""


def codes(inspection: Inspection, **options: Any) -> set[str]:
    """What is found."""
    return {one.code for one in diagnose(inspection, **options)}


def test_every_code_of_the_table_is_here() -> None:
    """A code that nothing triggers explains nothing."""
    own = {code for code in explanations() if code < "P100"}
    assert set(CASES) == own


@pytest.mark.parametrize("code", list(CASES))
def test_a_code_is_found_where_it_is_and_nowhere_else(code: str) -> None:
    """Both files differ in little else."""
    triggers, does_not, options = CASES[code]
    assert code in codes(triggers, **options)
    assert code not in codes(does_not, **options)


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("P004", {"runtime_floor": "2.17.0"}),
        ("P005", {"runtime_floor": "2.10.0"}),
        ("P016", {"delegates": ("gpu",)}),
    ],
)
def test_what_depends_on_the_target_is_asked_of_the_target(code: str, options: dict[str, Any]) -> None:
    """The same file is right for a newer floor, or without that delegate."""
    assert code not in codes(CASES[code][0], **options)


def test_a_finding_names_code_gravity_op_and_values() -> None:
    """In one line."""
    (found,) = diagnose(layer("FULLY_CONNECTED", 3, HYBRID, scales=16), runtime_floor="2.17.0")
    assert found.line == (
        "warning P001 op 0: FULLY_CONNECTED is hybrid per channel, which is version 12 "
        "(TensorFlow Lite 2.17.0), but claims version 3: tflite-runtime 2.14.0 answers nonsense, if an app "
        "brings it despite the floor 2.17.0"
    )


PER_CHANNEL_DENSE = layer("FULLY_CONNECTED", 1, HYBRID, scales=16)
PER_CHANNEL_CONV = layer("CONV_2D", 1, HYBRID, scales=16)


@pytest.mark.parametrize(
    ("file", "floor", "severity", "says"),
    [
        (
            PER_CHANNEL_DENSE,
            "2.7.0",
            "error",
            "tflite-runtime 2.14.0 answers nonsense, and the runtime floor is 2.7",
        ),
        (PER_CHANNEL_DENSE, "2.14.0", "error", "tflite-runtime 2.14.0 answers nonsense"),
        # None between 2.14 and 2.17 was tried: the op version decides.
        (
            PER_CHANNEL_DENSE,
            "2.16.1",
            "error",
            "runtimes before it answer nonsense, and the runtime floor is 2.16",
        ),
        (PER_CHANNEL_DENSE, "2.17.0", "warning", "if an app brings it despite the floor 2.17.0"),
        (
            PER_CHANNEL_CONV,
            "2.3.0",
            "error",
            "runtimes before it answer nonsense, and the runtime floor is 2.3",
        ),
        # Nothing so old was tried.
        (
            PER_CHANNEL_CONV,
            "2.4.0",
            "warning",
            "tflite-runtime 2.7.0 and newer on Linux x86-64; none as old as the floor 2.4.0 was",
        ),
        (
            PER_CHANNEL_CONV,
            "2.14.0",
            "warning",
            "right all the same for a small model on every runtime that was tried, tflite-runtime 2.7.0 and "
            "newer on Linux x86-64; a phone's kernels were not",
        ),
    ],
)
def test_a_misread_claim_is_as_grave_as_the_runtimes_that_the_floor_admits(
    file: Inspection, floor: str, severity: str, says: str
) -> None:
    """What was measured counts, then the release of the op version."""
    (found,) = [one for one in diagnose(file, runtime_floor=floor) if one.code == "P001"]
    assert found.severity == severity
    assert says in found.message


def without_bias(file: Inspection) -> Inspection:
    """The file, its op without the third input."""
    (op,) = file.ops
    return replace(file, ops=(replace(op, inputs=op.inputs[:2]),))


@pytest.mark.parametrize(
    ("file", "severity", "says"),
    [
        (PER_CHANNEL_DENSE, "error", "is hybrid per channel, which is version 12"),
        (layer("FULLY_CONNECTED", 1, HYBRID), "warning", "is hybrid, which is version 3"),
        (layer("FULLY_CONNECTED", 1, INT8, scales=16), "warning", "is int8, which is version 4"),
        (
            layer("FULLY_CONNECTED", 1, INT8, options={"keep_num_dims": True}),
            "warning",
            "is int8, which is version 4",
        ),
    ],
)
def test_arithmetic_that_is_misread_is_told_also_where_the_op_has_no_bias(
    file: Inspection, severity: str, says: str
) -> None:
    """Having none needs version 6, which alone would only be refused."""
    found = [one for one in diagnose(without_bias(file)) if one.code in {"P001", "P002"}]
    assert [(one.code, one.severity) for one in found] == [("P001", severity)]
    assert says in found[0].message


def test_an_op_that_only_lacks_its_bias_is_refused_and_not_misread() -> None:
    """int8 under version 4 is read right, or refused by kernels that want three inputs."""
    found = diagnose(without_bias(layer("FULLY_CONNECTED", 4, INT8)))
    claims = [(one.code, one.severity) for one in found if one.code in {"P001", "P002"}]
    assert claims == [("P002", "info")]


def test_each_claim_of_an_op_is_judged_by_the_ops_that_share_it() -> None:
    """A file may hold an op under two versions: 1 for the plain ones, 12 for the others."""
    mixed = two(layer("FULLY_CONNECTED", 12, HYBRID, scales=16), 1)
    assert "P017" not in codes(mixed)
    high = [one.message for one in diagnose(two(layer("FULLY_CONNECTED", 12, HYBRID, scales=16), 11))
            if one.code == "P017"]  # fmt: skip
    assert high == ["FULLY_CONNECTED claims version 11, version 1 would do"]


def test_the_gravest_comes_first() -> None:
    """Then by code."""
    found = diagnose(replace(layer("CONV_2D", 3, INT8, zero_point=3), claimed_min_runtime="1.5.0"))
    severities = [one.severity for one in found]
    assert severities == sorted(severities, key=("error", "warning", "info").index)
    assert severities[0] == "error"
    assert severities[-1] != "error"


def test_claims_too_low_are_harmless_where_the_floor_is_new_enough() -> None:
    """int16x8 files of TensorFlow 2.20 on any runtime of today."""
    file = layer("CONV_2D", 3, INT16X8)
    assert {one.severity for one in diagnose(file) if one.code == "P002"} == {"info"}
    assert {one.severity for one in diagnose(file, runtime_floor="2.2.0") if one.code == "P002"} == {
        "warning"
    }


def test_a_code_that_is_in_no_table_is_refused() -> None:
    """A finding that cannot be explained is a fault."""
    with pytest.raises(ValueError, match="P999"):
        Diagnostic(code="P999", severity="error", message="")


@pytest.mark.parametrize("code", list(explanations()))
def test_every_explanation_is_whole(code: str) -> None:
    """Sentences, and at least one way out."""
    one = explanations()[code]
    assert code[0] == "P"
    assert len(code) == 4
    assert one.title[0].islower() or one.title[0].isupper()
    for text in (one.meaning, one.hurts, *one.ways_out):
        assert text.endswith((".", "?"))
    assert one.ways_out


@pytest.mark.tensorflow
@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_our_own_files_have_no_errors_nor_warnings(cnn: TrainedCnn, scheme: str) -> None:
    """With uint8 at the door where it may be."""
    io = "uint8" if SCHEMES[scheme].quantised_door else "float32"
    found = diagnose(inspect_bytes(cnn.converted(scheme, io=io).content, where=scheme), delegates=["nnapi"])
    assert [one.line for one in found if one.severity != "info"] == []


@pytest.mark.tensorflow
def test_the_layer_is_named(cnn: TrainedCnn) -> None:
    """Of a real file."""
    content = cnn.converted("int8", io="int8", floor="2.17.0").content
    found = diagnose(inspect_bytes(content, where="int8"), delegates=["nnapi"])
    assert {(one.code, one.layer) for one in found} == {
        ("P015", ""),
        ("P016", "hidden"),
        ("P016", "predictions"),
    }
