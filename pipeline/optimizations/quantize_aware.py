"""Quantise-aware: training sees the rounding of int8, so that the weights learn to live with it.

After ``prune`` the zeros stay zeros (PQAT), after ``cluster`` the kernels keep their few values (CQAT), after
both both do (PCQAT).
"""

import math
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from pydantic import Field

from converters import stack
from pipeline.artifacts import Claim
from pipeline.errors import RecipeError, StepError, unknown
from pipeline.kernels import inner
from pipeline.optimizations import Context, Finalized, Problem, Scaling, Start
from pipeline.optimizations._chosen import DOOR_IN, begins, gaps, last, quantised, unreached, with_door
from pipeline.optimizations._fake_quant import (
    check_foldable,
    fold_scaling,
    set_input_range,
    set_ranges,
)
from pipeline.optimizations._fine_tuning import FineTuning
from pipeline.optimizations._layers import nodes, shared
from pipeline.optimizations._preserving import preserving

AFTER = ("distill", "prune", "cluster")
SCHEMES = ("int8",)

MIN_STEPS = 1000
"""The range of each activation is a moving average with a decay of 0.999 a step: after 1000 steps 37 % of
where it began is left. Ranges begin at measured ones here, but they must follow the weights as they move."""

RANGE_SAMPLES = 1024
"""Training images, at most, on which the ranges of activations are measured before the first step."""

RANGE_VALUES = 2**25
"""Numbers in those images at most, 128 MiB: 222 photos of 224x224, whose places are many samples each."""

BATCH_NORM_AFTER = ("Conv2D", "DepthwiseConv2D")
"""Layers behind which batch normalisation can be folded into the weights. Not Dense: its weights are rounded
to one grid, its channels would be multiplied apart, and the converter leaves both in float32 instead."""

UNSUPPORTED_ACTIVATIONS = ("relu6", "hard_sigmoid", "elu", "selu", "gelu", "hard_swish", "mish")


class Options(FineTuning):
    """Keys of an ``[[optimize]]`` section named ``quantize_aware``.

    Attributes:
        layers: names of the layers to quantise, the rest stays float32 in the .tflite; None for all. Batch
            normalisation, activation and what only passes values on go with them; the last must be named.
    """

    epochs: int = Field(default=2, ge=1, le=10_000)
    layers: tuple[str, ...] | None = Field(default=None, min_length=1)


def scan(start: Start, options: Options) -> list[Problem]:
    """Layers that quantise-aware training cannot take.

    Raises:
        RecipeError: a named layer is not there, or too few steps.
    """
    keras = stack.load().keras
    if start.steps * start.section.epochs < MIN_STEPS and not start.smoke:
        raise RecipeError(
            f"optimize.quantize_aware.epochs: {start.section.epochs} epochs are "
            f"{start.steps * start.section.epochs} steps; the ranges of activations need about {MIN_STEPS}: "
            f"ask for at least {-(-MIN_STEPS // start.steps)} epochs or a smaller batch"
        )
    names = {layer.name for layer in start.model.layers}
    for name in options.layers or ():
        if name not in names:
            raise RecipeError(f"optimize.quantize_aware.layers: {unknown('layer', name, names)}")
    problems = list(shared(start.model))
    chosen = _chosen(start.model, options)
    for layer in start.model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if layer.name in chosen:
            problem = _refused(layer, start.model, chosen)
            if problem is not None:
                problems.append(problem)
    if not problems and last(start.model) not in chosen:
        problems.append(
            Problem(
                layer=last(start.model),
                why="gives the answer, which would leave the file in float32",
                way_out="name it in optimize.quantize_aware.layers too",
            )
        )
    if not problems:
        problems += unreached(start.model, chosen, _registry())
        problems += gaps(start.model, chosen)
    return problems or list(_unfoldable(start, chosen))


def prepare(context: Context, options: Options) -> Any:
    """The model with the rounding of int8 in front of and behind each layer's work."""
    training = _annotated(context.model, options, context.before, None)
    _keep_frozen(training, context.model)
    samples = context.samples(min(RANGE_SAMPLES, RANGE_VALUES // math.prod(context.image_shape)))
    set_ranges(training, context.model, samples)
    set_input_range(training, context.scaling)
    return training


def callbacks() -> list[Any]:
    """None is needed."""
    return []


def eligible(context: Context, _options: Options) -> int:
    """The first epoch after which the moving averages have had their steps; the last one if none has."""
    return min(context.section.epochs, -(-MIN_STEPS // context.steps))


def finalize(context: Context, options: Options, trained: Any) -> Finalized:
    """A plain quantise-aware model that takes pixels of 0..255.

    The wrappers that kept zeros and clusters go: their work is in the weights. The scaling of pixels goes
    into the first kernel, so that the file takes bytes as they are and nothing stays float behind its door.

    Raises:
        StepError: the scaling cannot go into the first layer.
    """
    plain = _annotated(context.model, options, (), context.scaling)
    # The same layers in the same order; Keras numbers the names of new ones.
    for layer, twin in zip(plain.layers, trained.layers, strict=True):
        source = _by_short_name(twin)
        for weight in layer.weights:
            weight.assign(source[_short(weight)])
    if any(inner(layer).name == DOOR_IN for layer in plain.layers):
        set_input_range(plain, (1.0, 0.0))
    else:
        fold_scaling(plain, context.scaling)
    return Finalized(model=plain, scaling=(1.0, 0.0))


def promises(_start: Start, _options: Options) -> list[Claim]:
    """None of its own: those of the optimisations before it are measured again, and in the file itself."""
    return []


def _unfoldable(start: Start, chosen: frozenset[str]) -> Iterator[Problem]:
    """Why the scaling of pixels cannot go into the first kernel, which is seen before training.

    Where that kernel stays float32 the scaling does too.
    """
    way_out = "begin with one Conv2D, DepthwiseConv2D or Dense layer, and scale pixels by a factor alone"
    try:
        if begins(start.model, chosen):
            check_foldable(start.model, start.scaling)
    except StepError as error:
        yield Problem(layer=start.model.layers[0].name, why=f"begins a model where {error}", way_out=way_out)


def _chosen(model: Any, options: Options) -> frozenset[str]:
    """Names of the layers to quantise."""
    names = [layer.name for layer in model.layers if type(layer).__name__ != "InputLayer"]
    return frozenset(names) if options.layers is None else quantised(model, options.layers)


def _annotated(model: Any, options: Options, before: tuple[str, ...], scaling: Scaling | None) -> Any:
    """The model with its chosen layers wrapped.

    Args:
        model: not quantised.
        options: say which layers.
        before: optimisations whose work it keeps.
        scaling: of the pixels behind a door that float32 follows; None while it trains, when pixels
            come scaled.
    """
    quantization = stack.load_tfmot().quantization.keras
    keras = stack.load().keras
    chosen = _chosen(model, options)
    if begins(model, chosen):
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
    else:
        copy, chosen = with_door(model, scaling or (1.0, 0.0)), chosen | {DOOR_IN}

    def annotate(layer: Any) -> Any:
        return quantization.quantize_annotate_layer(layer) if layer.name in chosen else layer

    annotated = keras.models.clone_model(copy, clone_function=annotate)
    with warnings.catch_warnings():
        # Cluster-preserving quantisation says of each layer that was not clustered that it is not.
        warnings.filterwarnings("ignore", "No clustering performed", UserWarning)
        return quantization.quantize_apply(annotated, preserving(before))


def _keep_frozen(training: Any, model: Any) -> None:
    """Keeps what was frozen before it was wrapped as it is.

    A wrapper takes the kernel of its layer over as its own, to be trained whatever the layer says.
    """
    frozen = {layer.name for layer in model.layers if not layer.trainable}
    for layer in training.layers:
        if inner(layer) is not layer and inner(layer).name in frozen:
            layer.trainable = False
            layer._non_trainable_weights = [*layer._non_trainable_weights, *layer._trainable_weights]
            layer._trainable_weights = []


def _by_short_name(layer: Any) -> Mapping[str, Any]:
    return {_short(weight): np.asarray(weight) for weight in layer.weights}


def _short(weight: Any) -> str:
    """``quant_dense/kernel_min:0`` to ``kernel_min:0``; the quantised input counts its layers in the name."""
    return re.sub(r"^quantize_layer(_\d+)?", "", str(weight.name.rsplit("/", 1)[-1]))


def _refused(layer: Any, model: Any, chosen: frozenset[str]) -> Problem | None:
    tfmot_registry = _registry()
    kind = type(layer).__name__
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    if kind == "BatchNormalization":
        return _batch_norm(layer, model, chosen)
    if tfmot_registry.supports(layer):
        if activation in UNSUPPORTED_ACTIVATIONS:
            return Problem(
                layer=layer.name,
                why=f"has activation '{activation}'",
                way_out="use a layer of its own that is supported, ReLU(6.0) for relu6",
            )
        return None
    return Problem(layer=layer.name, why=f"is a {kind}", way_out=WAYS_OUT.get(kind, LEAVE_OUT))


LEAVE_OUT = "name the layers to quantise in optimize.quantize_aware.layers, without it; it then stays float32"

SCALE_OUTSIDE = "scale pixels outside the model (PIXEL_SCALING of the model's plug-in), not in its middle"

WAYS_OUT: Mapping[str, str] = {
    "Rescaling": SCALE_OUTSIDE,
    "Normalization": SCALE_OUTSIDE,
    "TFOpLambda": "it came from a bare TensorFlow function (hard-swish, a sum written as +): use the Keras "
    "layer for it, ReLU, Add, or train without quantize_aware",
    "PReLU": "use LeakyReLU or ReLU",
    "Functional": "call its layers one by one",
    "Sequential": "call its layers one by one",
}


def _batch_norm(layer: Any, model: Any, chosen: frozenset[str]) -> Problem | None:
    inside = nodes(model)
    # The first call: a second one is a problem of its own.
    node = next(node for node in inside if node.outbound_layer is layer)
    (before,) = node.parent_nodes
    source = before.outbound_layer
    kind = type(source).__name__
    readers = [each for each in inside if before in each.parent_nodes]
    if kind in BATCH_NORM_AFTER and len(readers) == 1:
        if source.name in chosen:
            return None
        return Problem(
            layer=layer.name,
            why=f"is folded into '{source.name}', which is not named",
            way_out=f"name '{source.name}' in optimize.quantize_aware.layers instead",
        )
    return Problem(
        layer=layer.name,
        why=f"is a BatchNormalization behind '{getattr(source, 'name', '?')}' ({kind})",
        way_out=f"to be folded, put it right behind a {' or '.join(BATCH_NORM_AFTER)} without activation",
    )


def _registry() -> Any:
    stack.load_tfmot()
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_registry as registry,
    )

    return registry.Default8BitQuantizeRegistry()
