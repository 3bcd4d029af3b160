"""The one place where TensorFlow and Keras are imported.

TensorFlow 2.16 and later bind ``tf.keras`` to Keras 3, which tensorflow-model-optimization refuses.
``TF_USE_LEGACY_KERAS`` must therefore be in the environment before the first import of TensorFlow in
a process; every module that needs TensorFlow asks :func:`load` for it.
"""

import os
import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple


class Stack(NamedTuple):
    """The imported TensorFlow modules."""

    tf: ModuleType
    keras: ModuleType
    """tf_keras: Keras 2, which quantisation-aware training needs."""


def load() -> Stack:
    """Imports TensorFlow and tf_keras, bound to each other and quiet.

    Returns:
        The two modules. The first call takes seconds, later ones nothing.

    Raises:
        RuntimeError: TensorFlow was imported before with Keras 3 behind ``tf.keras``.
    """
    if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") != "1":
        raise RuntimeError(
            "TensorFlow was imported before converters.stack.load(); import it through load(), "
            "or set TF_USE_LEGACY_KERAS=1 first"
        )
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    # TensorFlow greets every start with a failed look for CUDA at level ERROR.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import tensorflow as tf  # noqa: TID251
        import tf_keras as keras  # noqa: TID251
    tf.get_logger().setLevel("ERROR")
    return Stack(tf, keras)


def load_quantizer() -> Callable[..., bytes]:
    """The last step of ``TFLiteConverter`` alone: from a calibrated model to a quantised one.

    It is no part of TensorFlow's public interface; nothing there lets one calibration be quantised more
    than once with the dtype at the door kept.
    """
    load()
    from tensorflow.lite.python.convert import mlir_quantize  # noqa: TID251

    quantize: Callable[..., bytes] = mlir_quantize
    return quantize


def load_tfmot() -> ModuleType:
    """Imports tensorflow-model-optimization, behind the same Keras.

    Raises:
        RuntimeError: as :func:`load`.
    """
    load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import tensorflow_model_optimization as tfmot
    module: ModuleType = tfmot
    return module
