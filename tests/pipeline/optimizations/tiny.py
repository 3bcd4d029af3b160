"""Models of a few hundred weights, images of three classes, and an optimisation run on them by hand."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from converters import ConversionSpec, convert, stack
from converters.tflite.keras import from_keras, load_keras
from converters.tflite.weights import WeightTensor, weights
from pipeline import shelf
from pipeline.artifacts import Claim
from pipeline.kernels import kernels
from pipeline.optimizations import Context, Finalized
from pipeline.sections import TrainSection
from pipeline.stages.checkpoints import save_h5
from pipeline.stages.claims import measured_in_file, measured_in_keras
from pipeline.stages.fitting import compile_model

SHAPE = (8, 8)
CLASSES = 3
BATCH = 16
SCALING = (1 / 255, 0.0)

Images = npt.NDArray[np.float32]


def pictures(count: int, seed: int = 1) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Noise with a bright third: the top, the middle or the bottom, which is the class."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    images = generator.integers(0, 120, (count, *SHAPE))
    for image, label in zip(images, labels, strict=True):
        image[3 * label : 3 * label + 2] += 120
    return images.astype(np.uint8), labels.astype(np.int64)


def built(add: Callable[[Any, Any], Any], *, shape: tuple[int, ...] = SHAPE, seed: int = 1) -> Any:
    """A functional model: image, ``add(layers, tensor)``, softmax of three classes."""
    keras = stack.load().keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    inputs = keras.Input(shape, name="image")
    tensor = layers.Reshape((*shape[:2], 1), name="reshape")(inputs)
    tensor = add(layers, tensor)
    if len(tensor.shape) > 2:
        tensor = layers.Flatten(name="flatten")(tensor)
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax", name="out")(tensor), name="tiny")


def cnn(layers: Any, tensor: Any) -> Any:
    """Two convolutions of 72 and 576 weights, a Dense of 2048."""
    tensor = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="one")(tensor)
    tensor = layers.Conv2D(8, 3, padding="same", use_bias=False, name="two")(tensor)
    tensor = layers.BatchNormalization(momentum=0.9, name="two_bn")(tensor)
    tensor = layers.ReLU(name="two_relu")(tensor)
    tensor = layers.Flatten(name="flatten")(tensor)
    return layers.Dense(16, activation="relu", name="dense")(tensor)


def optimize(name: str) -> ModuleType:
    """The plug-in."""
    return shelf.load("optimizations", name)


def options(name: str, **values: Any) -> Any:
    """Its options."""
    return shelf.options("optimizations", name, values)


def no_teacher(_model: Any, _how: Any) -> Any:
    """For optimisations that ask for none."""
    raise AssertionError("no teacher was asked for")


def context(
    model: Any,
    chosen: Any,
    *,
    steps: int = 12,
    before: tuple[str, ...] = (),
    scaling: tuple[float, float] = SCALING,
    train: Callable[..., Any] = no_teacher,
    smoke: bool = True,
) -> Context:
    """What an optimisation works with; ``steps`` of one epoch."""

    def samples(count: int) -> Images:
        images, _ = pictures(min(count, 96))
        return images.astype(np.float32) * np.float32(scaling[0]) + np.float32(scaling[1])

    return Context(
        model=model,
        scaling=scaling,
        image_shape=SHAPE,
        classes=CLASSES,
        before=before,
        section=chosen.section(TrainSection(batch=BATCH)),
        steps=steps,
        smoke=smoke,
        samples=samples,
        train=train,
    )


def fit(training: Any, work: Context, plugin: ModuleType) -> None:
    """Trains for as many epochs and steps as the context says."""
    images, labels = pictures(work.steps * BATCH)
    compile_model(training, work.section, steps=work.steps)
    scaled = images.astype(np.float32) * work.scaling[0] + work.scaling[1]
    for _ in range(work.section.epochs):
        training.fit(scaled, labels, batch_size=BATCH, verbose=0, callbacks=plugin.callbacks())


def apply(
    name: str, found: Finalized, before: tuple[str, ...] = (), /, **values: Any
) -> tuple[Finalized, Any]:
    """An optimisation with these options, done; what it gives and what it promises."""
    steps = values.pop("steps", 12)
    plugin, chosen = optimize(name), options(name, **values)
    work = context(found.model, chosen, steps=steps, before=before, scaling=found.scaling)
    problems = plugin.scan(work, chosen)
    assert problems == [], problems
    promised = plugin.promises(work, chosen)
    training = plugin.prepare(work, chosen)
    fit(training, work, plugin)
    return plugin.finalize(work, chosen, training), promised


def chain(model: Any, *steps: tuple[str, dict[str, Any]]) -> tuple[Finalized, list[Claim]]:
    """Optimisations one after the other, and all that they promise."""
    found, promised = Finalized(model=model, scaling=SCALING), []
    before: tuple[str, ...] = ()
    for name, values in steps:
        found, more = apply(name, replace(found, model=reloaded(found.model)), before, **values)
        promised += more
        before = (*before, name)
    return found, promised


def reloaded(model: Any) -> Any:
    """Written and read back, as between two steps of a recipe."""
    with tempfile.TemporaryDirectory() as folder:
        save_h5(model, Path(folder, "model.h5"))
        return load_keras(Path(folder, "model.h5"))


def in_keras(claims: list[Claim], model: Any) -> list[Claim]:
    """Measured on the model."""
    return list(measured_in_keras(claims, kernels(model)))


def served(found: Finalized) -> Any:
    """As an app feeds it."""
    keras = stack.load().keras
    inputs = keras.Input(SHAPE, name="image")
    pixels = inputs
    if found.scaling != (1.0, 0.0):
        pixels = keras.layers.Rescaling(*found.scaling, name="pixel_scaling")(inputs)
    return keras.Model(inputs, found.model(pixels), name="served")


def file(found: Finalized, scheme: str = "int8") -> bytes:
    """Converted; calibrated on pictures where the scheme asks for it."""
    from converters import representative

    images, _ = pictures(120)
    samples = representative(images.astype(np.float32), shape=SHAPE, value_range=(0.0, 255.0))
    door = "uint8" if scheme == "int8" else "float32"
    spec = ConversionSpec(scheme=scheme, io_dtype=door)
    return convert(from_keras(served(found)), spec, samples).content


def in_file(claims: list[Claim], found: Finalized, content: bytes) -> list[Claim]:
    """Measured on the file."""
    tensors: list[WeightTensor] = weights(content, where="int8")
    return list(measured_in_file(claims, kernels(found.model), tensors))


def assert_kept(claims: list[Claim]) -> None:
    """Each claim was measured and holds."""
    assert claims
    assert [claim for claim in claims if not claim.holds] == []


def smaller(work: Context, **changes: Any) -> Context:
    """The context with other values."""
    return replace(work, **changes)
