"""Kernels of a Keras model that can be followed into a .tflite: those of Dense and Conv2D.

They are what is pruned and clustered, and what promises are measured on, in the model and in each file.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

KERNELS = {"Dense": "kernel:0", "Conv2D": "kernel:0"}
"""Kind of layer to the name of its kernel. Each becomes the constant of one FULLY_CONNECTED or CONV_2D, as
:mod:`converters.tflite.weights` reads them. SeparableConv2D is split before (:mod:`pipeline.stages.flat`).

Not Conv1D, Conv3D and Conv2DTranspose: the converter reshapes and transposes their kernels, or reads them in
other ops. Not DepthwiseConv2D: nine weights per channel carry too much to lose, and
tensorflow-model-optimization leaves them alone for the same reason."""

_WRAPPERS = "tensorflow_model_optimization."
"""Module of the layers that measure or change another one. Those of Keras (TimeDistributed ...) are layers of
their own."""


def kernel(layer: Any) -> Any | None:
    """The variable of a layer's (or a wrapped layer's) kernel, or None."""
    wanted = KERNELS.get(type(inner(layer)).__name__)
    for weight in layer.weights:
        if weight.name.rsplit("/", 1)[-1] == wanted:
            return weight
    return None


def elements(layer: Any) -> int:
    """How many weights a layer's kernel has; 0 where it has none."""
    weight = kernel(layer)
    return 0 if weight is None else int(weight.shape.num_elements())


def inner(layer: Any) -> Any:
    """The layer inside a wrapper of tensorflow-model-optimization, or the layer itself."""
    wraps = type(layer).__module__.startswith(_WRAPPERS)
    return getattr(layer, "layer", layer) if wraps else layer


def kernels(model: Any) -> dict[str, npt.NDArray[np.float32]]:
    """Name of each layer that has a kernel to its values, in the order of the layers."""
    found = {}
    for layer in model.layers:
        weight = kernel(layer)
        if weight is not None:
            found[inner(layer).name] = weight.numpy()
    return found
