"""The files that are tried on old and new runtimes: two small models in every scheme, some with wrong claims.

The plain one is a CNN. The separable one has a depthwise convolution and Dense layers without a bias, whose
cases say so in their names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from converters import ConversionSpec, Representative, convert, representative, stack
from converters.tflite.inspect import inspect_bytes
from converters.tflite.keras import SourceModel, from_keras
from converters.tflite.tried import ONE_DEPTHWISE_SCALE
from converters.tflite.versions import minimum_runtime
from tests.converters.test_claims import changed, claiming

Floats = npt.NDArray[np.float32]

SEED, TRAINED_ON, COMPARED = 1, 1_400, 100
"""Of the 1,797 digits of scikit-learn."""

PER_TENSOR, PER_CHANNEL = "2.14.0", "2.17.0"
"""Runtime floors on either side of per-channel Dense weights."""

INT8_LIMIT = 127


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A file, the runtime it needs by our table or ``none``, and Keras' probabilities (n, 10)."""

    name: str
    content: bytes
    needs: str
    expected: Floats


def make_cases() -> tuple[list[Case], Floats]:
    """Trains and converts: the files, and images (n, 8, 8) of 0..255 that the models have not seen."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype(np.float32)
    held_out = images[TRAINED_ON : TRAINED_ON + COMPARED]
    samples = representative(images[:200], shape=(8, 8), value_range=(0, 255))
    cases = []
    for layers, files in ((_plain, _plain_files), (_separable, _separable_files)):
        model = _trained(layers(), images, digits.target)
        expected = model.predict_on_batch(held_out)
        for name, content in files(Trained(source=from_keras(model), samples=samples)).items():
            needs = minimum_runtime(inspect_bytes(content, where=name)).text
            cases.append(Case(name=name, content=content, needs=needs, expected=expected))
    return cases, held_out


def _plain() -> list[Any]:
    layers = stack.load().keras.layers
    return [
        layers.Conv2D(8, 3, activation="relu", name="conv_1"),
        # Dynamic range leaves kernels below 1,024 elements alone; this one has 1,152.
        layers.Conv2D(16, 3, activation="relu", name="conv_2"),
        layers.MaxPooling2D(2, name="pool"),
        layers.Flatten(name="flatten"),
        layers.Dense(32, activation="relu", name="hidden"),
        layers.Dense(10, activation="softmax", name="predictions"),
    ]


def _separable() -> list[Any]:
    layers = stack.load().keras.layers
    return [
        layers.Conv2D(128, 3, activation="relu", name="conv"),
        # 1,152 elements, for the same reason.
        layers.DepthwiseConv2D(3, activation="relu", name="depthwise"),
        layers.MaxPooling2D(2, name="pool"),
        layers.Flatten(name="flatten"),
        layers.Dense(32, activation="relu", use_bias=False, name="hidden"),
        layers.Dense(10, activation="softmax", use_bias=False, name="predictions"),
    ]


def _trained(own: list[Any], images: Floats, classes: npt.NDArray[np.int64]) -> Any:
    keras = stack.load().keras
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((8, 8), name="image"),
            keras.layers.Rescaling(1 / 255, name="pixel_scaling"),
            keras.layers.Reshape((8, 8, 1), name="reshape"),
            *own,
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(images[:TRAINED_ON], classes[:TRAINED_ON], epochs=8, batch_size=64, verbose=0)
    return model


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A model, and samples for its calibration."""

    source: SourceModel
    samples: Representative

    def to(self, scheme: str, floor: str = PER_TENSOR) -> bytes:
        """The file of a scheme, for a floor."""
        return convert(self.source, ConversionSpec(scheme=scheme, runtime_floor=floor), self.samples).content


def _plain_files(model: Trained) -> Mapping[str, bytes]:
    files = {name: model.to(name) for name in ("float32", "float16", "dynamic_range", "int8", "int16x8")}
    for scheme in ("dynamic_range", "int8", "int16x8"):
        files[f"{scheme}, per-channel Dense"] = model.to(scheme, PER_CHANNEL)
    hybrid = files["dynamic_range"]
    wrong = {
        "dynamic_range, per-channel Dense": (files["dynamic_range, per-channel Dense"], "FULLY_CONNECTED"),
        "dynamic_range": (hybrid, "FULLY_CONNECTED"),
        "dynamic_range of symmetric inputs": (changed(hybrid, _symmetric_inputs), "FULLY_CONNECTED"),
        "int8": (files["int8"], "FULLY_CONNECTED"),
    }
    for name, (content, op) in wrong.items():
        files[f"{name}, claiming {op} 1"] = claiming(content, op=op)
    for name in ("dynamic_range", "int8"):
        files[f"{name}, claiming CONV_2D 1"] = claiming(files[name], op="CONV_2D")
    files["dynamic_range per tensor, claiming CONV_2D 1"] = claiming(_per_tensor(hybrid), op="CONV_2D")
    return files


def _separable_files(model: Trained) -> Mapping[str, bytes]:
    depthwise, dense = "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"
    files = {}
    for scheme in ("dynamic_range", "int8"):
        own, per_channel = model.to(scheme), model.to(scheme, PER_CHANNEL)
        files[f"{scheme}, claiming {depthwise} 1"] = claiming(own, op=depthwise)
        files[f"{scheme}, Dense without bias, claiming {dense} 1"] = claiming(own, op=dense)
        files[f"{scheme}, per-channel Dense without bias"] = per_channel
        files[f"{scheme}, per-channel Dense without bias, claiming {dense} 1"] = claiming(
            per_channel, op=dense
        )
        if scheme == "dynamic_range":
            files[ONE_DEPTHWISE_SCALE] = _per_tensor(own)
    return files


def _symmetric_inputs(model: Any) -> None:
    for graph in model.subgraphs:
        for op in graph.operators:
            if hasattr(op.builtinOptions, "asymmetricQuantizeInputs"):
                op.builtinOptions.asymmetricQuantizeInputs = False


def _per_tensor(content: bytes) -> bytes:
    """The file with one scale for every int8 kernel that had one a channel, its values rounded anew."""

    def change(model: Any) -> None:
        for tensor in _per_channel_tensors(model):
            quantization, buffer = tensor.quantization, model.buffers[tensor.buffer]
            shape = [1] * len(tensor.shape)
            shape[quantization.quantizedDimension] = -1
            scales = np.asarray(quantization.scale, np.float32).reshape(shape)
            real = np.asarray(buffer.data, np.uint8).view(np.int8).reshape(tensor.shape) * scales
            one = np.float32(np.abs(real).max() / INT8_LIMIT)
            buffer.data = np.round(real / one).astype(np.int8).view(np.uint8).ravel()
            quantization.scale, quantization.zeroPoint = [float(one)], [0]
            quantization.quantizedDimension = 0

    return changed(content, change)


def _per_channel_tensors(model: Any) -> Iterator[Any]:
    from ai_edge_litert import schema_py_generated as schema

    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        scales = None if tensor.quantization is None else tensor.quantization.scale
        if tensor.type == schema.TensorType.INT8 and scales is not None and len(scales) > 1:
            yield tensor
