"""Flat models: the same answers without models inside, and with what prepares pixels outside."""

from typing import Any

import numpy as np
import pytest

from converters import stack
from pipeline.errors import RecipeError
from pipeline.stages.flat import flat
from tests.pipeline.optimizations import tiny

pytestmark = pytest.mark.tensorflow

ROUNDING = 1e-6
"""The same arithmetic in another order, on probabilities."""


def assert_same(model: Any, flattened: Any, scaling: tuple[float, float]) -> None:
    """Both answer alike, the flat one on pixels that went through its scaling; no model is left inside."""
    keras = stack.load().keras
    images = tiny.pictures(12)[0].astype(np.float32)
    ours = flattened.predict(images * np.float32(scaling[0]) + np.float32(scaling[1]), verbose=0)
    theirs = model.predict(images * np.float32(tiny.SCALING[0]), verbose=0)
    assert np.abs(ours - theirs).max() <= ROUNDING
    kinds = keras.Model | keras.layers.Rescaling | keras.layers.SeparableConv2D
    assert not any(isinstance(layer, kinds) for layer in flattened.layers)


def test_a_flat_model_is_handed_back() -> None:
    """Itself."""
    model = tiny.built(tiny.cnn)
    assert flat(model, tiny.SCALING) == (model, tiny.SCALING)


def test_nested_models_are_called_layer_by_layer() -> None:
    """A sequential one in a functional one, with branches, in a sequential one."""
    keras = stack.load().keras
    layers = keras.layers

    def add(layers: Any, tensor: Any) -> Any:
        inner = keras.Input(tensor.shape[1:])
        left = layers.Conv2D(4, 3, padding="same", activation="relu", name="left")(inner)
        right = keras.Sequential([layers.Conv2D(4, 1, name="deep"), layers.BatchNormalization(name="bn")])(
            inner
        )
        both = layers.Add(name="add")([left, right])
        return keras.Model(inner, layers.Concatenate(name="cat")([both, left]), name="block")(tensor)

    model = keras.Sequential([keras.Input(tiny.SHAPE), tiny.built(add)])
    flattened, scaling = flat(model, tiny.SCALING)
    assert scaling == tiny.SCALING
    assert_same(model, flattened, scaling)
    assert {"left", "deep", "bn", "add", "cat", "out"} <= {layer.name for layer in flattened.layers}
    assert all(len(layer.inbound_nodes) == 1 for layer in flattened.layers)
    assert isinstance(flattened, layers.Layer)


def test_a_leading_rescaling_becomes_part_of_the_scaling() -> None:
    """One after the other; augmentation between them does nothing."""
    keras = stack.load().keras
    model = keras.Sequential(
        [
            keras.Input(tiny.SHAPE),
            keras.layers.Rescaling(2.0, -1.0),
            keras.layers.Reshape((8, 8, 1), name="to"),
            keras.layers.Reshape((8, 8), name="fro"),
            tiny.built(tiny.cnn),
        ]
    )
    flattened, scaling = flat(model, tiny.SCALING)
    assert scaling == pytest.approx((2 / 255, -1.0))
    assert_same(model, flattened, scaling)
    twice = keras.Sequential([keras.Input(tiny.SHAPE), keras.layers.Rescaling(0.5, 1.0), model])
    flattened, scaling = flat(twice, tiny.SCALING)
    assert scaling == pytest.approx((1 / 255, 1.0))
    assert_same(twice, flattened, scaling)


def test_augmenting_layers_are_left_out() -> None:
    """Outside training they do nothing."""

    def add(layers: Any, tensor: Any) -> Any:
        return tiny.cnn(layers, layers.RandomRotation(0.1)(layers.RandomFlip("horizontal")(tensor)))

    model = tiny.built(add)
    flattened, scaling = flat(model, tiny.SCALING)
    assert_same(model, flattened, scaling)
    assert not any("random" in layer.name for layer in flattened.layers)


def test_a_separable_convolution_becomes_its_two_halves() -> None:
    """The pointwise one keeps the name, and the kernel that is pruned and clustered."""

    def add(layers: Any, tensor: Any) -> Any:
        tensor = layers.SeparableConv2D(4, 3, strides=2, depth_multiplier=2, padding="same", name="one")(
            tensor
        )
        return layers.SeparableConv2D(6, 3, dilation_rate=2, padding="same", activation="relu", name="two")(
            tensor
        )

    model = tiny.built(add)
    flattened, scaling = flat(model, tiny.SCALING)
    assert_same(model, flattened, scaling)
    kinds = [type(flattened.get_layer(name)).__name__ for name in ("one_depthwise", "one", "two")]
    assert kinds == ["DepthwiseConv2D", "Conv2D", "Conv2D"]
    ours, theirs = flattened.get_layer("two").kernel, model.get_layer("two").pointwise_kernel
    assert np.array_equal(ours, theirs)


def test_a_layer_used_twice_stays_one_layer() -> None:
    """Its weights are shared; who cannot take that says so."""

    def add(layers: Any, tensor: Any) -> Any:
        again = layers.Conv2D(1, 3, padding="same", name="again")
        return again(again(layers.RandomFlip(name="flip")(tensor)))

    model = tiny.built(add)
    flattened, scaling = flat(model, tiny.SCALING)
    assert_same(model, flattened, scaling)
    assert len(flattened.get_layer("again").inbound_nodes) == 2


def test_a_name_in_two_nested_models_is_refused() -> None:
    """Layers are told apart by name."""
    keras = stack.load().keras

    def add(layers: Any, tensor: Any) -> Any:
        for name in ("first", "second"):
            tensor = keras.Sequential([layers.Conv2D(4, 3, name="conv")], name=name)(tensor)
        return tensor

    with pytest.raises(RecipeError, match="layer 'conv' stands in two models that are nested in one"):
        flat(tiny.built(add), tiny.SCALING)


def test_what_is_frozen_stays_so_and_plain_functions_are_called_again() -> None:
    """A separable convolution too, in both of its halves; numbers among the arguments are no tensors."""
    keras = stack.load().keras
    layers = keras.layers
    inputs = keras.Input((*tiny.SHAPE, 1))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.SeparableConv2D(4, 3, trainable=False, name="low")(x)
    x = layers.SeparableConv2D(4, 3, name="top")(x + 3.0)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="answer")(x))
    flattened, scaling = flat(model, (1.0, 0.0))
    assert scaling == (1 / 255, 0.0)
    trained = {layer.name for layer in flattened.layers if layer.trainable_weights}
    assert trained == {"top_depthwise", "top", "answer"}
    images = tiny.pictures(12)[0].astype(np.float32)[..., np.newaxis]
    ours = flattened.predict(images * np.float32(scaling[0]), verbose=0)
    assert np.abs(ours - model.predict(images, verbose=0)).max() <= ROUNDING
