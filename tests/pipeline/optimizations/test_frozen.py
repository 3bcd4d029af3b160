"""Frozen layers: whatever an optimisation does, they come out as they went in."""

from typing import Any

import numpy as np
import pytest

from converters import stack
from pipeline.errors import RecipeError
from pipeline.kernels import inner
from pipeline.optimizations import quantize_aware
from pipeline.optimizations._layers import named
from tests.pipeline.optimizations import tiny

pytestmark = pytest.mark.tensorflow

FROZEN = ("range", "low")


def model() -> Any:
    """A fixed 1x1 convolution and a frozen one under two that train."""
    keras = stack.load().keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    layers = keras.layers
    inputs = keras.Input(tiny.SHAPE)
    x = layers.Reshape((*tiny.SHAPE, 1))(inputs)
    x = layers.DepthwiseConv2D(1, name="range", trainable=False)(x)
    x = layers.Conv2D(8, 3, use_bias=False, name="low", trainable=False)(x)
    x = layers.BatchNormalization(name="norm", trainable=False)(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(8, 3, name="top", activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(tiny.CLASSES, activation="softmax", name="answer")(x))


def test_frozen_kernels_are_neither_pruned_nor_clustered() -> None:
    """They are not among all layers, and refused where they are named."""
    whole = model()
    assert [layer.name for layer in named(whole, None, what="prune")] == ["top", "answer"]
    for what in ("prune", "cluster"):
        with pytest.raises(RecipeError, match=f"optimize.{what}.layers: 'low' is frozen and could not make"):
            named(whole, ["low"], what=what)
    for layer in whole.layers:
        layer.trainable = False
    with pytest.raises(RecipeError, match="has no Dense or Conv2D that is trained"):
        named(whole, None, what="prune")


def test_quantise_aware_training_keeps_them() -> None:
    """Their wrappers would train the kernels all the same."""
    start = model()
    options = quantize_aware.Options(epochs=1)
    work = tiny.context(start, options, steps=6)
    training = quantize_aware.prepare(work, options)

    def weights(name: str) -> list[Any]:
        (layer,) = (layer for layer in training.layers if inner(layer).name == name)
        kernels = [weight for weight in layer.weights if "kernel:0" in weight.name or "bias:0" in weight.name]
        return [weight.numpy() for weight in kernels]

    before = {name: weights(name) for name in (*FROZEN, "top")}
    assert all(before.values()), "a name that is not found proves nothing"
    tiny.fit(training, work, quantize_aware)
    for name in FROZEN:
        for one, other in zip(before[name], weights(name), strict=True):
            np.testing.assert_array_equal(one, other)
    assert any((one != other).any() for one, other in zip(before["top"], weights("top"), strict=True))
