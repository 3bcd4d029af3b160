"""The scan before training: what quantise-aware training cannot take, by name, with the way out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from converters import stack
from pipeline import target
from pipeline.artifacts import DatasetFacts
from pipeline.errors import DataError, RecipeError
from pipeline.preprocess import PreprocessSpec
from pipeline.stages.scan import check_samples, scan
from tests.pipeline.optimizations import tiny
from tests.pipeline.stages import prepared

pytestmark = pytest.mark.tensorflow

FACTS = DatasetFacts(
    name="bars", labels=("top", "middle", "bottom"), preprocess=PreprocessSpec(height=8, width=8),
    train=96, validation=24, test=24, train_on_disk=120, test_on_disk=24, sources=(),
)  # fmt: skip


def scanned(add: Callable[..., Any], scaling: tuple[float, float] = tiny.SCALING, **options: Any) -> str:
    """What the scan says of a model for quantise-aware training; empty where it is let through."""
    section = {"name": "quantize_aware", "epochs": 1, **options}
    try:
        scan(prepared.optimizing(section), tiny.built(add), scaling, FACTS)
    except RecipeError as error:
        return str(error)
    return ""


def conv(layers: Any, tensor: Any, **options: Any) -> Any:
    """The first kernel."""
    return layers.Conv2D(4, 3, name="one", **options)(tensor)


def hard_swish(layers: Any, tensor: Any) -> Any:
    """As MobileNetV3 writes it."""
    tf = stack.load().tf
    tensor = conv(layers, tensor)
    return tensor * tf.nn.relu6(tensor + 3.0) / 6.0


def custom(layers: Any, tensor: Any) -> Any:
    """A class of one's own."""

    class Own(layers.Layer):  # type: ignore[misc]
        """Passes on."""

        def call(self, inputs: Any) -> Any:
            return inputs

    return Own(name="own")(conv(layers, tensor))


def twice(layers: Any, tensor: Any) -> Any:
    """A convolution and its batch normalisation, both called two times."""
    tensor = conv(layers, tensor)
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    normal = layers.BatchNormalization(name="normal")
    return normal(shared(normal(shared(tensor))))


def branches(layers: Any, tensor: Any) -> Any:
    """Pixels go two ways."""
    return layers.Concatenate(name="both")([conv(layers, tensor), layers.Conv2D(4, 3, name="two")(tensor)])


REFUSED: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "hard-swish": (hard_swish, ("is a TFOpLambda", "came from a bare TensorFlow function (hard-swish")),
    "custom layer": (custom, ("layer 'own' is a Own: name the layers to quantise",)),
    "Rescaling in the middle": (
        lambda layers, t: layers.Rescaling(2.0, name="middle")(conv(layers, t)),
        ("layer 'middle' is a Rescaling: scale pixels outside the model",),
    ),
    "PReLU": (
        lambda layers, t: layers.PReLU(name="slope")(conv(layers, t)),
        ("layer 'slope' is a PReLU: use LeakyReLU or ReLU",),
    ),
    "Multiply": (
        lambda layers, t: layers.Multiply(name="gate")([conv(layers, t), layers.Conv2D(4, 3, name="two")(t)]),
        ("layer 'gate' is a Multiply: name the layers to quantise in optimize.quantize_aware.layers",),
    ),
    "LayerNormalization": (
        lambda layers, t: layers.LayerNormalization(name="norm")(conv(layers, t)),
        ("layer 'norm' is a LayerNormalization: ",),
    ),
    "BatchNormalization behind pooling": (
        lambda layers, t: layers.BatchNormalization(name="bn")(
            layers.MaxPooling2D(name="pool")(conv(layers, t))
        ),
        ("layer 'bn' is a BatchNormalization behind 'pool' (MaxPooling2D): to be folded, put",),
    ),
    "BatchNormalization behind Dense": (
        lambda layers, t: layers.BatchNormalization(name="bn")(
            layers.Dense(4, name="one")(layers.Flatten(name="flatten")(t))
        ),
        ("layer 'bn' is a BatchNormalization behind 'one' (Dense): to be folded, put it right behind",),
    ),
    "BatchNormalization of the pixels": (
        lambda layers, t: conv(layers, layers.BatchNormalization(name="bn")(t)),
        ("layer 'bn' is a BatchNormalization behind 'reshape' (Reshape)",),
    ),
    "layers used twice": (twice, ("layer 'shared' is used 2 times", "layer 'normal' is used 2 times")),
    "relu6 by name": (
        lambda layers, t: conv(layers, t, activation="relu6"),
        ("layer 'one' has activation 'relu6': use a layer of its own", "ReLU(6.0) for relu6"),
    ),
    "elu": (lambda layers, t: conv(layers, t, activation="elu"), ("has activation 'elu'",)),
    "Activation elu": (
        lambda layers, t: layers.Activation("elu", name="act")(conv(layers, t)),
        ("layer 'act' has activation 'elu'",),
    ),
    "pixels that branch": (branches, ("goes to 2 layers", "begin with one Conv2D")),
    "pooling before the first kernel": (
        lambda layers, t: conv(layers, layers.AveragePooling2D(name="pool")(t)),
        ("'pool' (AveragePooling2D) stands before any kernel",),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_quantised_is_named_with_the_way_out(case: str) -> None:
    """In one line that names model and recipe too."""
    add, says = REFUSED[case]
    text = scanned(add)
    assert text.startswith("model 'emnist_cnn' cannot be optimised as recipe 'own' asks: quantize_aware: ")
    for words in says:
        assert words in text
    assert "\n" not in text


def test_every_problem_is_told_at_once() -> None:
    """Not one after each training."""

    def two(layers: Any, tensor: Any) -> Any:
        return layers.PReLU(name="second")(layers.LayerNormalization(name="first")(conv(layers, tensor)))

    text = scanned(two)
    assert "'first' is a LayerNormalization" in text
    assert "'second' is a PReLU" in text


def test_pixels_that_are_moved_are_refused() -> None:
    """Only a factor can go into a kernel behind which zeros are padded."""
    assert "pixels are moved by -1: only a factor can go into the first kernel" in scanned(
        conv, (1 / 127.5, -1.0)
    )


def test_a_float_kernel_first_takes_any_scaling() -> None:
    """It stays outside the quantised part."""
    assert scanned(tiny.cnn, (1 / 127.5, -1.0), layers=["two", "dense", "out"]) == ""


PASSES: dict[str, Callable[..., Any]] = {
    "the small CNN": tiny.cnn,
    "Rescaling first": lambda layers, t: conv(layers, layers.Rescaling(0.5, name="scale")(t)),
    "SeparableConv2D": lambda layers, t: layers.SeparableConv2D(4, 3, name="one")(t),
    "ReLU(6)": lambda layers, t: layers.ReLU(6.0, name="relu6")(conv(layers, t)),
    "LeakyReLU": lambda layers, t: layers.LeakyReLU(name="leaky")(conv(layers, t)),
    "a nested model": lambda layers, t: stack.load().keras.Sequential([layers.Conv2D(4, 3)], name="in")(t),
    "augmenting layers": lambda layers, t: conv(layers, layers.RandomFlip(name="flip")(t)),
}


@pytest.mark.parametrize("case", PASSES)
def test_what_can_be_quantised_is_let_through(case: str) -> None:
    """What is safe to change is changed."""
    if case == "Rescaling first":

        def add(layers: Any, tensor: Any) -> Any:
            return conv(layers, tensor)

        keras = stack.load().keras
        model = keras.Sequential([keras.Input((8, 8)), keras.layers.Rescaling(0.5), tiny.built(add)])
        scan(prepared.optimizing({"name": "quantize_aware", "epochs": 1}), model, tiny.SCALING, FACTS)
        return
    assert scanned(PASSES[case]) == ""


def test_a_scan_trains_nothing_and_leaves_the_model_alone() -> None:
    """It is the one that will be trained."""
    model = tiny.built(tiny.cnn)
    before = [weight.copy() for weight in model.get_weights()]
    quantize = {"name": "quantize_aware", "epochs": 1}
    scan(prepared.optimizing({"name": "prune"}, {"name": "cluster"}, quantize), model, tiny.SCALING, FACTS)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert all(len(layer.inbound_nodes) == 1 for layer in model.layers)


class TestSamples:
    """Train images to calibrate on, asked for before training."""

    FEW = FACTS.model_copy(update={"train": 21, "validation": 4, "test": 3})

    def test_too_few_are_refused_with_the_numbers_and_the_ways_out(self) -> None:
        """Hours before the converter would."""
        with pytest.raises(
            DataError,
            match=r"dataset 'bars': int8 and int16x8 need 100 train images to calibrate on, there are 21 "
            r"\(beside 4 of validation and 3 of test\): add images, or leave int8 and int16x8 out of "
            r"convert.schemes",
        ):
            check_samples(
                prepared.optimizing(convert={"schemes": ["float32", "int8", "int16x8"]}),
                target.load("tflite"),
                self.FEW,
            )

    @pytest.mark.parametrize("train", [99, 100])
    def test_a_hundred_are_enough(self, train: int) -> None:
        """As many as the converter asks for."""
        facts = FACTS.model_copy(update={"train": train})
        if train == 100:
            check_samples(prepared.optimizing(), target.load("tflite"), facts)
        else:
            with pytest.raises(DataError, match="there are 99"):
                check_samples(prepared.optimizing(), target.load("tflite"), facts)

    def test_schemes_that_are_not_calibrated_need_none(self) -> None:
        """The way out that the message names."""
        floats = prepared.optimizing(convert={"schemes": ["float32", "dynamic_range"]})
        check_samples(floats, target.load("tflite"), self.FEW)

    def test_quantise_aware_training_needs_none(self) -> None:
        """Its ranges are in the model."""
        aware = prepared.optimizing({"name": "quantize_aware", "epochs": 1})
        check_samples(aware, target.load("tflite"), self.FEW)
