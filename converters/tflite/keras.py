"""From a Keras model (in memory or on disk) to a concrete function at batch 1.

Batch 1 is fixed before conversion: a dynamic batch keeps delegates and LiteRT.js from taking the file.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters import stack
from converters.errors import ModelLoadError, UnsafeModelError

MODEL_SUFFIXES = (".keras", ".h5", ".hdf5")

_TRUSTED_MODULES = ("keras", "tf_keras", "tensorflow.keras", "builtins")
"""Classes from these modules are rebuilt from numbers alone."""

_CODE_CLASSES = frozenset({"Lambda", "__lambda__", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
"""Classes whose configuration carries code that runs when the model is loaded."""


@dataclass(frozen=True, kw_only=True)
class SourceModel:
    """A model ready for the converter.

    Attributes:
        function: ``tf`` concrete function of one (1, *input_shape) tensor to one (1, *output_shape).
        input_name: name of the input in the file's signature.
        input_shape: without the batch dimension.
        output_shape: without the batch dimension.
        layers: names of the Keras layers, for messages that name the layer behind an op.
        trackable: the object that owns the variables; keeps them alive and gives the file a signature.
    """

    function: Any
    input_name: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    layers: tuple[str, ...] = ()
    trackable: Any = field(repr=False, default=None)


def is_model(path: Path) -> bool:
    """Whether the path looks like a model file that :func:`load` reads."""
    return path.suffix in MODEL_SUFFIXES or (path / "saved_model.pb").is_file()


def load(path: Path, *, unsafe: bool = False) -> SourceModel:
    """Reads a ``.keras``, ``.h5`` or SavedModel.

    Args:
        path: a ``.keras`` file of Keras 2 or 3, an ``.h5`` file, or a SavedModel folder.
        unsafe: load models that carry code (Lambda layers) and so execute it.

    Raises:
        UnsafeModelError: the file carries code and ``unsafe`` is not set.
        ModelLoadError: no such file, not a model, damaged, or more than one input or output.
    """
    if (path / "saved_model.pb").is_file():
        return _from_saved_model(path)
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
        for carrier in _code_carriers(config):
            raise UnsafeModelError(
                f"{path}: {carrier} would execute code from the file while loading; "
                "if you trust where it came from, pass --unsafe"
            )
    keras = _keras_of(keras_version)
    try:
        return keras.models.load_model(path, compile=False, safe_mode=not unsafe)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ModelLoadError(f"{path}: Keras {keras_version or '2'} cannot load it: {first_line}") from error


def from_keras(model: Any) -> SourceModel:
    """Traces a built Keras model (Keras 2 or 3) at batch 1 in inference mode.

    Raises:
        ModelLoadError: the model is not built, or has more than one input or output.
    """
    tf = stack.load().tf
    if not getattr(model, "inputs", None):
        raise ModelLoadError(f"model '{model.name}' has no input shape yet: build or call it once")
    _one(model.inputs, f"model '{model.name}'", "inputs")
    _one(model.outputs, f"model '{model.name}'", "outputs")
    name = model.inputs[0].name.split(":")[0]
    dtype = model.inputs[0].dtype
    shape = _static(tuple(model.inputs[0].shape)[1:], f"model '{model.name}'")

    def serve(inputs: Any) -> Any:
        return model(inputs, training=False)

    signature = tf.TensorSpec((1, *shape), dtype, name=name)
    function = tf.function(serve, autograph=False).get_concrete_function(signature)
    return SourceModel(
        function=function,
        input_name=name,
        input_shape=shape,
        output_shape=_static(tuple(function.outputs[0].shape)[1:], f"model '{model.name}'"),
        layers=tuple(_layer_names(model)),
        trackable=_owner(model),
    )


def _from_saved_model(folder: Path) -> SourceModel:
    tf = stack.load().tf
    try:
        loaded = tf.saved_model.load(str(folder))
    except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
        raise ModelLoadError(f"{folder}: not a readable SavedModel: {error}") from error
    signature = loaded.signatures.get("serving_default")
    if signature is None:
        names = ", ".join(loaded.signatures) or "none"
        raise ModelLoadError(f"{folder}: no signature 'serving_default' (it has: {names})")
    inputs: Mapping[str, Any] = signature.structured_input_signature[1]
    _one(inputs, str(folder), "inputs")
    _one(signature.structured_outputs, str(folder), "outputs")
    ((name, spec),) = inputs.items()
    shape = _static(tuple(spec.shape)[1:], str(folder))

    def serve(tensor: Any) -> Any:
        ((_, output),) = signature(**{name: tensor}).items()
        return output

    at_batch_one = tf.TensorSpec((1, *shape), spec.dtype, name=name)
    function = tf.function(serve, autograph=False).get_concrete_function(at_batch_one)
    return SourceModel(
        function=function,
        input_name=name,
        input_shape=shape,
        output_shape=_static(tuple(function.outputs[0].shape)[1:], str(folder)),
        trackable=loaded,
    )


def _read_config(path: Path) -> tuple[Any, str]:
    """The model's configuration as plain JSON values, and the Keras version that wrote it."""
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                config = json.loads(archive.read("config.json"))
                metadata = json.loads(archive.read("metadata.json"))
            return config, str(metadata.get("keras_version", ""))
        import h5py

        with h5py.File(path) as file:
            text = file.attrs.get("model_config")
            version = file.attrs.get("keras_version", "")
        if text is None:
            raise ModelLoadError(f"{path}: holds weights only; save the whole model instead")
        return json.loads(text), str(version)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelLoadError(f"{path}: not a readable Keras file: {error}") from error


def _code_carriers(config: Any) -> Iterator[str]:
    """Names everything in a configuration that brings or imports code of its own."""
    if isinstance(config, dict):
        class_name, module = config.get("class_name"), config.get("module")
        if isinstance(class_name, str):
            name = config.get("name") or (config.get("config") or {}).get("name", "")
            if class_name in _CODE_CLASSES:
                yield f"layer '{name}' ({class_name})"
            elif isinstance(module, str) and module.split(".src")[0] and not _trusted(module):
                yield f"'{class_name}' from module '{module}'"
        for value in config.values():
            yield from _code_carriers(value)
    elif isinstance(config, list):
        for value in config:
            yield from _code_carriers(value)


def _trusted(module: str) -> bool:
    return any(module == root or module.startswith(root + ".") for root in _TRUSTED_MODULES)


def _keras_of(version: str) -> Any:
    """The Keras that wrote the file: tf_keras up to 2.x, else Keras 3 (which TensorFlow installs)."""
    keras2 = stack.load().keras
    if not version.startswith("3."):
        return keras2
    import keras

    return keras


def _owner(model: Any) -> Any:
    """A ``tf.Module`` that owns the model: what the converter takes from Keras 2 and Keras 3 alike."""
    module = stack.load().tf.Module()
    module.model = model
    return module


def _one(values: Any, where: str, what: str) -> None:
    if len(values) != 1:
        raise ModelLoadError(f"{where} has {len(values)} {what}; only models with one are converted")


def _static(shape: tuple[int | None, ...], where: str) -> tuple[int, ...]:
    if any(size is None for size in shape):
        raise ModelLoadError(
            f"{where} takes or gives a tensor of open shape {shape}: fix every dimension but the batch"
        )
    return tuple(int(size) for size in shape if size is not None)


def _layer_names(model: Any) -> Iterator[str]:
    for layer in model.layers:
        yield layer.name
        if hasattr(layer, "layers"):
            yield from _layer_names(layer)
