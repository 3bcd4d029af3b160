"""From a Keras model (in memory or on disk) to a concrete function at batch 1.

Batch 1 is fixed before conversion: a dynamic batch keeps delegates and LiteRT.js from taking the file.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters import stack
from converters.errors import ModelLoadError, UnsafeModelError
from converters.tflite.safety import hazards_of_config, hazards_of_graphs

MODEL_SUFFIXES = (".keras", ".h5", ".hdf5")

_FAKE_QUANT, _FAKE_QUANT_WRAPPER = "FakeQuant", "QuantizeWrapper"
"""How the ops of quantisation-aware training begin, and the classes around its layers."""


@dataclass(frozen=True, kw_only=True)
class SourceModel:
    """A model ready for the converter.

    Attributes:
        function: ``tf`` concrete function of one (1, *input_shape) tensor to one (1, *output_shape).
        input_name: name of the input in the file's signature.
        input_shape: without the batch dimension.
        output_shape: without the batch dimension.
        layers: names of the Keras layers, for messages that name the layer behind an op.
        numbered_scopes: True where the ops of layer ``name`` stand in the graph under ``name_1``: Keras 3
            opens the scope of a layer once to build it and again to call it.
        fake_quantised: whether quantisation-aware training has put the ranges of activations into it.
        trackable: the object that owns the variables; keeps them alive and gives the file a signature.
    """

    function: Any
    input_name: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    layers: tuple[str, ...] = ()
    numbered_scopes: bool = False
    fake_quantised: bool = False
    trackable: Any = field(repr=False, default=None)


def is_model(path: Path) -> bool:
    """Whether the path looks like a model file that :func:`load` reads."""
    return path.suffix in MODEL_SUFFIXES or (path / "saved_model.pb").is_file()


def holds_ranges(path: Path) -> bool:
    """Whether a model file went through quantisation-aware training; told without loading TensorFlow.

    False where the file cannot be read: :func:`load` says why.
    """
    saved = path / "saved_model.pb"
    if saved.is_file():
        return _FAKE_QUANT.encode() in saved.read_bytes()
    try:
        config, _ = _read_config(path)
    except ModelLoadError:
        return False
    return _FAKE_QUANT_WRAPPER in json.dumps(config)


def load(path: Path, *, unsafe: bool = False) -> SourceModel:
    """Reads a ``.keras``, ``.h5`` or SavedModel.

    Args:
        path: a ``.keras`` file of Keras 2 or 3, an ``.h5`` file, or a SavedModel folder.
        unsafe: load models that carry code, and so execute it; see :mod:`converters.tflite.safety`.

    Raises:
        UnsafeModelError: the file carries code and ``unsafe`` is not set.
        ModelLoadError: no such file, not a model, damaged, or more than one input or output.
    """
    if (path / "saved_model.pb").is_file():
        return _from_saved_model(path, unsafe=unsafe)
    return from_keras(load_keras(path, unsafe=unsafe))


def load_keras(path: Path, *, unsafe: bool = False) -> Any:
    """Reads a ``.keras`` or ``.h5`` file as the Keras model it is (Keras 2 or Keras 3).

    Raises:
        UnsafeModelError: the file carries code and ``unsafe`` is not set.
        ModelLoadError: no such file, not a model, or damaged.
    """
    if not path.exists():
        raise ModelLoadError(f"{path}: no such file")
    if path.suffix not in MODEL_SUFFIXES:
        raise ModelLoadError(f"{path}: not a model; give {', '.join(MODEL_SUFFIXES)} or a SavedModel folder")
    config, keras_version = _read_config(path)
    if not unsafe:
        for hazard in hazards_of_config(config):
            raise UnsafeModelError(
                f"{path}: {hazard} while loading; if you trust where it came from, pass --unsafe"
            )
    keras = _keras_of(keras_version)
    try:
        with _quantisation_aware(config):
            return keras.models.load_model(path, compile=False, safe_mode=not unsafe)
    # A damaged file shows as almost any exception of Keras, TensorFlow, HDF5, zip or zlib.
    except Exception as error:
        raise ModelLoadError(
            f"{path}: Keras {keras_version or '2'} cannot load it: {_reason(error)}"
        ) from error


@contextmanager
def _quantisation_aware(config: Any) -> Iterator[None]:
    """Knows the wrappers of quantisation-aware training, where the configuration names one."""
    if _FAKE_QUANT_WRAPPER not in json.dumps(config):
        yield
        return
    with stack.load_tfmot().quantization.keras.quantize_scope():
        yield


def from_keras(model: Any) -> SourceModel:
    """Traces a built Keras model (Keras 2 or 3) at batch 1 in inference mode.

    Raises:
        ModelLoadError: the model is not built, or has more than one input or output.
    """
    tf, keras2 = stack.load()
    where = f"model '{getattr(model, 'name', type(model).__name__)}'"
    if not getattr(model, "inputs", None):
        raise ModelLoadError(f"{where} has no input of known shape: give a Sequential or Functional, built")
    _one(model.inputs, where, "inputs")
    _one(model.outputs, where, "outputs")
    name = model.inputs[0].name.split(":")[0]
    dtype = model.inputs[0].dtype
    shape = _static(model.inputs[0].shape, where)

    def serve(inputs: Any) -> Any:
        return model(inputs, training=False)

    signature = tf.TensorSpec((1, *shape), dtype, name=name)
    function = tf.function(serve, autograph=False).get_concrete_function(signature)
    return SourceModel(
        function=function,
        input_name=name,
        input_shape=shape,
        output_shape=_static(function.outputs[0].shape, where),
        layers=tuple(_layer_names(model)),
        numbered_scopes=not isinstance(model, keras2.Model),
        fake_quantised=any(node.op.startswith(_FAKE_QUANT) for node in function.graph.as_graph_def().node),
        trackable=_owner(function),
    )


def _from_saved_model(folder: Path, *, unsafe: bool) -> SourceModel:
    tf = stack.load().tf
    try:
        # The reader that tf.saved_model.load itself uses: what is checked is what is loaded.
        graphs = tf.__internal__.saved_model.parse_saved_model(str(folder)).meta_graphs
    except Exception as error:
        raise ModelLoadError(f"{folder}: not a readable SavedModel: {_reason(error)}") from error
    if not unsafe:
        for hazard in hazards_of_graphs(graphs):
            raise UnsafeModelError(
                f"{folder}: {hazard} while loading or running; if you trust where it came from, pass --unsafe"
            )
    try:
        loaded = tf.saved_model.load(str(folder))
    except Exception as error:
        raise ModelLoadError(f"{folder}: not a readable SavedModel: {_reason(error)}") from error
    signature = loaded.signatures.get("serving_default")
    if signature is None:
        names = ", ".join(loaded.signatures) or "none"
        raise ModelLoadError(f"{folder}: no signature 'serving_default' (it has: {names})")
    inputs: Mapping[str, Any] = signature.structured_input_signature[1]
    _one(inputs, str(folder), "inputs")
    _one(signature.structured_outputs, str(folder), "outputs")
    ((name, spec),) = inputs.items()
    shape = _static(spec.shape, str(folder))
    if spec.shape[0] not in (None, 1):
        raise ModelLoadError(f"{folder} takes batches of {spec.shape[0]}: export it with an open batch")

    def serve(tensor: Any) -> Any:
        ((_, output),) = signature(**{name: tensor}).items()
        return output

    at_batch_one = tf.TensorSpec((1, *shape), spec.dtype, name=name)
    function = tf.function(serve, autograph=False).get_concrete_function(at_batch_one)
    return SourceModel(
        function=function,
        input_name=name,
        input_shape=shape,
        output_shape=_static(function.outputs[0].shape, str(folder)),
        trackable=loaded,
    )


def _read_config(path: Path) -> tuple[Any, str]:
    """The model's configuration as plain JSON values, and the Keras version that wrote it."""
    try:
        text, version = _archived_config(path) if path.suffix == ".keras" else _hdf5_config(path)
        config = None if text is None else json.loads(text)
    except Exception as error:
        raise ModelLoadError(f"{path}: not a readable Keras file: {_reason(error)}") from error
    if config is None:
        raise ModelLoadError(f"{path}: holds weights only; save the whole model instead")
    return config, version


def _archived_config(path: Path) -> tuple[bytes, str]:
    with zipfile.ZipFile(path) as archive:
        text, metadata = archive.read("config.json"), json.loads(archive.read("metadata.json"))
    return text, str(metadata["keras_version"])


def _hdf5_config(path: Path) -> tuple[str | bytes | None, str]:
    import h5py

    with h5py.File(path) as file:
        return file.attrs.get("model_config"), str(file.attrs.get("keras_version", ""))


def _reason(error: Exception) -> str:
    """The first line of what an exception says, without the configuration that Keras puts around it."""
    text = str(error).rpartition("Exception encountered: ")[2].partition(" Full object config:")[0].strip()
    return text.splitlines()[0] if text else repr(error)


def _keras_of(version: str) -> Any:
    """The Keras that wrote the file: tf_keras up to 2.x, else Keras 3 (which TensorFlow installs)."""
    keras2 = stack.load().keras
    if not version.startswith("3."):
        return keras2
    import keras

    return keras


def _owner(function: Any) -> Any:
    """A ``tf.Module`` that owns the variables of a function and nothing else.

    Owning the Keras model instead leaves the variables of Keras 3 out of the file, which then answers
    nonsense, and takes Keras 2 five times as long, for the same bytes.
    """
    module = stack.load().tf.Module()
    module.weights = list(function.graph.variables)
    return module


def _one(values: Any, where: str, what: str) -> None:
    if len(values) != 1:
        raise ModelLoadError(f"{where} has {len(values)} {what}; only models with one are converted")


def _static(shape: Any, where: str) -> tuple[int, ...]:
    """The dimensions after the batch, from a tuple of Keras or a ``tf.TensorShape``."""
    rank: int | None = getattr(shape, "rank", len(shape) if isinstance(shape, tuple) else None)
    if not rank:
        known = "a number without a batch dimension" if rank == 0 else "a tensor of unknown rank"
        raise ModelLoadError(f"{where} takes or gives {known}: give it a shape of batch and dimensions")
    sizes = tuple(shape)[1:]
    if any(size is None for size in sizes):
        raise ModelLoadError(
            f"{where} takes or gives a tensor of open shape {sizes}: fix every dimension but the batch"
        )
    return tuple(int(size) for size in sizes)


def _layer_names(model: Any) -> Iterator[str]:
    for layer in model.layers:
        yield layer.name
        if hasattr(layer, "layers"):
            yield from _layer_names(layer)
