"""The conversion: every scheme runs and is right, the floor holds, what cannot be converted is refused."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import ConversionSpec, ConverterError, convert, representative, stack
from converters.errors import RepresentativeError, RuntimeFloorError, UnsupportedOpsError
from converters.tflite import convert as tflite
from converters.tflite.inspect import Op, Tensor, inspect_bytes
from converters.tflite.keras import from_keras
from converters.tflite.schemes import SCHEMES
from converters.tflite.versions import check_floor
from tests.converters.conftest import OldRuntime, TrainedCnn, run_tflite

pytestmark = pytest.mark.tensorflow

SEED = 4

LARGEST_ERROR = {
    # Sums in another order; 7e-7 measured.
    "float32": 1e-5,
    # 11 significant bits in the weights; 6e-4 measured.
    "float16": 5e-3,
    # 8 bits in weights, or in activations too: an unsure image moves by 0.02 to 0.05; a wrong kernel by 0.9.
    "dynamic_range": 0.1,
    "int8": 0.15,
    "int16x8": 0.1,
}
"""Scheme to the largest difference of a probability from Keras."""

MEAN_ERROR = 5e-3
"""Of all probabilities and schemes; 1e-3 measured for int8, 0.1 or more for a model that guesses."""

UNTRAINED_ERROR = {"float32": 1e-5, "int8": 0.03}
"""Largest error of one or two layers of random weights: their outputs span about 3, of which 0.03 is two or
three steps of int8."""

MIN_AGREEMENT = 0.97
"""Share of images with the same answer as Keras: 99 of 100 measured, two more may be as unsure."""

DOORS = [(scheme, "float32") for scheme in SCHEMES] + [("int8", "uint8"), ("int8", "int8")]


def dense_weights(content: bytes) -> list[tuple[Op, Tensor]]:
    """Every FULLY_CONNECTED op with its weights, in order of execution."""
    inspection = inspect_bytes(content, where="test")
    return [(op, inspection.tensors[op.inputs[1]]) for op in inspection.ops if op.name == "FULLY_CONNECTED"]


@pytest.mark.parametrize(("scheme", "io"), DOORS)
def test_every_scheme_answers_as_keras_does(cnn: TrainedCnn, scheme: str, io: str) -> None:
    """The converted file runs, and its probabilities are those of Keras within the scheme's error."""
    answers = run_tflite(cnn.converted(scheme, io=io).content, cnn.images)

    error = np.abs(answers - cnn.expected)
    assert error.max() <= LARGEST_ERROR[scheme]
    assert error.mean() <= MEAN_ERROR
    assert (answers.argmax(axis=1) == cnn.expected.argmax(axis=1)).mean() >= MIN_AGREEMENT


@pytest.mark.parametrize(("scheme", "io"), DOORS)
def test_batch_is_one_and_the_door_has_the_dtype_asked_for(cnn: TrainedCnn, scheme: str, io: str) -> None:
    """Input and output keep the model's shape, at batch 1."""
    inspection = inspect_bytes(cnn.converted(scheme, io=io).content, where=scheme)

    (door,), (output,) = inspection.inputs, inspection.outputs
    assert (door.shape, output.shape) == ((1, 8, 8), (1, 10))
    assert (door.dtype, output.dtype) == (io, io)
    assert bool(door.scales) == bool(output.scales) == (io != "float32")


@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_converting_again_gives_the_same_bytes(cnn: TrainedCnn, scheme: str) -> None:
    """Also when the model is traced anew."""
    again = convert(cnn.model, ConversionSpec(scheme=scheme), cnn.samples)

    assert again.content == cnn.converted(scheme).content


FROM_FILE = """
import sys
import numpy as np
from converters import ConversionSpec, convert, representative
samples = representative(np.load(sys.argv[2]), shape=(8, 8))
print(convert(sys.argv[1], ConversionSpec(scheme="int8", io_dtype="uint8"), samples).sha256)
"""


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file:UserWarning")
def test_another_process_gives_the_same_bytes(cnn: TrainedCnn, tmp_path: Path) -> None:
    """Nothing in the file depends on the order of sets and dictionaries of one process."""
    cnn.model.save(tmp_path / "digits.h5")
    np.save(tmp_path / "samples.npy", cnn.samples.samples)
    files = [str(tmp_path / name) for name in ("digits.h5", "samples.npy")]

    hashes = {
        subprocess.run(
            [sys.executable, "-c", FROM_FILE, *files],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert hashes == {cnn.converted("int8", io="uint8").sha256 + "\n"}


def test_the_file_has_a_signature_that_names_its_input(cnn: TrainedCnn, tensorflow: stack.Stack) -> None:
    """Apps and LiteRT.js look tensors up by name."""
    interpreter = tensorflow.tf.lite.Interpreter(model_content=cnn.converted("float32").content)

    assert interpreter.get_signature_list()["serving_default"]["inputs"] == ["image"]


class TestRuntimeFloor:
    """Which runtimes read a file decides how its Dense weights are stored."""

    @pytest.mark.parametrize("scheme", ["dynamic_range", "int8", "int16x8"])
    def test_below_2_17_each_dense_layer_has_one_scale(self, cnn: TrainedCnn, scheme: str) -> None:
        """Per tensor: what every runtime reads."""
        weights = [w for _, w in dense_weights(cnn.converted(scheme, floor="2.16.9").content) if w.scales]

        assert weights
        assert all(len(tensor.scales) == 1 for tensor in weights)

    @pytest.mark.parametrize("scheme", ["dynamic_range", "int8", "int16x8"])
    def test_from_2_17_on_each_unit_has_its_own(self, cnn: TrainedCnn, scheme: str) -> None:
        """Per channel: closer to the float weights."""
        _, hidden = dense_weights(cnn.converted(scheme, floor="2.17").content)[0]

        assert len(hidden.scales) == 32
        assert hidden.axis == 0

    def test_per_channel_dynamic_range_is_an_op_that_2_14_does_not_have(self, cnn: TrainedCnn) -> None:
        """FULLY_CONNECTED version 12, which the floor refuses by name."""
        ops = [
            (op.name, op.version)
            for op, _ in dense_weights(cnn.converted("dynamic_range", floor="2.17").content)
        ]

        assert ("FULLY_CONNECTED", 12) in ops
        with pytest.raises(RuntimeFloorError, match=r"FULLY_CONNECTED version 12 .* 2\.17\.0, .* 2\.14\.0"):
            check_floor(ops, runtime_floor="2.14.0", where="dynamic_range.tflite")

    def test_an_op_newer_than_the_floor_is_refused_by_the_conversion(
        self, cnn: TrainedCnn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Should the converter's switch for Dense weights cease to work."""
        monkeypatch.setattr(tflite, "per_channel_dense", lambda _floor: True)

        with pytest.raises(RuntimeFloorError, match=r"scheme 'dynamic_range': FULLY_CONNECTED version 12"):
            convert(cnn.source, ConversionSpec(scheme="dynamic_range", runtime_floor="2.14"))

    def test_tflite_runtime_2_14_refuses_per_channel_dynamic_range(
        self, cnn: TrainedCnn, old_runtime: OldRuntime
    ) -> None:
        """Why the floor forbids it."""
        finished = old_runtime(cnn.converted("dynamic_range", floor="2.17").content, cnn.images)

        assert isinstance(finished, subprocess.CompletedProcess)
        assert "FULLY_CONNECTED' version '12'" in finished.stderr

    @pytest.mark.parametrize("scheme", list(SCHEMES))
    def test_tflite_runtime_2_14_reads_what_the_floor_allows(
        self, cnn: TrainedCnn, old_runtime: OldRuntime, scheme: str
    ) -> None:
        """The default floor's promise, kept by the runtime itself."""
        answers = old_runtime(cnn.converted(scheme).content, cnn.images)

        assert isinstance(answers, np.ndarray), answers.stderr
        assert np.abs(answers - cnn.expected).max() <= LARGEST_ERROR[scheme]

    @pytest.mark.parametrize("scheme", ["int8", "int16x8"])
    def test_tflite_runtime_2_14_reads_per_channel_integer_dense_too(
        self, cnn: TrainedCnn, old_runtime: OldRuntime, scheme: str
    ) -> None:
        """It is TensorFlow Lite 2.9 that was seen to answer nonsense; 2.14 does not."""
        answers = old_runtime(cnn.converted(scheme, floor="2.17").content, cnn.images)

        assert isinstance(answers, np.ndarray), answers.stderr
        assert np.abs(answers - cnn.expected).max() <= LARGEST_ERROR[scheme]


class TestRefusals:
    """What cannot become a TensorFlow Lite file is refused in one sentence that names the cause."""

    def model(self, tensorflow: stack.Stack, function: Any, name: str) -> Any:
        """A small model with a layer that calls ``function``."""
        keras = tensorflow.keras
        return keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                keras.layers.Conv2D(2, 3, name="conv"),
                keras.layers.Lambda(function, name=name),
                keras.layers.Flatten(name="flatten"),
                keras.layers.Dense(2, name="dense"),
            ]
        )

    def test_an_op_without_a_builtin_is_named_with_its_layer(
        self, tensorflow: stack.Stack, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """And MLIR's pages of source locations stay off the terminal."""
        model = self.model(tensorflow, tensorflow.tf.math.erfinv, "twist")
        capfd.readouterr()

        with pytest.raises(UnsupportedOpsError, match=r"Erfinv \(layer 'twist'\)") as caught:
            convert(model, ConversionSpec(scheme="float32"))

        assert "\n" not in str(caught.value)
        assert capfd.readouterr() == ("", "")

    def test_mlir_would_print_if_it_were_not_held(
        self, tensorflow: stack.Stack, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the silence of the test above is worth."""
        monkeypatch.setattr(tflite, "native_stderr_held", contextlib.nullcontext)

        with pytest.raises(UnsupportedOpsError):
            convert(
                self.model(tensorflow, tensorflow.tf.math.erfinv, "twist"), ConversionSpec(scheme="float32")
            )

        assert "error: " in capfd.readouterr().err

    def test_stderr_is_given_back_after_a_failure(
        self, tensorflow: stack.Stack, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """The next message reaches the terminal."""
        with pytest.raises(UnsupportedOpsError):
            convert(
                self.model(tensorflow, tensorflow.tf.math.erfinv, "twist"), ConversionSpec(scheme="float32")
            )
        os.write(tflite.STDERR_FD, b"still there\n")

        assert capfd.readouterr().err == "still there\n"

    def test_every_such_op_is_named(self, tensorflow: stack.Stack) -> None:
        """One round trip per op would be a day's work on a large model."""
        tf = tensorflow.tf
        model = self.model(tensorflow, lambda x: tf.math.erfinv(x) + tf.math.asin(x), "twist")

        with pytest.raises(UnsupportedOpsError, match=r"Asin \(layer 'twist'\), Erfinv \(layer 'twist'\)"):
            convert(model, ConversionSpec(scheme="float32"))

    def test_the_layer_of_a_nested_model_is_named(self, tensorflow: stack.Stack) -> None:
        """Not the model that holds it."""
        keras = tensorflow.keras
        inner = self.model(tensorflow, tensorflow.tf.math.erfinv, "twist")
        outer = keras.Sequential([keras.Input((8, 8, 1)), inner, keras.layers.Dense(3, name="last")])

        with pytest.raises(UnsupportedOpsError, match=r"Erfinv \(layer 'twist'\)"):
            convert(outer, ConversionSpec(scheme="float32"))

    def test_the_layer_of_a_keras_3_model_is_named(self, tensorflow: stack.Stack) -> None:
        """Keras 3 numbers its scopes: the ops of 'twist' stand under 'twist_1', the name of another layer."""
        import keras

        model = keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                keras.layers.Lambda(tensorflow.tf.math.erfinv, output_shape=(8, 8, 1), name="twist"),
                keras.layers.Lambda(tensorflow.tf.math.abs, output_shape=(8, 8, 1), name="twist_1"),
            ]
        )

        with pytest.raises(UnsupportedOpsError, match=r"Erfinv \(layer 'twist'\)"):
            convert(model, ConversionSpec(scheme="float32"))

    def test_an_op_that_a_scheme_cannot_quantise_is_named(self, tensorflow: stack.Stack) -> None:
        """The quantiser fails in C++, with an exception of its own."""
        samples = representative(uniform((100, 8, 8, 1)), shape=(8, 8, 1))

        with pytest.raises(ConverterError, match=r"not yet supported for op: 'SIN'"):
            convert(
                self.model(tensorflow, tensorflow.tf.math.sin, "wave"),
                ConversionSpec(scheme="int16x8"),
                samples,
            )

    @pytest.mark.parametrize("scheme", ["int8", "int16x8"])
    def test_a_calibrated_scheme_asks_for_samples(self, cnn: TrainedCnn, scheme: str) -> None:
        """Without them the converter would leave activations in float."""
        with pytest.raises(RepresentativeError, match=rf"'{scheme}' measures .* give representative samples"):
            convert(cnn.source, ConversionSpec(scheme=scheme))

    def test_samples_of_another_shape_are_refused(self, tensorflow: stack.Stack) -> None:
        """A convolutional model takes them, resized, and is calibrated as another network."""
        keras = tensorflow.keras
        model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)])
        samples = representative(uniform((100, 16, 16, 1)), shape=(16, 16, 1))

        with pytest.raises(RepresentativeError, match=r"\(16, 16, 1\).*takes \(8, 8, 1\)"):
            convert(model, ConversionSpec(scheme="int8"), samples)


def uniform(shape: tuple[int, ...]) -> Any:
    """Seeded numbers 0..1, float32."""
    return np.random.default_rng(SEED).uniform(0, 1, shape).astype(np.float32)


def test_a_model_with_integer_input_is_calibrated_in_its_dtype(tensorflow: stack.Stack) -> None:
    """Whole grey levels as uint8, as a camera gives them."""
    keras = tensorflow.keras
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    pixels = np.random.default_rng(SEED).integers(0, 256, (100, 4, 4, 1), dtype=np.uint8)

    converted = convert(model, ConversionSpec(scheme="int8"), representative(pixels, shape=(4, 4, 1)))

    assert inspect_bytes(converted.content, where="test").inputs[0].dtype == "uint8"
    error = np.abs(run_tflite(converted.content, pixels) - model.predict_on_batch(pixels)).max()
    assert error <= UNTRAINED_ERROR["int8"]


@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_a_keras_3_model_answers_as_keras_3_does(tensorflow: stack.Stack, scheme: str) -> None:
    """Its variables reach the file: none is left to be initialised on the phone."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    images = uniform((100, 8, 8, 1))

    converted = convert(
        model, ConversionSpec(scheme=scheme), representative(images, shape=(8, 8, 1), value_range=(0, 1))
    )

    assert "VAR_HANDLE" not in inspect_bytes(converted.content, where="test").op_counts
    error = np.abs(run_tflite(converted.content, images) - model.predict_on_batch(images)).max()
    assert error <= UNTRAINED_ERROR[scheme]


def test_a_source_model_survives_the_keras_model_it_was_traced_from(tensorflow: stack.Stack) -> None:
    """It holds the variables itself."""
    keras = tensorflow.keras
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    values = uniform((5, 4))
    expected = model.predict_on_batch(values)
    source = from_keras(model)
    del model
    keras.backend.clear_session()

    converted = convert(source, ConversionSpec(scheme="float32"))

    error = np.abs(run_tflite(converted.content, values) - expected).max()
    assert error <= UNTRAINED_ERROR["float32"]
