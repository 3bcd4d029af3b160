"""Reads the weights of a .tflite file: the constant kernels of convolutions and Dense layers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.tflite.inspect import inspect_bytes

KERNEL_INPUT = {"CONV_2D": 1, "FULLY_CONNECTED": 1, "DEPTHWISE_CONV_2D": 1}
"""Op to which of its inputs is the kernel."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightTensor:
    """A kernel as it stands in the file.

    Attributes:
        op: that reads it.
        name: of the tensor.
        values: int8, float16 or float32: (out, height, width, in) of CONV_2D, (out, in) of FULLY_CONNECTED,
            (1, height, width, channels) of DEPTHWISE_CONV_2D.
        per_channel: whether each output channel has a scale of its own.
    """

    op: str
    name: str
    values: npt.NDArray[np.generic]
    per_channel: bool


def weights(content: bytes, *, where: str) -> list[WeightTensor]:
    """The kernels in order of execution.

    Raises:
        InvalidTfliteError: not a readable TensorFlow Lite flatbuffer.
    """
    inspection = inspect_bytes(content, where=where)
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    found = []
    # Kernels of float16 become float32 in an op of their own, once the file is loaded.
    widened = {op.outputs[0]: op.inputs[0] for op in inspection.ops if op.name == "DEQUANTIZE"}
    for op in inspection.ops:
        if op.name not in KERNEL_INPUT:
            continue
        index = op.inputs[KERNEL_INPUT[op.name]]
        tensor = inspection.tensors[widened.get(index, index)]
        if not tensor.constant_bytes:
            continue
        data = model.Buffers(model.Subgraphs(0).Tensors(tensor.index).Buffer()).DataAsNumpy()
        values = np.frombuffer(data.tobytes(), dtype=tensor.dtype).reshape(tensor.shape)
        found.append(
            WeightTensor(op=op.name, name=tensor.name, values=values, per_channel=len(tensor.scales) > 1)
        )
    return found
