"""The numbers inside a quantisation-aware model: ranges of activations, and the scaling of pixels.

The wrappers of tensorflow-model-optimization keep the range of what they round in variables ``<what>_min``
and ``<what>_max``. They start at -6 and 6 (at 0 and 0 for the input) and move by a thousandth of the way in a
step.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from converters import stack
from pipeline.errors import StepError
from pipeline.kernels import inner
from pipeline.optimizations._layers import nodes

RANGE_BATCH = 256
RANGE_BYTES = 256 << 20
"""Of all activations of a batch while ranges are measured: every layer's answer is held at once."""

PIXEL_MAX = 255

AFTER_LAYER = ("output", "post_activation")
"""Ranges of what a layer gives."""

BEFORE_ACTIVATION = "pre_activation"
"""Range of what goes into the activation, where that is what TFLite rounds: softmax, sigmoid, tanh."""

PASSED = ("QuantizeLayer", "Reshape", "Flatten", "Permute", "Dropout", "MaxPooling2D", "ZeroPadding2D")
"""Layers that a positive factor on their input goes through unchanged."""

KERNEL_NAMES = ("kernel", "depthwise_kernel")


def set_ranges(quantised: Any, model: Any, samples: npt.NDArray[np.float32]) -> None:
    """Sets the range of each rounded activation to what ``model``, not quantised, gives on samples.

    The mean over batches of the least and of the largest value, which is what the moving averages tend to.
    """
    keras = stack.load().keras
    wanted = {}
    for layer in quantised.layers:
        ranges = {weight.name.rsplit("/", 1)[-1].removesuffix(":0"): weight for weight in layer.weights}
        for what in (*AFTER_LAYER, BEFORE_ACTIVATION):
            if f"{what}_min" in ranges:
                wanted[inner(layer).name, what] = (ranges[f"{what}_min"], ranges[f"{what}_max"])
    known = {layer.name for layer in model.layers}
    wanted = {key: pair for key, pair in wanted.items() if key[0] in known}
    tensors = [
        _logits(model.get_layer(name)) if what == BEFORE_ACTIVATION else model.get_layer(name).output
        for name, what in wanted
    ]
    probe = keras.Model(model.inputs, tensors)
    sample_bytes = 4 * sum(math.prod(tensor.shape[1:]) for tensor in tensors)
    batch = max(1, min(RANGE_BATCH, RANGE_BYTES // sample_bytes))
    lows, highs = [], []
    for first in range(0, len(samples), batch):
        answers = probe(samples[first : first + batch], training=False)
        answers = answers if isinstance(answers, list) else [answers]
        lows.append([float(np.min(answer)) for answer in answers])
        highs.append([float(np.max(answer)) for answer in answers])
    for (low, high), least, largest in zip(
        wanted.values(), np.mean(lows, axis=0), np.mean(highs, axis=0), strict=True
    ):
        # A range without zero cannot be rounded: zero must be a value of its own.
        low.assign(min(0.0, least))
        high.assign(max(0.0, largest))


def set_input_range(quantised: Any, scaling: tuple[float, float]) -> None:
    """Sets the range of the input to exactly that of scaled pixels: a byte of the file is then a pixel."""
    scale, offset = scaling
    for layer in quantised.layers:
        if type(layer).__name__ == "QuantizeLayer":
            low, high = (weight for weight in layer.weights if weight.name.endswith(("_min:0", "_max:0")))
            low.assign(min(0.0, offset))
            high.assign(max(0.0, PIXEL_MAX * scale + offset))


def check_foldable(model: Any, scaling: tuple[float, float]) -> Any:
    """The layer whose kernel takes the scaling up.

    Raises:
        StepError: as :func:`first_kernel`; a factor that is not positive; or an offset, which padding keeps
            from going into a bias.
    """
    if scaling[0] <= 0.0:
        raise StepError(f"pixels are multiplied by {scaling[0]:g}: ranges would turn over")
    if scaling[1]:
        raise StepError(f"pixels are moved by {scaling[1]:g}: only a factor can go into the first kernel")
    return first_kernel(model)


def first_kernel(model: Any) -> Any:
    """The layer with the kernel that pixels meet first, and nothing else meets.

    Raises:
        StepError: pixels branch, or meet a layer that a factor does not go through.
    """
    (layer,) = (each for each in model.layers if type(each).__name__ == "InputLayer")
    inside = nodes(model)
    while True:
        followers = [node.outbound_layer for node in inside if _reads(node, layer)]
        if len(followers) != 1:
            raise StepError(f"the output of '{layer.name}' goes to {len(followers)} layers")
        (layer,) = followers
        if any(weight.name.rsplit("/", 1)[-1].removesuffix(":0") in KERNEL_NAMES for weight in layer.weights):
            return layer
        if type(inner(layer)).__name__ not in PASSED:
            raise StepError(f"'{inner(layer).name}' ({type(inner(layer)).__name__}) stands before any kernel")


def fold_scaling(quantised: Any, scaling: tuple[float, float]) -> None:
    """Makes a model that takes scaled pixels take pixels: ranges before the first kernel and it are rescaled.

    ``kernel * (scale * pixel) = (kernel * scale) * pixel``; rounding to a grid and rescaling commute, as the
    grid is rescaled too.

    Raises:
        StepError: as :func:`check_foldable`.
    """
    scale = scaling[0]
    target = check_foldable(quantised, scaling)
    set_input_range(quantised, (1.0, 0.0))
    for weight in target.weights:
        name = weight.name.rsplit("/", 1)[-1].removesuffix(":0")
        if name.removesuffix("_min").removesuffix("_max") in KERNEL_NAMES:
            weight.assign(weight * scale)


def _logits(layer: Any) -> Any:
    """What goes into a layer's activation, as a tensor of the graph."""
    keras = stack.load().keras
    linear = layer.__class__.from_config({**layer.get_config(), "name": f"{layer.name}_logits"})
    if isinstance(layer, keras.layers.Activation):
        return layer.input
    linear.activation = keras.activations.linear
    tensor = linear(layer.input)
    linear.set_weights(layer.get_weights())
    return tensor


def _reads(node: Any, layer: Any) -> bool:
    return any(parent.outbound_layer is layer for parent in node.parent_nodes)
