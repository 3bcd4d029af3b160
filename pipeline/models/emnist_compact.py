"""A character classifier made for a phone: little arithmetic, few weights, batch normalisation to fold away.

    (28, 28) -> Reshape (28, 28, 1)
             -> Conv 3x3, BatchNorm, ReLU            stem: full convolutions where channels are few
             -> depthwise 3x3, pointwise 1x1         body: separable ones where weights are many
             -> depthwise over the whole map         head: one weight per place and channel
             -> Dense softmax

Blocks that keep size and width are residual. The first block halves the image already: work on 28 x 28 places
took a fifth of the time and gained nothing measurable. A full 3x3 convolution on 24..48 channels costs an
int8 CPU kernel less time than a separable one, whose depthwise half is bound by memory; on 128 channels it
costs nine times the weights. The head weighs places as Flatten and Dense do, with 49 weights per channel
instead of 10,816 x 256, where global average pooling would forget where a stroke was.
"""

from types import ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import RecipeError

PIXEL_SCALING = (1 / 255, 0.0)
"""Trained on pixels in [0, 1]."""

BATCH_NORM_MOMENTUM = 0.9
"""Of the moving averages: Keras's 0.99 is for trainings of more steps than these."""


class Layer(BaseModel):
    """One block.

    Attributes:
        filters: channels of its output.
        stride: 2 halves height and width.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    filters: int = Field(ge=1, le=4096)
    stride: int = Field(default=1, ge=1, le=2)


class Options(BaseModel):
    """Keys of a recipe's ``[model]`` section.

    Attributes:
        stem: full convolutions.
        body: separable ones.
        dropout: share dropped before the last layer, 0..1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stem: tuple[Layer, ...] = Field(
        default=(
            Layer(filters=24, stride=2),
            Layer(filters=32),
            Layer(filters=48, stride=2),
            Layer(filters=48),
            Layer(filters=48),
        ),
        min_length=1,
    )
    body: tuple[Layer, ...] = (Layer(filters=128), Layer(filters=144))
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)


def build(options: Options, image_shape: tuple[int, ...], classes: int, keras: ModuleType) -> Any:
    """Builds the model.

    Args:
        options: stem, body, dropout.
        image_shape: (height, width) or (height, width, channels).
        classes: width of the softmax.
        keras: the module ``tf_keras``.

    Returns:
        A ``tf_keras.Model`` from float32 (batch, *image_shape) to (batch, classes) probabilities.

    Raises:
        RecipeError: more halvings than the image has pixels for.
    """
    layers = keras.layers

    def normalised(x: Any, name: str) -> Any:
        x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=f"{name}_bn")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    def residual(before: Any, after: Any, name: str) -> Any:
        same = before.shape == after.shape
        return layers.Add(name=f"{name}_add")([before, after]) if same else after

    inputs = keras.Input(image_shape, name="image")
    channels = image_shape[2] if len(image_shape) == 3 else 1
    x = layers.Reshape((*image_shape[:2], channels), name="reshape")(inputs)
    for number, block in enumerate((*options.stem, *options.body), start=1):
        if block.stride == 2 and min(x.shape[1:3]) < 2:
            raise RecipeError(
                f"model 'emnist_compact': block {number} halves {x.shape[1]}x{x.shape[2]} pixels: use fewer "
                "blocks of stride 2"
            )
        before, name = x, f"block_{number}"
        if number <= len(options.stem):
            x = layers.Conv2D(
                block.filters, 3, block.stride, padding="same", use_bias=False, name=f"{name}_conv"
            )(x)
        else:
            x = layers.DepthwiseConv2D(
                3, block.stride, padding="same", use_bias=False, name=f"{name}_depthwise"
            )(x)
            x = normalised(x, f"{name}_depthwise")
            x = layers.Conv2D(block.filters, 1, use_bias=False, name=f"{name}_conv")(x)
        x = residual(before, normalised(x, f"{name}_conv"), name)
    x = layers.DepthwiseConv2D(x.shape[1:3], use_bias=False, name="head_depthwise")(x)
    x = normalised(x, "head_depthwise")
    x = layers.Flatten(name="flatten")(x)
    if options.dropout:
        x = layers.Dropout(options.dropout, name="dropout")(x)
    outputs = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, outputs, name="emnist_compact")
