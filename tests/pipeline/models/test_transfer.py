"""The model ``transfer``: graph, input range, weights that are found, loaded or refused, what is frozen."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from converters import stack
from pipeline import shelf
from pipeline.errors import DataError, DataMissingError, RecipeError
from pipeline.models import _bases, _pretrained, transfer

SIDE = 32
SHAPE = (SIDE, SIDE, 3)

RANGE_SLACK = 2e-5
"""How far an input range may be off, relative to its width: some float32 roundings of numbers up to 255."""


@pytest.fixture(scope="module")
def keras() -> ModuleType:
    """tf_keras, as the program loads it."""
    return stack.load().keras


def options(**values: Any) -> transfer.Options:
    """Checked, of a small base without weights."""
    return transfer.Options.model_validate({"weights": "random", "alpha": 0.35, **values})


@pytest.fixture(scope="module")
def small(keras: ModuleType) -> Any:
    """MobileNetV2 of width 0.35 with random weights."""
    return transfer.build(options(), SHAPE, 5, keras, files={})


@pytest.fixture(scope="module")
def weights(keras: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of such a base as Keras writes them, and not those that a new one begins with."""
    path = tmp_path_factory.mktemp("weights") / "base.h5"
    base = keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights=None, input_shape=SHAPE)
    generator = np.random.default_rng(1)
    # Kernels as Keras draws them: with any others ReLU6 gives 0 or 6 everywhere in the end. What batch
    # normalisation holds would be the same in a new base.
    base.set_weights(
        [
            each + (generator.uniform(0.0, 0.3, each.shape) if each.ndim == 1 else 0)
            for each in base.get_weights()
        ]
    )
    base.save_weights(path)
    return path


@pytest.mark.tensorflow
def test_the_graph_is_flat_from_pixels_to_probabilities(small: Any, keras: ModuleType) -> None:
    """No model inside it, pixels as they are, the head behind the layer that the shelf names."""
    assert transfer.PIXEL_SCALING == (1.0, 0.0)
    assert not [layer for layer in small.layers if isinstance(layer, keras.Model)]
    names = [layer.name for layer in small.layers]
    assert names[:3] == ["image", "input_range", "Conv1"]
    assert names[-3:] == [transfer.FEATURES, "dropout", "predictions"]
    answers = small.predict_on_batch(np.full((1, *SHAPE), 255, np.float32))
    assert answers.shape == (1, 5)
    assert answers.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("mode", "module"),
    [
        ("tf", "mobilenet_v2"),
        ("torch", "densenet"),
        ("caffe", "resnet50"),
        ("over_128", ""),
        ("efficient", ""),
    ],
)
def test_the_input_range_is_what_keras_makes_of_pixels(keras: ModuleType, mode: str, module: str) -> None:
    """Every byte in every channel, against the application's own preprocess_input."""
    wanted = _bases.RANGES[mode]
    inputs = keras.Input((1, 256, 3))
    layer = transfer._input_range(wanted, keras)
    model = keras.Model(inputs, layer(inputs))
    transfer._set_input_range(layer, wanted)
    assert not layer.trainable
    ramp = np.arange(256, dtype=np.float64)
    pixels = np.stack([ramp, 255 - ramp, np.roll(ramp, 77)], axis=-1).reshape(1, 1, 256, 3)
    if module:
        expected = getattr(keras.applications, module).preprocess_input(pixels.copy())
    elif mode == "over_128":
        expected = pixels / 128 - 1
    else:
        # What EfficientNet normalises inside, then Keras's division for its ImageNet weights.
        means, deviations = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        expected = (pixels / 255 - means) / deviations / np.sqrt(deviations)
    found = model.predict_on_batch(pixels.astype(np.float32)).astype(np.float64)
    if mode == "efficient":
        found = (found / 255 - means) / deviations
    np.testing.assert_allclose(found, expected, atol=RANGE_SLACK * np.ptp(expected))


@pytest.mark.tensorflow
def test_weights_come_into_the_base_as_keras_would_load_them(keras: ModuleType, weights: Path) -> None:
    """The features are those of Keras's own model behind its own preprocess_input."""
    model = transfer.build(options(), SHAPE, 5, keras, files={transfer.WEIGHTS: weights})
    own = keras.applications.MobileNetV2(
        alpha=0.35, include_top=False, weights=str(weights), input_shape=SHAPE, pooling="avg"
    )
    pixels = np.random.default_rng(2).integers(0, 256, (2, *SHAPE)).astype(np.float32)
    expected = own.predict_on_batch(keras.applications.mobilenet_v2.preprocess_input(pixels.copy()))
    found = keras.Model(model.inputs, model.get_layer(transfer.FEATURES).output).predict_on_batch(pixels)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(expected) > 0.01, "a test of zeros would find nothing"


@pytest.mark.tensorflow
def test_weights_of_another_base_or_damaged_ones_are_refused(
    keras: ModuleType, weights: Path, small: Any, tmp_path: Path
) -> None:
    """With the file, what was expected and what was found."""
    with pytest.raises(DataError) as caught:
        transfer.build(options(alpha=0.5), SHAPE, 5, keras, files={transfer.WEIGHTS: weights})
    assert str(caught.value) == (
        f"{weights}: not the weights of mobilenet_v2, alpha 0.5 without top: layer 11 with weights, "
        "'block_1_project', has 1x1x48x16, in the file 'block_1_project' has 1x1x48x8; is it of another base "
        "or alpha?"
    )

    whole = tmp_path / "whole.h5"
    small.save_weights(whole)
    with pytest.raises(DataError, match=r"not the weights of mobilenet_v2, alpha 0\.35 without top"):
        transfer.build(options(), SHAPE, 5, keras, files={transfer.WEIGHTS: whole})

    cut = tmp_path / "cut.h5"
    cut.write_bytes(weights.read_bytes()[:50_000])
    text = tmp_path / "text.h5"
    text.write_text("no weights")
    for damaged in (cut, text):
        with pytest.raises(DataError) as caught:
            transfer.build(options(), SHAPE, 5, keras, files={transfer.WEIGHTS: damaged})
        assert str(caught.value).startswith(f"{damaged}: not readable as weights in Keras's HDF5 form")


@pytest.mark.tensorflow
def test_values_that_are_no_numbers_are_refused(keras: ModuleType, weights: Path, tmp_path: Path) -> None:
    """A model of NaN would only show after hours."""
    import h5py

    spoilt = tmp_path / "spoilt.h5"
    spoilt.write_bytes(weights.read_bytes())
    with h5py.File(spoilt, "r+") as file:
        file["Conv1/Conv1/kernel:0"][0, 0, 0, 0] = np.nan
    with pytest.raises(DataError, match="'Conv1' holds values that are no numbers"):
        transfer.build(options(), SHAPE, 5, keras, files={transfer.WEIGHTS: spoilt})


def test_published_weights_are_found_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under Keras's name or the short one, of the size of the images or of the one asked for."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    folder = tmp_path / _pretrained.FOLDER
    folder.mkdir()
    short = folder / "mobilenet_v2_0.35_224_no_top.h5"
    short.write_bytes(b"")
    chosen = options(weights="imagenet")
    assert transfer.files(chosen, (224, 224, 3), tmp_path) == {transfer.WEIGHTS: short}
    # Keras has none for 300 pixels and takes those for 224.
    assert transfer.files(chosen, (300, 300, 3), tmp_path) == {transfer.WEIGHTS: short}
    asked = options(weights="imagenet", weights_size=224)
    assert transfer.files(asked, (128, 128, 3), tmp_path) == {transfer.WEIGHTS: short}
    official = folder / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    official.write_bytes(b"")
    assert transfer.files(chosen, (224, 224, 3), tmp_path) == {transfer.WEIGHTS: official}
    kept = tmp_path / "home" / ".keras" / "models" / official.name.replace("224", "96")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"")
    assert transfer.files(chosen, (96, 96, 3), tmp_path) == {transfer.WEIGHTS: kept}


@pytest.mark.tensorflow
@pytest.mark.parametrize("data", [True, False])
def test_without_weights_both_ways_out_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bool
) -> None:
    """The file to put there, and a machine that can fetch it."""

    def unreachable(*_: Any, **__: Any) -> None:
        raise Exception("URL fetch failure on https://example.invalid")

    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(fetching(), "get_file", unreachable)
    with pytest.raises(DataMissingError) as caught:
        transfer.files(options(weights="imagenet"), (224, 224, 3), tmp_path if data else None)
    where = str(tmp_path / "weights") if data else "the folder weights of a data folder named with --data"
    assert str(caught.value) == (
        "model 'transfer': no ImageNet weights of mobilenet_v2: put the file mobilenet_v2_0.35_224_no_top.h5 "
        "(or mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5) into "
        f"{where}, or build on a machine where Keras can fetch it (URL fetch failure on "
        "https://example.invalid); model.weights takes a path too"
    )


@pytest.mark.tensorflow
def test_fetched_weights_are_where_keras_says_that_it_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    """Not always in the home, which may be read-only; and Keras is left as it was."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")

    def elsewhere(*_: Any, **__: Any) -> str:
        return str(weights)

    monkeypatch.setattr(fetching(), "get_file", elsewhere)
    found = transfer.files(options(weights="imagenet"), (224, 224, 3), None)
    assert found == {transfer.WEIGHTS: weights}
    assert fetching().get_file is elsewhere


@pytest.mark.tensorflow
def test_a_mistake_while_fetching_is_not_taken_for_a_server_that_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would send the user after a file that is not missing."""

    def mistaken(*_: Any, **__: Any) -> None:
        raise TypeError("a mistake")

    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(fetching(), "get_file", mistaken)
    with pytest.raises(TypeError, match="a mistake"):
        transfer.files(options(weights="imagenet"), (224, 224, 3), None)


@pytest.mark.tensorflow
def test_a_damaged_file_of_keras_is_to_be_removed(keras: ModuleType, tmp_path: Path) -> None:
    """Keras looks at no file that is there; one of the user's own is left to the user."""
    kept = tmp_path / ".keras" / "models" / "base.h5"
    kept.parent.mkdir(parents=True)
    own = tmp_path / "base.h5"
    for path in (kept, own):
        path.write_bytes(b"half of a file")
        with pytest.raises(DataError) as caught:
            transfer.build(options(), SHAPE, 5, keras, files={transfer.WEIGHTS: path})
        assert str(caught.value).endswith("remove it, and it is fetched again") is (path == kept)


def fetching() -> Any:
    """Keras's module whose ``get_file`` every application fetches its weights with."""
    from tf_keras.src.utils import data_utils  # noqa: TID251 - to stand in for its server

    return data_utils


def test_weights_of_ones_own_are_relative_to_the_data_folder(tmp_path: Path) -> None:
    """Or absolute; one that is not there is named."""
    (tmp_path / "own.h5").write_bytes(b"")
    own = options(weights="own.h5")
    assert transfer.files(own, SHAPE, tmp_path) == {transfer.WEIGHTS: tmp_path / "own.h5"}
    absolute = options(weights=str(tmp_path / "own.h5"))
    assert transfer.files(absolute, SHAPE, None) == {transfer.WEIGHTS: tmp_path / "own.h5"}
    assert transfer.files(options(), SHAPE, None) == {}
    with pytest.raises(DataMissingError, match=r"model\.weights 'own\.h5' is relative to a data folder"):
        transfer.files(own, SHAPE, None)
    with pytest.raises(DataMissingError, match=r"other\.h5 is no file; name one that is, 'imagenet'"):
        transfer.files(options(weights="other.h5"), SHAPE, tmp_path)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("shape", "base", "says"),
    [
        (
            (28, 28),
            "mobilenet_v2",
            r"the dataset gives gray images \(28, 28\), 'mobilenet_v2' was trained on",
        ),
        ((64, 64, 3), "xception", "images of 64x64 pixels, 'xception' needs 71 along each side"),
        ((96, 31, 3), "mobilenet_v2", "images of 96x31 pixels, 'mobilenet_v2' needs 32"),
    ],
)
def test_images_that_no_base_takes_are_refused(
    keras: ModuleType, shape: tuple[int, ...], base: str, says: str
) -> None:
    """Before anything is built."""
    with pytest.raises(RecipeError, match=says):
        transfer.build(options(base=base, alpha=None), shape, 5, keras, files={})


@pytest.mark.tensorflow
@pytest.mark.parametrize("unfreeze", [0.0, 0.25, 1.0])
def test_the_head_alone_is_trained_and_then_the_top_of_the_base(small: Any, unfreeze: float) -> None:
    """Batch normalisation and the input range never are."""
    chosen = options(unfreeze=unfreeze, weights="imagenet")
    base = transfer._base_layers(small)
    transfer.freeze(small, chosen, head_only=True)
    assert {weight.name for weight in small.trainable_weights} == {
        "predictions/kernel:0",
        "predictions/bias:0",
    }
    transfer.freeze(small, chosen, head_only=False)
    top = base[len(base) - round(unfreeze * len(base)) :]
    for layer in base:
        normalises = type(layer).__name__ == "BatchNormalization"
        assert layer.trainable is (layer in top and not normalises), layer.name
    assert not small.get_layer("input_range").trainable
    assert small.get_layer("predictions").trainable
    assert len(small.trainable_weights) == 2 + sum(1 for layer in top if layer.trainable_weights)


@pytest.mark.tensorflow
def test_a_base_that_starts_from_nothing_trains_whole(keras: ModuleType) -> None:
    """Batch normalisation too, whose statistics must then be learnt in a short training."""
    model = transfer.build(options(), SHAPE, 5, keras, files={})
    for head_only in (True, False):
        transfer.freeze(model, options(), head_only=head_only)
        for layer in transfer._base_layers(model):
            assert layer.trainable, layer.name
    assert not model.get_layer("input_range").trainable
    norm = model.get_layer("bn_Conv1")
    batch = np.random.default_rng(1).normal(3.0, 1.0, (64, *norm.input_shape[1:])).astype(np.float32)
    for _ in range(50):
        norm(batch, training=True)
    np.testing.assert_allclose(norm.moving_mean.numpy(), batch.mean(axis=(0, 1, 2)), atol=0.03)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"base": "mobilnet_v2"}, "base: unknown base 'mobilnet_v2', choose from: densenet121, "),
        ({"base": "convnext_tiny"}, "base: base 'convnext_tiny' cannot be converted: its LayerScale layers "),
        ({"alpha": 0.4}, "alpha 0.4: ImageNet weights of mobilenet_v2 were published for 0.35, 0.5, "),
        ({"base": "xception", "alpha": 1.0}, "base 'xception' has no alpha: leave it out"),
        ({"alpha": 0.0}, "alpha: "),
        ({"weights_size": 100}, "weights_size 100: ImageNet weights of mobilenet_v2 were published for 96, "),
        ({"weights_size": 224, "weights": "random"}, "weights_size 224: ImageNet weights of mobilenet_v2 "),
        ({"dropout": 1.0}, "dropout: "),
        ({"unfreeze": 1.5}, "unfreeze: "),
        ({"weight": "imagenet"}, "unknown key 'weight', "),
    ],
)
def test_options_that_make_no_model_are_refused(values: dict[str, Any], says: str) -> None:
    """When the recipe is read."""
    with pytest.raises(RecipeError) as caught:
        shelf.options("models", "transfer", values)
    assert str(caught.value).startswith(f"model 'transfer': {says}")
