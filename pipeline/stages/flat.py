"""Flat models: nested models called layer by layer, and what only prepares pixels taken out of the graph.

tensorflow-model-optimization wraps layers one by one and looks into no model inside another.
"""

from typing import Any

from converters import stack
from pipeline.errors import RecipeError
from pipeline.optimizations import Scaling


def flat(model: Any, scaling: Scaling) -> tuple[Any, Scaling]:
    """A functional model without models inside it, and what its pixels go through.

    Weights are the model's own. A Rescaling that the input goes into first becomes part of the
    scaling; layers that only augment (RandomFlip ...) are left out, as they do nothing outside training; a
    SeparableConv2D becomes the two convolutions that it is: the depthwise one, and the pointwise one under
    its name. What is frozen stays so.

    Args:
        model: a Sequential or functional ``tf_keras`` model.
        scaling: (scale, offset) of its pixels.

    Returns:
        The model itself where there is nothing to do.

    Raises:
        RecipeError: two models inside it have layers of the same name.
    """
    keras = stack.load().keras
    if not any(_in_the_way(layer, keras) for layer in model.layers) and not isinstance(
        model, keras.Sequential
    ):
        return model, scaling
    inputs = keras.Input(model.inputs[0].shape[1:], name=model.inputs[0].name.split(":")[0])
    state = _Flattening(keras, scaling, inputs)
    joined = keras.Model(inputs, state.call(model, inputs), name=model.name)
    # In the clone every layer has one output again; in the joined model it still has its old one too.
    clone = keras.models.clone_model(joined)
    clone.set_weights(joined.get_weights())
    return clone, state.scaling


def _in_the_way(layer: Any, keras: Any) -> bool:
    kinds = keras.Model | keras.layers.Rescaling | keras.layers.SeparableConv2D
    return isinstance(layer, kinds) or _augments(layer, keras)


def _augments(layer: Any, keras: Any) -> bool:
    random = keras.__internal__.layers.BaseRandomLayer
    name = type(layer).__name__
    return isinstance(layer, random) and name.startswith("Random")


class _Flattening:
    """Calls the layers of a model, and those of models in it, on tensors of a new graph."""

    def __init__(self, keras: Any, scaling: Scaling, inputs: Any) -> None:
        self.scaling = scaling
        self._keras, self._pixels = keras, inputs
        self._split: dict[str, tuple[Any, Any]] = {}
        self._called: dict[str, Any] = {}

    def call(self, model: Any, tensor: Any) -> Any:
        """What a model with one input gives for a tensor."""
        if isinstance(model, self._keras.Sequential):
            for layer in model.layers:
                tensor = self._layer(layer, [tensor], {})
            return tensor
        tensors = {model.inputs[0].ref(): tensor}
        nodes = [node for layer in model.layers for node in layer.inbound_nodes]
        # A node's inputs are made by nodes before it; layers are listed by depth, so that few rounds do.
        waiting = [node for node in nodes if node.outbound_layer in model.layers and not _is_input(node)]
        while waiting:
            ready = [node for node in waiting if all(t.ref() in tensors for t in _flat(node.input_tensors))]
            # The rest belongs to other models that use the same layers.
            if not ready:
                break
            for node in ready:
                arguments, keywords = self._arguments(node, tensors)
                found = self._layer(node.outbound_layer, arguments, keywords)
                for old, new in zip(_flat(node.outputs), _flat(found), strict=True):
                    tensors[old.ref()] = new
            waiting = [node for node in waiting if node not in ready]
        return tensors[model.outputs[0].ref()]

    def _layer(self, layer: Any, arguments: Any, keywords: Any) -> Any:
        keras = self._keras
        if isinstance(layer, keras.layers.InputLayer) or _augments(layer, keras):
            return arguments[0]
        if isinstance(layer, keras.Model):
            return self.call(layer, arguments[0])
        if isinstance(layer, keras.layers.Rescaling) and arguments[0] is self._pixels:
            scale, offset = self.scaling
            self.scaling = (scale * layer.scale, offset * layer.scale + layer.offset)
            return arguments[0]
        if self._called.setdefault(layer.name, layer) is not layer:
            raise RecipeError(
                f"layer '{layer.name}' stands in two models that are nested in one: optimisations name "
                "layers, give each a name of its own"
            )
        if isinstance(layer, keras.layers.SeparableConv2D):
            return self._separately(layer, arguments[0])
        return layer(*arguments, **keywords)

    def _separately(self, layer: Any, tensor: Any) -> Any:
        layers, config = self._keras.layers, layer.get_config()
        known = layer.name in self._split
        if not known:
            shape = ("kernel_size", "strides", "padding", "depth_multiplier", "dilation_rate")
            ends = ("activation", "use_bias")
            self._split[layer.name] = (
                layers.DepthwiseConv2D(
                    **{key: config[key] for key in shape}, use_bias=False, name=f"{layer.name}_depthwise"
                ),
                layers.Conv2D(config["filters"], 1, **{key: config[key] for key in ends}, name=layer.name),
            )
        depthwise, pointwise = self._split[layer.name]
        tensor = pointwise(depthwise(tensor))
        if not known:
            first, *rest = layer.get_weights()
            depthwise.set_weights([first])
            pointwise.set_weights(rest)
            depthwise.trainable = pointwise.trainable = layer.trainable
        return tensor

    def _arguments(self, node: Any, tensors: Any) -> tuple[Any, Any]:
        import tree

        def replaced(value: Any) -> Any:
            # Keras's own is_keras_tensor refuses what is no tensor at all: numbers, None.
            return tensors[value.ref()] if hasattr(value, "_keras_history") else value

        arguments, keywords = tree.map_structure(replaced, (node.call_args, node.call_kwargs))
        return arguments, keywords


def _is_input(node: Any) -> bool:
    return type(node.outbound_layer).__name__ == "InputLayer"


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
