"""Hostile Keras files: refused before anything of them is looked up, imported, called or written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from converters import stack
from converters.errors import ModelLoadError, UnsafeModelError
from converters.tflite import safety
from converters.tflite.keras import load
from tests.converters.saved_models import Models, rewritten, save, sentence

pytestmark = pytest.mark.tensorflow

Config = dict[str, Any]

SUFFIXES = (".keras", ".h5")


def changed(source: Path, target: Path, change: Callable[[Config], Config]) -> Path:
    """A copy of a .keras or .h5 file with another configuration."""
    if source.suffix == ".keras":
        return rewritten(source, target, {"config.json": change})
    target.write_bytes(source.read_bytes())
    with h5py.File(target, "a") as file:
        file.attrs["model_config"] = json.dumps(change(json.loads(file.attrs["model_config"])))
    return target


def called(class_name: str, config: Config, *constants: Any, **keywords: Any) -> Config:
    """A layer that is called on constants."""
    first, *rest = constants
    node = ["_CONSTANT_VALUE", -1, first, {**keywords, **({"args": rest} if rest else {})}]
    return {
        "class_name": class_name,
        "module": "keras.layers",
        "registered_name": class_name,
        "name": "evil",
        "config": {"name": "evil", "trainable": True, "dtype": "float32", **config},
        "inbound_nodes": [node],
    }


def with_layer(tensorflow: stack.Stack, folder: Path, suffix: str, layer: Config) -> Path:
    """A functional model that has this layer too; its output does not depend on it."""
    keras = tensorflow.keras
    door = keras.Input((4,), name="door")
    model = keras.Model(door, keras.layers.Dense(3, name="last")(door))

    def change(config: Config) -> Config:
        config["config"]["layers"].insert(1, layer)
        return config

    return changed(save(model, folder / f"good{suffix}"), folder / f"evil{suffix}", change)


def with_activation(saved: Models, folder: Path, suffix: str, activation: Config) -> Path:
    """A Sequential model with another activation in its first Dense layer."""

    def change(config: Config) -> Config:
        config["config"]["layers"][1]["config"]["activation"] = activation
        return config

    return changed(saved[f"keras2{suffix}"][1], folder / f"evil{suffix}", change)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("class_name", ["TFOpLambda", "SlicingOpLambda"])
def test_a_function_that_is_no_arithmetic_is_not_called(
    tensorflow: stack.Stack, tmp_path: Path, suffix: str, class_name: str
) -> None:
    """Layer and function are named; with ``unsafe`` the file is written."""
    written = tmp_path / "written"
    layer = called(class_name, {"function": "io.write_file"}, str(written), contents="x")
    path = with_layer(tensorflow, tmp_path, suffix, layer)

    assert sentence(lambda: load(path), UnsafeModelError) == (
        f"{path}: layer 'evil' ({class_name}) would call 'io.write_file', which is not known as arithmetic, "
        "while loading; if you trust where it came from, pass --unsafe"
    )
    assert not written.exists()
    if class_name == "TFOpLambda":
        # Too late: Keras finds afterwards that the layer gives no tensor.
        with pytest.raises(ModelLoadError):
            load(path, unsafe=True)
        assert written.read_text() == "x"


@pytest.mark.parametrize(
    "function",
    ["io.read_file", "io.gfile.remove", "load_library", "raw_ops.WriteFile", "py_function", "print",
     "saved_model.load", "keras.utils.get_file", "keras.models.load_model", "compat.v1.io.write_file",
     "data.experimental.load", "nn.fixed_unigram_candidate_sampler",
     "compat.v1.nn.fixed_unigram_candidate_sampler", "mathematics.x", "image.resize_bilinear", "nn", "nn.",
     "", None, 3, ["nn.relu"]],
)  # fmt: skip
def test_what_is_not_on_the_list_is_no_arithmetic(function: object) -> None:
    """Whatever stands where a name should."""
    (text,) = safety.hazards_of_config(called("TFOpLambda", {"function": function}, 1.0))
    assert text == f"layer 'evil' (TFOpLambda) would call '{function}', which is not known as arithmetic,"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_arithmetic_loads(tensorflow: stack.Stack, tmp_path: Path, suffix: str) -> None:
    """As models write it that were not made of layers alone."""
    tf, keras = tensorflow.tf, tensorflow.keras
    door = keras.Input((8, 8, 3))
    tensor = tf.image.resize(tf.cast(door, tf.float32) / 255.0, (4, 4))
    tensor = tf.pad(tensor, [[0, 0], [1, 1], [1, 1], [0, 0]])
    tensor = tf.concat([tensor * tf.nn.relu6(tensor + 3.0) / 6.0, tf.transpose(tensor, [0, 2, 1, 3])], -1)
    tensor = tf.stack(tf.split(tensor, 2, axis=-1), axis=-1)[:, 1:-1, :, :, 0]
    tensor = tf.clip_by_value(tf.reduce_mean(tf.squeeze(tf.expand_dims(tensor, -1), -1), [1, 2]), 0.0, 1.0)
    tensor = tf.compat.v1.transpose(tf.matmul(tensor, tf.ones((3, 5))) - tf.reduce_max(tensor), [0, 1])
    tensor = tf.where(tensor > 0, tensor, tf.zeros_like(tensor))
    path = save(keras.Model(door, tf.reshape(tensor, (-1, 5))), tmp_path / f"model{suffix}")

    assert load(path).output_shape == (5,)


def test_every_function_of_the_list_is_one(tensorflow: stack.Stack) -> None:
    """A misspelt one would let nothing through."""
    from tensorflow.python.util.tf_export import get_symbol_from_name  # noqa: TID251

    first = {f"compat.v1.{name}" for name in safety._FIRST_TWINS}
    names = safety.ARITHMETIC | safety._READERS | first
    assert {name for name in names if get_symbol_from_name(name) is None} == set()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("class_name", "config"),
    [
        ("ClassMethod", {"cls_symbol": "io.TFRecordWriter", "method_name": "__call__"}),
        ("InstanceMethod", {"attr_name": "tofile"}),
        ("InstanceProperty", {"attr_name": "__class__"}),
        ("TensorFlowOpLayer", {"node_def": {"name": "w", "op": "WriteFile"}, "constants": {"1": "x"}}),
    ],
)
def test_layers_that_reach_for_attributes_and_ops_are_refused(
    tensorflow: stack.Stack, tmp_path: Path, suffix: str, class_name: str, config: Config
) -> None:
    """By their class, whatever they ask for."""
    path = with_layer(tensorflow, tmp_path, suffix, called(class_name, config, "written"))

    text = sentence(lambda: load(path), UnsafeModelError)
    assert text.startswith(f"{path}: layer 'evil' ({class_name}) could reach any code of this machine while ")
    assert "--unsafe" in text


PRUNING = "tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper"
QUANTIZING = "tensorflow_model_optimization.python.core.quantization.keras"

OBJECTS: dict[str, tuple[Config, str]] = {
    "another part of tfmot": (
        {"class_name": "PruneLowMagnitude", "config": {"name": "a"}, "module": PRUNING},
        f"PruneLowMagnitude 'a' from module '{PRUNING}'",
    ),
    "the whole of tfmot": (
        {"class_name": "QuantizeLayer", "config": {"name": "a"}, "module": "tensorflow_model_optimization"},
        "QuantizeLayer 'a' from module 'tensorflow_model_optimization'",
    ),
    "a neighbour by name": (
        {"class_name": "QuantizeLayer", "config": {"name": "a"}, "module": f"{QUANTIZING}_not"},
        f"QuantizeLayer 'a' from module '{QUANTIZING}_not'",
    ),
    "a class of what tfmot imports": (
        {"class_name": "keras.Model", "config": {"name": "a"}, "module": f"{QUANTIZING}.quantize"},
        f"keras.Model 'a' from module '{QUANTIZING}.quantize'",
    ),
    "a class of what Keras imports": (
        {"class_name": "layers.Lambda", "config": {"name": "a"}, "module": "keras"},
        "layers.Lambda 'a' from module 'keras'",
    ),
    "a function of what Keras imports": (
        {"class_name": "function", "config": "os.system", "module": "keras.src.activations"},
        "function 'os.system' from module 'keras.src.activations'",
    ),
    "a function that loads": (
        {"class_name": "function", "config": "load_model", "module": "keras.models"},
        "function 'load_model' from module 'keras.models'",
    ),
    "a type": (
        {"class_name": "__typespec__", "spec_name": "os.PathLike", "registered_name": None,
         "config": [], "module": "keras.src.backend"},
        "__typespec__ '' from module 'keras.src.backend'",
    ),
    "a class of Python": (
        {"class_name": "object", "config": {"name": "a"}, "module": "builtins"},
        "object 'a' from module 'builtins'",
    ),
    "a function of Python": (
        {"class_name": "function", "config": "eval", "module": "builtins", "registered_name": "relu"},
        "function 'eval' from module 'builtins'",
    ),
    "a function of Python by another form": (
        {"class_name": "function", "config": {"name": "eval"}, "module": "builtins"},
        "function 'eval' from module 'builtins'",
    ),
    "a Lambda as the registered name": (
        {"class_name": "Dense_", "registered_name": "Lambda", "config": {"name": "a"},
         "module": "keras.src.layers.core.lambda_layer"},
        "layer 'a' (Dense_)",
    ),
    "a Lambda as a type": (
        {"class_name": "__typespec__", "spec_name": "Lambda", "registered_name": "x",
         "config": {"name": "a"}, "module": "keras.layers"},
        "layer 'a' (__typespec__)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("class_name", ["StringLookup", "IntegerLookup", "TextVectorization"])
def test_a_vocabulary_is_not_read_from_a_path(
    class_name: str, suffix: str, tensorflow: stack.Stack, tmp_path: Path
) -> None:
    """One in the configuration itself, a list, is no path."""
    layer = called(class_name, {"vocabulary": "/somewhere/words.txt"}, 1.0)
    with pytest.raises(UnsafeModelError, match=f"{class_name}.* would read the file '/somewhere/words.txt'"):
        load(with_layer(tensorflow, tmp_path, suffix, layer))
    listed = {**layer, "config": {**layer["config"], "vocabulary": ["a"]}}
    assert not list(safety.hazards_of_config({**listed, "module": "keras.layers"}))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("case", OBJECTS)
def test_objects_that_are_not_made_of_numbers_are_refused(
    saved: Models, tmp_path: Path, suffix: str, case: str
) -> None:
    """Wherever an object may stand."""
    config, what = OBJECTS[case]
    path = with_activation(saved, tmp_path, suffix, config)

    text = sentence(lambda: load(path), UnsafeModelError)
    assert text.startswith(f"{path}: {what} would execute code from the file while loading")
    assert "--unsafe" in text


@pytest.mark.parametrize("registered_name", [None, ["Lambda"], {"a": 1}])
def test_a_strange_registered_name_is_no_crash(registered_name: object) -> None:
    """A file may hold anything."""
    names = {"class_name": "Dense", "registered_name": registered_name, "module": "keras.layers"}
    assert list(safety.hazards_of_config({**names, "config": {}})) == []


def test_a_quantisation_aware_model_loads(tensorflow: stack.Stack, tmp_path: Path) -> None:
    """The wrappers of tensorflow-model-optimization are trusted; .keras files they cannot load."""
    keras = tensorflow.keras
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, use_bias=False, name="conv"),
            layers.BatchNormalization(name="normal"),
            layers.ReLU(6.0, name="relu"),
            layers.Flatten(name="flatten"),
            layers.Dense(3, activation="softmax", name="out"),
        ]
    )
    quantized = stack.load_tfmot().quantization.keras.quantize_model(model)
    source = load(save(quantized, tmp_path / "model.h5"))

    assert source.fake_quantised
    assert source.output_shape == (3,)
