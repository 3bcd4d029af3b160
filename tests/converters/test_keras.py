"""Loading models: each format of Keras 2 and 3 gives the same answers, code in the file is refused."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import ConversionSpec, convert, stack
from converters.errors import UnsafeModelError
from converters.tflite.inspect import inspect_bytes
from converters.tflite.keras import SourceModel, from_keras, is_model, load
from converters.tflite.safety import CODE_OPS, FILE_OPS
from tests.converters.conftest import Floats, run_tflite
from tests.converters.saved_models import SEED, Models, libraries, rewritten, save, sentence, small_model

pytestmark = pytest.mark.tensorflow

SAME = 1e-6
"""Largest difference of outputs of about 1: the same float32 weights, summed in another order."""

FORMATS = ["keras2.keras", "keras2.h5", "keras2", "keras3.keras", "keras3.h5", "keras3", "plain"]


def answer(model: Any, values: Floats) -> Floats:
    """What the original says."""
    outputs = (
        model.predict_on_batch(values) if hasattr(model, "predict_on_batch") else values @ model.w.numpy()
    )
    return np.asarray(outputs, dtype=np.float32)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_loads_and_converts_to_the_same_answers(saved: Models, name: str) -> None:
    """From disk to .tflite, outputs are those of the model that was saved."""
    model, path = saved[name]
    values = np.random.default_rng(SEED).normal(size=(8, 4)).astype(np.float32)

    source = load(path)
    content = convert(source, ConversionSpec(scheme="float32")).content

    assert (source.input_shape, source.output_shape) == ((4,), (3,))
    np.testing.assert_allclose(run_tflite(content, values), answer(model, values), atol=SAME)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_fixed_at_batch_one(saved: Models, name: str) -> None:
    """A dynamic batch keeps delegates from taking the file."""
    content = convert(saved[name][1], ConversionSpec(scheme="float32")).content

    assert inspect_bytes(content, where=name).inputs[0].shape == (1, 4)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_taken_for_a_model(saved: Models, name: str) -> None:
    """By its name or its saved_model.pb alone."""
    path = saved[name][1]

    assert is_model(path)
    assert not is_model(path.parent)
    assert not is_model(path.with_suffix(".tflite"))


def with_activation(saved: Models, folder: Path, activation: dict[str, str]) -> Path:
    """The Keras 2 archive with another activation in its first Dense layer."""

    def change(config: dict[str, Any]) -> dict[str, Any]:
        config["config"]["layers"][1]["config"]["activation"] = activation
        return config

    return rewritten(saved["keras2.keras"][1], folder / "changed.keras", {"config.json": change})


class TestCodeInTheFile:
    """Files that bring code are refused before any of it runs."""

    @pytest.mark.parametrize("suffix", [".keras", ".h5"])
    @pytest.mark.parametrize("which", ["keras2", "keras3"])
    def test_a_lambda_is_refused_unless_asked_for(
        self, tensorflow: stack.Stack, tmp_path: Path, which: str, suffix: str
    ) -> None:
        """With ``unsafe`` it loads and computes."""
        keras = libraries(tensorflow.keras)[which]
        model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: 2 * x, name="twice")])
        path = save(model, tmp_path / f"lambda{suffix}")

        text = sentence(lambda: load(path), UnsafeModelError)
        assert text.startswith(f"{path}: layer 'twice' (Lambda) would execute code")
        assert "--unsafe" in text
        source = load(path, unsafe=True)
        assert source.function(tensorflow.tf.ones((1, 4)))[0, 0] == 2.0

    def test_a_lambda_in_a_nested_model_is_found(self, tensorflow: stack.Stack, tmp_path: Path) -> None:
        """However deep it stands."""
        keras = tensorflow.keras
        inner = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: 2 * x, name="twice")])
        middle = keras.Sequential([keras.Input((4,)), inner])
        path = save(keras.Sequential([keras.Input((4,)), middle]), tmp_path / "nested.keras")

        assert "layer 'twice' (Lambda)" in sentence(lambda: load(path), UnsafeModelError)

    @pytest.mark.parametrize("which", ["keras2", "keras3"])
    def test_a_class_of_an_unknown_module_is_refused_and_the_module_not_imported(
        self, tensorflow: stack.Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
    ) -> None:
        """Importing is executing."""
        keras = libraries(tensorflow.keras)[which]
        name = f"layers_of_a_stranger_{which}"
        (tmp_path / f"{name}.py").write_text(
            f"import {keras.__name__} as keras\nclass Own(keras.layers.Layer): pass\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        own = __import__(name).Own
        path = save(keras.Sequential([keras.Input((4,)), own(name="own")]), tmp_path / "own.keras")
        del sys.modules[name]

        text = sentence(lambda: load(path), UnsafeModelError)
        assert f"Own 'own' from module '{name}' would execute code" in text
        assert name not in sys.modules

    def test_a_function_of_an_unknown_module_is_refused(self, saved: Models, tmp_path: Path) -> None:
        """A configuration can name any function of the machine as an activation."""
        path = with_activation(
            saved, tmp_path, {"class_name": "function", "config": "system", "module": "os"}
        )

        assert "function 'system' from module 'os'" in sentence(lambda: load(path), UnsafeModelError)

    def test_a_function_of_keras_is_loaded(self, saved: Models, tmp_path: Path) -> None:
        """Keras writes its own functions in the same way."""
        function = {
            "class_name": "function",
            "config": "relu",
            "module": "builtins",
            "registered_name": "relu",
        }

        assert load(with_activation(saved, tmp_path, function)).output_shape == (3,)

    @pytest.mark.parametrize("suffix", [".keras", ".h5"])
    @pytest.mark.parametrize("which", ["keras2", "keras3"])
    def test_a_custom_activation_that_is_not_there_is_an_error_of_the_model(
        self, tensorflow: stack.Stack, tmp_path: Path, which: str, suffix: str
    ) -> None:
        """Not one of this program."""
        keras = libraries(tensorflow.keras)[which]

        def doubled(x: Any) -> Any:
            return 2 * x

        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation=doubled)])
        path = save(model, tmp_path / f"custom{suffix}")

        text = sentence(lambda: load(path))
        assert text.startswith(f"{path}: Keras {keras.__version__} cannot load it: ")
        assert "config=" not in text


def reads_a_file(tf: Any, folder: Path) -> Any:
    """The number that a file holds."""
    return tf.strings.to_number(tf.io.read_file(str(folder / "read")))


def writes_a_file(tf: Any, folder: Path) -> Any:
    """One, once the file is written."""
    with tf.control_dependencies([tf.io.write_file(str(folder / "written"), "x")]):
        return tf.constant(1.0)


def prints_into_a_file(tf: Any, folder: Path) -> Any:
    """One, once the line is written."""
    with tf.control_dependencies([tf.print("x", output_stream=f"file://{folder / 'printed'}")]):
        return tf.constant(1.0)


def calls_python(tf: Any, folder: Path) -> Any:
    """One, by way of numpy."""
    return tf.ensure_shape(tf.numpy_function(lambda: np.float32(1), [], tf.float32), ())


class TestOpsOfASavedModel:
    """A SavedModel whose graph reaches beyond its numbers is refused before it is loaded."""

    @pytest.mark.parametrize(
        ("body", "op", "does"),
        [
            (reads_a_file, "ReadFile", "could reach files or the network"),
            (writes_a_file, "WriteFile", "could reach files or the network"),
            (prints_into_a_file, "PrintV2", "could reach files or the network"),
            (calls_python, "PyFunc", "would call Python code"),
        ],
    )
    @pytest.mark.parametrize("nested", [False, True])
    def test_is_refused_unless_asked_for(
        self, tensorflow: stack.Stack, tmp_path: Path, body: Any, op: str, does: str, nested: bool
    ) -> None:
        """In the signature itself and in a function that it calls; the op is named."""
        tf = tensorflow.tf
        inner = tf.function(lambda: body(tf, tmp_path)) if nested else lambda: body(tf, tmp_path)
        module = tf.Module()
        serve = tf.function(lambda x: {"y": x * inner()})
        signature = serve.get_concrete_function(tf.TensorSpec([None, 4], tf.float32, name="x"))
        tf.saved_model.save(module, str(tmp_path / "model"), signatures=signature)

        text = sentence(lambda: load(tmp_path / "model"), UnsafeModelError)

        assert text.startswith(f"{tmp_path / 'model'}: op '")
        assert f"({op}) {does} while loading or running" in text
        assert "--unsafe" in text
        assert load(tmp_path / "model", unsafe=True).input_shape == (4,)

    def test_what_is_printed_on_the_screen_is_no_file(self, tensorflow: stack.Stack, tmp_path: Path) -> None:
        """``tf.print`` is left in many a model."""
        tf = tensorflow.tf

        def serve(x: Any) -> Any:
            tf.print("seen")
            return {"y": 2 * x}

        signature = tf.function(serve).get_concrete_function(tf.TensorSpec([None, 4], tf.float32, name="x"))
        tf.saved_model.save(tf.Module(), str(tmp_path / "model"), signatures=signature)

        assert load(tmp_path / "model").input_shape == (4,)

    def test_every_name_is_an_op(self, tensorflow: stack.Stack) -> None:
        """A misspelt one would refuse nothing."""
        known = set(dir(tensorflow.tf.raw_ops))
        assert {op for op in CODE_OPS | FILE_OPS if {op, f"Experimental{op}"}.isdisjoint(known)} == set()


class TestModelsInMemory:
    """What :func:`from_keras` takes and refuses."""

    @pytest.mark.parametrize("which", ["keras2", "keras3"])
    def test_two_inputs(self, tensorflow: stack.Stack, which: str) -> None:
        """Golden vectors and the apps know one."""
        keras = libraries(tensorflow.keras)[which]
        first, second = keras.Input((4,)), keras.Input((4,))
        model = keras.Model([first, second], keras.layers.Add()([first, second]), name="sum")

        assert sentence(lambda: from_keras(model)) == (
            "model 'sum' has 2 inputs; only models with one are converted"
        )

    def test_two_outputs(self, tensorflow: stack.Stack) -> None:
        """The same for outputs."""
        keras = tensorflow.keras
        door = keras.Input((4,))
        model = keras.Model(door, [keras.layers.Dense(2)(door), keras.layers.Dense(3)(door)], name="pair")

        assert sentence(lambda: from_keras(model)).startswith("model 'pair' has 2 outputs")

    def test_open_shape(self, tensorflow: stack.Stack) -> None:
        """Fully convolutional models take any size; a phone's file takes one."""
        keras = tensorflow.keras
        model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)], name="any")

        assert sentence(lambda: from_keras(model)) == (
            "model 'any' takes or gives a tensor of open shape (None, None, 3): "
            "fix every dimension but the batch"
        )

    @pytest.mark.parametrize("which", ["keras2", "keras3"])
    def test_a_model_that_is_not_built(self, tensorflow: stack.Stack, which: str) -> None:
        """Its input has no shape yet."""
        keras = libraries(tensorflow.keras)[which]
        model = keras.Sequential([keras.layers.Dense(2)], name="loose")

        assert sentence(lambda: from_keras(model)).startswith("model 'loose' has no input of known shape")

    @pytest.mark.parametrize("thing", [None, 3, "model"])
    def test_something_that_is_no_model(self, thing: object) -> None:
        """A path as text goes to :func:`load`, not here."""
        assert "has no input of known shape" in sentence(lambda: from_keras(thing))

    def test_layers_are_named_for_messages(self, tensorflow: stack.Stack) -> None:
        """Those of nested models too."""
        keras = tensorflow.keras
        inner = small_model(keras)
        source: SourceModel = from_keras(keras.Sequential([keras.Input((4,)), inner]))

        assert {inner.name, "hidden", "last"} <= set(source.layers)
