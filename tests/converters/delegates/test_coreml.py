"""The Core ML delegate's rules."""

import pytest

from converters.delegates import coreml, nnapi, xnnpack
from converters.tflite.graph import Inspection
from converters.tflite.inspect import inspect_bytes
from tests.converters import built
from tests.converters.delegates.single import IMAGE, INT8_IMAGE, chain, constant, single, weights

VECTOR = ("FLOAT32", (1, 16))
CONV = ("Conv2DOptions", {"strideW": 1, "strideH": 1})
POOL = {"filterWidth": 2, "filterHeight": 2, "strideW": 2, "strideH": 2}


def dense(door: tuple[str, tuple[int, ...]] = VECTOR, dtype: str = "FLOAT32") -> Inspection:
    """A Dense layer."""
    return single(
        "FULLY_CONNECTED",
        door,
        weights(8, 16, dtype=dtype),
        gives=(("FLOAT32", (1, 8)),),
        options=("FullyConnectedOptions", {}),
    )


REFUSED = {
    "int8": (
        single("CONV_2D", INT8_IMAGE, weights(4, 3, 3, 4, dtype="INT8"), gives=(INT8_IMAGE,), options=CONV),
        "the delegate takes float32 here",
    ),
    "int8 weights": (dense(dtype="INT8"), "weights 'in1' (int8, 8x16): Core ML takes float32 and float16"),
    "version": (single("RESIZE_BILINEAR", IMAGE, constant([16, 16]), version=3), "op version 3"),
    "reshape": (
        single("RESHAPE", IMAGE, constant([1, 256]), gives=(("FLOAT32", (1, 256)),)),
        "under version 2 only",
    ),
    "batched dense": (dense(("FLOAT32", (2, 16))), "all dimensions but the last must be 1"),
    "weights at run time": (
        single("CONV_2D", IMAGE, ("FLOAT32", (4, 3, 3, 4)), options=CONV),
        "weights are computed",
    ),
    "mean without keep_dims": (
        single(
            "MEAN",
            IMAGE,
            constant([1, 2]),
            gives=(("FLOAT32", (1, 4)),),
            options=("ReducerOptions", {"keepDims": False}),
        ),
        "keep_dims is not set",
    ),
    "mean of channels": (
        single("MEAN", IMAGE, constant([3]), options=("ReducerOptions", {"keepDims": True})),
        "averages over height and width only",
    ),
    "concat of rows": (
        single("CONCATENATION", IMAGE, IMAGE, options=("ConcatenationOptions", {"axis": 1})),
        "along axis 1",
    ),
    "fused pool": (
        single("MAX_POOL_2D", IMAGE, options=("Pool2DOptions", {**POOL, "fusedActivationFunction": 1})),
        "fused activation RELU",
    ),
    "pad of channels": (
        single("PAD", IMAGE, constant([[0, 0], [0, 0], [0, 0], [1, 0]])),
        "pads height and width only",
    ),
    "broadcast": (
        single("ADD", IMAGE, ("FLOAT32", (1, 8, 1, 4)), options=("AddOptions", {})),
        "does not broadcast so",
    ),
    "beta": (
        single("SOFTMAX", VECTOR, gives=(VECTOR,), options=("SoftmaxOptions", {"beta": 0.5})),
        "beta is 0.5",
    ),
    "no such op": (single("ELU", VECTOR, gives=(VECTOR,)), "the delegate has no such op"),
    "custom": (single("MyOp", VECTOR, gives=(VECTOR,)), "custom op 'MyOp'"),
}

TAKEN = {
    "CONV_2D": single("CONV_2D", IMAGE, weights(4, 3, 3, 4), weights(4), options=CONV),
    "FULLY_CONNECTED": dense(),
    "MEAN": single("MEAN", IMAGE, constant([1, 2]), options=("ReducerOptions", {"keepDims": True})),
    "CONCATENATION": single("CONCATENATION", IMAGE, IMAGE, options=("ConcatenationOptions", {"axis": -1})),
    "MAX_POOL_2D": single("MAX_POOL_2D", IMAGE, options=("Pool2DOptions", POOL)),
    "PAD": single("PAD", IMAGE, constant([[0, 0], [1, 1], [1, 1], [0, 0]])),
    "ADD": single("ADD", IMAGE, ("FLOAT32", (1, 1, 1, 4)), options=("AddOptions", {})),
    "SOFTMAX": single("SOFTMAX", VECTOR, gives=(VECTOR,), options=("SoftmaxOptions", {"beta": 1.0})),
    "TRANSPOSE_CONV": single(
        "TRANSPOSE_CONV",
        constant([1, 16, 16, 4]),
        weights(4, 3, 3, 4),
        IMAGE,
        options=("TransposeConvOptions", {"strideW": 2, "strideH": 2}),
    ),
}


RESHAPED = single("RESHAPE", IMAGE, constant([1, 4, 8, 8]), gives=(("FLOAT32", (1, 4, 8, 8)),))


@pytest.mark.parametrize("name", REFUSED)
def test_what_breaks_a_rule_stays_and_says_why(name: str) -> None:
    """The reason names the tensor or the option."""
    inspection, reason = REFUSED[name]
    assert reason in coreml.verdict(inspection).ops[0].reason


@pytest.mark.parametrize("name", TAKEN)
def test_what_keeps_the_rules_is_refused_only_for_being_alone(name: str) -> None:
    """A part of one op is not worth its copies: the delegate takes two and more."""
    (op,) = coreml.verdict(TAKEN[name]).ops
    assert op.reason == "in a part of 1 op; the delegate takes none below 2"


def test_two_ops_go() -> None:
    """So the refusal above was for their number."""
    assert coreml.verdict(chain("RELU", "TANH")).full


def test_core_ml_2_reshapes() -> None:
    """What version 3 refuses."""
    assert "under version 2 only" in coreml.verdict(RESHAPED).ops[0].reason
    assert "in a part of 1 op" in coreml.verdict(RESHAPED, coreml_version=2).ops[0].reason


def test_sparse_weights_are_not_unpacked() -> None:
    """DENSIFY stays on the CPU, and the op that reads it with it; XNNPACK unpacks them."""
    tensors = [
        built.tensor("image", (1, 16)),
        built.tensor("packed", (8, 16), data=built.floats(8, 16), sparse=True),
        built.tensor("kernel", (8, 16)),
        built.tensor("net/dense/MatMul", (1, 8)),
    ]
    ops = [
        built.op("DENSIFY", (1,), (2,)),
        built.op("FULLY_CONNECTED", (0, 2), (3,), options=("FullyConnectedOptions", {})),
    ]
    inspection = inspect_bytes(
        built.model(built.graph(tensors, ops, inputs=(0,), outputs=(3,))), where="test"
    )
    densify, reader = coreml.verdict(inspection).ops
    assert densify.reason == "the delegate has no such op"
    assert "weights are computed at run time" in reader.reason
    assert xnnpack.verdict(inspection).full
    assert [nnapi.verdict(inspection, api_level=level).full for level in (29, 30)] == [False, True]


def test_float16_weights_go_with_the_op_that_reads_them() -> None:
    """The DEQUANTIZE in between is no op of its own to a delegate."""
    tensors = [
        built.tensor("image", (1, 16)),
        built.tensor("half", (8, 16), "FLOAT16", data=built.floats(8, 16).astype("float16")),
        built.tensor("kernel", (8, 16)),
        built.tensor("net/dense/MatMul", (1, 8)),
        built.tensor("net/out/Relu", (1, 8)),
    ]
    ops = [
        built.op("DEQUANTIZE", (1,), (2,)),
        built.op("FULLY_CONNECTED", (0, 2), (3,), options=("FullyConnectedOptions", {})),
        built.op("RELU", (3,), (4,)),
    ]
    content = built.model(built.graph(tensors, ops, inputs=(0,), outputs=(4,)))
    verdict = coreml.verdict(inspect_bytes(content, where="test"))
    assert [op.delegated for op in verdict.ops] == [True, True, True]
    assert (verdict.full, verdict.macs_share) == (True, 1.0)


def test_other_versions_of_core_ml_are_refused() -> None:
    """The delegate knows two."""
    with pytest.raises(ValueError, match="Core ML version 4"):
        coreml.verdict(dense(), coreml_version=4)
