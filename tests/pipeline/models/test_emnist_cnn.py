"""The model ``emnist_cnn``: the architecture by default, layer by layer, and its options."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from converters import stack
from pipeline import shelf
from pipeline.errors import RecipeError
from pipeline.models.emnist_cnn import PIXEL_SCALING, Options, build

PROBABILITY = 1e-5
"""How far a float32 softmax over 47 classes may be from a sum of 1: some rounding steps of 6e-8 each."""


@pytest.fixture(scope="module")
def keras() -> ModuleType:
    """tf_keras, as the program loads it."""
    return stack.load().keras


def built(keras: ModuleType, *, shape: tuple[int, ...] = (28, 28), classes: int = 47, **options: Any) -> Any:
    """A model with these options."""
    return build(Options.model_validate(options), shape, classes, keras)


def layer_types(model: Any) -> list[str]:
    """Class names of the layers, in order."""
    return [type(layer).__name__ for layer in model.layers]


@pytest.mark.tensorflow
def test_the_default_is_exactly_the_emnist_phone_model(keras: ModuleType) -> None:
    """Names, shapes, kernels, activations: all that a converted file is made of."""
    model = built(keras)
    assert [(type(layer).__name__, layer.name, tuple(layer.output.shape[1:])) for layer in model.layers] == [
        ("InputLayer", "emnist_inp", (28, 28)),
        ("Reshape", "reshape", (28, 28, 1)),
        ("Conv2D", "conv_1_1", (26, 26, 64)),
        ("MaxPooling2D", "pool_1", (13, 13, 64)),
        ("Flatten", "flatten", (10_816,)),
        ("Dense", "dense_1", (256,)),
        ("Dense", "dense_2", (128,)),
        ("Dense", "predictions", (47,)),
    ]
    conv, pool = model.get_layer("conv_1_1"), model.get_layer("pool_1")
    assert (conv.kernel_size, conv.strides, conv.padding, conv.use_bias) == ((3, 3), (1, 1), "valid", True)
    assert (pool.pool_size, pool.strides, pool.padding) == ((2, 2), (2, 2), "valid")
    activations = {
        layer.name: layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")
    }
    assert activations == {"conv_1_1": "relu", "dense_1": "relu", "dense_2": "relu", "predictions": "softmax"}


@pytest.mark.tensorflow
def test_the_default_has_2808751_parameters(keras: ModuleType) -> None:
    """All of them trained."""
    model = built(keras)
    assert model.count_params() == 2_808_751
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 2_808_751


@pytest.mark.tensorflow
def test_it_gives_probabilities_of_images_in_0_to_1(keras: ModuleType) -> None:
    """(n, 28, 28) float32 to (n, 47): each row sums to 1."""
    model = built(keras)
    scale, offset = PIXEL_SCALING
    images = np.random.default_rng(1).integers(0, 256, (3, 28, 28)).astype(np.float32) * scale + offset
    assert images.min() >= 0
    assert images.max() <= 1
    outputs = model.predict_on_batch(images)
    assert outputs.shape == (3, 47)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=PROBABILITY)
    assert (outputs >= 0).all()


@pytest.mark.tensorflow
def test_blocks_stand_one_behind_the_other(keras: ModuleType) -> None:
    """Each with its own width and number of convolutions."""
    blocks = [{"filters": 8, "convolutions": 2}, {"filters": 16}]
    model = built(keras, blocks=blocks, dense=[32], classes=10)
    assert [(layer.name, tuple(layer.output.shape[1:])) for layer in model.layers[2:7]] == [
        ("conv_1_1", (26, 26, 8)),
        ("conv_1_2", (24, 24, 8)),
        ("pool_1", (12, 12, 8)),
        ("conv_2_1", (10, 10, 16)),
        ("pool_2", (5, 5, 16)),
    ]
    assert [layer.name for layer in model.layers[7:]] == ["flatten", "dense_1", "predictions"]


@pytest.mark.tensorflow
def test_dropout_stands_behind_each_block_and_each_dense_layer(keras: ModuleType) -> None:
    """Not before the softmax's own output, and nowhere by default."""
    model = built(keras, dropout=0.25)
    names = [layer.name for layer in model.layers]
    for before, dropped in (
        ("pool_1", "dropout_1"),
        ("dense_1", "dense_dropout_1"),
        ("dense_2", "dense_dropout_2"),
    ):
        assert names.index(dropped) == names.index(before) + 1
        assert model.get_layer(dropped).rate == 0.25
    assert layer_types(model).count("Dropout") == 3
    assert "Dropout" not in layer_types(built(keras))
    assert model.count_params() == 2_808_751


@pytest.mark.tensorflow
def test_batch_normalization_stands_between_convolution_and_relu(keras: ModuleType) -> None:
    """Its offset replaces the convolution's bias, so that it can be folded when converting."""
    model = built(keras, batch_normalization=True)
    assert layer_types(model)[2:5] == ["Conv2D", "BatchNormalization", "ReLU"]
    conv = model.get_layer("conv_1_1")
    assert conv.use_bias is False
    assert conv.activation.__name__ == "linear"
    # 64 biases fewer; gamma, beta, mean and variance for 64 filters more.
    assert model.count_params() == 2_808_751 - 64 + 4 * 64


@pytest.mark.tensorflow
def test_no_dense_layer_is_a_choice(keras: ModuleType) -> None:
    """Straight to the classes."""
    assert layer_types(built(keras, dense=[]))[-2:] == ["Flatten", "Dense"]


@pytest.mark.tensorflow
@pytest.mark.parametrize(("shape", "channels"), [((20, 30), 1), ((20, 30, 3), 3)])
def test_other_image_sizes_and_colour_are_taken(
    keras: ModuleType, shape: tuple[int, ...], channels: int
) -> None:
    """Height and width as they come."""
    model = built(keras, shape=shape, classes=5)
    assert tuple(model.inputs[0].shape[1:]) == shape
    assert tuple(model.get_layer("reshape").output.shape[1:]) == (20, 30, channels)
    assert tuple(model.get_layer("conv_1_1").output.shape[1:]) == (18, 28, 64)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("shape", "blocks", "says"),
    [
        ((28, 28), [{"filters": 4}] * 4, "block 4 has 1x1 pixels left"),
        ((28, 28), [{"filters": 4, "convolutions": 14}], "block 1 has 2x2 pixels left"),
        ((2, 40), [{"filters": 4}], "block 1 has 2x40 pixels left"),
    ],
)
def test_more_blocks_than_the_image_can_be_halved_are_refused(
    keras: ModuleType, shape: tuple[int, ...], blocks: list[dict[str, int]], says: str
) -> None:
    """With the block and what to do, before TensorFlow finds a negative dimension."""
    with pytest.raises(RecipeError) as caught:
        built(keras, shape=shape, blocks=blocks)
    assert str(caught.value) == (
        f"model 'emnist_cnn': {says} for a 3x3 convolution: use fewer blocks or convolutions"
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"blocks": []}, "blocks: "),
        ({"blocks": [{}]}, "blocks.0.filters: Field required"),
        ({"blocks": [{"filters": 0}]}, "blocks.0.filters: "),
        ({"blocks": [{"filters": 5000}]}, "blocks.0.filters: "),
        ({"blocks": [{"filters": 8, "convolutions": 0}]}, "blocks.0.convolutions: "),
        ({"dense": [0]}, "dense.0: "),
        ({"dense": [256, -1]}, "dense.1: "),
        ({"dense": [10**9]}, "dense.0: "),
        ({"dense": 256}, "dense: should be a list"),
        ({"dropout": 1.0}, "dropout: "),
        ({"dropout": -0.1}, "dropout: "),
        ({"batch_normalization": "often"}, "batch_normalization: "),
        ({"block": []}, "unknown key 'block', "),
    ],
)
def test_options_that_make_no_model_are_refused(options: dict[str, Any], says: str) -> None:
    """Before anything is trained."""
    with pytest.raises(RecipeError) as caught:
        shelf.options("models", "emnist_cnn", options)
    assert str(caught.value).startswith(f"model 'emnist_cnn': {says}")
