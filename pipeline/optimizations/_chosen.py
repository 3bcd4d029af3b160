"""Which layers are quantised where only some are named, and the door of a model whose first one is not.

A layer becomes int8 only where what it reads is rounded too: layers that pass values on go with the ones
behind them. Batch normalisation and an activation go with the kernel that they are folded into.

    bytes -> [door_in] -> float32: [door_scaling], layers ... -> int8: layers -> bytes
"""

from collections.abc import Iterator, Sequence
from typing import Any

from converters import stack
from pipeline.optimizations import Problem
from pipeline.optimizations._fake_quant import PASSED
from pipeline.optimizations._layers import nodes

DOOR_IN, DOOR_SCALING = "door_in", "door_scaling"

FUSED = ("BatchNormalization", "ReLU", "Activation")
"""Kinds of layers that become one op with the kernel before them, in this order."""

FUSED_INTO = ("Conv2D", "DepthwiseConv2D", "Dense")
"""Kinds of layers that they are fused into."""


def quantised(model: Any, names: Sequence[str]) -> frozenset[str]:
    """Names of the layers to quantise, with those that go with the named ones."""
    inside = nodes(model)
    found = set(names)
    for layer in [each for each in model.layers if each.name in names]:
        if type(layer).__name__ in FUSED_INTO:
            found |= {each.name for each in _fused(layer, inside)}
    for layer in [each for each in model.layers if each.name in found]:
        for before in _sources(layer, inside):
            while type(before).__name__ in PASSED:
                found.add(before.name)
                (before,) = _sources(before, inside)
    return frozenset(found)


def unreached(model: Any, chosen: frozenset[str], registry: Any) -> Iterator[Problem]:
    """Chosen layers that would stay float32, as what they read cannot be rounded."""
    inside = nodes(model)
    for layer in model.layers:
        sources = _sources(layer, inside) if layer.name in chosen else []
        for before in sources:
            if before.name in chosen or type(before).__name__ == "InputLayer":
                continue
            if len(sources) > 1 or not registry.supports(before):
                yield Problem(
                    layer=layer.name,
                    why=f"reads '{before.name}' ({type(before).__name__}), which is not quantised",
                    way_out="name those before it in optimize.quantize_aware.layers too, or leave it out",
                )


def gaps(model: Any, chosen: frozenset[str]) -> Iterator[Problem]:
    """Kernels that the converter would round, untrained, as what they read and what they give is rounded."""
    inside = nodes(model)
    for layer in model.layers:
        if layer.name in chosen or type(layer).__name__ not in FUSED_INTO:
            continue
        (source,) = _sources(layer, inside)
        while type(source).__name__ in PASSED and source.name not in chosen:
            (source,) = _sources(source, inside)
        tail = [layer, *_fused(layer, inside)][-1]
        readers = [node.outbound_layer for node in inside if tail in _parents(node)]
        if source.name in chosen and any(reader.name in chosen for reader in readers):
            yield Problem(
                layer=layer.name,
                why="stands between layers that are quantised",
                way_out="name it in optimize.quantize_aware.layers too, or leave those on one side out",
            )


def begins(model: Any, chosen: frozenset[str]) -> bool:
    """Whether a chosen layer reads the pixels."""
    inside = nodes(model)
    readers = [layer for layer in model.layers if layer.name in chosen]
    kinds = {type(source).__name__ for layer in readers for source in _sources(layer, inside)}
    return "InputLayer" in kinds


def with_door(model: Any, scaling: tuple[float, float]) -> Any:
    """A copy of the model behind a door of bytes; that the scaling behind it is not rounded keeps float32."""
    layers = stack.load().keras.layers
    (image,) = (layer for layer in model.layers if type(layer).__name__ == "InputLayer")
    config = model.get_config()
    for layer in config["layers"]:
        layer["inbound_nodes"] = _renamed(layer["inbound_nodes"], image.name, DOOR_SCALING)
    config["layers"] += [
        _as_config(layers.Reshape(model.input_shape[1:], name=DOOR_IN), image.name),
        _as_config(layers.Rescaling(*scaling, name=DOOR_SCALING), DOOR_IN),
    ]
    copy = stack.load().keras.Model.from_config(config)
    copy.set_weights(model.get_weights())
    return copy


def _as_config(layer: Any, source: str) -> dict[str, Any]:
    """A layer as it stands in a model's configuration."""
    return {
        "class_name": type(layer).__name__,
        "config": layer.get_config(),
        "name": layer.name,
        "inbound_nodes": [[[source, 0, 0, {}]]],
    }


def _renamed(value: Any, old: str, new: str) -> Any:
    """Nodes of a configuration, [layer, node, tensor, arguments] in lists, that read another layer."""
    if isinstance(value, list | tuple):
        first, *rest = value or [None]
        if first == old:
            return [new, *rest]
        return [_renamed(each, old, new) for each in value]
    return value


def last(model: Any) -> str:
    """Name of the layer that answers."""
    ((name, *_),) = model.get_config()["output_layers"]
    return str(name)


def _fused(layer: Any, inside: list[Any]) -> Iterator[Any]:
    """Batch normalisation and activation right behind a layer."""
    for kind in FUSED:
        readers = [node.outbound_layer for node in inside if layer in _parents(node)]
        if len(readers) != 1:
            return
        if type(readers[0]).__name__ == kind:
            (layer,) = readers
            yield layer


def _sources(layer: Any, inside: list[Any]) -> list[Any]:
    """The layers that a layer reads."""
    return [parent for node in inside if node.outbound_layer is layer for parent in _parents(node)]


def _parents(node: Any) -> list[Any]:
    return [parent.outbound_layer for parent in node.parent_nodes]
