"""Reads the weights of a .tflite file: the constant kernels of convolutions and Dense layers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.errors import InvalidTfliteError
from converters.tflite.buffers import Buffers
from converters.tflite.flatbuffer import Flatbuffer
from converters.tflite.graph import Tensor
from converters.tflite.inspect import inspect_bytes

KERNEL_INPUT = {"CONV_2D": 1, "FULLY_CONNECTED": 1, "DEPTHWISE_CONV_2D": 1}
"""Op to which of its inputs is the kernel."""

STORED = {"int8": "<i1", "uint8": "u1", "float16": "<f2", "float32": "<f4"}
"""Dtypes of kernels that stand in the file element by element, as numpy's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightTensor:
    """A kernel as it stands in the file.

    Attributes:
        op: that reads it.
        name: of the tensor.
        values: of a dtype of :data:`STORED`: (out, height, width, in) of CONV_2D, (out, in) of
            FULLY_CONNECTED, (1, height, width, channels) of DEPTHWISE_CONV_2D.
        per_channel: whether each output channel has a scale of its own.
    """

    op: str
    name: str
    values: npt.NDArray[np.generic]
    per_channel: bool


def weights(content: bytes, *, where: str) -> list[WeightTensor]:
    """The kernels in order of execution.

    Raises:
        InvalidTfliteError: not a readable TensorFlow Lite flatbuffer, or a kernel that does not stand in it
            element by element.
    """
    inspection = inspect_bytes(content, where=where)
    file = Flatbuffer(content)
    buffers = Buffers(file.root())
    found = []
    # Kernels of float16 become float32 in an op of their own, once the file is loaded.
    widened = {
        op.outputs[0]: op.inputs[0]
        for op in inspection.ops
        if op.name == "DEQUANTIZE" and op.inputs and op.outputs
    }
    for op in inspection.ops:
        position = KERNEL_INPUT.get(op.name)
        if position is None or position >= len(op.inputs):
            continue
        index = op.inputs[position]
        tensor = inspection.main.tensor(widened.get(index, index))
        if tensor is None or not tensor.constant_bytes:
            continue
        values = _values(tensor, file, buffers, where=where)
        found.append(
            WeightTensor(op=op.name, name=tensor.name, values=values, per_channel=len(tensor.scales) > 1)
        )
    return found


def _values(tensor: Tensor, file: Flatbuffer, buffers: Buffers, *, where: str) -> npt.NDArray[np.generic]:
    """The elements of a constant, not copied."""
    if tensor.dtype not in STORED or tensor.sparse:
        how = "sparse storage" if tensor.sparse else tensor.dtype
        raise InvalidTfliteError(
            f"{where}: kernel '{tensor.name}' is in {how}; readable are {', '.join(STORED)}, stored densely"
        )
    data = buffers.data(tensor.buffer)
    if data.start is None:
        raise InvalidTfliteError(f"{where}: kernel '{tensor.name}' stands in another file")
    if data.length != tensor.dense_bytes:
        raise InvalidTfliteError(
            f"{where}: kernel '{tensor.name}' has {data.length:,} bytes, its shape needs {tensor.dense_bytes}"
        )
    return np.frombuffer(file.region(data.start, data.length), STORED[tensor.dtype]).reshape(tensor.shape)
