"""Builds small .tflite files by the schema's object API: no TensorFlow, any op, also nonsensical ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def schema() -> Any:
    """The generated schema."""
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


def tensor(
    name: str,
    shape: Sequence[int],
    dtype: str = "FLOAT32",
    *,
    data: Array | None = None,
    scales: Sequence[float] = (),
    axis: int = 0,
    signature: Sequence[int] | None = None,
    variable: bool = False,
    sparse: bool = False,
) -> Any:
    """A ``TensorT``; :func:`model` gives its ``data`` a buffer. Zero points are 0."""
    made = schema().TensorT()
    made.name, made.shape, made.type = name, list(shape), getattr(schema().TensorType, dtype)
    made.shapeSignature, made.isVariable = None if signature is None else list(signature), variable
    made.contents = data
    if scales:
        made.quantization = schema().QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = list(scales), [0] * len(scales)
        made.quantization.quantizedDimension = axis
    if sparse:
        made.sparsity = schema().SparsityParametersT()
    return made


def op(
    name: str,
    inputs: Sequence[int],
    outputs: Sequence[int],
    *,
    version: int = 1,
    options: tuple[str, Mapping[str, Any]] | None = None,
) -> Any:
    """An ``OperatorT``; a name that is no builtin is a custom op. Options: class and fields of the schema."""
    made = schema().OperatorT()
    made.inputs, made.outputs, made.code = list(inputs), list(outputs), (name, version)
    if options is not None:
        kind, values = options
        made.builtinOptionsType = getattr(schema().BuiltinOptions, kind)
        made.builtinOptions = getattr(schema(), f"{kind}T")()
        for field, value in values.items():
            assert hasattr(made.builtinOptions, field), f"{kind} has no {field}"
            setattr(made.builtinOptions, field, value)
    return made


def graph(
    tensors: Sequence[Any],
    ops: Sequence[Any],
    *,
    inputs: Sequence[int],
    outputs: Sequence[int],
    name: str = "main",
) -> Any:
    """A ``SubGraphT``."""
    made = schema().SubGraphT()
    made.tensors, made.operators, made.name = list(tensors), list(ops), name
    made.inputs, made.outputs = list(inputs), list(outputs)
    return made


def model(*graphs: Any, metadata: Mapping[str, bytes] | None = None, signature: str = "") -> bytes:
    """The file: buffers and op codes are those of the graphs; ``signature`` is one on the first's doors."""
    made, buffers, codes = schema().ModelT(), [schema().BufferT()], []
    for each in graphs:
        for one in each.tensors:
            if one.contents is not None:
                one.buffer = len(buffers)
                buffers.append(_buffer(one.contents))
        for operator in each.operators:
            if operator.code not in codes:
                codes.append(operator.code)
            operator.opcodeIndex = codes.index(operator.code)
    made.metadata = []
    for name, content in (metadata or {}).items():
        entry = schema().MetadataT()
        entry.name, entry.buffer = name, len(buffers)
        made.metadata.append(entry)
        buffers.append(_buffer(np.frombuffer(content, np.uint8)))
    if signature:
        made.signatureDefs = [_signature(signature, graphs[0])]
    made.version, made.description = 3, "built by a test"
    made.subgraphs, made.buffers, made.operatorCodes = list(graphs), buffers, [_code(*code) for code in codes]
    builder = flatbuffers.Builder(0)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _buffer(contents: Array) -> Any:
    made = schema().BufferT()
    made.data = np.ascontiguousarray(contents).reshape(-1).view(np.uint8)
    return made


def _code(name: str, version: int) -> Any:
    made = schema().OperatorCodeT()
    number = getattr(schema().BuiltinOperator, name, None)
    made.version, made.builtinCode = version, schema().BuiltinOperator.CUSTOM if number is None else number
    made.deprecatedBuiltinCode = min(made.builtinCode, 127)
    made.customCode = name if number is None else None
    return made


def _signature(key: str, first: Any) -> Any:
    made = schema().SignatureDefT()
    made.signatureKey, made.subgraphIndex = key, 0
    made.inputs = [_door(first, i) for i in first.inputs]
    made.outputs = [_door(first, i) for i in first.outputs]
    return made


def _door(first: Any, index: int) -> Any:
    made = schema().TensorMapT()
    made.name, made.tensorIndex = first.tensors[index].name, index
    return made


def floats(*shape: int, seed: int = 1) -> Array:
    """Weights without a zero."""
    return np.random.default_rng(seed).uniform(0.5, 1, shape).astype(np.float32)


def cnn(*, metadata: Mapping[str, bytes] | None = None) -> bytes:
    """A small int8 CNN of 8x8 images: CONV_2D, DEPTHWISE_CONV_2D, RESHAPE, FULLY_CONNECTED, SOFTMAX."""
    draw = np.random.default_rng(3)

    def weights(*shape: int) -> Array:
        return draw.integers(-127, 128, shape, dtype=np.int8)

    def activation(name: str, *shape: int) -> Any:
        return tensor(name, shape, "INT8", scales=(0.5,))

    tensors = [
        activation("image", 1, 8, 8, 1),
        tensor(
            "net/conv/Conv2D", (4, 3, 3, 1), "INT8", data=weights(4, 3, 3, 1), scales=(0.1, 0.2, 0.3, 0.4)
        ),
        tensor("net/conv/bias", (4,), "INT32", data=np.arange(4, dtype=np.int32), scales=(0.1,)),
        activation("net/conv/Relu;net/conv/BiasAdd;net/conv/Conv2D", 1, 6, 6, 4),
        tensor(
            "net/depth/depthwise", (1, 3, 3, 4), "INT8", data=weights(1, 3, 3, 4), scales=(0.1,) * 4, axis=3
        ),
        activation("net/depth/depthwise1", 1, 6, 6, 4),
        tensor("shape", (2,), "INT32", data=np.array([1, 144], np.int32)),
        activation("net/flatten/Reshape", 1, 144),
        tensor("net/dense/MatMul", (10, 144), "INT8", data=weights(10, 144), scales=(0.1,)),
        activation("net/dense/MatMul;net/dense/BiasAdd", 1, 10),
        activation("StatefulPartitionedCall:0", 1, 10),
    ]
    convolution = {"padding": 1, "strideW": 1, "strideH": 1, "fusedActivationFunction": 1}
    ops = [
        op("CONV_2D", (0, 1, 2), (3,), version=3, options=("Conv2DOptions", convolution)),
        op("DEPTHWISE_CONV_2D", (3, 4, -1), (5,), version=3, options=(
            "DepthwiseConv2DOptions", {"strideW": 1, "strideH": 1, "depthMultiplier": 1})),
        op("RESHAPE", (5, 6), (7,), options=("ReshapeOptions", {"newShape": [1, 144]})),
        op("FULLY_CONNECTED", (7, 8, -1), (9,), version=4, options=("FullyConnectedOptions", {})),
        op("SOFTMAX", (9,), (10,), version=2, options=("SoftmaxOptions", {"beta": 1.0})),
    ]  # fmt: skip
    main = graph(tensors, ops, inputs=(0,), outputs=(10,))
    return model(
        main, metadata=metadata or {"min_runtime_version": b"1.14.0\0\0"}, signature="serving_default"
    )
