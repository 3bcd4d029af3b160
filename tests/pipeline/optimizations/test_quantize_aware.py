"""Quantise-aware training: earlier work kept, every pattern of layers, and what leaving layers out means."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from converters import stack
from converters.tflite.inspect import Inspection, inspect_bytes
from converters.tflite.weights import weights
from pipeline.errors import RecipeError
from pipeline.kernels import kernels
from pipeline.optimizations import Finalized, quantize_aware
from pipeline.stages.claims import measured_in_keras
from pipeline.stages.flat import flat
from tests.pipeline.optimizations import tiny

pytestmark = pytest.mark.tensorflow

MAX_STEPS = 3
"""Of 1/256: how far the file may be from the model that was trained. Its integers round where fake
quantisation computes in float32, and the error of a logit grows with the layers behind it."""


def inspected(content: bytes) -> Inspection:
    """The file's ops and tensors."""
    return inspect_bytes(content, where="int8")


def assert_bytes_are_pixels(content: bytes) -> None:
    """A byte of the file is a pixel, exactly; an answer's step is 1/256."""
    found = inspected(content)
    ((door,), (answer,)) = (found.inputs, found.outputs)
    assert (door.dtype, door.scales, door.zero_points) == ("uint8", (1.0,), (0,))
    assert (answer.dtype, answer.scales, answer.zero_points) == ("uint8", (1 / 256,), (0,))


def assert_agrees(found: Finalized, content: bytes) -> None:
    """The file answers as the model does."""
    images, _ = tiny.pictures(30, seed=5)
    interpreter = stack.load().tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (door,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    answers = []
    for image in images:
        interpreter.set_tensor(door["index"], image[np.newaxis])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(output["index"])[0] / 256)
    scaled = images * np.float32(found.scaling[0]) + found.scaling[1]
    assert np.abs(answers - found.model.predict(scaled, verbose=0)).max() <= MAX_STEPS / 256


PRESERVED: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "PQAT": (("prune", {"epochs": 1}),),
    "2:4, then QAT": (("prune", {"epochs": 1, "pattern": "2:4"}),),
    "CQAT": (("cluster", {"clusters": 6}),),
    "CQAT of one layer": (("cluster", {"clusters": 6, "layers": ["two"]}),),
    "PCQAT": (("prune", {"epochs": 1, "sparsity": 0.5}), ("cluster", {"clusters": 6})),
}


QUICK = ("CQAT",)


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in QUICK else pytest.mark.slow) for case in PRESERVED]
)
def test_zeros_and_clusters_are_kept_to_the_file_itself(case: str) -> None:
    """The very same zeros, each kernel's few weights."""
    start, claims = tiny.chain(tiny.built(tiny.cnn), *PRESERVED[case])
    zeros = {name: values == 0 for name, values in kernels(start.model).items()}
    start = Finalized(model=tiny.reloaded(start.model), scaling=start.scaling)
    before = tuple(name for name, _ in PRESERVED[case])
    found, _ = tiny.apply("quantize_aware", start, before, epochs=1, learning_rate=0.01)
    after = kernels(found.model)
    tiny.assert_kept(list(measured_in_keras(claims, after, per_channel=True)))
    content = tiny.file(found)
    tiny.assert_kept(tiny.in_file(claims, found, content))
    assert_bytes_are_pixels(content)
    if "prune" in before:
        assert all(np.all(after[name][zeros[name]] == 0) for name in after)


def separable(layers: Any, tensor: Any) -> Any:
    """As Keras writes it: two convolutions in one layer."""
    tensor = layers.SeparableConv2D(8, 3, activation="relu", name="one")(tensor)
    return layers.SeparableConv2D(8, 3, use_bias=False, name="two")(tensor)


def depthwise(layers: Any, tensor: Any) -> Any:
    """Depthwise, batch normalisation; then without batch normalisation."""
    tensor = layers.Conv2D(4, 3, name="one")(tensor)
    tensor = layers.DepthwiseConv2D(3, use_bias=False, name="depthwise")(tensor)
    tensor = layers.BatchNormalization(name="depthwise_bn")(tensor)
    tensor = layers.ReLU(6.0, name="relu6")(tensor)
    tensor = layers.DepthwiseConv2D(3, activation="relu", name="two")(tensor)
    return layers.GlobalAveragePooling2D(name="mean")(tensor)


def residual(layers: Any, tensor: Any) -> Any:
    """A sum of what went around and what went through; batch normalisation without ReLU."""
    before = layers.Conv2D(4, 3, padding="same", activation="relu", name="one")(tensor)
    tensor = layers.Conv2D(4, 3, padding="same", name="two")(before)
    tensor = layers.BatchNormalization(name="two_bn")(tensor)
    tensor = layers.Add(name="add")([before, tensor])
    tensor = layers.ReLU(name="add_relu")(tensor)
    return layers.MaxPooling2D(name="pool")(tensor)


def curved(layers: Any, tensor: Any) -> Any:
    """Activations that TFLite computes apart, dropout, a leaky ReLU."""
    tensor = layers.Conv2D(4, 3, activation="tanh", name="one")(tensor)
    tensor = layers.Dropout(0.2, name="dropout")(layers.Flatten(name="flatten")(tensor))
    return layers.LeakyReLU(name="leaky")(layers.Dense(8, name="two")(tensor))


def joined(layers: Any, tensor: Any) -> Any:
    """Two branches side by side."""
    tensor = layers.Conv2D(4, 3, activation="relu", name="one")(tensor)
    return layers.Concatenate(name="both")([tensor, layers.Conv2D(4, 1, name="two")(tensor)])


@pytest.mark.parametrize(
    "add",
    [
        depthwise,
        residual,
        *(pytest.param(each, marks=pytest.mark.slow) for each in (separable, curved, joined)),
    ],
)
def test_every_pattern_of_layers_becomes_int8_throughout(add: Callable[..., Any]) -> None:
    """And answers as the model that was trained."""
    model, _ = flat(tiny.built(add), tiny.SCALING)
    found, _ = tiny.chain(model, ("quantize_aware", {"epochs": 2}))
    assert found.scaling == (1.0, 0.0)
    content = tiny.file(found)
    assert_bytes_are_pixels(content)
    assert {tensor.dtype for tensor in inspected(content).tensors} <= {"int8", "int32", "uint8"}
    assert_agrees(Finalized(model=tiny.reloaded(found.model), scaling=found.scaling), content)


@pytest.mark.slow
def test_zeros_of_separable_convolutions_are_kept() -> None:
    """Their pointwise half is a layer of their name."""
    model, _ = flat(tiny.built(separable), tiny.SCALING)
    found, claims = tiny.chain(model, ("prune", {"epochs": 1}), ("quantize_aware", {"epochs": 1}))
    assert {claim.layer for claim in claims} == {"one", "two", "out"}
    tiny.assert_kept(tiny.in_keras(claims, found.model))
    tiny.assert_kept(tiny.in_file(claims, found, tiny.file(found)))


KERNEL_LAYERS = ("one", "two", "dense", "out")


@pytest.mark.parametrize(
    "layers",
    [
        ["two", "dense", "out"],
        *(pytest.param(each, marks=pytest.mark.slow) for each in (["dense", "out"], ["out"], KERNEL_LAYERS)),
    ],
)
def test_layers_that_are_not_named_stay_float32(layers: list[str]) -> None:
    """What belongs to the named ones goes with them; bytes stay at both doors."""
    found, _ = tiny.chain(tiny.built(tiny.cnn), ("quantize_aware", {"epochs": 1, "layers": layers}))
    content = tiny.file(found)
    assert_bytes_are_pixels(content)
    wanted = ["int8" if name in layers else "float32" for name in KERNEL_LAYERS]
    assert [str(each.values.dtype) for each in weights(content, where="int8")] == wanted
    assert_agrees(Finalized(model=tiny.reloaded(found.model), scaling=found.scaling), content)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        (
            ["one", "two", "dense"],
            "layer 'out' gives the answer, which would leave the file in float32: name",
        ),
        (["one", "out", "dense"], "layer 'two' stands between layers that are quantised: name it"),
        (["two_bn", "out"], "layer 'two_bn' is folded into 'two', which is not named: name 'two'"),
        (["two_relu", "out"], "layer 'two_relu' reads 'two_bn' (BatchNormalization), which is not quantised"),
    ],
)
def test_names_that_cannot_be_had_are_refused(layers: list[str], says: str) -> None:
    """Before training."""
    chosen = tiny.options("quantize_aware", layers=layers)
    problems = quantize_aware.scan(tiny.context(tiny.built(tiny.cnn), chosen), chosen)
    assert says in "; ".join(map(str, problems))


def test_too_few_steps_are_refused_but_in_a_smoke_build() -> None:
    """With how many epochs there should be."""
    chosen = tiny.options("quantize_aware", epochs=3)
    work = tiny.context(tiny.built(tiny.cnn), chosen, steps=300, smoke=False)
    with pytest.raises(RecipeError, match=r"3 epochs are 900 steps; .*: ask for at least 4 epochs"):
        quantize_aware.scan(work, chosen)
    assert quantize_aware.scan(tiny.smaller(work, smoke=True), chosen) == []
    assert quantize_aware.scan(tiny.smaller(work, steps=334), chosen) == []


def test_an_epoch_counts_from_a_thousand_steps_on() -> None:
    """The last one where there are fewer."""
    chosen = tiny.options("quantize_aware", epochs=5)
    work = tiny.context(None, chosen, steps=300)
    assert quantize_aware.eligible(work, chosen) == 4
    assert quantize_aware.eligible(tiny.smaller(work, steps=1000), chosen) == 1
    assert quantize_aware.eligible(tiny.smaller(work, steps=10), chosen) == 5
