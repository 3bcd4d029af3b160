"""Bases of the table, really built: pixels, weights, names of files, saving, conversion, quantisation."""

import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from converters import ConversionSpec, convert, stack
from converters.tflite.keras import from_keras, load_keras
from pipeline.models import _bases, transfer
from pipeline.optimizations import Start, quantize_aware
from pipeline.sections import TrainSection
from pipeline.stages.checkpoints import save_h5
from pipeline.stages.flat import flat

RELATIVE = 1e-3
"""How far features may be from Keras's own, relative to the largest: a hundred layers of float32."""

ENOUGH_STEPS = 10_000
"""For every optimisation."""

CLASSES = 5

REPRESENTATIVES = ("mobilenet_v3_small", "efficientnet_b0", "efficientnet_v2_b0", "resnet50", "regnet_x002")
"""One for each way in which bases want their pixels, and for each way in which Keras prepares them."""

NAMED = ("mobilenet", "mobilenet_v3_small", "efficientnet_b0", "efficientnet_v2_b0", "regnet_x002", "vgg16")
"""One for each way in which files are named; the others differ in numbers alone."""

QUANTIZED = ("mobilenet", "mobilenet_v2", "vgg16", "resnet50", "mobilenet_v3_small", "efficientnet_b0",
             "efficientnet_v2_b0", "regnet_x002", "xception", "resnet50_v2", "densenet121")  # fmt: skip
"""Bases that take quantise-aware training, and one for each reason not to."""


@pytest.fixture
def keras() -> ModuleType:
    """tf_keras with an empty graph: the names of layers are numbered in it."""
    keras = stack.load().keras
    keras.backend.clear_session()
    return keras


def side(name: str) -> int:
    """Of small images that this base takes."""
    return max(64, _bases.BASES[name].minimum)


def built(name: str, keras: ModuleType, **files: Path) -> Any:
    """The model on this base, of five classes."""
    chosen = transfer.Options(base=name, weights="random")
    return transfer.build(chosen, (side(name), side(name), 3), CLASSES, keras, files=files)


def application(name: str, keras: ModuleType) -> Any:
    """Keras's function that builds this base."""
    return getattr(keras.applications, _bases.BASES[name].function)


def data_utils() -> Any:
    """Keras's module whose ``get_file`` every application fetches its weights with."""
    from tf_keras.src.utils import data_utils  # noqa: TID251 - to stand in for its server

    return data_utils


def own(name: str, keras: ModuleType, monkeypatch: pytest.MonkeyPatch, path: Path) -> Any:
    """Keras's own base as it stands with ImageNet weights, the weights random, which are written to ``path``.

    Its inner normalisation has ImageNet's statistics: as new, it would leave pixels as they are.
    """
    shape = (side(name), side(name), 3)
    function = application(name, keras)
    with monkeypatch.context() as patch:
        # What Keras builds for ImageNet weights is not what it builds without them.
        patch.setattr(data_utils(), "get_file", lambda *_, **__: "nothing")
        patch.setattr(keras.Model, "load_weights", lambda *_, **__: None)
        model = function(include_top=False, weights="imagenet", input_shape=shape, pooling="avg")
    for layer in model.layers:
        if type(layer).__name__ == "Normalization" and layer.weights:
            statistics = [np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]) ** 2]
            layer.set_weights([*statistics, *layer.get_weights()[2:]])
    generator = np.random.default_rng(1)
    for layer in model.layers:
        # As new, all of them hold the same.
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([w + generator.uniform(0.0, 0.1, w.shape) for w in layer.get_weights()])
    if "include_preprocessing" not in inspect.signature(function).parameters:
        model.save_weights(path)
        return model
    keras.backend.clear_session()
    bare = function(include_top=False, weights=None, input_shape=shape, include_preprocessing=False)
    sources = [each for each in model.layers if each.weights and type(each).__name__ != "Normalization"]
    for layer, source in zip([each for each in bare.layers if each.weights], sources, strict=True):
        layer.set_weights(source.get_weights())
    bare.save_weights(path)
    return model


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_plain_pixels_give_the_features_of_keras_and_the_model_is_read_back(
    keras: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Keras's own base behind its own preprocess_input says what they must be."""
    reference = own(name, keras, monkeypatch, tmp_path / "base.h5")
    pixels = np.random.default_rng(1).integers(0, 256, (2, side(name), side(name), 3)).astype(np.float32)
    prepared = sys.modules[application(name, keras).__module__].preprocess_input(pixels.copy())
    expected = reference.predict_on_batch(prepared)
    keras.backend.clear_session()
    model = built(name, keras, base=tmp_path / "base.h5")
    found = keras.Model(model.inputs, model.get_layer(transfer.FEATURES).output).predict_on_batch(pixels)
    assert np.ptp(expected) > 0, "a test of zeros would find nothing"
    np.testing.assert_allclose(found, expected, atol=RELATIVE * np.abs(expected).max())
    save_h5(model, tmp_path / "model.h5")
    again = load_keras(tmp_path / "model.h5").predict_on_batch(pixels)
    np.testing.assert_array_equal(again, model.predict_on_batch(pixels))


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", NAMED)
def test_the_file_of_a_base_is_the_one_that_keras_would_fetch(
    keras: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By its name, with nothing fetched."""

    class Asked(Exception):  # noqa: N818 - no error: it carries a name
        pass

    def get_file(file_name: str, *_: Any, **__: Any) -> str:
        raise Asked(file_name)

    monkeypatch.setattr(data_utils(), "get_file", get_file)
    with pytest.raises(Asked) as asked:
        application(name, keras)(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / str(asked.value)).write_bytes(b"")
    found = transfer.files(transfer.Options(base=name), (224, 224, 3), tmp_path)
    assert found == {transfer.WEIGHTS: folder / str(asked.value)}


@pytest.mark.tensorflow
def test_the_table_names_what_keras_has(keras: ModuleType) -> None:
    """Every function in the table is there, and every application stands in the table."""
    functions = {base.function for base in _bases.BASES.values()}
    applications = {
        name for name, value in vars(keras.applications).items() if name[0].isupper() and callable(value)
    }
    assert functions == applications
    assert {base.mode for base in _bases.BASES.values()} == {*_bases.RANGES, ""}


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", QUANTIZED)
def test_the_table_knows_what_quantise_aware_training_takes(keras: ModuleType, name: str) -> None:
    """As it says itself of the model as it gets it: flattened, separable convolutions split."""
    model, scaling = flat(built(name, keras), transfer.PIXEL_SCALING)
    start = Start(
        model=model, scaling=scaling, image_shape=model.input_shape[1:], classes=CLASSES,
        before=(), section=TrainSection(), steps=ENOUGH_STEPS,
    )  # fmt: skip
    problems = quantize_aware.scan(start, quantize_aware.Options())
    assert bool(problems) is bool(_bases.BASES[name].unquantized)


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["mobilenet_v3_small", "regnet_x002"])
def test_it_converts_to_float32_and_answers_the_same(keras: ModuleType, name: str) -> None:
    """Hard-swish, squeeze-and-excitation, grouped convolutions and inner scaling included."""
    model = built(name, keras)
    converted = convert(from_keras(model), ConversionSpec(scheme="float32"))
    interpreter = stack.load().tf.lite.Interpreter(model_content=converted.content)
    interpreter.allocate_tensors()
    (entry,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    pixels = np.random.default_rng(1).integers(0, 256, entry["shape"]).astype(np.float32)
    interpreter.set_tensor(entry["index"], pixels)
    interpreter.invoke()
    found = interpreter.get_tensor(answer["index"])
    np.testing.assert_allclose(found, model.predict_on_batch(pixels), atol=1e-4)
