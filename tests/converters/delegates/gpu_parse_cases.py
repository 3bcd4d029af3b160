"""Files that the GPU's model builder refuses after the delegate has claimed their op; see :mod:`test_gpu`."""

from converters.tflite.graph import Inspection
from tests.converters.delegates.single import IMAGE, Spec, constant, single, weights

VECTOR: Spec = ("FLOAT32", (1, 16))
CONV = ("Conv2DOptions", {"strideW": 1, "strideH": 1})
DENSE: tuple[str, dict[str, object]] = ("FullyConnectedOptions", {})
SPARSE: Spec = ("FLOAT32", (4, 4), {"data": weights(4, 4)[2]["data"], "sparse": True})  # type: ignore[misc]
HALF: tuple[Spec, ...] = (("FLOAT32", (1, 8, 8, 2)),) * 2


def flattening(*, computed: bool = False) -> Inspection:
    """A Dense layer on a picture, which TensorFlow Lite's own kernel flattens."""
    kernel: Spec = ("FLOAT32", (3, 32)) if computed else weights(3, 32)
    return single(
        "FULLY_CONNECTED", ("FLOAT32", (1, 4, 4, 2)), kernel, gives=(("FLOAT32", (1, 3)),), options=DENSE
    )


def cumsum(door: Spec, axis: int) -> Inspection:
    """Sums along an axis."""
    return single("CUMSUM", door, constant(axis), gives=(door,))


def sliced(
    name: str, *numbers: list[int], door: Spec = IMAGE, gives: Spec = IMAGE, **masks: int
) -> Inspection:
    """A SLICE or STRIDED_SLICE by constants."""
    options = ("StridedSliceOptions", masks) if name == "STRIDED_SLICE" else None
    return single(name, door, *map(constant, numbers), gives=(gives,), options=options)


def gather(axis: int) -> Inspection:
    """Picks along an axis."""
    return single("GATHER", IMAGE, constant([0, 2]), options=("GatherOptions", {"axis": axis}))


EIGHT: tuple[Spec, ...] = (("FLOAT32", (1, 8, 8, 8)),)
SHORT: Spec = ("FLOAT32", (8, 8, 4))
FOUR, CUT = [0] * 4, [1, 8, 8, 2]

TAKEN = {
    "Dense on a picture by channel": single(
        "FULLY_CONNECTED",
        ("FLOAT32", (1, 4, 4, 2)),
        weights(3, 2),
        gives=(("FLOAT32", (1, 4, 4, 3)),),
        options=("FullyConnectedOptions", {"keepNumDims": True}),
    ),
    "CONV_2D in groups of 4": single("CONV_2D", *EIGHT, weights(8, 3, 3, 4), gives=EIGHT, options=CONV),
    "CONV_2D of each channel": single("CONV_2D", IMAGE, weights(4, 3, 3, 1), options=CONV),
    "a constant of batch 1": single("MUL", IMAGE, weights(1, 8, 8, 4), options=("MulOptions", {})),
    "joined constants": single(
        "CONCATENATION", IMAGE, weights(1, 8, 8, 4), options=("ConcatenationOptions", {})
    ),
    "slope of a picture": single("PRELU", IMAGE, weights(8, 8, 4)),
    "GATHER from behind": gather(-4),
    "CUMSUM of channels": cumsum(IMAGE, 3),
    "CUMSUM of a vector's channels": cumsum(VECTOR, 1),
    "SPLIT": single("SPLIT", constant(3), IMAGE, gives=HALF, options=("SplitOptions", {"numSplits": 2})),
    "DENSIFY": single("DENSIFY", SPARSE, gives=(("FLOAT32", (4, 4)),)),
    "SLICE": sliced("SLICE", FOUR, CUT, gives=("FLOAT32", (1, 8, 8, 2))),
    "STRIDED_SLICE from behind": sliced(
        "STRIDED_SLICE", [0, 0, 0, -2], [1, 8, -1, 0], [1] * 4, endMask=8, gives=("FLOAT32", (1, 8, 7, 2))
    ),
    "STRIDED_SLICE by two": sliced(
        "STRIDED_SLICE", FOUR, FOUR, [1, 3, 2, 1], endMask=15, gives=("FLOAT32", (1, 3, 4, 4))
    ),
    "Resampler of two numbers": single("Resampler", IMAGE, ("FLOAT32", (1, 4, 4, 2))),
    "an open batch": single(
        "RELU", ("FLOAT32", (1, 4), {"signature": (-1, 4)}), gives=(("FLOAT32", (1, 4)),)
    ),
}

REFUSED = {
    "Dense that flattens": (
        flattening(),
        "(float32, 1x4x4x2): the GPU takes 32 channels in the last dimension",
    ),
    "Dense that flattens, by computed weights": (flattening(computed=True), "not 2; flatten before it"),
    "Dense on one dimension": (
        single(
            "FULLY_CONNECTED", ("FLOAT32", (16,)), weights(8, 16), gives=(("FLOAT32", (1, 8)),), options=DENSE
        ),
        "the GPU takes 16 channels in the last dimension, as the weights have, not 1",
    ),
    "grouped by computed weights": (
        single("CONV_2D", IMAGE, ("FLOAT32", (4, 3, 3, 2)), options=CONV),
        "grouped by weights 'in1' (float32, 4x3x3x2) that are computed",
    ),
    "CONV_2D in groups of 2": (
        single("CONV_2D", IMAGE, weights(4, 3, 3, 2), options=CONV),
        "2 groups of 2 to 2 channels: the GPU computes multiples of 4",
    ),
    "CONV_2D in groups of 4 to 2": (
        single("CONV_2D", *EIGHT, weights(4, 3, 3, 4), options=CONV),
        "2 groups of 4 to 2 channels",
    ),
    "depth by computed weights": (
        single(
            "DEPTHWISE_CONV_2D",
            ("FLOAT32", (1, 8, 8, 1)),
            ("FLOAT32", (1, 3, 3, 4)),
            options=("DepthwiseConv2DOptions", {"strideW": 1, "strideH": 1, "depthMultiplier": 4}),
        ),
        "depth_multiplier is 4, and weights are computed",
    ),
    "a constant of batch 2": (
        single("ADD", ("FLOAT32", (2, 8, 8, 4)), weights(2, 8, 8, 4), options=("AddOptions", {})),
        "constant 'in1' (float32, 2x8x8x4): the delegate takes constants of batch 1",
    ),
    "two constants": (
        single("ADD", weights(1, 4), weights(1, 4), gives=(("FLOAT32", (1, 4)),), options=("AddOptions", {})),
        "no input is computed at run time",
    ),
    "a joined constant of two dimensions": (
        single(
            "CONCATENATION",
            VECTOR,
            weights(1, 16),
            gives=(("FLOAT32", (1, 32)),),
            options=("ConcatenationOptions", {}),
        ),
        "joins constants of 4 dimensions only",
    ),
    "slope of another size": (single("PRELU", IMAGE, weights(1, 8, 4)), "one for each channel or each value"),
    "GATHER outside": (gather(4), "axis is 4 on input"),
    "CUMSUM from behind": (
        cumsum(IMAGE, -1),
        "axis is -1 on input 'in0' (float32, 1x8x8x4): the delegate would sum",
    ),
    "CUMSUM of a vector's batch": (cumsum(VECTOR, 0), "would sum along another one"),
    "CUMSUM of three dimensions": (cumsum(SHORT, 0), "would sum along another one"),
    "SPLIT along a computed axis": (
        single("SPLIT", ("INT32", ()), IMAGE, gives=HALF, options=("SplitOptions", {"numSplits": 2})),
        "axis 'in0' (int32, scalar) is computed",
    ),
    "DENSIFY of a dense one": (
        single("DENSIFY", weights(4, 4), gives=(("FLOAT32", (4, 4)),)),
        "is not stored sparsely",
    ),
    "TRANSPOSE of one dimension": (
        single("TRANSPOSE", ("FLOAT32", (4,)), constant([0]), gives=(("FLOAT32", (4,)),)),
        "int32 of 2 to 4 dimensions",
    ),
    "PAD of int64": (single("PAD", IMAGE, constant([[0, 0]] * 4, "INT64")), "paddings 'in1' (int64, 4x2)"),
    "SLICE from a computed place": (
        single("SLICE", IMAGE, ("INT32", (4,)), constant(CUT)),
        "begin 'in1' (int32, 4) is computed",
    ),
    "SLICE by int64": (
        single("SLICE", IMAGE, constant(FOUR, "INT64"), constant(CUT, "INT64")),
        "takes 3 or 4 of int32",
    ),
    "STRIDED_SLICE backwards": (
        sliced("STRIDED_SLICE", FOUR, CUT, [1, 1, 1, -1]),
        "the delegate takes 1 and more",
    ),
    "STRIDED_SLICE of three dimensions": (
        sliced("STRIDED_SLICE", [0] * 3, [4, 8, 4], [1] * 3, door=SHORT, gives=("FLOAT32", (4, 8, 4))),
        "reads begin and end as 8 in batch",
    ),
    "STRIDED_SLICE beyond the end": (
        sliced("STRIDED_SLICE", FOUR, [1, 8, 8, 99], [1] * 4),
        "reads begin and end as 99 in channels",
    ),
    "SELECT of a constant row": (
        single("SELECT_V2", ("BOOL", (1, 8, 8, 4)), weights(8, 8, 4), IMAGE, gives=(SHORT,)),
        "a constant of 3 dimensions",
    ),
    "Resampler of one number": (
        single("Resampler", IMAGE, ("FLOAT32", (1, 4, 4, 1))),
        "do not fit input",
    ),
    "two scales of what is computed": (
        single(
            "RELU", ("INT8", (1, 4), {"scales": (0.5, 0.5)}), gives=(("INT8", (1, 4), {"scales": (0.5,)}),)
        ),
        "has 2 scales: the GPU takes one",
    ),
    "a computed depth": (
        single(
            "ONE_HOT",
            ("INT32", (1,)),
            ("INT32", ()),
            constant(1.0, "FLOAT32"),
            constant(0.0, "FLOAT32"),
            gives=(("FLOAT32", (1, 4), {"signature": (1, -1)}),),
            options=("OneHotOptions", {"axis": -1}),
        ),
        "'net/layer/out0' (float32, 1x4) has no size before the graph has run",
    ),
}
