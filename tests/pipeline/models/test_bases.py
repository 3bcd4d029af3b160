"""Every base of the table is really built: pixels, weights, names of files, saving, and four conversions."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from converters import ConversionSpec, convert, stack
from converters.tflite.keras import from_keras, load_keras
from pipeline.models import _bases, transfer
from pipeline.stages.checkpoints import save_h5

TAKEN = [name for name, base in _bases.BASES.items() if not base.refused]

LARGE = 30_000_000
"""Weights of a base that is left to its smaller relatives: building it takes a minute."""

RELATIVE = 1e-3
"""How far features may be from Keras's own, relative to the largest: a hundred layers of float32."""

PREPROCESS = {"tf": "mobilenet_v2", "torch": "densenet", "caffe": "resnet50"}
"""Mode to an application whose preprocess_input is that of the mode."""

SMALLEST = ["mobilenet", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "efficientnet_v2_b0",
            "densenet121", "resnet50", "resnet50_v2", "nasnet_mobile", "regnet_x002", "regnet_y002", "vgg16",
            "xception", "inception_v3", "inception_resnet_v2", "resnet_rs50"]  # fmt: skip
"""One of each family: the others differ in numbers alone."""


@pytest.fixture
def keras() -> ModuleType:
    """tf_keras with an empty graph: the names of layers are numbered in it."""
    keras = stack.load().keras
    keras.backend.clear_session()
    return keras


def built(name: str, keras: ModuleType, **files: Path) -> Any:
    """The model on this base, of five classes."""
    side = max(64, _bases.BASES[name].minimum)
    chosen = transfer.Options(base=name, weights="random")
    return transfer.build(chosen, (side, side, 3), 5, keras, files=files)


def as_keras_wants(name: str, keras: ModuleType, pixels: Any) -> Any:
    """Pixels of 0..255 as the application takes them."""
    mode = _bases.BASES[name].mode
    if mode in PREPROCESS:
        return getattr(keras.applications, PREPROCESS[mode]).preprocess_input(pixels.copy())
    factors, offsets = _bases.RANGES["efficient"].factors, _bases.RANGES["efficient"].offsets
    return {"": pixels, "efficient": pixels * factors + offsets, "over_128": pixels / 128 - 1}[mode]


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", SMALLEST)
def test_each_family_gives_its_own_features_and_is_read_back(
    keras: ModuleType, name: str, tmp_path: Path
) -> None:
    """From plain pixels, with weights loaded, equal to Keras's own; saved and loaded, equal again."""
    base = _bases.BASES[name]
    side = max(64, base.minimum)
    own = getattr(keras.applications, base.function)(
        include_top=False, weights=None, input_shape=(side, side, 3), pooling="avg", **base.options
    )
    own.save_weights(tmp_path / "base.h5")
    model = built(name, keras, base=tmp_path / "base.h5")
    pixels = np.random.default_rng(1).integers(0, 256, (2, side, side, 3)).astype(np.float32)
    expected = own.predict_on_batch(as_keras_wants(name, keras, pixels).astype(np.float32))
    found = keras.Model(model.inputs, model.get_layer(transfer.FEATURES).output).predict_on_batch(pixels)
    assert expected.any(), "a test of zeros would find nothing"
    np.testing.assert_allclose(found, expected, atol=RELATIVE * np.abs(expected).max())
    save_h5(model, tmp_path / "model.h5")
    again = load_keras(tmp_path / "model.h5").predict_on_batch(pixels)
    np.testing.assert_array_equal(again, model.predict_on_batch(pixels))


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", SMALLEST)
def test_the_file_of_each_family_is_the_one_that_keras_would_fetch(
    keras: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By its name, with nothing fetched."""
    from tf_keras.src.utils import data_utils  # noqa: TID251 - to catch what Keras asks for

    class Asked(Exception):  # noqa: N818 - no error: it carries a name
        pass

    def get_file(file_name: str, *_: Any, **__: Any) -> str:
        raise Asked(file_name)

    monkeypatch.setattr(data_utils, "get_file", get_file)
    base = _bases.BASES[name]
    with pytest.raises(Asked) as asked:
        getattr(keras.applications, base.function)(
            include_top=False, weights="imagenet", input_shape=(224, 224, 3), **base.options
        )
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
@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "regnet_x002"])
def test_it_converts_to_float32_and_answers_the_same(keras: ModuleType, name: str) -> None:
    """Hard-swish, squeeze-and-excitation, grouped convolutions and inner normalisation included."""
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
