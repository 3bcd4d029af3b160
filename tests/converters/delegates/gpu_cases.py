"""Files for the GPU's rules on ops that CNNs seldom have, custom ops and odd inputs; see :mod:`test_gpu`."""

from converters.tflite.graph import Inspection
from tests.converters import built
from tests.converters.delegates.single import IMAGE, INT8_IMAGE, Spec, constant, single, weights

VECTOR: Spec = ("FLOAT32", (1, 16))
CONV = ("Conv2DOptions", {"strideW": 1, "strideH": 1})


def conv_of_three() -> Inspection:
    """A convolution that gets even its bias from elsewhere."""
    return single("CONV_2D", IMAGE, ("FLOAT32", (4, 3, 3, 4)), ("FLOAT32", (4,)), options=CONV)


TAKEN = {
    "ADD_N": single("ADD_N", IMAGE, IMAGE),
    "BATCH_MATMUL": single("BATCH_MATMUL", IMAGE, weights(4, 4), options=("BatchMatMulOptions", {})),
    "CAST to bool": single("CAST", VECTOR, gives=(("BOOL", (1, 16)),)),
    "DEQUANTIZE": single("DEQUANTIZE", INT8_IMAGE, version=2),
    "DIV": single("DIV", IMAGE, ("FLOAT32", (1, 4)), options=("DivOptions", {})),
    "GATHER": single(
        "GATHER", IMAGE, constant([0, 2]), gives=(("FLOAT32", (1, 8, 8, 2)),), options=("GatherOptions", {})
    ),
    "GELU": single("GELU", VECTOR, gives=(VECTOR,)),
    "LSTM": single(
        "LSTM",
        *((VECTOR,) * 20),
        gives=(VECTOR,),
        options=("LSTMOptions", {"fusedActivationFunction": 4}),
    ),
    "MIRROR_PAD": single("MIRROR_PAD", IMAGE, constant([[0, 0]] * 4), options=("MirrorPadOptions", {})),
    "ONE_HOT": single(
        "ONE_HOT",
        ("INT32", (1,)),
        constant(4),
        constant(1.0, "FLOAT32"),
        constant(0.0, "FLOAT32"),
        gives=(("FLOAT32", (1, 4)),),
        options=("OneHotOptions", {"axis": -1}),
    ),
    "PRELU": single("PRELU", IMAGE, weights(1, 1, 4)),
    "SELECT_V2": single("SELECT_V2", ("BOOL", (1, 8, 8, 4)), IMAGE, constant(0.0, "FLOAT32")),
    "TRANSPOSE of version 4": single("TRANSPOSE", IMAGE, constant([0, 2, 1, 3]), version=4),
    "UNPACK": single("UNPACK", IMAGE, gives=(("FLOAT32", (8, 8, 4)),), options=("UnpackOptions", {"num": 1})),
    "Convolution2DTransposeBias": single(
        "Convolution2DTransposeBias", IMAGE, weights(4, 2, 2, 4), weights(4)
    ),
    "MaxPoolingWithArgmax2D": single("MaxPoolingWithArgmax2D", IMAGE, gives=(IMAGE, IMAGE)),
    "MaxUnpooling2D": single("MaxUnpooling2D", IMAGE, IMAGE),
    "Resampler": single("Resampler", IMAGE, ("FLOAT32", (1, 4, 4, 2))),
}

REFUSED = {
    "CAST from bool": (
        single("CAST", ("BOOL", (1, 4)), gives=(("FLOAT32", (1, 4)),)),
        "is not made by one op for this CAST alone",
    ),
    "a computed DENSIFY": (
        single("DENSIFY", ("FLOAT32", (4, 4)), gives=(("FLOAT32", (4, 4)),)),
        "is computed at run time",
    ),
    "depth multiplier 0": (
        single(
            "DEPTHWISE_CONV_2D",
            IMAGE,
            weights(1, 3, 3, 4),
            options=("DepthwiseConv2DOptions", {"strideW": 1, "strideH": 1, "depthMultiplier": 0}),
        ),
        "depth_multiplier is 0",
    ),
    "int16 constant": (
        single("DEQUANTIZE", constant([1, 2], "INT16"), gives=(("FLOAT32", (2,)),)),
        "the delegate takes no int16",
    ),
    "GATHER by two dimensions": (
        single("GATHER", IMAGE, constant([[0], [1]]), options=("GatherOptions", {})),
        "the delegate takes int32 in one dimension",
    ),
    "LSTM of 5 inputs": (
        single(
            "LSTM", *((VECTOR,) * 5), gives=(VECTOR,), options=("LSTMOptions", {"fusedActivationFunction": 4})
        ),
        "5 inputs: the delegate takes 20 or 24",
    ),
    "ONE_HOT along the first axis": (
        single(
            "ONE_HOT",
            ("INT32", (1, 2)),
            constant(4),
            constant(1.0, "FLOAT32"),
            constant(0.0, "FLOAT32"),
            options=("OneHotOptions", {"axis": 0}),
        ),
        "the delegate takes the last, -1",
    ),
    "SELECT of int32": (
        single("SELECT_V2", ("BOOL", (4,)), constant([1, 2, 3, 4]), constant([1, 2, 3, 4])),
        "the delegate chooses floats",
    ),
    "stride 0": (
        single("MAX_POOL_2D", IMAGE, options=("Pool2DOptions", {"strideW": 0, "strideH": 1})),
        "the delegate takes 1 and more",
    ),
    "BATCH_MATMUL with four dimensions": (
        single("BATCH_MATMUL", IMAGE, weights(1, 8, 4, 4), options=("BatchMatMulOptions", {})),
        "the delegate takes 2",
    ),
    "same input": (
        single("DIV", IMAGE, options=("DivOptions", {})),
        "1 inputs: the delegate takes 2",
    ),
    "three computed": (conv_of_three(), "3 inputs are computed at run time: the delegate takes 1 to 2"),
    "unary of two": (single("ABS", IMAGE, IMAGE), "2 inputs: the delegate takes 1"),
    "both constant": (
        single("MAXIMUM", weights(1, 4), weights(1, 4), gives=(("FLOAT32", (1, 4)),)),
        "0 inputs are computed at run time",
    ),
    "Convolution2DTransposeBias": (
        single("Convolution2DTransposeBias", IMAGE, IMAGE),
        "weights 'in1' (float32, 1x8x8x4) is computed",
    ),
    "MaxPoolingWithArgmax2D": (single("MaxPoolingWithArgmax2D", IMAGE), "1 outputs: the delegate gives 2"),
    "Resampler": (single("Resampler", IMAGE), "1 inputs are computed at run time: the delegate takes 2"),
}

COMPARED = built.model(
    built.graph(
        [
            built.tensor("a", (1, 4)),
            built.tensor("b", (1, 4)),
            built.tensor("net/larger/Greater", (1, 4), "BOOL"),
            built.tensor("net/mask/Cast", (1, 4)),
            built.tensor("net/out/Relu", (1, 4)),
        ],
        [
            built.op("GREATER", (0, 1), (2,)),
            built.op("CAST", (2,), (3,)),
            built.op("RELU", (3,), (4,)),
        ],
        inputs=(0, 1),
        outputs=(4,),
    )
)
"""A comparison whose truth values stay between two ops."""
