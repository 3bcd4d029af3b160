"""A pretrained base of tf_keras.applications under a new head, for photos.

    (H, W, 3), pixels of 0..255 -> input_range     to what the base was trained on; fixed
                                -> the base        layer by layer, without its top
                                -> features        global average pooling
                                -> Dropout -> Dense softmax

The graph is flat: optimisations wrap layers one by one and look into no model inside another.
"""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.errors import RecipeError
from pipeline.models import _bases, _pretrained

PIXEL_SCALING = (1.0, 0.0)
"""Takes pixels as they are."""

FEATURES = "features"
"""Name of the layer that the head starts from; (batch, channels of the base)."""

INPUT_RANGE = "input_range"

NORMALISATION = "BatchNormalization"

WEIGHTS = "base"
"""Name among ``files``."""

PLACES = ("weights",)
"""Options that may name a place on this machine."""

DEFAULT_ALPHA = 1.0

RANDOM = "random"
"""In the place of weights: the base starts from nothing."""

MOMENTUM = 0.9
"""Of the moving statistics of batch normalisation in a base that starts from nothing. Some bases come with
0.999, for a million steps: of the few hundred of a small dataset they would still tell where they began."""


class Options(BaseModel):
    """Keys of a recipe's ``[model]`` section.

    Attributes:
        base: an application of tf_keras by name, ``mobilenet_v2``, ``efficientnet_v2_b0`` ...
        alpha: width of the base, where it has one; None is 1.
        weights: ``imagenet``: Keras's own, from ``DATA/weights`` or fetched; ``random``; or the path of an
            HDF5 file without top, absolute or relative to the data folder.
        weights_size: with ``imagenet`` and a base whose weights were published for several sizes of images:
            which; None for that of the dataset's images, or 224 where there is none for it.
        dropout: share of the features dropped while training, 0..1.
        unfreeze: share of the base's layers, counted from the top whatever weights they have, that train
            after the head has been; 0..1. With ``random`` weights all of them train.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = "mobilenet_v2"
    alpha: float | None = Field(default=None, gt=0.0, le=4.0)
    weights: str = Field(default="imagenet", min_length=1)
    weights_size: int | None = None
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    unfreeze: float = Field(default=0.5, ge=0.0, le=1.0)

    @field_validator("base")
    @classmethod
    def _known(cls, name: str) -> str:
        _bases.find(name)
        return name

    @model_validator(mode="after")
    def _check(self) -> "Options":
        base = _bases.find(self.base)
        if self.alpha is not None and not base.alphas:
            raise ValueError(f"base '{self.base}' has no alpha: leave it out")
        if self.weights == "imagenet" and base.alphas and self.width not in base.alphas:
            raise ValueError(
                f"alpha {self.alpha}: ImageNet weights of {self.base} were published for "
                f"{', '.join(map(str, base.alphas))}; take one of them, or weights of your own"
            )
        if self.weights_size is not None and (
            self.weights != "imagenet" or self.weights_size not in base.sizes
        ):
            sizes = ", ".join(map(str, base.sizes)) or "one size alone"
            raise ValueError(
                f"weights_size {self.weights_size}: ImageNet weights of {self.base} were published for "
                f"{sizes}; it goes with weights = 'imagenet'"
            )
        return self

    @property
    def width(self) -> float | None:
        """Alpha as the base takes it; None where it has none."""
        if not _bases.find(self.base).alphas:
            return None
        return DEFAULT_ALPHA if self.alpha is None else self.alpha


def files(options: Options, image_shape: tuple[int, ...], data: Path | None) -> Mapping[str, Path]:
    """The file with the weights of the base; none where they are random.

    Raises:
        DataMissingError: it is neither on this machine nor to be had.
    """
    if options.weights == RANDOM:
        return {}
    if options.weights != "imagenet":
        return {WEIGHTS: _pretrained.given(options.weights, data)}
    base = _bases.find(options.base)
    height, width = image_shape[:2]
    same = height if height == width and height in base.sizes else base.default_size
    size = options.weights_size or same
    path = _pretrained.published(options.base, base, alpha=options.width, size=size, data=data)
    return {WEIGHTS: path}


def build(
    options: Options,
    image_shape: tuple[int, ...],
    classes: int,
    keras: ModuleType,
    *,
    files: Mapping[str, Path],
) -> Any:
    """Builds the model, the weights of its base loaded.

    Args:
        options: which base, and its weights.
        image_shape: (height, width, 3).
        classes: width of the softmax.
        keras: the module ``tf_keras``.
        files: what :func:`files` gave.

    Returns:
        A flat ``tf_keras.Model`` from float32 (batch, *image_shape) of 0..255 to (batch, classes)
        probabilities.

    Raises:
        RecipeError: images that are gray, or too small for the base.
        DataError: the weights are damaged or of another base.
    """
    base = _bases.find(options.base)
    if len(image_shape) != 3 or image_shape[2] != 3:
        raise RecipeError(
            f"model 'transfer': the dataset gives gray images {image_shape}, '{options.base}' was trained on "
            "colour: take a dataset of photos"
        )
    if min(image_shape[:2]) < base.minimum:
        raise RecipeError(
            f"model 'transfer': images of {image_shape[0]}x{image_shape[1]} pixels, '{options.base}' needs "
            f"{base.minimum} along each side: raise the size of the dataset's images"
        )
    inputs = keras.Input(image_shape, name="image")
    wanted = _bases.RANGES[base.mode] if base.mode else None
    application = getattr(keras.applications, base.function)
    width = {} if options.width is None else {"alpha": options.width}
    x = application(
        include_top=False,
        weights=None,
        input_tensor=inputs if wanted is None else _input_range(wanted, keras)(inputs),
        input_shape=image_shape,
        **base.options,
        **width,
    ).output
    x = keras.layers.GlobalAveragePooling2D(name=FEATURES)(x)
    if options.dropout:
        x = keras.layers.Dropout(options.dropout, name="dropout")(x)
    outputs = keras.layers.Dense(classes, activation="softmax", name="predictions")(x)
    model = keras.Model(inputs, outputs, name="transfer")
    if wanted is not None:
        _set_input_range(model.get_layer(INPUT_RANGE), wanted)
    if options.weights == RANDOM:
        for layer in model.layers:
            if type(layer).__name__ == NORMALISATION:
                layer.momentum = MOMENTUM
    if WEIGHTS in files:
        alpha = "" if options.width is None else f", alpha {options.width}"
        _pretrained.load(files[WEIGHTS], _base_layers(model), f"{options.base}{alpha}")
    return model


def freeze(model: Any, options: Options, *, head_only: bool) -> None:
    """Says which layers train: the head alone, or the top part of the base with it.

    A base that starts from nothing trains whole: there is nothing in it to be kept.

    Args:
        model: as :func:`build` made it.
        options: say how much of the base.
        head_only: nothing of the base.
    """
    if options.weights == RANDOM:
        return
    layers = _base_layers(model)
    frozen = len(layers) if head_only else len(layers) - round(options.unfreeze * len(layers))
    for number, layer in enumerate(layers):
        # Batch normalisation stays frozen everywhere. In tf_keras that also means inference mode: it goes on
        # using the moving statistics of ImageNet. Statistics of batches of 32 photos are noise beside them,
        # and what the layers behind have learnt from would move under them in the first steps.
        layer.trainable = number >= frozen and type(layer).__name__ != NORMALISATION


def no_head(options: Options) -> str:
    """Why the head cannot be trained first; empty where it can."""
    if options.weights != RANDOM:
        return ""
    return (
        "model.weights 'random': a head on a base that has learnt nothing would learn nothing either: leave "
        "the section out, or take weights = 'imagenet'"
    )


def not_quantized_in_training(options: Options) -> str:
    """Why quantise-aware training cannot take the whole model; empty where it can."""
    why = _bases.find(options.base).unquantized
    if not why:
        return ""
    return (
        f"base '{options.base}' cannot be trained quantisation-aware ({why}): take base "
        f"{', '.join(_bases.QUANTIZABLE[:-1])} or {_bases.QUANTIZABLE[-1]}, or leave this optimisation "
        "out and convert to int8 after training"
    )


def _base_layers(model: Any) -> list[Any]:
    """Layers between input and head, without the input range, in the order of the graph."""
    names = [layer.name for layer in model.layers]
    return [each for each in model.layers[1 : names.index(FEATURES)] if each.name != INPUT_RANGE]


def _input_range(wanted: _bases.InputRange, keras: ModuleType) -> Any:
    """A fixed 1x1 convolution that brings pixels to the range of the base.

    A convolution, where Rescaling and Normalization would say the same: quantise-aware training takes this
    layer and refuses those, every delegate runs it, and int8 keeps a scale for each of its channels.
    """
    if wanted.swapped:
        return keras.layers.Conv2D(3, 1, trainable=False, name=INPUT_RANGE)
    return keras.layers.DepthwiseConv2D(1, trainable=False, name=INPUT_RANGE)


def _set_input_range(layer: Any, wanted: _bases.InputRange) -> None:
    # Swapped, output channel o reads input channel 2 - o alone.
    kernel = np.diag(wanted.factors)[::-1] if wanted.swapped else np.array(wanted.factors)
    shape = (1, 1, 3, 3) if wanted.swapped else (1, 1, 3, 1)
    layer.set_weights([kernel.reshape(shape), np.array(wanted.offsets)])
