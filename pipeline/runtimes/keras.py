"""Keras in TensorFlow (2, or 3 where that wrote the file): the reference of every .tflite."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.tflite.keras import load_keras
from pipeline.artifacts import TensorSpec
from pipeline.preprocess import Pixels
from pipeline.runtimes import Progress, Session, missing

DISTRIBUTION = "tf_keras"
MAX_SESSIONS = 1
"""TensorFlow spreads a batch over the cores itself."""

BATCH = 256


def unavailable() -> str | None:
    """Why it cannot run here, or None."""
    return missing(DISTRIBUTION)


def open_model(path: Path) -> Session:
    """Loads a ``.keras`` or ``.h5`` file."""
    return _KerasSession(load_keras(path))


class _KerasSession:
    """One model. A gray one may take (height, width, 1) too; the images are (height, width)."""

    def __init__(self, model: Any) -> None:
        self._model = model
        door, output = model.inputs[0], model.outputs[0]
        self._shape = tuple(door.shape[1:])
        gray = len(self._shape) == 3 and self._shape[2] == 1
        self.input = _tensor_spec(door, self._shape[:2] if gray else self._shape)
        self.output = _tensor_spec(output, tuple(output.shape[1:]))

    def run(
        self,
        images: Pixels,
        table: npt.NDArray[np.generic],
        out: npt.NDArray[np.generic],
        start: int,
        stop: int,
        done: Progress,
    ) -> None:
        for first in range(start, stop, BATCH):
            last = min(first + BATCH, stop)
            values = table[images[first:last]].reshape(-1, *self._shape)
            out[first:last] = self._model.predict_on_batch(values)
            done(last - first)


def _tensor_spec(tensor: Any, shape: tuple[int, ...]) -> TensorSpec:
    # The dtype of Keras 2 is a tf.DType, that of Keras 3 its name.
    dtype = getattr(tensor.dtype, "name", tensor.dtype)
    return TensorSpec(name=tensor.name, shape=(1, *shape), dtype=dtype)
