"""tf_keras in TensorFlow: the reference that every .tflite is compared with."""

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
    """Loads a Keras file that this program wrote."""
    return _KerasSession(load_keras(path))


class _KerasSession:
    def __init__(self, model: Any) -> None:
        self._model = model
        door, output = model.inputs[0], model.outputs[0]
        self.input = TensorSpec(name=door.name, shape=(1, *door.shape[1:]), dtype=door.dtype.name)
        self.output = TensorSpec(name=output.name, shape=(1, *output.shape[1:]), dtype=output.dtype.name)

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
            out[first:last] = self._model.predict_on_batch(table[images[first:last]])
            done(last - first)
