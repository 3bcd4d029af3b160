"""Kernels as they stand in a .tflite file: order, layout, granularity."""

import numpy as np
import pytest

from converters import ConversionSpec, convert, stack
from converters.errors import InvalidTfliteError
from converters.representative import representative
from converters.tflite.keras import from_keras
from converters.tflite.weights import WeightTensor, weights
from tests.converters import built

pytestmark = pytest.mark.tensorflow

SHAPE = (6, 6, 2)


def model() -> object:
    """Convolution, depthwise convolution, Dense."""
    keras = stack.load().keras
    keras.utils.set_random_seed(1)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(4, 3, activation="relu"),
            layers.DepthwiseConv2D(3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def read(keras_model: object, scheme: str, floor: str = "2.14.0") -> list[WeightTensor]:
    """The kernels of the converted model."""
    inputs = np.random.default_rng(1).random((100, *SHAPE), dtype=np.float32)
    spec = ConversionSpec(scheme=scheme, io_dtype="float32", runtime_floor=floor)
    content = convert(from_keras(keras_model), spec, representative(inputs, shape=SHAPE)).content
    return weights(content, where=scheme)


def test_float_kernels_are_those_of_keras_in_tflites_layout() -> None:
    """In order of execution."""
    keras_model = model()
    found = read(keras_model, "float32")
    assert [each.op for each in found] == ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]
    convolution, _, depthwise, _, dense, _ = keras_model.get_weights()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found[0].values, np.moveaxis(convolution, -1, 0))
    np.testing.assert_array_equal(found[1].values, depthwise.transpose(3, 0, 1, 2))
    np.testing.assert_array_equal(found[2].values, dense.T)
    assert not any(each.per_channel for each in found)


def test_float16_kernels_are_found_behind_the_op_that_widens_them() -> None:
    """As they are stored."""
    keras_model = model()
    narrow, wide = read(keras_model, "float16"), read(keras_model, "float32")
    assert [each.op for each in narrow] == [each.op for each in wide]
    for ours, theirs in zip(narrow, wide, strict=True):
        assert ours.values.dtype == np.float16
        np.testing.assert_array_equal(ours.values, theirs.values.astype(np.float16))


@pytest.mark.parametrize("scheme", ["dynamic_range", "int16x8"])
def test_every_scheme_has_its_kernels(scheme: str) -> None:
    """In the same order."""
    found = read(model(), scheme)
    assert [each.op for each in found] == ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]


def test_int8_kernels_say_which_have_a_scale_per_channel() -> None:
    """Dense ones only where the oldest runtime can read it."""
    old, new = read(model(), "int8"), read(model(), "int8", "2.20")
    assert {str(each.values.dtype) for each in (*old, *new)} == {"int8"}
    assert [each.per_channel for each in old] == [True, True, False]
    assert [each.per_channel for each in new] == [True, True, True]
    assert [each.values.shape for each in old] == [(4, 3, 3, 2), (1, 3, 3, 4), (3, 16)]


def test_what_is_no_tflite_file_is_refused() -> None:
    """With its name."""
    with pytest.raises(InvalidTfliteError, match="own"):
        weights(b"no model", where="own")


def dense(dtype: str, data: built.Array, *, sparse: bool = False) -> bytes:
    """A file of one FULLY_CONNECTED with a kernel (2, 3)."""
    tensors = [
        built.tensor("door", (1, 3)),
        built.tensor("kernel", (2, 3), dtype, data=data, sparse=sparse),
        built.tensor("answer", (1, 2)),
    ]
    made = built.op("FULLY_CONNECTED", (0, 1), (2,))
    return built.model(built.graph(tensors, [made], inputs=(0,), outputs=(2,)))


def test_a_kernel_is_read_as_it_stands() -> None:
    """Row by row."""
    (found,) = weights(dense("FLOAT32", np.arange(6, dtype=np.float32)), where="own")
    assert found.values.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (dense("INT4", np.zeros(3, np.uint8)), "kernel 'kernel' is in int4"),
        (dense("FLOAT32", np.zeros(2, np.float32), sparse=True), "is in sparse storage"),
        (dense("FLOAT32", np.zeros(5, np.float32)), "has 20 bytes, its shape needs 24"),
    ],
    ids=["packed", "sparse", "short"],
)
def test_a_kernel_that_is_packed_or_damaged_is_refused(content: bytes, message: str) -> None:
    """By its name; never read as something else."""
    with pytest.raises(InvalidTfliteError, match=message):
        weights(content, where="own")


def test_a_damaged_file_is_an_error_of_ours_wherever_it_is_cut() -> None:
    """No exception of numpy or of a generated reader."""
    content = dense("FLOAT32", np.arange(6, dtype=np.float32))
    for length in range(8, len(content), 4):
        try:
            found = weights(content[:length], where="own")
        except InvalidTfliteError:
            continue
        assert all(each.values.shape == (2, 3) for each in found)
