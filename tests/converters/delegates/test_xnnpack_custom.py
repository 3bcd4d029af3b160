"""MediaPipe's custom ops, which XNNPACK computes although no interpreter has a kernel for them."""

import struct
from typing import Any

import pytest

from tests.converters import built
from tests.converters.delegates.test_xnnpack import judged, real_parts

POOL = struct.pack("<10i", 2, 2, 2, 2, 2, 0, 0, 0, 0, 0)
"""``TfLitePoolParams``: padding VALID, strides, window, no activation, computed padding."""

DECONVOLUTION = struct.pack("<6i", 1, 2, 2, 0, 0, 0)
"""``TfLiteTransposeConvParams``: padding SAME, strides, no activation."""

IMAGE, SMALL = (1, 8, 8, 4), (1, 4, 4, 4)

CASES: dict[str, tuple[list[Any], tuple[int, ...], tuple[int, ...], bytes]] = {
    "MaxPoolingWithArgmax2D": (
        [built.tensor("a", IMAGE), built.tensor("b", SMALL), built.tensor("c", SMALL)], (0,), (1, 2), POOL
    ),
    "MaxUnpooling2D": (
        [built.tensor("a", SMALL), built.tensor("i", SMALL), built.tensor("b", IMAGE)], (0, 1), (2,), POOL
    ),
    "Convolution2DTransposeBias": (
        [
            built.tensor("a", SMALL),
            built.tensor("w", (4, 2, 2, 4), data=built.floats(4, 2, 2, 4)),
            built.tensor("bias", (4,), data=built.floats(4)),
            built.tensor("b", IMAGE),
        ],
        (0, 1, 2),
        (3,),
        DECONVOLUTION,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_goes_and_really_does(name: str) -> None:
    """One part, by the rules and by LiteRT's interpreter."""
    tensors, reads, gives, private = CASES[name]
    made = built.op(name, reads, gives)
    made.customOptions = list(private)
    doors = [i for i in reads if tensors[i].contents is None]
    content = built.model(built.graph(tensors, [made], inputs=doors, outputs=gives))
    assert judged(content).partitions == real_parts(content) == 1
