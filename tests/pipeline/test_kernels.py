"""Kernels: which layers have one that is pruned and clustered, and what is said of the others."""

from typing import Any

import pytest

from converters import stack
from pipeline.errors import RecipeError
from pipeline.kernels import elements, inner, kernels
from tests.pipeline.optimizations import tiny

pytestmark = pytest.mark.tensorflow

OTHERS = ("conv1d", "transposed", "conv3d", "depthwise", "each")


def mixed(layers: Any, tensor: Any) -> Any:
    """A Conv2D among layers whose kernels have no exact counterpart in TFLite, (8, 8, 1) in."""
    tensor = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv2d")(tensor)
    tensor = layers.Conv2DTranspose(4, 3, padding="same", activation="relu", name="transposed")(tensor)
    tensor = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(tensor)
    tensor = layers.Reshape((8, 8, 4, 1), name="volume")(tensor)
    tensor = layers.Conv3D(1, 3, padding="same", name="conv3d")(tensor)
    tensor = layers.Reshape((64, 4), name="line")(tensor)
    tensor = layers.Conv1D(4, 3, padding="same", name="conv1d")(tensor)
    return layers.TimeDistributed(layers.Dense(4, name="inside"), name="each")(tensor)


def test_kernels_are_those_of_dense_and_conv2d() -> None:
    """A subclass of Conv2D, as Conv2DTranspose is, and a wrapper of Keras are other kinds of layers."""
    model = tiny.built(mixed)
    assert list(kernels(model)) == ["conv2d", "out"]
    assert [elements(model.get_layer(name)) for name in OTHERS] == [0] * len(OTHERS)
    assert inner(model.get_layer("each")).name == "each"


def test_kernels_are_found_inside_the_wrappers_of_training() -> None:
    """Under the name that the layer has without them."""
    model = tiny.built(tiny.cnn)
    tfmot = stack.load_tfmot()
    pruning = tfmot.sparsity.keras.prune_low_magnitude(model)
    assert list(kernels(pruning)) == list(kernels(model)) == ["one", "two", "dense", "out"]
    assert [inner(layer).name for layer in pruning.layers] == [layer.name for layer in model.layers]


@pytest.mark.parametrize(("name", "values"), [("prune", {"epochs": 1}), ("cluster", {"clusters": 4})])
def test_other_layers_are_passed_over(name: str, values: dict[str, Any]) -> None:
    """What is promised is promised of layers that are found again in the file."""

    def add(layers: Any, tensor: Any) -> Any:
        tensor = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv2d")(tensor)
        tensor = layers.Conv2DTranspose(4, 3, padding="same", activation="relu", name="transposed")(tensor)
        tensor = layers.Reshape((64, 4), name="line")(tensor)
        return layers.Conv1D(4, 3, padding="same", name="conv1d")(tensor)

    found, claims = tiny.chain(tiny.built(add), (name, values))
    assert {claim.layer for claim in claims} == {"conv2d", "out"}
    for scheme in ("float32", "int8"):
        tiny.assert_kept(tiny.in_file(claims, found, tiny.file(found, scheme)))


@pytest.mark.parametrize("layer", OTHERS)
@pytest.mark.parametrize("name", ["prune", "cluster"])
def test_a_named_layer_of_another_kind_is_refused(name: str, layer: str) -> None:
    """Before hours of training, in one sentence with those that can be named."""
    chosen = tiny.options(name, layers=["conv2d", layer])
    model = tiny.built(mixed)
    with pytest.raises(RecipeError) as caught:
        tiny.optimize(name).scan(tiny.context(model, chosen), chosen)
    assert str(caught.value) == (
        f"optimize.{name}.layers: '{layer}' is a {type(model.get_layer(layer)).__name__}: only a Dense or "
        "Conv2D has a kernel that is found again in the .tflite; choose from: conv2d, out"
    )


@pytest.mark.parametrize("name", ["prune", "cluster"])
def test_a_model_without_such_layers_is_refused(name: str) -> None:
    """Nothing would be done to it."""
    keras = stack.load().keras
    door = keras.Input((8, 3))
    model = keras.Model(door, keras.layers.Conv1D(3, 3)(door))
    chosen = tiny.options(name)
    with pytest.raises(RecipeError, match="no Dense or Conv2D: it does nothing to other layers"):
        tiny.optimize(name).scan(tiny.context(model, chosen), chosen)
