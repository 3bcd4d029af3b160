"""The GPU delegate's rules: a file that each refuses, beside one that it takes."""

import pytest

from converters.delegates import gpu
from converters.tflite.graph import Inspection
from converters.tflite.inspect import inspect_bytes
from tests.converters import built
from tests.converters.delegates import gpu_cases, gpu_parse_cases
from tests.converters.delegates.single import IMAGE, INT8_IMAGE, chain, constant, single, weights

VECTOR = ("FLOAT32", (1, 16))
CONV = ("Conv2DOptions", {"strideW": 1, "strideH": 1})
KERNEL, BIAS = weights(4, 3, 3, 4), weights(4)


def conv(
    version: int = 1, activation: int = 0, door: tuple[str, tuple[int, ...]] = ("FLOAT32", (1, 8, 8, 4))
) -> Inspection:
    """A convolution by its version, activation and input."""
    options = ("Conv2DOptions", {**CONV[1], "fusedActivationFunction": activation})
    return single("CONV_2D", door, KERNEL, BIAS, version=version, options=options)


def dense(**options: object) -> Inspection:
    """A Dense layer with options."""
    return single(
        "FULLY_CONNECTED",
        VECTOR,
        weights(8, 16),
        gives=(("FLOAT32", (1, 8)),),
        version=9,
        options=("FullyConnectedOptions", options),
    )


TAKEN = {
    "CONV_2D": conv(),
    "CONV_2D with ReLU6": conv(activation=3),
    "CONV_2D of int8": single(
        "CONV_2D",
        INT8_IMAGE,
        weights(4, 3, 3, 4, dtype="INT8", scales=(0.1,) * 4),
        gives=(INT8_IMAGE,),
        version=3,
        options=CONV,
    ),
    "FULLY_CONNECTED": dense(),
    "SOFTMAX": single("SOFTMAX", VECTOR, gives=(VECTOR,), options=("SoftmaxOptions", {"beta": 1.0})),
    "MEAN": single("MEAN", IMAGE, constant([1, 2]), gives=(("FLOAT32", (1, 4)),)),
    "ADD of equal shapes": single("ADD", IMAGE, IMAGE, options=("AddOptions", {})),
    "ADD of a channel": single("ADD", IMAGE, ("FLOAT32", (1, 4)), options=("AddOptions", {})),
    "MUL": single("MUL", IMAGE, ("FLOAT32", (1, 1, 1, 4)), options=("MulOptions", {})),
    "PAD 4x2": single("PAD", IMAGE, constant([[0, 0], [1, 1], [1, 1], [0, 0]])),
    "DEPTHWISE_CONV_2D": single(
        "DEPTHWISE_CONV_2D",
        IMAGE,
        weights(1, 3, 3, 4),
        BIAS,
        options=("DepthwiseConv2DOptions", {"strideW": 1, "strideH": 1, "depthMultiplier": 1}),
    ),
    "STRIDED_SLICE": single(
        "STRIDED_SLICE",
        IMAGE,
        constant([0] * 4),
        constant([1, 8, 8, 4]),
        constant([1] * 4),
        options=("StridedSliceOptions", {}),
    ),
    "CAST": single("CAST", ("INT32", (1, 4)), gives=(("FLOAT32", (1, 4)),)),
    "DEPTH_TO_SPACE": single("DEPTH_TO_SPACE", IMAGE, options=("DepthToSpaceOptions", {"blockSize": 2})),
    "RESIZE_BILINEAR": single(
        "RESIZE_BILINEAR",
        IMAGE,
        constant([16, 16]),
        version=3,
        options=("ResizeBilinearOptions", {"halfPixelCenters": True}),
    ),
}

REFUSED = {
    "op version": (conv(version=7), "op version 7: the delegate takes versions up to 6"),
    "int16": (
        single("RELU", ("INT16", (1, 4), {"scales": (0.1,)}), gives=(("INT16", (1, 4), {"scales": (0.1,)}),)),
        "'in0' (int16, 1x4): the GPU computes float32",
    ),
    "five dimensions": (
        single("RELU", ("FLOAT32", (1, 1, 1, 1, 4)), gives=(("FLOAT32", (1, 4)),)),
        "has 5 dimensions: the GPU takes 4",
    ),
    "activation": (conv(activation=5), "fused activation SIGN_BIT"),
    "constant Dense input": (
        single(
            "FULLY_CONNECTED",
            weights(1, 16),
            ("FLOAT32", (8, 16)),
            gives=(("FLOAT32", (1, 8)),),
            options=("FullyConnectedOptions", {}),
        ),
        "'in0' (float32, 1x16) is a constant",
    ),
    "shuffled weights": (dense(weightsFormat=1), "weights_format is SHUFFLED4x16INT8"),
    "beta": (
        single("SOFTMAX", VECTOR, gives=(VECTOR,), options=("SoftmaxOptions", {"beta": 2.0})),
        "beta is 2.0",
    ),
    "axes at run time": (
        single("MEAN", IMAGE, ("INT32", (2,)), gives=(("FLOAT32", (1, 4)),)),
        "2 inputs are computed at run time",
    ),
    "axes of int64": (
        single("MEAN", IMAGE, constant([1, 2], "INT64"), gives=(("FLOAT32", (1, 4)),)),
        "axes 'in1' (int64, 2): the delegate takes int32",
    ),
    "broadcast": (
        single("ADD", IMAGE, ("FLOAT32", (8, 4)), options=("AddOptions", {})),
        "does not broadcast so",
    ),
    "outer product": (
        single("MUL", ("FLOAT32", (1, 8, 1, 1)), ("FLOAT32", (1, 1, 8, 1)), options=("MulOptions", {})),
        "one must be as large as the other",
    ),
    "three inputs": (
        single("ADD", IMAGE, IMAGE, IMAGE, options=("AddOptions", {})),
        "3 inputs: the delegate takes 2",
    ),
    "PAD 2x2": (
        single("PAD", ("FLOAT32", (8, 8)), constant([[1, 1], [1, 1]]), gives=(("FLOAT32", (10, 10)),)),
        "paddings 'in1' (int32, 2x2)",
    ),
    "depth multiplier": (
        single(
            "DEPTHWISE_CONV_2D",
            IMAGE,
            weights(1, 3, 3, 8),
            gives=(("FLOAT32", (1, 8, 8, 8)),),
            options=("DepthwiseConv2DOptions", {"strideW": 1, "strideH": 1, "depthMultiplier": 2}),
        ),
        "depth_multiplier is 2 on 4 channels",
    ),
    "shrink_axis_mask": (
        single(
            "STRIDED_SLICE",
            IMAGE,
            constant([0] * 4),
            constant([1] * 4),
            constant([1] * 4),
            options=("StridedSliceOptions", {"shrinkAxisMask": 2}),
        ),
        "shrink_axis_mask is 2",
    ),
    "slice of a vector": (
        single(
            "STRIDED_SLICE",
            VECTOR,
            constant([0]),
            constant([1]),
            constant([1]),
            options=("StridedSliceOptions", {}),
        ),
        "has 2 dimensions: the delegate takes 3 or 4",
    ),
    "cast": (single("CAST", ("FLOAT32", (1, 4)), gives=(("INT8", (1, 4)),)), "casts float32 to int8"),
    "block": (
        single("DEPTH_TO_SPACE", IMAGE, options=("DepthToSpaceOptions", {"blockSize": 1})),
        "block_size is 1",
    ),
    "resize": (
        single(
            "RESIZE_BILINEAR",
            IMAGE,
            constant([16, 16]),
            version=3,
            options=("ResizeBilinearOptions", {"halfPixelCenters": True, "alignCorners": True}),
        ),
        "both set",
    ),
    "slope at run time": (
        single("PRELU", IMAGE, ("FLOAT32", (1, 1, 4))),
        "slope 'in1' (float32, 1x1x4) is computed",
    ),
    "a comparison that leaves the GPU": (
        single("GREATER", IMAGE, IMAGE, gives=(("BOOL", (1, 8, 8, 4)),), version=2),
        "is not read by one CAST or SELECT alone",
    ),
    "mirror": (
        single("MIRROR_PAD", IMAGE, constant([[0, 0]] * 4), options=("MirrorPadOptions", {"mode": 1})),
        "mode is SYMMETRIC",
    ),
    "newer": (single("CEIL", VECTOR, gives=(VECTOR,)), "only LiteRT's newer GPU engine takes it"),
    "no such op": (
        single("TOPK_V2", VECTOR, constant(1), gives=(VECTOR, VECTOR)),
        "the delegate has no such op",
    ),
    "custom": (single("MyOp", VECTOR, gives=(VECTOR,)), "custom op 'MyOp'"),
}


def test_truth_values_go_where_they_stay_on_the_gpu() -> None:
    """From the comparison over the CAST to what reads it."""
    assert gpu.verdict(inspect_bytes(gpu_cases.COMPARED, where="test")).full


TAKEN |= gpu_cases.TAKEN | gpu_parse_cases.TAKEN
REFUSED |= gpu_cases.REFUSED | gpu_parse_cases.REFUSED


@pytest.mark.parametrize("name", TAKEN)
def test_what_keeps_the_rules_goes(name: str) -> None:
    """No rule refuses an ordinary op."""
    assert [op.reason for op in gpu.verdict(TAKEN[name]).ops] == [""]


@pytest.mark.parametrize("name", REFUSED)
def test_what_breaks_a_rule_stays_and_says_why(name: str) -> None:
    """The reason names the tensor or the option."""
    inspection, reason = REFUSED[name]
    verdict = gpu.verdict(inspection)
    assert reason in verdict.ops[0].reason
    assert (verdict.full, verdict.partitions) == (False, 0)


def test_quantised_models_go_only_where_they_are_allowed() -> None:
    """The delegate's default allows them; an app can open it without."""
    inspection = TAKEN["CONV_2D of int8"]
    assert gpu.verdict(inspection).full
    refused = gpu.verdict(inspection, quantized=False)
    assert "open it with quantised models allowed" in refused.ops[0].reason


def test_the_layer_is_told() -> None:
    """An op is of no use to whoever looks for a Keras layer."""
    (op,) = gpu.verdict(single("TOPK_V2", VECTOR, constant(1), gives=(VECTOR, VECTOR))).ops
    assert str(op) == "TOPK_V2 #0 (layer 'layer'): the delegate has no such op"


def test_only_the_largest_part_goes() -> None:
    """An op in the middle that stays cuts the graph in two."""
    verdict = gpu.verdict(chain("RELU", "CEIL", "RELU", "TANH"))
    assert [op.delegated for op in verdict.ops] == [False, False, True, True]
    assert verdict.partitions == 1
    assert (
        "a part of 1 op cut off from the rest; the delegate takes the largest of 2 parts"
        in verdict.ops[0].reason
    )
    both = gpu.verdict(chain("RELU", "CEIL", "RELU", "TANH"), most_partitions=2)
    assert (both.partitions, len(both.stays)) == (2, 1)


def test_a_batch_is_warned_of() -> None:
    """It is not refused, only never what a GPU is tuned for."""
    batch = single("RELU", ("FLOAT32", (4, 4)), gives=(("FLOAT32", (4, 4)),))
    assert "batch 1" in gpu.verdict(batch).warnings[0]
    assert not gpu.verdict(TAKEN["SOFTMAX"]).warnings


def test_an_open_batch_is_warned_of_and_taken() -> None:
    """The file is laid out for one picture; LiteRT's GPU accelerator takes all of such a file."""
    shapes = {"signature": (-1, 4)}
    verdict = gpu.verdict(single("RELU", ("FLOAT32", (1, 4), shapes), gives=(("FLOAT32", (1, 4), shapes),)))
    assert verdict.full
    assert "'in0' (float32, 1x4) has no fixed size: it is taken as it is laid out" in verdict.warnings[0]


def test_what_follows_a_size_that_is_found_at_run_time_stays() -> None:
    """Until an op gives a size of its own."""
    tensors = [
        built.tensor("image", (1, 4)),
        built.tensor("found", (1, 4), signature=(-1, 4)),
        built.tensor("net/first/Relu", (1, 4), signature=(-1, 4)),
        built.tensor("net/second/Softmax", (1, 4)),
        built.tensor("net/third/Tanh", (1, 4)),
    ]
    ops = [
        built.op("FancyFinder", (0,), (1,)),
        built.op("RELU", (1,), (2,)),
        built.op("SOFTMAX", (2,), (3,), options=("SoftmaxOptions", {"beta": 1.0})),
        built.op("TANH", (3,), (4,)),
    ]
    content = built.model(built.graph(tensors, ops, inputs=(0,), outputs=(4,)))
    verdict = gpu.verdict(inspect_bytes(content, where="test"))
    assert [op.delegated for op in verdict.ops] == [False, False, False, True]
    for op in verdict.ops[1:3]:
        assert "has no size before the graph has run" in op.reason
