"""Saved models of Keras 2 and 3, and archives changed member by member."""

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import stack
from converters.errors import ModelLoadError

SEED = 2

Models = dict[str, tuple[Any, Path]]


def save(model: Any, path: Path) -> Path:
    """Saves without the advice to use another format."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.save(path)
    return path


def small_model(keras: Any) -> Any:
    """Two Dense layers, (4,) to (3,), of Keras 2 or 3."""
    keras.utils.set_random_seed(SEED)
    dense = keras.layers.Dense
    return keras.Sequential(
        [keras.Input((4,)), dense(5, activation="relu", name="hidden"), dense(3, name="last")]
    )


def libraries(keras2: Any) -> dict[str, Any]:
    """Keras 2 and, imported after TensorFlow, Keras 3."""
    import keras

    return {"keras2": keras2, "keras3": keras}


def plain_saved_model(
    tensorflow: stack.Stack, folder: Path, shape: list[int | None] | None, **options: Any
) -> tuple[Any, Path]:
    """A SavedModel without Keras: ``x @ w`` at ``serving_default``; also gives it as a function of arrays."""
    tf = tensorflow.tf
    module = tf.Module()
    module.w = tf.Variable(np.random.default_rng(SEED).normal(size=(4, 3)), dtype=tf.float32)
    serve = tf.function(lambda x: {"y": tf.matmul(tf.reshape(x, (-1, 4)), module.w)})
    signature = serve.get_concrete_function(tf.TensorSpec(shape, tf.float32, name="x"))
    tf.saved_model.save(module, str(folder), **{"signatures": signature, **options})
    return module, folder


def sentence(call: Callable[[], object], kind: type[ModelLoadError] = ModelLoadError) -> str:
    """The text of the ModelLoadError that a call raises: one line."""
    with pytest.raises(ModelLoadError) as caught:
        call()
    assert type(caught.value) is kind
    text = str(caught.value)
    assert "\n" not in text
    return text


def rewritten(
    source: Path,
    target: Path,
    changes: dict[str, Callable[[dict[str, Any]], dict[str, Any]] | bytes | None],
    *,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """A copy of an archive: a member is changed as JSON, replaced by bytes, or (None) left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            content, change = old.read(name), changes.get(name, b"")
            if change is None:
                continue
            if callable(change):
                content = json.dumps(change(json.loads(content))).encode()
            new.writestr(name, change if isinstance(change, bytes) and change else content)
    return target
