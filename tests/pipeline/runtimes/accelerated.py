"""One file on the real accelerator and on the CPU: ``python -m tests.pipeline.runtimes.accelerated FILE``.

A process of its own for each file, since a driver may crash. Any number of inputs and outputs, of any dtype;
it prints one line of JSON, the fields of :class:`Seen`.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.delegates import gpu_log
from converters.tflite.inspect import inspect
from pipeline.runtimes import _vulkan, _webgpu

SEED = 7


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What happened.

    Attributes:
        taken: whether all of the file was compiled for the GPU.
        reason: why not; or why its program is invalid although it was.
        left: ops that it would leave to the CPU; None where it does not tell.
        difference: largest one between GPU and CPU; None where it did not run.
    """

    taken: bool
    reason: str = ""
    left: int | None = None
    difference: float | None = None


def look(path: Path) -> Seen:
    """Compiles, and runs where it can."""
    os.environ.update(_vulkan.environment(_vulkan.manifests()))
    inspection = inspect(path)
    outputs: list[Any] = []
    doors = [_values(tensor.shape, tensor.dtype, index) for index, tensor in enumerate(inspection.inputs)]
    with _webgpu._captured_stderr() as log:
        try:
            model = _webgpu._compile(path, half_precision=False)
            inwards, outwards = model.create_input_buffers(0), model.create_output_buffers(0)
            for buffer, values in zip(inwards, doors, strict=True):
                buffer.write(values)
            model.run_by_index(0, inwards, outwards)
            for buffer, tensor in zip(outwards, inspection.outputs, strict=True):
                size = int(np.prod(tensor.shape))
                outputs.append(np.asarray(buffer.read(size, np.dtype(tensor.dtype))))
            failure = None
        except RuntimeError as error:
            failure = error
    text = _webgpu._text(log)
    if failure is not None:
        reason = gpu_log.why(text, inspection) or _webgpu._last_line(failure)
        return Seen(taken=False, reason=reason, left=gpu_log.left_on_cpu(text))
    expected = _on_cpu(path, doors)
    difference = max(
        float(np.abs(one.astype(np.float64) - two.reshape(-1).astype(np.float64)).max())
        for one, two in zip(outputs, expected, strict=True)
    )
    return Seen(taken=True, reason=gpu_log.invalid(text), difference=difference)


def _values(shape: tuple[int, ...], dtype: str, index: int) -> Any:
    draw = np.random.default_rng([SEED, index])
    if dtype == "float32":
        return draw.uniform(0.5, 2.0, shape).astype(np.float32)
    if dtype == "bool":
        return draw.integers(0, 2, shape).astype(np.bool_)
    return draw.integers(0, 50, shape).astype(dtype)


def _on_cpu(path: Path, doors: list[Any]) -> list[Any]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    for details, values in zip(interpreter.get_input_details(), doors, strict=True):
        interpreter.set_tensor(details["index"], values)
    interpreter.invoke()
    return [interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()]


if __name__ == "__main__":
    print(json.dumps(asdict(look(Path(sys.argv[1])))))  # noqa: T201
