"""Layers of a model: which were named, which are shared, and copies of models with others in their place."""

from collections.abc import Iterator, Sequence
from typing import Any

from converters import stack
from pipeline.errors import RecipeError, unknown
from pipeline.kernels import KERNELS, kernel
from pipeline.optimizations import Problem


def named(model: Any, names: Sequence[str] | None, *, what: str) -> list[Any]:
    """The layers of these names; all layers that have a kernel, and are not frozen, where none are named.

    Raises:
        RecipeError: no such layer, one is frozen or of a kind whose kernel cannot be followed into the file,
            or the model has no other.
    """
    by_name = {layer.name: layer for layer in model.layers}
    with_kernel = [layer for layer in model.layers if kernel(layer) is not None]
    # What is frozen could not learn to live without its zeros, and a fixed input range is no weight at all.
    having = [layer for layer in with_kernel if layer.trainable]
    kinds = " or ".join(KERNELS)
    if not having:
        trained = " that is trained" if with_kernel else ""
        raise RecipeError(
            f"optimize.{what}: the model has no {kinds}{trained}: it does nothing to other layers"
        )
    if names is None:
        return having
    for name in names:
        if name not in by_name:
            raise RecipeError(f"optimize.{what}.layers: {unknown('layer', name, by_name)}")
        if by_name[name] in with_kernel and by_name[name] not in having:
            raise RecipeError(
                f"optimize.{what}.layers: '{name}' is frozen and could not make up for what is taken from "
                "it: leave it out, or unfreeze more of the model"
            )
        if by_name[name] not in having:
            raise RecipeError(
                f"optimize.{what}.layers: '{name}' is a {type(by_name[name]).__name__}: only a {kinds} has a "
                "kernel that is found again in the .tflite; "
                f"choose from: {', '.join(layer.name for layer in having)}"
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
