"""The NNAPI delegate's rules by Android API level."""

import numpy as np
import pytest

from converters.delegates import nnapi
from converters.tflite.graph import Inspection
from converters.tflite.inspect import inspect_bytes
from tests.converters import built
from tests.converters.delegates.single import IMAGE, INT8_IMAGE, constant, single, weights

VECTOR = ("FLOAT32", (1, 16))
INT8_VECTOR = ("INT8", (1, 16), {"scales": (0.5,)})
OUT = ("INT8", (1, 8), {"scales": (0.5,)})


def dense(scales: int, version: int = 4) -> Inspection:
    """An int8 Dense layer whose weights have so many scales."""
    kernel = weights(8, 16, dtype="INT8", scales=(0.1,) * scales)
    return single(
        "FULLY_CONNECTED",
        INT8_VECTOR,
        kernel,
        gives=(OUT,),
        version=version,
        options=("FullyConnectedOptions", {}),
    )


def conv(dilation: int = 1, *, bias: bool = True, version: int = 1) -> Inspection:
    """A float convolution."""
    more = (weights(4),) if bias else ()
    options = {"strideW": 1, "strideH": 1, "dilationWFactor": dilation, "dilationHFactor": dilation}
    return single(
        "CONV_2D", IMAGE, weights(4, 3, 3, 4), *more, version=version, options=("Conv2DOptions", options)
    )


INT8_CONV = single(
    "CONV_2D",
    INT8_IMAGE,
    weights(4, 3, 3, 4, dtype="INT8", scales=(0.1,) * 4),
    weights(4, dtype="INT32"),
    gives=(INT8_IMAGE,),
    version=3,
    options=("Conv2DOptions", {"strideW": 1, "strideH": 1}),
)

RESIZE = single(
    "RESIZE_BILINEAR",
    IMAGE,
    constant([16, 16]),
    version=3,
    gives=(("FLOAT32", (1, 16, 16, 4)),),
    options=("ResizeBilinearOptions", {"halfPixelCenters": True}),
)

HYBRID = single(
    "FULLY_CONNECTED",
    VECTOR,
    weights(8, 16, dtype="INT8", scales=(0.1,)),
    gives=(("FLOAT32", (1, 8)),),
    version=3,
    options=("FullyConnectedOptions", {}),
)

BY_LEVEL = {
    # what: file, lowest level that takes it, reason below
    "signed int8": (INT8_CONV, 29, "the delegate takes float32, uint8 here"),
    "dilation": (conv(2), 29, "dilation 2x2: since Android API level 29"),
    "hybrid": (HYBRID, 29, "under a float input: since Android API level 29"),
    "half_pixel_centers": (RESIZE, 30, "half_pixel_centers: since Android API level 30"),
    "SUB": (
        single("SUB", IMAGE, IMAGE, options=("SubOptions", {})),
        28,
        "needs Android API level 28, this is 27",
    ),
    "EXP": (single("EXP", VECTOR, gives=(VECTOR,)), 29, "needs Android API level 29"),
    "ELU": (single("ELU", VECTOR, gives=(VECTOR,)), 30, "needs Android API level 30"),
    "int32 ADD": (
        single(
            "ADD",
            ("INT32", (1, 4)),
            ("INT32", (1, 4)),
            gives=(("INT32", (1, 4)),),
            options=("AddOptions", {}),
        ),
        30,
        "the delegate takes float32, uint8, int8 here",
    ),
    "int8 tanh": (
        single("TANH", INT8_VECTOR, gives=(INT8_VECTOR,), version=2),
        29,
        "the delegate takes float32 here",
    ),
    "quantise to int8": (single("QUANTIZE", VECTOR, gives=(INT8_VECTOR,)), 30, "the delegate gives uint8"),
}

NEVER = {
    "per-channel Dense": (dense(8), "have 8 scales: Android's FULLY_CONNECTED reads one"),
    "Dense of version 12": (dense(1, version=12), "op version 12: the delegate takes versions up to 5"),
    "no bias": (conv(bias=False), "no bias: the delegate needs one"),
    "int16": (
        single("RELU", ("INT16", (1, 4), {"scales": (0.1,)}), gives=(("INT16", (1, 4), {"scales": (0.1,)}),)),
        "'in0' (int16, 1x4): the delegate takes float32, uint8, int8 here",
    ),
    "other scales": (
        single(
            "MEAN", INT8_IMAGE, constant([1, 2]), gives=(("INT8", (1, 4), {"scales": (0.25,)}),), version=2
        ),
        "differ in scale or zero point",
    ),
    "scalar mean": (
        single("MEAN", ("FLOAT32", (4,)), constant([0]), gives=(("FLOAT32", ()),)),
        "the delegate gives no scalars",
    ),
    "shape at run time": (
        single("RESHAPE", VECTOR, ("INT32", (2,)), gives=(VECTOR,)),
        "is computed at run time",
    ),
    "fused concat": (
        single(
            "CONCATENATION", VECTOR, VECTOR, options=("ConcatenationOptions", {"fusedActivationFunction": 1})
        ),
        "fused activation RELU",
    ),
    "five dimensions": (
        single(
            "SOFTMAX",
            ("FLOAT32", (1, 1, 1, 1, 4)),
            gives=(VECTOR,),
            options=("SoftmaxOptions", {"beta": 1.0}),
        ),
        "has 5 dimensions",
    ),
    "large window": (
        single(
            "AVERAGE_POOL_2D",
            INT8_IMAGE,
            gives=(INT8_IMAGE,),
            version=2,
            options=("Pool2DOptions", {"filterWidth": 17, "filterHeight": 16, "strideW": 1, "strideH": 1}),
        ),
        "a window of 272 values",
    ),
    "last axis": (
        single("PACK", VECTOR, VECTOR, options=("PackOptions", {"axis": 2, "valuesCount": 2})),
        "axis 2 is the last",
    ),
    "crops": (single("BATCH_TO_SPACE_ND", IMAGE, constant([2, 2]), constant([[0, 1], [0, 0]])), "crops"),
    "axis at run time": (single("EXPAND_DIMS", VECTOR, ("INT32", (1,))), "axis 'in1' (int32, 1) is computed"),
    "no such op": (single("GELU", VECTOR, gives=(VECTOR,)), "the delegate has no such op"),
    "custom": (single("MyOp", VECTOR, gives=(VECTOR,)), "custom op 'MyOp'"),
}


@pytest.mark.parametrize("name", BY_LEVEL)
def test_an_op_goes_from_its_api_level_on(name: str) -> None:
    """Below, the reason names the level."""
    inspection, level, reason = BY_LEVEL[name]
    assert nnapi.verdict(inspection, api_level=level).full, nnapi.verdict(inspection, api_level=level).ops
    below = nnapi.verdict(inspection, api_level=level - 1)
    assert not below.full
    assert reason in below.ops[0].reason


@pytest.mark.parametrize("name", NEVER)
def test_what_breaks_a_rule_stays_on_every_level(name: str) -> None:
    """The reason names the tensor or the option."""
    inspection, reason = NEVER[name]
    assert reason in nnapi.verdict(inspection, api_level=34, use_nnapi_cpu=True).ops[0].reason


def test_without_nnapis_cpu_path_large_windows_and_mul_3_go() -> None:
    """From level 29 on, where that path can be shut out."""
    mul = single("MUL", IMAGE, IMAGE, version=3, options=("MulOptions", {}))
    for inspection in (NEVER["large window"][0], mul):
        assert [nnapi.verdict(inspection, api_level=level).full for level in (28, 29)] == [False, True]
        assert not nnapi.verdict(inspection, api_level=34, use_nnapi_cpu=True).full


def test_who_computes_what_a_driver_refuses_is_told() -> None:
    """TensorFlow Lite's kernels, unless NNAPI's own CPU path may or must be used."""
    for options, says in (
        ({}, "stay with TensorFlow Lite's kernels"),
        ({"use_nnapi_cpu": True}, "on NNAPI's own CPU path"),
        ({"api_level": 28}, "cannot be shut out"),
    ):
        assert says in nnapi.verdict(dense(1), **options).notes[0]


def test_whose_level_counts_is_told() -> None:
    """From 29 on that of the drivers, unless NNAPI's own CPU path may be used."""
    for options, says in (({}, True), ({"api_level": 29}, True), ({"use_nnapi_cpu": True}, False),
                          ({"api_level": 28}, False)):  # fmt: skip
        notes = " ".join(nnapi.verdict(dense(1), **options).notes)
        assert ("highest NNAPI feature level of the phone's drivers" in notes) is says
        assert ("without a driver nothing is taken" in notes) is says


def half_precision(dtype: str) -> Inspection:
    """A Dense layer whose weights a DEQUANTIZE widens."""
    scales = (0.1,) if dtype == "INT8" else ()
    tensors = [
        built.tensor("image", (1, 16)),
        built.tensor("kernel", (8, 16), dtype, data=np.ones((8, 16), dtype.lower()), scales=scales),
        built.tensor("net/dense/wide", (8, 16)),
        built.tensor("bias", (8,), data=built.floats(8)),
        built.tensor("net/dense/MatMul", (1, 8)),
    ]
    ops = [
        built.op("DEQUANTIZE", (1,), (2,), version=3 if dtype == "FLOAT16" else 2),
        built.op("FULLY_CONNECTED", (0, 2, 3), (4,), options=("FullyConnectedOptions", {})),
    ]
    return inspect_bytes(built.model(built.graph(tensors, ops, inputs=(0,), outputs=(4,))), where="test")


def test_float16_weights_go_all_or_nothing() -> None:
    """Where drivers are asked: the DEQUANTIZE that the CPU would need is gone."""
    says = "float16 weights: if the driver refuses one op, none is delegated"
    assert says in nnapi.verdict(half_precision("FLOAT16")).warnings
    assert says not in nnapi.verdict(half_precision("FLOAT16"), api_level=28).warnings
    assert says not in nnapi.verdict(half_precision("FLOAT16"), use_nnapi_cpu=True).warnings
    assert says not in nnapi.verdict(half_precision("INT8")).warnings


def mixed_depthwise(version: int, dtype: str = "INT8") -> Inspection:
    """Float activations on weights of a dtype."""
    scales = (0.1,) * 4 if dtype == "INT8" else ()
    return single(
        "DEPTHWISE_CONV_2D",
        IMAGE,
        weights(1, 3, 3, 4, dtype=dtype, scales=scales),
        weights(4),
        version=version,
        options=("DepthwiseConv2DOptions", {"strideW": 1, "strideH": 1, "depthMultiplier": 1}),
    )


def test_depthwise_of_float_by_int8_is_handed_over_and_told() -> None:
    """As the delegate does not look at the weights; NNAPI has no such operands."""
    says = "DEPTHWISE_CONV_2D #0: float32 by int8 weights is handed over"
    verdict = nnapi.verdict(mixed_depthwise(3))
    assert verdict.full
    assert any(note.startswith(says) for note in verdict.notes)
    for other in (mixed_depthwise(6), mixed_depthwise(3, "FLOAT32")):
        assert not any(note.startswith(says) for note in nnapi.verdict(other).notes)


def test_every_level_is_told_in_one_line() -> None:
    """Levels of the same rules as one run, without gaps."""
    found = nnapi.by_level(INT8_CONV)
    assert [(one.lowest, one.highest, one.delegated) for one in found] == [
        (27, 27, 0), (28, 28, 0), (29, 29, 1), (30, 34, 1)
    ]  # fmt: skip
    assert {one.ops for one in found} == {1}
    for one in found:
        for level in range(one.lowest, one.highest + 1):
            assert len(nnapi.verdict(INT8_CONV, api_level=level).delegated) == one.delegated


def test_per_tensor_dense_goes() -> None:
    """The way out that the reason names."""
    assert nnapi.verdict(dense(1)).full


def test_it_always_says_that_nnapi_is_deprecated() -> None:
    """Whoever plans with it must know."""
    assert "deprecated from Android 15" in nnapi.verdict(dense(1)).warnings[0]


@pytest.mark.parametrize("level", [26, 35])
def test_a_level_without_nnapi_is_refused(level: int) -> None:
    """Before Android 8.1, and from Android 15 on."""
    with pytest.raises(ValueError, match=f"level {level}: NNAPI is in levels 27 to 34"):
        nnapi.verdict(dense(1), api_level=level)
