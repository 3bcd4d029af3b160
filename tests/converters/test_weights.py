"""Kernels as they stand in a .tflite file: order, layout, granularity."""

import numpy as np
import pytest

from converters import ConversionSpec, convert, stack
from converters.errors import InvalidTfliteError
from converters.representative import representative
from converters.tflite.keras import from_keras
from converters.tflite.weights import WeightTensor, weights

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
