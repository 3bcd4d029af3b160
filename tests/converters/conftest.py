"""A trained CNN, its conversions, and interpreters to run them with."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converters import ConversionSpec, Converted, Representative, convert, representative, stack
from converters.tflite.keras import SourceModel, from_keras
from tests.converters import mediapipe_run
from tests.converters.saved_models import Models, libraries, plain_saved_model, save, small_model

Floats = npt.NDArray[np.float32]

SEED = 1
TRAINED_ON = 1_400
"""Of the 1,797 digits of scikit-learn; the rest is for comparisons."""

COMPARED = 100
"""Images that a converted model is compared with Keras on."""


@dataclass(frozen=True, kw_only=True)
class TrainedCnn:
    """A small CNN that reads the digits of scikit-learn, 0..255 in (8, 8), and is sure of most.

    Attributes:
        model: of tf_keras.
        source: the same, traced.
        samples: for calibration.
        images: (n, 8, 8) whole grey levels that it has not seen.
        expected: (n, 10) its probabilities for them.
    """

    model: Any
    source: SourceModel
    samples: Representative
    images: Floats
    expected: Floats
    _done: dict[ConversionSpec, Converted] = field(default_factory=dict)

    def converted(self, scheme: str, *, io: str = "float32", floor: str = "2.14.0") -> Converted:
        """The conversion by these options, made once."""
        spec = ConversionSpec(scheme=scheme, io_dtype=io, runtime_floor=floor)
        if spec not in self._done:
            self._done[spec] = convert(self.source, spec, self.samples)
        return self._done[spec]


@pytest.fixture(scope="session")
def tensorflow() -> stack.Stack:
    """TensorFlow and tf_keras."""
    return stack.load()


@pytest.fixture(scope="session")
def cnn(tensorflow: stack.Stack) -> TrainedCnn:
    """Trains for a second: the errors of random weights say nothing about those of a model in use."""
    from sklearn.datasets import load_digits

    keras, layers = tensorflow.keras, tensorflow.keras.layers
    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype(np.float32)
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((8, 8), name="image"),
            layers.Rescaling(1 / 255, name="pixel_scaling"),
            layers.Reshape((8, 8, 1), name="reshape"),
            layers.Conv2D(8, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dense(32, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", name="predictions"),
        ],
        name="digits",
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(images[:TRAINED_ON], digits.target[:TRAINED_ON], epochs=8, batch_size=64, verbose=0)
    held_out = images[TRAINED_ON : TRAINED_ON + COMPARED]
    return TrainedCnn(
        model=model,
        source=from_keras(model),
        samples=representative(images[:200], shape=(8, 8), value_range=(0, 255)),
        images=held_out,
        expected=model.predict_on_batch(held_out),
    )


def run_tflite(content: bytes, inputs: npt.NDArray[Any]) -> Floats:
    """Runs a .tflite file in TensorFlow's own interpreter.

    Args:
        content: the file.
        inputs: (n, *input shape) of real numbers; quantised here where the file takes integers.

    Returns:
        (n, *output shape) of real numbers.
    """
    interpreter = stack.load().tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (door,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for row in inputs:
        interpreter.set_tensor(door["index"], _quantised(row[np.newaxis], door))
        interpreter.invoke()
        rows.append(_real(interpreter.get_tensor(output["index"]), output)[0])
    return np.stack(rows)


def _quantised(values: npt.NDArray[Any], tensor: dict[str, Any]) -> npt.NDArray[Any]:
    scale, zero_point = tensor["quantization"]
    if scale == 0.0:
        return values.astype(tensor["dtype"])
    limits = np.iinfo(tensor["dtype"])
    steps = np.round(values / scale) + zero_point
    return np.asarray(np.clip(steps, limits.min, limits.max), dtype=tensor["dtype"])


def _real(values: npt.NDArray[Any], tensor: dict[str, Any]) -> npt.NDArray[Any]:
    scale, zero_point = tensor["quantization"]
    return values if scale == 0.0 else np.asarray((values.astype(np.float32) - zero_point) * scale)


OLD_RUNTIME = """
import sys
import numpy as np
from tflite_runtime.interpreter import Interpreter
model, inputs, outputs = sys.argv[1:]
interpreter = Interpreter(model)
interpreter.allocate_tensors()
(door,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
rows = []
for row in np.load(inputs):
    interpreter.set_tensor(door["index"], row[np.newaxis])
    interpreter.invoke()
    rows.append(interpreter.get_tensor(output["index"])[0])
np.save(outputs, np.stack(rows))
"""
"""Runs a file with float32 at its doors in tflite_runtime, which cannot share a process with TensorFlow."""

OldRuntime = Callable[[bytes, Floats], "subprocess.CompletedProcess[str] | Floats"]


@pytest.fixture
def old_runtime(tmp_path: Path) -> OldRuntime:
    """Runs a file in tflite_runtime 2.14: its outputs, or the process that failed."""
    if importlib.util.find_spec("tflite_runtime") is None:
        pytest.skip("tflite_runtime is not installed: it has no wheel past Python 3.11")

    def run(content: bytes, inputs: Floats) -> "subprocess.CompletedProcess[str] | Floats":
        model, door, out = (tmp_path / name for name in ("model.tflite", "inputs.npy", "outputs.npy"))
        model.write_bytes(content)
        np.save(door, inputs)
        finished = subprocess.run(
            [sys.executable, "-c", OLD_RUNTIME, model, door, out], capture_output=True, text=True, check=False
        )
        if finished.returncode:
            return finished
        outputs: Floats = np.load(out)
        return outputs

    return run


@pytest.fixture(scope="session")
def saved(tensorflow: stack.Stack, tmp_path_factory: pytest.TempPathFactory) -> Models:
    """One model of each Keras in every format, and a plain SavedModel: name -> (model, file)."""
    folder = tmp_path_factory.mktemp("models")
    models: Models = {}
    for name, library in libraries(tensorflow.keras).items():
        model = small_model(library)
        for suffix in (".keras", ".h5"):
            models[name + suffix] = model, save(model, folder / (name + suffix))
    keras2, keras3 = models["keras2.h5"][0], models["keras3.h5"][0]
    keras2.save(folder / "keras2", save_format="tf")
    keras3.export(folder / "keras3", verbose=False)
    models |= {"keras2": (keras2, folder / "keras2"), "keras3": (keras3, folder / "keras3")}
    models["plain"] = plain_saved_model(tensorflow, folder / "plain", [None, 4])
    return models


@pytest.fixture(scope="session")
def mediapipe_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with MediaPipe."""
    return mediapipe_run.MEDIAPIPE.python(tmp_path_factory.mktemp("mediapipe"))
