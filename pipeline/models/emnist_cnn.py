"""The EMNIST phone model: convolution blocks, then Dense layers; 2,808,751 parameters by default.

    (28, 28) -> Reshape (28, 28, 1) -> [Conv 3x3 valid ReLU ... -> MaxPool 2] per block
             -> Flatten -> Dense ReLU ... -> Dense softmax

With the default options: Conv 64 -> 13x13x64 -> Flatten 10,816 -> Dense 256 -> Dense 128 -> Dense 47.
"""

from types import ModuleType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import RecipeError

PIXEL_SCALING = (1 / 255, 0.0)
"""Trained on pixels in [0, 1]."""


Units = Annotated[int, Field(ge=1, le=65_536)]


class Block(BaseModel):
    """One block: convolutions of the same width, then a 2x2 max pool.

    Attributes:
        filters: of each convolution.
        convolutions: how many.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    filters: int = Field(ge=1, le=4096)
    convolutions: int = Field(default=1, ge=1, le=16)


class Options(BaseModel):
    """Keys of a recipe's ``[model]`` section.

    Attributes:
        blocks: in order.
        dense: units of the Dense layers before the last.
        dropout: share dropped after each block and each Dense layer, 0..1; 0 leaves the layers out.
        batch_normalization: between each convolution and its ReLU.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    blocks: tuple[Block, ...] = Field(default=(Block(filters=64),), min_length=1)
    dense: tuple[Units, ...] = (256, 128)
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    batch_normalization: bool = False


def build(options: Options, image_shape: tuple[int, ...], classes: int, keras: ModuleType) -> Any:
    """Builds the model.

    Args:
        options: blocks, Dense layers, regularisation.
        image_shape: (height, width) or (height, width, channels).
        classes: width of the softmax.
        keras: the module ``tf_keras``.

    Returns:
        A ``tf_keras.Model`` from float32 (batch, *image_shape) to (batch, classes) probabilities.

    Raises:
        RecipeError: more blocks than the image can be halved.
    """
    layers = keras.layers
    inputs = keras.Input(image_shape, name="emnist_inp")
    channels = image_shape[2] if len(image_shape) == 3 else 1
    x = layers.Reshape((*image_shape[:2], channels), name="reshape")(inputs)
    for b, block in enumerate(options.blocks, start=1):
        for c in range(1, block.convolutions + 1):
            if min(x.shape[1:3]) < 3:
                raise RecipeError(
                    f"model 'emnist_cnn': block {b} has {x.shape[1]}x{x.shape[2]} pixels left for a 3x3 "
                    f"convolution: use fewer blocks or convolutions"
                )
            if options.batch_normalization:
                x = layers.Conv2D(block.filters, 3, use_bias=False, name=f"conv_{b}_{c}")(x)
                x = layers.BatchNormalization(name=f"bn_{b}_{c}")(x)
                x = layers.ReLU(name=f"relu_{b}_{c}")(x)
            else:
                x = layers.Conv2D(block.filters, 3, activation="relu", name=f"conv_{b}_{c}")(x)
        x = layers.MaxPooling2D(2, name=f"pool_{b}")(x)
        if options.dropout:
            x = layers.Dropout(options.dropout, name=f"dropout_{b}")(x)
    x = layers.Flatten(name="flatten")(x)
    for d, units in enumerate(options.dense, start=1):
        x = layers.Dense(units, activation="relu", name=f"dense_{d}")(x)
        if options.dropout:
            x = layers.Dropout(options.dropout, name=f"dense_dropout_{d}")(x)
    outputs = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, outputs, name="emnist_cnn")
