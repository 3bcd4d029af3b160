"""Quantisation schemes: one function each, and its row in the table below.

Loads no TensorFlow: each function gets a ready ``tf.lite.TFLiteConverter`` and the module ``tf``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """A way to store weights and to compute.

    Attributes:
        summary: one line for ``pipeline list schemes``.
        configure: sets the options of the scheme on a TFLiteConverter: (converter, tf, io dtype).
        calibrated: True where activation ranges are measured on representative samples.
        quantised_door: True where input and output tensors may be integers.
        quantised_dense: True where Dense weights are int8, so that their granularity matters.
        takes_fake_quantised: True where a model after quantisation-aware training, which holds its ranges
            already, converts without samples.
    """

    summary: str
    configure: Callable[[Any, ModuleType, str], None]
    calibrated: bool = False
    quantised_door: bool = False
    quantised_dense: bool = False
    takes_fake_quantised: bool = False


def _float32(_converter: Any, _tf: ModuleType, _io_dtype: str) -> None:
    """Nothing to set: the converter's default."""


def _float16(converter: Any, tf: ModuleType, _io_dtype: str) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _dynamic_range(converter: Any, tf: ModuleType, _io_dtype: str) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _int8(converter: Any, tf: ModuleType, io_dtype: str) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.as_dtype(io_dtype)
    converter.inference_output_type = tf.as_dtype(io_dtype)


def _int16x8(converter: Any, tf: ModuleType, _io_dtype: str) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    ]


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "float32": Scheme(
            summary="float32 weights and arithmetic: the reference, and what GPU delegates start from",
            configure=_float32,
        ),
        "float16": Scheme(
            summary="float16 weights, float32 arithmetic on the CPU: half the size, for GPU delegates",
            configure=_float16,
        ),
        "dynamic_range": Scheme(
            summary="int8 weights, activations quantised on the fly: a quarter of the size, no samples",
            configure=_dynamic_range,
            quantised_dense=True,
        ),
        "int8": Scheme(
            summary="int8 weights and activations, integers throughout: smallest and fastest on the CPU",
            configure=_int8,
            calibrated=True,
            quantised_door=True,
            quantised_dense=True,
            takes_fake_quantised=True,
        ),
        "int16x8": Scheme(
            summary="int8 weights, int16 activations: closer to float32 than int8, slow on most CPUs",
            configure=_int16x8,
            calibrated=True,
            quantised_dense=True,
        ),
    }
)
"""Every scheme by name, the order of all tables."""
