"""Layers of a model: which have kernels, which were named, what stands in their weights."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from converters import stack
from pipeline.errors import RecipeError, unknown
from pipeline.optimizations import Problem

KERNELS = ("kernel:0", "pointwise_kernel:0")
"""Names of the weights that are pruned and clustered. Depthwise kernels are not: nine weights per channel
carry too much to lose, and tensorflow-model-optimization leaves them alone for the same reason."""


def kernel(layer: Any) -> Any | None:
    """The variable of a layer's (or a wrapped layer's) kernel, or None."""
    for weight in layer.weights:
        if weight.name.rsplit("/", 1)[-1] in KERNELS:
            return weight
    return None


def elements(layer: Any) -> int:
    """How many weights a layer's kernel has; 0 where it has none."""
    weight = kernel(layer)
    return 0 if weight is None else int(weight.shape.num_elements())


def inner(layer: Any) -> Any:
    """The layer inside a wrapper of tensorflow-model-optimization, or the layer itself."""
    return getattr(layer, "layer", layer)


def kernels(model: Any) -> dict[str, npt.NDArray[np.float32]]:
    """Name of each layer that has a kernel to its values, in the order of the layers."""
    found = {}
    for layer in model.layers:
        weight = kernel(layer)
        if weight is not None:
            found[inner(layer).name] = weight.numpy()
    return found


def named(model: Any, names: Sequence[str] | None, *, what: str) -> list[Any]:
    """The layers of these names; all layers that have a kernel where none are named.

    Raises:
        RecipeError: no such layer, or it has no kernel.
    """
    by_name = {layer.name: layer for layer in model.layers}
    if names is None:
        return [layer for layer in model.layers if kernel(layer) is not None]
    for name in names:
        if name not in by_name:
            raise RecipeError(f"optimize.{what}.layers: {unknown('layer', name, by_name)}")
        if kernel(by_name[name]) is None:
            having = ", ".join(layer.name for layer in model.layers if kernel(layer) is not None)
            raise RecipeError(
                f"optimize.{what}.layers: '{name}' ({type(by_name[name]).__name__}) has no kernel; "
                f"choose from: {having}"
            )
    return [layer for layer in model.layers if layer.name in names]


def nodes(model: Any) -> list[Any]:
    """Every call of a layer inside a functional model; a layer may have been called outside it too."""
    return [node for depth in model._nodes_by_depth.values() for node in depth]


def shared(model: Any) -> Iterator[Problem]:
    """Layers that the model calls more than once."""
    counts: dict[str, int] = {}
    for depth in model.get_config()["layers"]:
        counts[depth["name"]] = len(depth.get("inbound_nodes", ()))
    for name, calls in counts.items():
        if calls > 1:
            yield Problem(
                layer=name,
                why=f"is used {calls} times",
                way_out="build one layer for each use; wrappers cannot share what they measure",
            )


def wrapped(model: Any, wrap: Any) -> Any:
    """A copy of a functional model, each layer replaced by ``wrap(layer)``; the model itself stays."""
    keras = stack.load().keras
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return keras.models.clone_model(copy, clone_function=wrap)
