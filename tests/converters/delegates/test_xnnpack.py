"""XNNPACK's rules, held against what LiteRT's interpreter really delegates to it."""

from typing import Any

import numpy as np
import pytest

from converters.delegates import xnnpack
from converters.delegates.verdict import Verdict
from converters.tflite.inspect import inspect_bytes
from tests.converters import built
from tests.converters.conftest import TrainedCnn

IMAGE = (1, 8, 8, 4)
CONV = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
POOL = {"filterWidth": 2, "filterHeight": 2, "strideW": 2, "strideH": 2}


def file(name: str, *inputs: Any, gives: Any = None, version: int = 1, options: Any = None) -> bytes:
    """One op on tensors of its own."""
    output = gives or built.tensor("net/layer/out", IMAGE)
    tensors = [*inputs, output]
    doors = [i for i, tensor in enumerate(inputs) if tensor.contents is None]
    made = built.op(name, range(len(inputs)), (len(inputs),), version=version, options=options)
    return built.model(built.graph(tensors, [made], inputs=doors, outputs=(len(inputs),)))


def image(dtype: str = "FLOAT32", *, scale: float = 0.5, shape: tuple[int, ...] = IMAGE) -> Any:
    """An activation."""
    return built.tensor("in", shape, dtype, scales=() if dtype == "FLOAT32" else (scale,))


def held(values: Any) -> Any:
    """An int32 constant."""
    data = np.asarray(values, np.int32)
    return built.tensor("constant", data.shape, "INT32", data=data)


def floats(*shape: int) -> Any:
    """A float constant."""
    return built.tensor("weights", shape, data=built.floats(*shape))


SIGN_BIT_FREE = {"fusedActivationFunction": 1}
UNARY = (
    "ABS",
    "CEIL",
    "ELU",
    "EXP",
    "FLOOR",
    "GELU",
    "HARD_SWISH",
    "LEAKY_RELU",
    "LOG",
    "LOGISTIC",
    "NEG",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "ROUND",
    "RSQRT",
    "SQRT",
    "SQUARE",
    "TANH",
    "SIN",
    "COS",
    "SIGN",
    "LOG_SOFTMAX",
)
BINARY = {
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "DIV": "DivOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
}
OPTIONS = {"LEAKY_RELU": ("LeakyReluOptions", {"alpha": 0.1}), "GELU": ("GeluOptions", {})}

FILES = {
    **{name: file(name, image(), options=OPTIONS.get(name)) for name in UNARY},
    **{name: file(name, image(), image(), options=(kind, {})) for name, kind in BINARY.items()},
    "ADD fused": file("ADD", image(), image(), options=("AddOptions", SIGN_BIT_FREE)),
    "ADD tanh": file("ADD", image(), image(), options=("AddOptions", {"fusedActivationFunction": 4})),
    "CONV_2D": file("CONV_2D", image(), floats(4, 1, 1, 4), floats(4), options=("Conv2DOptions", CONV)),
    "DEPTHWISE_CONV_2D": file(
        "DEPTHWISE_CONV_2D",
        image(),
        floats(1, 1, 1, 4),
        floats(4),
        options=("DepthwiseConv2DOptions", {**CONV, "depthMultiplier": 1}),
    ),
    "MAX_POOL_2D": file(
        "MAX_POOL_2D", image(), gives=image(shape=(1, 4, 4, 4)), options=("Pool2DOptions", POOL)
    ),
    "AVERAGE_POOL_2D": file(
        "AVERAGE_POOL_2D", image(), gives=image(shape=(1, 4, 4, 4)), options=("Pool2DOptions", POOL)
    ),
    "SOFTMAX": file("SOFTMAX", image(), options=("SoftmaxOptions", {"beta": 1.0})),
    "SOFTMAX beta": file("SOFTMAX", image(), options=("SoftmaxOptions", {"beta": 2.0})),
    "MEAN": file(
        "MEAN",
        image(),
        held([1, 2]),
        gives=image(shape=(1, 1, 1, 4)),
        options=("ReducerOptions", {"keepDims": True}),
    ),
    "PAD": file("PAD", image(), held([[0, 0], [1, 1], [1, 1], [0, 0]]), gives=image(shape=(1, 10, 10, 4))),
    "TRANSPOSE": file("TRANSPOSE", image(), held([0, 2, 1, 3])),
    "RESHAPE": file("RESHAPE", image(), held([1, 256]), gives=image(shape=(1, 256))),
    "PRELU": file("PRELU", image(), floats(1, 1, 4)),
    "RESIZE_BILINEAR": file(
        "RESIZE_BILINEAR",
        image(),
        held([16, 16]),
        version=3,
        gives=image(shape=(1, 16, 16, 4)),
        options=("ResizeBilinearOptions", {"halfPixelCenters": True}),
    ),
    "RESIZE_NEAREST_NEIGHBOR": file(
        "RESIZE_NEAREST_NEIGHBOR",
        image(),
        held([16, 16]),
        gives=image(shape=(1, 16, 16, 4)),
        options=("ResizeNearestNeighborOptions", {}),
    ),
    "DEPTH_TO_SPACE": file(
        "DEPTH_TO_SPACE",
        image(),
        gives=image(shape=(1, 16, 16, 1)),
        options=("DepthToSpaceOptions", {"blockSize": 2}),
    ),
    "int8 ADD": file(
        "ADD", image("INT8"), image("INT8"), gives=image("INT8"), version=2, options=("AddOptions", {})
    ),
    "int8 MUL": file(
        "MUL", image("INT8"), image("INT8"), gives=image("INT8"), version=2, options=("MulOptions", {})
    ),
    "int8 MAX_POOL_2D": file(
        "MAX_POOL_2D",
        image("INT8"),
        gives=image("INT8", shape=(1, 4, 4, 4)),
        version=2,
        options=("Pool2DOptions", POOL),
    ),
    "int8 AVERAGE_POOL_2D": file(
        "AVERAGE_POOL_2D",
        image("INT8"),
        gives=image("INT8", shape=(1, 4, 4, 4)),
        version=2,
        options=("Pool2DOptions", POOL),
    ),
    "int8 MAXIMUM": file(
        "MAXIMUM",
        image("INT8"),
        image("INT8"),
        gives=image("INT8"),
        version=2,
        options=("MaximumMinimumOptions", {}),
    ),
    "int8 MEAN": file(
        "MEAN",
        image("INT8"),
        held([1, 2]),
        gives=image("INT8", shape=(1, 1, 1, 4)),
        version=2,
        options=("ReducerOptions", {"keepDims": True}),
    ),
    "int8 to float32": file("DEQUANTIZE", image("INT8"), version=2),
    "float32 to int8": file("QUANTIZE", image(), gives=image("INT8")),
    "uint8 to int8": file("QUANTIZE", image("UINT8"), gives=image("INT8")),
    "int8 to other int8": file("QUANTIZE", image("INT8"), gives=image("INT8", scale=0.25), version=2),
}


def real_parts(content: bytes) -> int:
    """Parts that LiteRT's interpreter hands to XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    before = len(interpreter._get_ops_details())
    interpreter.allocate_tensors()
    return sum(op["op_name"] == "DELEGATE" for op in interpreter._get_ops_details()[before:])


def judged(content: bytes) -> Verdict:
    """The verdict on a file."""
    return xnnpack.verdict(inspect_bytes(content, where="test"))


SCALES = {
    f"{name} by 2^{power}": file(
        name, *doors(2.0**power), gives=image("INT8", scale=1.0), version=2, options=options
    )
    for name, doors, options, powers in (
        (
            "ADD",
            lambda s: (image("INT8", scale=s), image("INT8", scale=s)),
            ("AddOptions", {}),
            (-11, -10, 7, 8),
        ),
        (
            "MUL",
            lambda s: (image("INT8", scale=s), image("INT8", scale=1.0)),
            ("MulOptions", {}),
            (-17, -16, 7, 8),
        ),
        ("QUANTIZE", lambda s: (image("INT8", scale=s),), None, (-9, -8, 7, 8)),
    )
    for power in powers
}
"""Input scales this far from the output's."""


@pytest.mark.parametrize("name", SCALES)
def test_so_it_is_where_scales_lie_far_apart(name: str) -> None:
    """The limits are those of the interpreter, to the power of two."""
    assert judged(SCALES[name]).partitions == real_parts(SCALES[name])


@pytest.mark.parametrize("name", FILES)
def test_the_verdict_is_what_the_interpreter_does(name: str) -> None:
    """The same number of parts, op by op."""
    verdict = judged(FILES[name])
    assert verdict.partitions == real_parts(FILES[name]), verdict.ops


@pytest.mark.tensorflow
@pytest.mark.parametrize("scheme", ["float32", "float16", "dynamic_range", "int8", "int16x8"])
def test_so_it_is_for_a_whole_cnn(cnn: TrainedCnn, scheme: str) -> None:
    """As it is converted, in every scheme."""
    io = "uint8" if scheme == "int8" else "float32"
    content = cnn.converted(scheme, io=io).content
    assert judged(content).partitions == real_parts(content)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("scheme", "note"),
    [
        ("float16", "float16 weights are widened to float32"),
        ("int8", "int8 path (QS8, QU8): applies"),
        ("dynamic_range", "dynamic-range path: applies"),
        ("float32", "sparse path: does not apply, weights are stored dense"),
    ],
)
def test_the_path_is_told(cnn: TrainedCnn, scheme: str, note: str) -> None:
    """Which of XNNPACK's paths the weights take; the others are not named."""
    notes = " / ".join(judged(cnn.converted(scheme).content).notes)
    assert note in notes
    assert ("int8 path" in notes, "dynamic-range path" in notes) == (
        scheme == "int8",
        scheme == "dynamic_range",
    )


def test_a_build_without_integers_leaves_them() -> None:
    """Older builds of TensorFlow Lite."""
    inspection = inspect_bytes(FILES["int8 ADD"], where="test")
    assert xnnpack.verdict(inspection).full
    assert "floating point only" in xnnpack.verdict(inspection, quantized=False).ops[0].reason


@pytest.mark.parametrize(
    ("sparse", "kernel", "stride", "says"),
    [
        (False, (8, 3, 3, 3), 2, "stored dense"),
        (True, (8, 3, 3, 4), 2, "the first convolution is not 3x3 with stride 2"),
        (True, (8, 3, 3, 3), 1, "the first convolution is not 3x3 with stride 2"),
        (True, (8, 3, 3, 3), 2, "may apply"),
    ],
)
def test_the_sparse_path_is_for_few_networks(
    sparse: bool, kernel: tuple[int, ...], stride: int, says: str
) -> None:
    """Sparse storage, and the first layer of a mobile CNN."""
    tensors = [
        built.tensor("in", (1, 8, 8, kernel[-1])),
        built.tensor("w", kernel, data=built.floats(*kernel)),
        built.tensor("packed", (4, 4), data=built.floats(4, 4), sparse=sparse),
        built.tensor("out", (1, 4, 4, 8)),
    ]
    options = ("Conv2DOptions", {**CONV, "strideW": stride, "strideH": stride})
    graph = built.graph(
        tensors, [built.op("CONV_2D", (0, 1, -1), (3,), options=options)], inputs=(0,), outputs=(3,)
    )
    assert says in xnnpack.sparse_path(inspect_bytes(built.model(graph), where="test"))
