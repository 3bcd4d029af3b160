"""Further pairs of files for rules that no delegate's own test tries: one keeps the rule, one breaks it."""

from typing import Any

from converters.tflite.graph import Inspection
from tests.converters.delegates.single import IMAGE, INT8_IMAGE, Spec, constant, single, weights

Pair = tuple[Inspection, Inspection, str]
"""A file that goes (on the highest level), one that does not (on some level), and what its reason says."""

VECTOR: Spec = ("FLOAT32", (1, 16))
ROW: Spec = ("FLOAT32", (4,))
SCALAR: Spec = ("FLOAT32", ())
INT32: Spec = ("INT32", (1, 16))
TWO: Spec = ("INT32", (2,))
UINT8: Spec = ("UINT8", (1, 8, 8, 4), {"scales": (0.5,)})
COARSE: Spec = ("UINT8", (1, 8, 8, 4), {"scales": (0.01,)})
CUBE: Spec = ("FLOAT32", (1, 2, 2, 2, 2))
POOL = {"filterWidth": 2, "filterHeight": 2, "strideW": 2, "strideH": 2}
CONV = {"strideW": 1, "strideH": 1}


def pooled(**more: Any) -> Inspection:
    """L2 pooling."""
    return single("L2_POOL_2D", IMAGE, options=("Pool2DOptions", {**POOL, **more}))


def times(version: int) -> Inspection:
    """A product."""
    return single("MUL", IMAGE, IMAGE, version=version, options=("MulOptions", {}))


def padded(*more: Spec, door: Spec = IMAGE) -> Inspection:
    """A PAD."""
    return single("PAD", door, constant([[0, 0]] * 4), *more)


def convolved(kernel: Spec, *more: Spec, name: str = "CONV_2D", **changed: Any) -> Inspection:
    """A convolution in floats."""
    kind = "DepthwiseConv2DOptions" if name.startswith("DEPTH") else "Conv2DOptions"
    return single(name, IMAGE, kernel, *more, options=(kind, {**CONV, **changed}))


def transposed(shape: Spec, kernel: Spec) -> Inspection:
    """A transposed convolution."""
    return single("TRANSPOSE_CONV", shape, kernel, IMAGE, options=("TransposeConvOptions", CONV))


def dense(
    door: Spec = VECTOR, *, out: Spec = ("FLOAT32", (1, 8)), version: int = 1, **more: Any
) -> Inspection:
    """A Dense layer in floats."""
    options = ("FullyConnectedOptions", more)
    return single("FULLY_CONNECTED", door, weights(8, 16), gives=(out,), version=version, options=options)


def sliced(begin: Spec, extent: Spec) -> Inspection:
    """A SLICE."""
    return single("SLICE", IMAGE, begin, extent)


def strided(strides: Spec, **masks: int) -> Inspection:
    """A STRIDED_SLICE."""
    four = constant([1] * 4)
    return single("STRIDED_SLICE", IMAGE, four, four, strides, options=("StridedSliceOptions", masks))


def reshaped(*, to: tuple[int, ...], **more: Any) -> Inspection:
    """A RESHAPE whose shape stands in its options."""
    return single("RESHAPE", ("FLOAT32", (1,)), options=("ReshapeOptions", {"newShape": list(to)}), **more)


def of(name: str, good: tuple[Spec, ...], bad: tuple[Spec, ...], says: str, **more: Any) -> Pair:
    """A pair that differs in the inputs alone."""
    return single(name, *good, **more), single(name, *bad, **more), says


EXTENT, ONES = constant([1, 2, 2, 4]), constant([1] * 4)
FOUR: Spec = ("INT32", (4,))

NNAPI: dict[str, Pair] = {
    "arg": of("ARG_MAX", (VECTOR, constant(1)), (VECTOR, constant(1, "INT8")), "the axis", gives=(INT32,)),
    "cast_to": (
        single("CAST", VECTOR, gives=(INT32,)),
        single("CAST", VECTOR, gives=(("BOOL", (1, 16)),)),
        "output",
    ),
    "constant_axis": of("EXPAND_DIMS", (VECTOR, constant(0)), (VECTOR, TWO), "computed", gives=(VECTOR,)),
    "constant_data": of("DENSIFY", (weights(4, 4),), (VECTOR,), "not a constant", gives=(VECTOR,)),
    "constant_k": of("TOPK_V2", (VECTOR, constant(2)), (VECTOR, TWO), "computed", gives=(VECTOR, INT32)),
    "constant_output_size": (
        transposed(ONES, weights(4, 3, 3, 4)),
        transposed(FOUR, weights(4, 3, 3, 4)),
        "output size",
    ),
    "constant_weights": (transposed(ONES, weights(4, 3, 3, 4)), transposed(ONES, IMAGE), "weights"),
    "constant_permutation": of("TRANSPOSE", (IMAGE, constant([0, 2, 1, 3])), (IMAGE, FOUR), "permutation"),
    "constant_scalars": of("MAXIMUM", (IMAGE, constant(0.0, "FLOAT32")), (IMAGE, SCALAR), "scalar"),
    "constant_size": of("RESIZE_BILINEAR", (IMAGE, constant([8, 8])), (IMAGE, TWO), "size"),
    "constant_split_axis": of("SPLIT", (constant(0), IMAGE), (TWO, IMAGE), "axis"),
    "dequantize": (
        single("DEQUANTIZE", INT8_IMAGE, version=2),
        single("DEQUANTIZE", INT8_IMAGE, version=3),
        "op version 3",
    ),
    "even_rank_before_29": (
        single("SOFTMAX", VECTOR, gives=(VECTOR,)),
        single("SOFTMAX", ROW, gives=(ROW,)),
        "2 or 4",
    ),
    "fill": of("FILL", (constant([2, 2]), SCALAR), (TWO, SCALAR), "computed"),
    "five_inputs": of("RNN", (VECTOR,) * 5, (VECTOR,) * 4, "4 inputs", gives=(VECTOR,)),
    "float_second": of("SVDF", (VECTOR,) * 5, (VECTOR, INT32, *(VECTOR,) * 3), "float32", gives=(VECTOR,)),
    "float_output": (
        single("HASHTABLE_LOOKUP", INT32, INT32, VECTOR, gives=(VECTOR,)),
        single("HASHTABLE_LOOKUP", INT32, INT32, VECTOR, gives=(INT32,)),
        "gives float32",
    ),
    "image_rank": of("RESIZE_BILINEAR", (IMAGE, constant([8, 8])), (VECTOR, constant([8, 8])), "dimensions"),
    "int32_begin_and_size": (sliced(ONES, EXTENT), sliced(constant([1] * 4, "INT64"), EXTENT), "begin"),
    "int32_multipliers": of("TILE", (IMAGE, ONES), (IMAGE, constant([1] * 4, "INT64")), "multipliers"),
    "int32_positions": of("GATHER", (IMAGE, TWO), (IMAGE, constant([0], "INT64")), "positions"),
    "keep_num_dims": (dense(keepNumDims=True), dense(keepNumDims=True), "keep_num_dims"),
    "lsh": (
        single("LSH_PROJECTION", VECTOR, VECTOR, options=("LSHProjectionOptions", {"type": 1})),
        single("LSH_PROJECTION", VECTOR, VECTOR, VECTOR, options=("LSHProjectionOptions", {"type": 1})),
        "takes none",
    ),
    "lstm": of("LSTM", (VECTOR,) * 20, (*(VECTOR,) * 4, INT32, *(VECTOR,) * 15), "weights", gives=(VECTOR,)),
    "mul_version": (times(3), times(3), "with NNAPI's CPU path"),
    "new_shape": (reshaped(to=(1, 1), gives=(VECTOR,)), reshaped(to=(0,), gives=(SCALAR,)), "to a scalar"),
    "no_activation": of(
        "L2_NORMALIZATION", (IMAGE,), (VECTOR,), "before level 29 4", options=("L2NormOptions", {})
    ),
    "no_activation_before_29": (pooled(), pooled(fusedActivationFunction=1), "fused activation RELU"),
    "no_crops": of(
        "BATCH_TO_SPACE_ND",
        (IMAGE, TWO, constant([[0, 0]] * 2)),
        (IMAGE, TWO, constant([[1, 0]] * 2)),
        "crops",
    ),
    "no_scalar_input": of("REDUCE_MAX", (VECTOR, TWO), (SCALAR, TWO), "no scalars"),
    "not_hybrid": of(
        "UNIDIRECTIONAL_SEQUENCE_RNN", (VECTOR,) * 5, (VECTOR, INT8_IMAGE), "under a float", gives=(VECTOR,)
    ),
    "not_int16_out": (dense(), dense(out=("INT16", (1, 8))), "no int16"),
    "not_last_axis": (
        single("PACK", VECTOR, options=("PackOptions", {"axis": 0})),
        single("PACK", VECTOR, options=("PackOptions", {"axis": -1})),
        "is the last",
    ),
    "pad": (padded(), padded(door=("FLOAT32", (1, 0, 8, 4))), "no elements"),
    "plain_int32": (
        single("ADD", INT32, INT32, options=("AddOptions", {})),
        single("ADD", INT32, INT32, options=("AddOptions", {"fusedActivationFunction": 1})),
        "on int32",
    ),
    "rank_4": of(
        "CONCATENATION", (IMAGE, IMAGE), (CUBE, IMAGE), "5 dimensions", options=("ConcatenationOptions", {})
    ),
    "rank_4_of_both": of("SUB", (IMAGE, IMAGE), (IMAGE, CUBE), "5 dimensions", options=("SubOptions", {})),
    "restricted_scales": (
        single("CONV_2D", UINT8, UINT8, INT32, gives=(UINT8,), options=("Conv2DOptions", CONV)),
        single("CONV_2D", UINT8, UINT8, INT32, gives=(COARSE,), options=("Conv2DOptions", CONV)),
        "multiply to more",
    ),
    "same_scale_out": of("MEAN", (INT8_IMAGE, TWO), (UINT8, TWO), "scale", version=2, gives=(INT8_IMAGE,)),
    "same_scales": of(
        "CONCATENATION",
        (UINT8, UINT8),
        (UINT8, COARSE),
        "different scales",
        options=("ConcatenationOptions", {}),
    ),
    "same_shapes": of(
        "SELECT", (("BOOL", (1, 16)), VECTOR, VECTOR), (("BOOL", (1,)), VECTOR, VECTOR), "shape"
    ),
    "sequence_inputs": of(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", (VECTOR,) * 20, (VECTOR,) * 7, "7 inputs", gives=(VECTOR,)
    ),
    "softmax_output": (
        single("SOFTMAX", VECTOR, gives=(VECTOR,)),
        single("SOFTMAX", VECTOR, gives=(INT32,)),
        "output",
    ),
    "square_before_29": (
        single("RESIZE_BILINEAR", IMAGE, constant([8, 8])),
        single("RESIZE_BILINEAR", IMAGE, constant([8, 4]), gives=(("FLOAT32", (1, 8, 4, 4)),)),
        "not square",
    ),
    "squeeze_dims_at_28": (
        single("SQUEEZE", IMAGE, options=("SqueezeOptions", {"squeezeDims": [0]})),
        single("SQUEEZE", IMAGE, options=("SqueezeOptions", {})),
        "no squeeze_dims",
    ),
}
# The same rule is broken in another way than by the row's dtypes.
NNAPI["same_scale_out"] = (
    single("MEAN", INT8_IMAGE, TWO, version=2, gives=(INT8_IMAGE,)),
    single("MEAN", UINT8, TWO, version=2, gives=(COARSE,)),
    "differ in scale",
)

COREML: dict[str, Pair] = {
    "activation": (
        convolved(weights(4, 3, 3, 4)),
        convolved(weights(4, 3, 3, 4), fusedActivationFunction=5),
        "SIGN",
    ),
    "constant_bias": (
        convolved(weights(4, 3, 3, 4), weights(4)),
        convolved(weights(4, 3, 3, 4), ROW),
        "bias",
    ),
    "constant_output_size": (
        transposed(ONES, weights(4, 3, 3, 4)),
        transposed(FOUR, weights(4, 3, 3, 4)),
        "output size",
    ),
    "constant_size": of("RESIZE_BILINEAR", (IMAGE, constant([8, 8])), (IMAGE, TWO), "size"),
    "mirror": (
        single("MIRROR_PAD", IMAGE, constant([[0, 0]] * 4), options=("MirrorPadOptions", {"mode": 0})),
        single("MIRROR_PAD", IMAGE, constant([[0, 0]] * 4), options=("MirrorPadOptions", {"mode": 1})),
        "SYMMETRIC",
    ),
}

XNNPACK: dict[str, Pair] = {
    "block": (
        single("SPACE_TO_DEPTH", IMAGE, options=("SpaceToDepthOptions", {"blockSize": 2})),
        single("SPACE_TO_DEPTH", IMAGE, options=("SpaceToDepthOptions", {"blockSize": 1})),
        "block_size",
    ),
    "constant_axes": of("SUM", (IMAGE, constant([1])), (IMAGE, TWO), "axes"),
    "constant_begin": (sliced(ONES, EXTENT), sliced(FOUR, EXTENT), "begin"),
    "constant_extent": (sliced(ONES, EXTENT), sliced(ONES, FOUR), "size or end"),
    "constant_bias": (
        convolved(weights(4, 3, 3, 4), weights(4)),
        convolved(weights(4, 3, 3, 4), ROW),
        "bias",
    ),
    "constant_weights": (convolved(weights(4, 3, 3, 4)), convolved(IMAGE), "weights"),
    "constant_output_size": (
        transposed(ONES, weights(4, 3, 3, 4)),
        transposed(FOUR, weights(4, 3, 3, 4)),
        "output size",
    ),
    "constant_paddings": (padded(), single("PAD", IMAGE, ("INT32", (4, 2))), "paddings"),
    "no_negative_paddings": (padded(), single("PAD", IMAGE, constant([[0, -1]] * 4)), "below 0"),
    "constant_permutation": of("TRANSPOSE", (IMAGE, constant([0, 2, 1, 3])), (IMAGE, FOUR), "permutation"),
    "constant_shape": of("RESHAPE", (IMAGE, constant([1, 256])), (IMAGE, TWO), "new shape"),
    "constant_size": of("RESIZE_BILINEAR", (IMAGE, constant([8, 8])), (IMAGE, TWO), "size"),
    "image_rank": of("RESIZE_BILINEAR", (IMAGE, constant([8, 8])), (VECTOR, constant([8, 8])), "dimensions"),
    "constant_slope": of("PRELU", (IMAGE, weights(4)), (IMAGE, ROW), "slope"),
    "dense_version": (dense(), dense(version=8), "op version 8"),
    "weights_format": (dense(), dense(weightsFormat=1), "weights_format"),
    "dtypes_agree": (single("ABS", IMAGE), single("ABS", IMAGE, gives=(INT8_IMAGE,)), "differ in dtype"),
    "float_weights": (
        convolved(weights(1, 3, 3, 4), name="DEPTHWISE_CONV_2D"),
        convolved(weights(1, 3, 3, 4, dtype="INT8", scales=(0.1,)), name="DEPTHWISE_CONV_2D"),
        "under a float input",
    ),
    "masks": (strided(ONES), strided(ONES, shrinkAxisMask=1), "shrink_axis_mask"),
    "unit_strides": (strided(ONES), strided(constant([1, 2, 1, 1])), "strides other"),
    "one_in_two_out": (
        single("MaxPoolingWithArgmax2D", IMAGE, gives=(IMAGE, IMAGE)),
        single("MaxPoolingWithArgmax2D", IMAGE),
        "outputs",
    ),
    "two_in_one_out": of("MaxUnpooling2D", (IMAGE, IMAGE), (IMAGE,), "1 inputs"),
    "per_tensor": of(
        "DEQUANTIZE",
        (INT8_IMAGE,),
        (("INT8", (1, 8, 8, 4), {"scales": (0.5,) * 4, "axis": 3}),),
        "each channel",
    ),
    "pooling": (
        single("MAX_POOL_2D", IMAGE, options=("Pool2DOptions", POOL)),
        single(
            "MAX_POOL_2D", IMAGE, options=("Pool2DOptions", {**POOL, "filterWidth": 1, "filterHeight": 1})
        ),
        "1x1 window",
    ),
    "two_inputs": of("ADD", (IMAGE, IMAGE), (IMAGE,), "1 inputs", options=("AddOptions", {})),
    "two_to_five_inputs": of(
        "CONCATENATION", (IMAGE,) * 5, (IMAGE,) * 6, "6 inputs", options=("ConcatenationOptions", {})
    ),
    "two_to_four_outputs": (
        single("SPLIT", constant(0), IMAGE, gives=(IMAGE,) * 4),
        single("SPLIT", constant(0), IMAGE, gives=(IMAGE,) * 5),
        "5 outputs",
    ),
}

CASES: dict[str, dict[str, Pair]] = {"gpu": {}, "nnapi": NNAPI, "coreml": COREML, "xnnpack": XNNPACK}
