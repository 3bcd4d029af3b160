"""The work on a hostile file grows with the file, not with the square of anything in it.

Work is counted in steps of Python's own machine, as a busy machine does not change their number.
"""

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import numpy as np
import pytest

from converters.delegates import gpu, nnapi
from converters.delegates.node import LONGEST_NAME, called
from converters.tflite.diagnose import diagnose
from converters.tflite.inspect import Inspection, inspect_bytes
from tests.converters import built

SMALL, LARGE = 50, 200
"""Ops, or references, of two files that are alike but for them."""

MOST_GROWTH = 5.0
"""Times the steps for :data:`LARGE` that those for :data:`SMALL` may be: linear is 4, quadratic 16."""

CHANNELS = 5_000
LONG = "net/block/Relu;" * 200


def made(tensors: list[Any], ops: list[Any], *, inputs: tuple[int, ...] = (0,)) -> Inspection:
    """A file whose last tensor is the output."""
    content = built.model(built.graph(tensors, ops, inputs=inputs, outputs=(len(tensors) - 1,)))
    return inspect_bytes(content, where="test")


def comparisons(count: int) -> Inspection:
    """Comparisons that all give the same tensor, which so many CASTs read."""
    tensors = [
        built.tensor(name, (1, 4), dtype)
        for name, dtype in (("a", "FLOAT32"), ("b", "BOOL"), ("c", "FLOAT32"))
    ]
    ops = [built.op("GREATER", (0, 2), (1,)) for _ in range(count)]
    return made(tensors, [*ops, *(built.op("CAST", (1,), (2,)) for _ in range(count))])


def unpacked(count: int) -> Inspection:
    """Float16 weights that are widened again and again into the same tensor, read as often."""
    tensors = [
        built.tensor("w", (4,), "FLOAT16", data=np.ones(4, np.float16)),
        built.tensor("x", (4,)),
        built.tensor("y", (4,)),
    ]
    ops = [built.op("DEQUANTIZE", (0,), (1,)) for _ in range(count)]
    return made(tensors, [*ops, *(built.op("RELU", (1,), (2,)) for _ in range(count))], inputs=())


def named(count: int, name: str) -> Inspection:
    """Ops that all give one tensor."""
    tensors = [built.tensor("a", (1, 4), "INT16"), built.tensor(name, (1, 4), "INT16")]
    return made(tensors, [built.op("RELU", (0,), (1,)) for _ in range(count)])


def steps(work: Callable[[], object]) -> int:
    """Python instructions that it takes."""
    count = 0

    def one(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return one

    before = sys.gettrace()
    sys.settrace(one)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("file", [comparisons, unpacked])
def test_the_work_is_linear_in_the_ops(file: Callable[[int], Inspection]) -> None:
    """Who reads a tensor is looked up, not searched for by every op."""
    small, large = (steps(partial(gpu.verdict, file(count))) for count in (SMALL, LARGE))
    assert large < MOST_GROWTH * small


def test_a_long_name_is_read_once() -> None:
    """Not for every op that gives the tensor."""
    short, long = (steps(partial(gpu.verdict, named(LARGE, name))) for name in ("net/block/Relu", LONG))
    assert long < 3 * short


class Unread(tuple[float, ...]):
    """Scales that nobody compares or hashes as a whole."""

    def __eq__(self, other: object) -> bool:
        """Refused."""
        raise AssertionError("all scales are compared")

    def __hash__(self) -> int:
        """Refused."""
        raise AssertionError("all scales are hashed")


def test_the_scales_of_a_tensor_are_not_compared_one_by_one() -> None:
    """Many ops may read tensors of many scales; NNAPI itself reads one."""
    tensors = [built.tensor(name, (1, 4), "UINT8", scales=(0.5,) * 4, axis=1) for name in "ab"]
    axes = built.tensor("axes", (1,), "INT32", data=np.ones(1, np.int32))
    inspection = made(
        [tensors[0], axes, tensors[1]],
        [
            built.op("MEAN", (0, 1), (2,), version=2),
            built.op("CONCATENATION", (0, 0), (2,), options=("ConcatenationOptions", {})),
            built.op("QUANTIZE", (0,), (2,)),
        ],
    )
    for tensor in inspection.tensors:
        object.__setattr__(tensor, "scales", Unread(tensor.scales))
    for level in nnapi.levels():
        assert len(nnapi.verdict(inspection, api_level=level).ops) == 3


class Counted(tuple[int, ...]):
    """Zero points that count how often they are gone through."""

    times = 0

    def __iter__(self) -> Any:
        """Counts."""
        Counted.times += 1
        return super().__iter__()


def test_zero_points_of_shared_weights_are_gone_through_once() -> None:
    """However many convolutions read them."""
    kernel = np.ones((CHANNELS, 4), np.int8)
    tensors = [
        built.tensor("a", (1, 4, 4, 4), "INT8", scales=(0.5,)),
        built.tensor("w", (CHANNELS, 1, 1, 4), "INT8", scales=(0.5,) * CHANNELS, data=kernel),
        built.tensor("b", (1, 4, 4, 4), "INT8", scales=(0.5,)),
    ]
    conv = [
        built.op("CONV_2D", (0, 1, -1), (2,), version=3, options=("Conv2DOptions", {})) for _ in range(SMALL)
    ]
    inspection = made(tensors, conv)
    weights = inspection.tensors[1]
    object.__setattr__(weights, "zero_points", Counted(weights.zero_points))
    Counted.times = 0
    diagnose(inspection)
    assert Counted.times <= 2


def test_what_messages_call_a_tensor_is_bounded() -> None:
    """Names and shapes of a file have no limit, lines of a terminal do."""
    inspection = made([built.tensor(LONG, (1,) * 20), built.tensor("b", (1,))], [])
    text = called(inspection.tensors[0])
    assert len(text) < LONGEST_NAME + 50
    assert text.endswith("(float32, 1x1x1x1x1x1x1x1x...)")
