"""Zeros of kernels, and sparse storage."""

import numpy as np

from converters.tflite.inspect import inspect_bytes
from converters.tflite.sparsity import Weights, weights
from tests.converters import built


def found(*tensors: object) -> tuple[Weights, ...]:
    """The weights of a file with these constants."""
    content = built.model(built.graph(tensors, [], inputs=(), outputs=()))
    return weights(inspect_bytes(content, where="test"))


def test_zeros_of_float_and_int8_kernels() -> None:
    """By dtype, the larger part of the file first."""
    floats = built.floats(4, 10)
    floats[:, :3] = 0
    quantised = np.ones((5, 10), np.int8)
    quantised[0] = 0
    wide, narrow = found(
        built.tensor("a", (4, 10), data=floats),
        built.tensor("b", (5, 10), "INT8", data=quantised, scales=(0.1,)),
    )
    assert (wide.dtype, wide.bytes, wide.share, wide.sparse_tensors) == ("float32", 160, 0.3, 0)
    assert (narrow.dtype, narrow.elements, narrow.share) == ("int8", 50, 0.2)


def test_the_zero_point_is_zero() -> None:
    """Of uint8 files of older converters."""
    tensor = built.tensor(
        "a", (2, 2), "UINT8", data=np.array([[128, 0], [128, 128]], np.uint8), scales=(0.1,)
    )
    tensor.quantization.zeroPoint = [128]
    assert found(tensor)[0].share == 0.75


def test_biases_and_shapes_are_no_kernels() -> None:
    """One dimension, or whole numbers of 32 bits."""
    assert not found(
        built.tensor("bias", (4,), data=np.zeros(4, np.float32)),
        built.tensor("axes", (2, 2), "INT32", data=np.zeros((2, 2), np.int32)),
    )


def test_a_buffer_that_tensors_share_counts_once() -> None:
    """As in a file in which two layers have the same kernel."""
    first, second = (built.tensor(name, (2, 2), data=built.floats(2, 2)) for name in "ab")
    graph = built.graph([first, second], [], inputs=(), outputs=())
    content = built.model(graph)
    assert weights(inspect_bytes(content, where="test"))[0].tensors == 2
    second.contents, second.buffer = None, 1
    shared = inspect_bytes(built.model(graph), where="test")
    assert weights(shared)[0].tensors == 1
    assert shared.constant_bytes_by_dtype == {"float32": 16}


def test_sparse_storage_is_told_apart() -> None:
    """The file holds 3 of 12 elements: the other 9 are zero."""
    sparse = built.tensor("a", (3, 4), data=np.ones(3, np.float32), sparse=True)
    (group,) = found(sparse)
    assert (group.bytes, group.elements, group.zeros, group.sparse_tensors) == (12, 12, 9, 1)
    (dense,) = found(built.tensor("a", (3, 4), data=np.ones((3, 4), np.float32)))
    assert (dense.zeros, dense.sparse_tensors) == (0, 0)


def test_what_is_not_counted_is_none() -> None:
    """Four bits."""
    (group,) = found(built.tensor("a", (2, 4), "INT4", data=np.zeros(4, np.uint8)))
    assert (group.zeros, group.share, group.bytes) == (None, None, 4)
