"""A Session on any of the Interpreter classes: tf.lite, tflite_runtime and ai_edge_litert share one API."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.artifacts import TensorSpec
from pipeline.preprocess import Pixels
from pipeline.runtimes import Progress

BLOCK_BYTES = 1 << 21
"""Input bytes prepared at a time: large enough to leave the loop to the model, small enough for a cache."""


class InterpreterSession:
    """One interpreter at batch 1 with one thread, as a phone's big core runs it."""

    def __init__(self, interpreter: Any) -> None:
        """Takes an Interpreter that is not yet allocated."""
        self._interpreter = interpreter
        interpreter.allocate_tensors()
        (door,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
        self.input, self.output = _tensor_spec(door), _tensor_spec(output)
        self._door_index, self._output_index = int(door["index"]), int(output["index"])

    def run(
        self,
        images: Pixels,
        table: npt.NDArray[np.generic],
        out: npt.NDArray[np.generic],
        start: int,
        stop: int,
        done: Progress,
    ) -> None:
        """Runs images ``start`` to ``stop``; writes row i of ``out`` for image i."""
        # Views into the interpreter's own memory spare two copies and most of the Python time of
        # set_tensor and get_tensor; they are taken anew each time, as invoke() demands.
        door = self._interpreter.tensor(self._door_index)
        output = self._interpreter.tensor(self._output_index)
        invoke = self._interpreter.invoke
        block = max(1, BLOCK_BYTES // (images[0].size * table.itemsize))
        for first in range(start, stop, block):
            values = table[images[first : min(first + block, stop)]]
            for offset, value in enumerate(values):
                door()[0] = value
                invoke()
                out[first + offset] = output()[0]
            done(len(values))


def _tensor_spec(details: Mapping[str, Any]) -> TensorSpec:
    scale, zero_point = details["quantization"]
    quantised = scale != 0.0
    return TensorSpec(
        name=details["name"],
        shape=tuple(int(size) for size in details["shape"]),
        dtype=np.dtype(details["dtype"]).name,
        scale=float(scale) if quantised else None,
        zero_point=int(zero_point) if quantised else None,
    )
