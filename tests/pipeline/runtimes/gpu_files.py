"""Tiny files for a GPU, one or two for each family of rules: what keeps the rule, and what breaks it.

Unlike those of the rules' own tests, every one is whole: the CPU's kernels prepare and run it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.converters import built

Tensor = tuple[str, tuple[int, ...]]

IMAGE: Tensor = ("FLOAT32", (1, 8, 8, 4))
VECTOR: Tensor = ("FLOAT32", (1, 16))


def constant(values: Any, dtype: str = "int32") -> Any:
    """A tensor with values in the file."""
    data = np.asarray(values, dtype)
    return dtype.upper(), data.shape, {"data": data}


def weights(*shape: int) -> Any:
    """A kernel."""
    return "FLOAT32", shape, {"data": built.floats(*shape)}


def file(
    name: str,
    *inputs: Any,
    gives: tuple[Any, ...] = (IMAGE,),
    version: int = 1,
    options: tuple[str, Mapping[str, Any]] | None = None,
) -> bytes:
    """One op; its layer is ``layer``."""
    specs = [(f"in{i}", spec) for i, spec in enumerate(inputs)]
    specs += [(f"net/layer/out{i}", spec) for i, spec in enumerate(gives)]
    tensors = [built.tensor(n, spec[1], spec[0], **(spec[2] if len(spec) > 2 else {})) for n, spec in specs]
    doors = [i for i in range(len(inputs)) if tensors[i].contents is None]
    results = list(range(len(inputs), len(tensors)))
    op = built.op(name, range(len(inputs)), results, version=version, options=options)
    return built.model(built.graph(tensors, [op], inputs=doors, outputs=results), signature="serving_default")


def chain(*names: str) -> bytes:
    """Ops of one input and output, one behind the other; a SOFTMAX has beta 2."""
    tensors = [built.tensor(f"net/layer_{i}/t", (1, 4)) for i in range(len(names) + 1)]
    softmax = ("SoftmaxOptions", {"beta": 2.0})
    ops = [
        built.op(name, (i,), (i + 1,), options=softmax if name == "SOFTMAX" else None)
        for i, name in enumerate(names)
    ]
    return built.model(
        built.graph(tensors, ops, inputs=(0,), outputs=(len(names),)), signature="serving_default"
    )


STRIDES = {"strideW": 1, "strideH": 1}


def convolution(*, version: int = 1, activation: int = 0) -> bytes:
    """Of 3x3, SAME."""
    options = {**STRIDES, "fusedActivationFunction": activation}
    return file(
        "CONV_2D", IMAGE, weights(4, 3, 3, 4), weights(4), version=version, options=("Conv2DOptions", options)
    )


def depthwise(multiplier: int) -> bytes:
    """Of 3x3, SAME."""
    channels = 4 * multiplier
    options = {**STRIDES, "depthMultiplier": multiplier}
    return file(
        "DEPTHWISE_CONV_2D",
        IMAGE,
        weights(1, 3, 3, channels),
        weights(channels),
        gives=(("FLOAT32", (1, 8, 8, channels)),),
        options=("DepthwiseConv2DOptions", options),
    )


def dense(door: Any) -> bytes:
    """To 8 classes."""
    kernel: Any = weights(8, 16) if len(door) == 2 else ("FLOAT32", (8, 16))
    return file(
        "FULLY_CONNECTED",
        door,
        kernel,
        gives=(("FLOAT32", (1, 8)),),
        options=("FullyConnectedOptions", {}),
    )


def softmax(beta: float) -> bytes:
    """Of a vector."""
    return file("SOFTMAX", VECTOR, gives=(VECTOR,), options=("SoftmaxOptions", {"beta": beta}))


def pad(door: Tensor, amounts: list[list[int]], *, mirror: int | None = None) -> bytes:
    """PAD, or MIRROR_PAD in a mode."""
    size = tuple(length + sum(ends) for length, ends in zip(door[1], amounts, strict=True))
    gives: tuple[Any, ...] = (("FLOAT32", size),)
    if mirror is None:
        return file("PAD", door, constant(amounts), gives=gives)
    options = ("MirrorPadOptions", {"mode": mirror})
    return file("MIRROR_PAD", door, constant(amounts), gives=gives, options=options)


def pool(name: str) -> bytes:
    """Of 2x2, by 2."""
    options = {"strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2}
    return file(name, IMAGE, gives=(("FLOAT32", (1, 4, 4, 4)),), options=("Pool2DOptions", options))


def sliced(door: Tensor, gives: tuple[int, ...], **options: int) -> bytes:
    """From the first value on, by ones."""
    rank, size = len(door[1]), door[1]
    return file(
        "STRIDED_SLICE",
        door,
        constant([0] * rank),
        constant([max(1, length // 2) for length in size]),
        constant([1] * rank),
        gives=(("FLOAT32", gives),),
        options=("StridedSliceOptions", options),
    )


def depth_to_space(block: int) -> bytes:
    """Of 4 channels."""
    gives = ("FLOAT32", (1, 8 * block, 8 * block, 4 // block**2))
    return file(
        "DEPTH_TO_SPACE", IMAGE, gives=(gives,), options=("DepthToSpaceOptions", {"blockSize": block})
    )


def add(second: Tensor) -> bytes:
    """To an image."""
    return file("ADD", IMAGE, second, options=("AddOptions", {}))


EDGES = [[0, 0], [1, 1], [1, 1], [0, 0]]
SCALED = {"scales": (0.1,)}
INT8_IMAGE = ("INT8", (1, 8, 8, 4), {"scales": (0.5,)})
INT8_KERNEL = np.random.default_rng(11).integers(-127, 128, (4, 3, 3, 4), dtype=np.int8)

FILES = {
    "ordinary convolution": convolution(),
    "version 7 of CONV_2D": convolution(version=7),
    "activation SIGN_BIT": convolution(activation=5),
    "depth multiplier 1": depthwise(1),
    "depth multiplier 2 on 4 channels": depthwise(2),
    "ordinary Dense": dense(VECTOR),
    "Dense of a constant": dense(weights(1, 16)),
    "SOFTMAX, beta 1": softmax(1.0),
    "SOFTMAX, beta 2": softmax(2.0),
    "MEAN over axes in the file": file("MEAN", IMAGE, constant([1, 2]), gives=(("FLOAT32", (1, 4)),)),
    "MEAN over computed axes": file("MEAN", IMAGE, ("INT32", (2,)), gives=(("FLOAT32", (1, 4)),)),
    "PAD 4x2": pad(IMAGE, EDGES),
    "PAD 2x2": pad(("FLOAT32", (8, 8)), [[1, 1], [1, 1]]),
    "MIRROR_PAD, REFLECT": pad(IMAGE, EDGES, mirror=0),
    "MIRROR_PAD, SYMMETRIC": pad(IMAGE, EDGES, mirror=1),
    "STRIDED_SLICE": sliced(IMAGE, (1, 4, 4, 2)),
    "STRIDED_SLICE, shrink_axis_mask": sliced(IMAGE, (4, 4, 2), shrinkAxisMask=1),
    "STRIDED_SLICE of a vector": sliced(("FLOAT32", (16,)), (8,)),
    "DEPTH_TO_SPACE, block 2": depth_to_space(2),
    "DEPTH_TO_SPACE, block 1": depth_to_space(1),
    "PRELU, slope in the file": file("PRELU", IMAGE, weights(1, 1, 4)),
    "PRELU, computed slope": file("PRELU", IMAGE, ("FLOAT32", (1, 1, 4))),
    "ADD of a channel vector": add(("FLOAT32", (1, 4))),
    "ADD of a row": add(("FLOAT32", (8, 4))),
    "MUL of a channel": file("MUL", IMAGE, ("FLOAT32", (1, 1, 1, 4)), options=("MulOptions", {})),
    "MUL, outer product": file(
        "MUL",
        ("FLOAT32", (1, 8, 1, 1)),
        ("FLOAT32", (1, 1, 8, 1)),
        gives=(("FLOAT32", (1, 8, 8, 1)),),
        options=("MulOptions", {}),
    ),
    "int16": file("RELU", ("INT16", (1, 4), SCALED), gives=(("INT16", (1, 4), SCALED),)),
    "five dimensions": file("RELU", ("FLOAT32", (1, 1, 1, 1, 4)), gives=(("FLOAT32", (1, 1, 1, 1, 4)),)),
    "open batch": file(
        "RELU",
        ("FLOAT32", (1, 4), {"signature": (-1, 4)}),
        gives=(("FLOAT32", (1, 4), {"signature": (-1, 4)}),),
    ),
    "CAST to float": file("CAST", ("INT32", (1, 4)), gives=(("FLOAT32", (1, 4)),)),
    "CAST to int8": file("CAST", ("FLOAT32", (1, 4)), gives=(("INT8", (1, 4)),)),
    "comparison without a CAST": file("GREATER", IMAGE, IMAGE, gives=(("BOOL", (1, 8, 8, 4)),)),
    "GELU": file("GELU", VECTOR, gives=(VECTOR,)),
    "CEIL, of the newer engine": file("CEIL", VECTOR, gives=(VECTOR,)),
    "no such op": file("TOPK_V2", VECTOR, constant(3), gives=(("FLOAT32", (1, 3)), ("INT32", (1, 3)))),
    "CONCATENATION": file(
        "CONCATENATION",
        IMAGE,
        IMAGE,
        gives=(("FLOAT32", (1, 8, 8, 8)),),
        options=("ConcatenationOptions", {"axis": 3}),
    ),
    "TRANSPOSE": file("TRANSPOSE", IMAGE, constant([0, 3, 1, 2]), gives=(("FLOAT32", (1, 4, 8, 8)),)),
    "RESIZE_BILINEAR, half pixels": file(
        "RESIZE_BILINEAR",
        IMAGE,
        constant([16, 16]),
        gives=(("FLOAT32", (1, 16, 16, 4)),),
        version=3,
        options=("ResizeBilinearOptions", {"halfPixelCenters": True}),
    ),
    "HARD_SWISH": file("HARD_SWISH", IMAGE),
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "BATCH_MATMUL": file(
        "BATCH_MATMUL",
        ("FLOAT32", (1, 4, 8)),
        ("FLOAT32", (1, 8, 4)),
        gives=(("FLOAT32", (1, 4, 4)),),
        options=("BatchMatMulOptions", {}),
    ),
    "GATHER": file(
        "GATHER",
        IMAGE,
        constant([0, 2]),
        gives=(("FLOAT32", (1, 8, 8, 2)),),
        options=("GatherOptions", {"axis": 3}),
    ),
    "LOG_SOFTMAX, which no table has": file("LOG_SOFTMAX", VECTOR, gives=(VECTOR,)),
    "int8 convolution": file(
        "CONV_2D",
        INT8_IMAGE,
        ("INT8", (4, 3, 3, 4), {"data": INT8_KERNEL, "scales": (0.01,) * 4}),
        ("INT32", (4,), {"data": np.arange(4, dtype=np.int32), "scales": (0.005,) * 4}),
        gives=(INT8_IMAGE,),
        version=3,
        options=("Conv2DOptions", STRIDES),
    ),
    "cut in two by SOFTMAX, beta 2": chain("RELU", "SOFTMAX", "TANH", "RELU"),
}
