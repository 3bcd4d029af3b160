"""A model with a base under its head, of a few weights: what the shelf's ``transfer`` is to the stages."""

from types import SimpleNamespace
from typing import Any

from converters import stack
from pipeline.stages.building import Built
from tests.pipeline.optimizations import tiny

FEATURES = "features"


def freeze(model: Any, _options: Any, *, head_only: bool) -> None:
    """The second convolution is the top of the base."""
    model.get_layer("low").trainable = False
    model.get_layer("norm").trainable = False
    model.get_layer("top").trainable = not head_only


def built() -> Built:
    """Not trained; the same for the same seed."""
    keras = stack.load().keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    inputs = keras.Input((8, 8))
    x = layers.Reshape((8, 8, 1))(inputs)
    x = layers.Conv2D(4, 3, name="low")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Conv2D(6, 3, activation="relu", name="top")(x)
    x = layers.GlobalAveragePooling2D(name=FEATURES)(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    outputs = layers.Dense(3, activation="softmax", name="predictions")(x)
    plugin: Any = SimpleNamespace(PIXEL_SCALING=tiny.SCALING, FEATURES=FEATURES, freeze=freeze)
    return Built(model=keras.Model(inputs, outputs), plugin=plugin, options=None, files=())
