"""A model with measured activation ranges, from which a file with any layers in float takes milliseconds.

calibrated:  float32 ops, each tensor with its range (one calibration)
quantised:   uint8 -> int8 ops ... DEQUANTIZE -> float32 op -> QUANTIZE ... int8 ops -> uint8
                                   (a restored layer)
"""

import re
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from converters import stack
from converters.errors import ConverterError
from converters.representative import Representative
from converters.spec import ConversionSpec
from converters.tflite.convert import check, explain, layer_of, native_stderr_held, prepare
from converters.tflite.inspect import Inspection, inspect_bytes
from converters.tflite.keras import SourceModel
from converters.tflite.versions import per_channel_dense

KERNEL_NODE = re.compile(r"/[^/]*(?:conv|depthwise|matmul)[^/]*$", re.IGNORECASE)
"""Name of the graph node that holds a layer's kernel: ``conv/Conv2D``, ``separable/depthwise``."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One op of the model, as the unit that is quantised or not.

    Attributes:
        name: of the Keras layer it comes from, of several fused into it the one with the kernel; where its
            tensor does not tell, of the layer before it.
        op: builtin op, ``CONV_2D``.
        node: name of its output tensor, by which the quantiser knows it.
        feeds: positions of the layers that read its output.
        weights: whether it holds float32 constants, which int8 makes smaller.
    """

    name: str
    op: str
    node: str
    feeds: tuple[int, ...]
    weights: bool

    @property
    def title(self) -> str:
        """As reports call it; two ops of one Keras layer differ in the op."""
        return f"{self.name} ({self.op})"


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """A calibrated model.

    Attributes:
        source: the model.
        spec: of the files to make: scheme ``int8``.
        layers: every op, in order of execution.
    """

    source: SourceModel
    spec: ConversionSpec
    layers: tuple[Layer, ...]
    _content: bytes = field(repr=False)
    _quantizer: Callable[..., bytes] = field(repr=False)

    def quantise(self, restored: Collection[int] = ()) -> bytes:
        """The int8 file with some layers left in float32.

        Args:
            restored: positions of layers.

        Raises:
            ConverterError: the quantiser cannot make that mixture.
            RuntimeFloorError: the runtime floor would not run it.
            WrongClaimError: the file would claim to run where it does not.
        """
        content = self._run(
            input_data_type=self._door,
            output_data_type=self._door,
            denylisted_nodes=[self.layers[index].node for index in sorted(restored)] or None,
        )
        check(content, self.spec)
        return content

    def instrumented(self) -> bytes:
        """The int8 file with float32 doors in which each layer stands twice, in int8 and in float32.

        Both read the same int8 tensors; an op ``NumericVerify`` compares their outputs. Only TensorFlow's
        own interpreter runs it.
        """
        return self._run(enable_numeric_verify=True)

    @property
    def _door(self) -> Any:
        return stack.load().tf.as_dtype(self.spec.io_dtype)

    def _run(self, **options: Any) -> bytes:
        dense = per_channel_dense(self.spec.runtime_floor) and not self.spec.per_tensor_dense
        try:
            with native_stderr_held():
                content: bytes = self._quantizer(
                    self._content, disable_per_channel_for_dense_layers=not dense, **options
                )
        # The quantiser is C++ behind pybind: it raises RuntimeError or ValueError.
        except Exception as error:
            raise explain(error, self.source) from error
        return content


def calibrate(source: SourceModel, spec: ConversionSpec, representative: Representative) -> Calibrated:
    """Measures the activation ranges once.

    Raises:
        RepresentativeError: samples of another shape than the model's input.
        ConverterError: the scheme is not ``int8``, or TensorFlow's converter failed.
    """
    if spec.scheme != "int8":
        raise ConverterError(f"scheme '{spec.scheme}' cannot keep single layers in float: give scheme 'int8'")
    converter = prepare(source, spec, representative)
    converter._experimental_calibrate_only = True
    try:
        with warnings.catch_warnings(), native_stderr_held():
            warnings.simplefilter("ignore")  # "Statistics for quantized inputs were expected"
            content: bytes = converter.convert()
    # As in converters.tflite.convert: private classes, RuntimeError and ValueError.
    except Exception as error:
        raise explain(error, source) from error
    return Calibrated(
        source=source,
        spec=spec,
        layers=_layers(inspect_bytes(content, where="calibrated model"), source),
        _content=content,
        _quantizer=stack.load_quantizer(),
    )


def _layers(inspection: Inspection, source: SourceModel) -> tuple[Layer, ...]:
    readers: dict[int, list[int]] = {}
    for position, op in enumerate(inspection.ops):
        for tensor in op.inputs:
            readers.setdefault(tensor, []).append(position)
    names: dict[int, str] = {}
    layers = []
    for op in inspection.ops:
        node = inspection.tensors[op.outputs[0]].name
        before = next((names[tensor] for tensor in op.inputs if tensor in names), node)
        name = _keras_name(node, source) or before
        names.update(dict.fromkeys(op.outputs, name))
        feeds = sorted({reader for tensor in op.outputs for reader in readers.get(tensor, [])})
        constants = [inspection.tensors[t] for t in op.inputs if 0 <= t < len(inspection.tensors)]
        weights = any(tensor.constant_bytes and tensor.dtype == "float32" for tensor in constants)
        layers.append(Layer(name=name, op=op.name, node=node, feeds=tuple(feeds), weights=weights))
    return tuple(layers)


def _keras_name(node: str, source: SourceModel) -> str | None:
    """The Keras layer of an op into which several were fused, ``act/Relu;bn/FusedBatchNormV3;conv/Conv2D``.

    The one with the kernel, else the first in the model's order; None for the model's output, whose tensor
    has lost its layer's name.
    """
    parts = [part for part in node.split(";") if layer_of(part, source)]
    kernels = [part for part in parts if KERNEL_NODE.search(part)]
    owners = [owner for part in kernels or parts if (owner := layer_of(part, source))]
    return min(owners, key=source.layers.index, default=None)
