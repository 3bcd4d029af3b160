"""Tiny files for a GPU that pass its delegate's first look, and keep or break what building its model asks.

Like those of :mod:`gpu_files` every one is whole.
"""

from typing import Any

from tests.converters import built
from tests.pipeline.runtimes.gpu_files import IMAGE, STRIDES, VECTOR, constant, file, weights

PICTURE = ("FLOAT32", (1, 4, 4, 2))
PAIR = ("FLOAT32", (2, 4, 4, 2))
HALVES = (("FLOAT32", (1, 8, 8, 2)),) * 2


def dense(kernel: Any, gives: tuple[int, ...], **options: bool) -> bytes:
    """On a picture."""
    return file(
        "FULLY_CONNECTED",
        PICTURE,
        kernel,
        gives=(("FLOAT32", gives),),
        options=("FullyConnectedOptions", options),
    )


def convolution(channels: int, outputs: int, *, groups: int) -> bytes:
    """Of 3x3, each output over the channels of its group."""
    return file(
        "CONV_2D",
        ("FLOAT32", (1, 8, 8, channels)),
        weights(outputs, 3, 3, channels // groups),
        weights(outputs),
        gives=(("FLOAT32", (1, 8, 8, outputs)),),
        options=("Conv2DOptions", STRIDES),
    )


def cumsum(door: Any, axis: int) -> bytes:
    """Along an axis."""
    return file("CUMSUM", door, constant(axis), gives=(door,), options=("CumsumOptions", {}))


def strided(begin: list[int], end: list[int], gives: tuple[int, ...], door: Any = IMAGE) -> bytes:
    """By ones."""
    steps = constant([1] * len(begin))
    return file(
        "STRIDED_SLICE",
        door,
        constant(begin),
        constant(end),
        steps,
        gives=(("FLOAT32", gives),),
        options=("StridedSliceOptions", {}),
    )


PARSED = {
    "Dense on a picture by channel": dense(weights(3, 2), (1, 4, 4, 3), keepNumDims=True),
    "Dense that flattens a picture": dense(weights(3, 32), (1, 3)),
    "CONV_2D in groups of 4": convolution(8, 8, groups=2),
    "CONV_2D of each channel": convolution(4, 4, groups=4),
    "CONV_2D in groups of 2": convolution(4, 4, groups=2),
    "CONV_2D in groups of 4 to 2": convolution(8, 4, groups=2),
    "ADD of a constant, batch 2": file(
        "ADD", PAIR, weights(2, 4, 4, 2), gives=(PAIR,), options=("AddOptions", {})
    ),
    "CONCATENATION of a constant row": file(
        "CONCATENATION",
        VECTOR,
        weights(1, 16),
        gives=(("FLOAT32", (1, 32)),),
        options=("ConcatenationOptions", {"axis": 1}),
    ),
    "PRELU, slope of another size": file("PRELU", IMAGE, weights(1, 8, 4)),
    "CUMSUM of channels": cumsum(IMAGE, 3),
    "CUMSUM of a vector's batch": cumsum(("FLOAT32", (4, 4)), 0),
    "SPLIT": file("SPLIT", constant(3), IMAGE, gives=HALVES, options=("SplitOptions", {"numSplits": 2})),
    "SLICE": file(
        "SLICE", IMAGE, constant([0] * 4), constant([1, 8, 8, 2]), gives=(("FLOAT32", (1, 8, 8, 2)),)
    ),
    "STRIDED_SLICE beyond the end": strided([0] * 4, [1, 8, 8, 99], (1, 8, 8, 4)),
    "STRIDED_SLICE of three dimensions": strided([0] * 3, [4, 8, 4], (4, 8, 4), ("FLOAT32", (8, 8, 4))),
}

OPEN = (-1, 4)
PARSED["a size that is found at run time"] = built.model(
    built.graph(
        [
            built.tensor("in0", (1, 4)),
            built.tensor("in1", (2,), "INT32"),
            built.tensor("net/shaped/Reshape", (1, 4), signature=OPEN),
            built.tensor("net/layer/Relu", (1, 4), signature=OPEN),
        ],
        [built.op("RESHAPE", (0, 1), (2,)), built.op("RELU", (2,), (3,))],
        inputs=(0, 1),
        outputs=(3,),
    ),
    signature="serving_default",
)
