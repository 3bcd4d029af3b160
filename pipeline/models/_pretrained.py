"""Weights of a pretrained base: where they are found, and how they get into its layers.

The files are Keras 2's HDF5: a list of layers in the order of the graph, each with its tensors. Layers are
matched by their place, as Keras does, because most bases number the names of theirs.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters import stack
from pipeline.errors import DataError, DataMissingError
from pipeline.models._bases import Base

FOLDER = "weights"
"""In the data folder."""

KERAS_FOLDER = Path(".keras") / "models"
"""In the user's home: where Keras keeps what it fetched."""


class FetchError(Exception):
    """Keras could not fetch a file; says why."""


Tensors = list[npt.NDArray[Any]]


def published(name: str, base: Base, *, alpha: float | None, size: int, data: Path | None) -> Path:
    """The file of the weights that Keras publishes, from this machine or, failing that, from its server.

    Args:
        name: of the base.
        base: its row.
        alpha: width, one of ``base.alphas``; None where it has none.
        size: of the images that the weights were trained on, for a base that has several.
        data: the data folder; looked through first, then Keras's own folder.

    Raises:
        DataMissingError: neither is it here nor does the server answer; names both ways out.
    """
    official = base.weights.format(alpha=base.alphas[alpha] if alpha is not None else "", size=size)
    parts = [name, *([] if alpha is None else [str(alpha)]), *([str(size)] if base.sizes else []), "no_top"]
    short = "_".join(parts) + ".h5"
    kept = Path.home() / KERAS_FOLDER / official
    beside = [data / FOLDER / each for each in (official, short)] if data else []
    for path in (*beside, kept):
        if path.is_file():
            return path
    try:
        return _fetch(base, alpha, size)
    except FetchError as error:
        raise DataMissingError(
            f"model 'transfer': no ImageNet weights of {name}: put the file {short} (or {official}) into "
            f"{data / FOLDER if data else 'the folder weights of a data folder named with --data'}, or build "
            f"on a machine where Keras can fetch it ({error}); model.weights takes a path too"
        ) from error


def given(weights: str, data: Path | None) -> Path:
    """The file that a recipe names, absolute or in the data folder.

    Raises:
        DataMissingError: it is not there.
    """
    path = Path(weights)
    if not path.is_absolute():
        if data is None:
            raise DataMissingError(
                f"model.weights '{weights}' is relative to a data folder: name one with --data or "
                "PIPELINE_DATA, or give an absolute path"
            )
        path = data / path
    if not path.is_file():
        raise DataMissingError(
            f"model.weights: {path} is no file; name one that is, 'imagenet' to have Keras fetch it, or "
            "'random' to start from nothing"
        )
    return path


def load(path: Path, layers: Sequence[Any], what: str) -> None:
    """Sets the weights of a base's layers.

    Args:
        path: of the file.
        layers: of the base, in the order of its graph.
        what: name and width of the base, for messages.

    Raises:
        DataError: no weights in Keras's HDF5 form, damaged, or of another base; says what was expected.
    """
    found = _read(path)
    wanted = [layer for layer in layers if layer.weights]
    refusal = f"{path}: not the weights of {what} without top: "
    for number, (layer, (name, tensors)) in enumerate(zip(wanted, found, strict=False), start=1):
        expected = [tuple(weight.shape) for weight in layer.weights]
        shapes = [tensor.shape for tensor in tensors]
        if shapes != expected:
            raise DataError(
                f"{refusal}layer {number} with weights, '{layer.name}', has {_shapes(expected)}, in the file "
                f"'{name}' has {_shapes(shapes)}; is it of another base or alpha?"
            )
        if not all(np.isfinite(tensor).all() for tensor in tensors):
            raise DataError(f"{path}: damaged: '{name}' holds values that are no numbers{_remedy(path)}")
    if len(found) != len(wanted):
        raise DataError(
            f"{refusal}it has {len(wanted)} layers with weights, the file {len(found)}; is it of another "
            "base, or does it hold the top too?"
        )
    for layer, (_, tensors) in zip(wanted, found, strict=True):
        layer.set_weights(tensors)


def _fetch(base: Base, alpha: float | None, size: int) -> Path:
    """Has Keras fetch the weights; its progress goes to stderr, as all of ours does.

    Returns:
        Where Keras put the file: not always in the user's home, which may be read-only.

    Raises:
        FetchError: its server does not answer, or what came is not what it should be.
    """
    keras = stack.load().keras
    application = getattr(keras.applications, base.function)
    places: list[Path] = []
    # The one function through which every application gets its weights; only there is their place known.
    data_utils = vars(sys.modules[application.__module__])["data_utils"]
    get_file = data_utils.get_file

    def noted(*args: Any, **options: Any) -> str:
        try:
            path = str(get_file(*args, **options))
        except Exception as error:
            # A bare Exception: its server does not answer. OSError, HTTPException: the connection broke.
            # ValueError: another hash.
            if type(error) is Exception or isinstance(error, (OSError, HTTPException, ValueError)):
                raise FetchError(str(error)) from error
            raise
        places.append(Path(path))
        return path

    options = {**base.options, **({} if alpha is None else {"alpha": alpha})}
    shape = (max(size, base.minimum),) * 2 + (3,)
    data_utils.get_file = noted
    try:
        with contextlib.redirect_stdout(sys.stderr):
            application(include_top=False, weights="imagenet", input_shape=shape, **options)
    finally:
        data_utils.get_file = get_file
        keras.backend.clear_session()
    return places[-1]


def _read(path: Path) -> list[tuple[str, Tensors]]:
    """Name and tensors of each layer that has any."""
    import h5py

    try:
        with h5py.File(path) as file:
            group = file.get("model_weights", file)
            layers = [(name, group[name]) for name in _names(group, "layer_names")]
            read = [
                (name, [np.asarray(layer[each]) for each in _names(layer, "weight_names")])
                for name, layer in layers
            ]
    # h5py tells damage by OSError, KeyError, RuntimeError, ValueError ...
    except Exception as error:
        raise DataError(
            f"{path}: not readable as weights in Keras's HDF5 form (damaged, or of Keras 3?): {error}"
            f"{_remedy(path)}"
        ) from error
    return [(name, tensors) for name, tensors in read if tensors]


def _remedy(path: Path) -> str:
    """What to do about a damaged file, where that is not up to whoever put it there."""
    if path.parent.parts[-len(KERAS_FOLDER.parts) :] != KERAS_FOLDER.parts:
        return ""
    return "; Keras fetched it: remove it, and it is fetched again"


def _names(group: Any, attribute: str) -> Iterator[str]:
    """A list of names; Keras spreads a long one over ``layer_names0``, ``layer_names1`` ..."""
    if attribute in group.attrs:
        pieces = [attribute]
    else:
        pieces = sorted(
            (key for key in group.attrs if key.removeprefix(attribute).isdigit()),
            key=lambda key: int(key.removeprefix(attribute)),
        )
    if not pieces:
        raise KeyError(f"it has no '{attribute}'")
    for piece in pieces:
        for name in group.attrs[piece]:
            yield name.decode() if isinstance(name, bytes) else str(name)


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join("x".join(map(str, shape)) or "a number" for shape in shapes)
