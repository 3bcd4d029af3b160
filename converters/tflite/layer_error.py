"""How much each layer of an int8 model is off: it in float32 against it in int8, on real inputs.

A layer's own error: both twins read the same int8 tensors, so that what comes from earlier layers is not
counted again.
"""

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from converters import stack
from converters.representative import Representative
from converters.tflite.calibrated import Calibrated, Layer
from converters.tflite.inspect import Inspection, inspect_bytes

COMPARING_OP = "NumericVerify"

LOSSLESS_DB = 100.0
"""At or above, an op only moves int8 values (Reshape, MaxPool): only float32 rounding is left, some 140 dB,
where the 8 bits of an op that computes allow about 50."""


def sqnr_by_layer(calibrated: Calibrated, inputs: Representative) -> Mapping[int, float]:
    """Signal-to-quantisation-noise ratio of each layer, dB, the mean over its channels.

    ``10 log10(sum float^2 / sum (int8 - float)^2)``, sums over all inputs, for each channel (last dimension);
    a channel that is always 0 in float is left out. The mean over channels and not that of the
    whole tensor: where one channel is a thousand times larger, it alone decides the latter, which stays
    at 41 dB while all others have drowned in its step.

    Args:
        calibrated: the model.
        inputs: images to run, as the model's input takes them.

    Returns:
        Position of a layer to its ratio, capped at :data:`LOSSLESS_DB`; layers that the quantiser has no
        int8 twin for are missing.
    """
    content = calibrated.instrumented()
    inspection = inspect_bytes(content, where="instrumented model")
    pairs = _pairs(inspection, calibrated.layers)
    tf = stack.load().tf
    resolvers = tf.lite.experimental.OpResolverType
    with warnings.catch_warnings():
        # "tf.lite.Interpreter is deprecated": no other one has the comparing op; and "for debugging only".
        warnings.simplefilter("ignore", UserWarning)
        interpreter = tf.lite.Interpreter(
            model_content=content,
            # XNNPACK would keep what is between its ops to itself.
            experimental_op_resolver_type=resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
    interpreter.allocate_tensors()
    (door,) = interpreter.get_input_details()
    sums = {position: _Sums() for position in pairs}
    for (sample,) in inputs(door["dtype"]):
        interpreter.set_tensor(door["index"], sample)
        interpreter.invoke()
        for position, (quantised, exact) in pairs.items():
            tensor = inspection.tensors[quantised]
            found = _real(interpreter.get_tensor(quantised), tensor.scales[0], tensor.zero_points[0])
            sums[position].add(interpreter.get_tensor(exact), found)
    return {position: each.decibel() for position, each in sums.items()}


class _Sums:
    """Power of signal and noise by channel."""

    def __init__(self) -> None:
        self._signal: Any = 0.0
        self._noise: Any = 0.0

    def add(self, exact: npt.NDArray[np.generic], found: npt.NDArray[np.float64]) -> None:
        axes = tuple(range(exact.ndim - 1))
        signal = exact.astype(np.float64)
        self._signal = self._signal + np.square(signal).sum(axis=axes)
        self._noise = self._noise + np.square(found - signal).sum(axis=axes)

    def decibel(self) -> float:
        signal, noise = np.atleast_1d(self._signal), np.atleast_1d(self._noise)
        ratios = [
            min(LOSSLESS_DB, 10 * math.log10(s / n)) if n > 0.0 else LOSSLESS_DB
            for s, n in zip(signal.tolist(), noise.tolist(), strict=True)
            if s > 0.0
        ]
        return float(np.mean(ratios)) if ratios else LOSSLESS_DB


def _real(values: npt.NDArray[np.generic], scale: float, zero_point: int) -> npt.NDArray[np.float64]:
    return np.asarray((values.astype(np.float64) - zero_point) * scale)


def _pairs(inspection: Inspection, layers: Sequence[Layer]) -> dict[int, tuple[int, int]]:
    """Position of a layer to the tensors of its int8 and its float32 output in the instrumented model."""
    nodes = {layer.node: position for position, layer in enumerate(layers)}
    found: dict[int, tuple[int, int]] = {}
    for op in inspection.ops:
        if op.name == COMPARING_OP:
            quantised, exact = op.inputs
            position = _position(inspection.tensors[exact].name, nodes)
            if position is not None:
                found[position] = (quantised, exact)
    return found


def _position(name: str, nodes: Mapping[str, int]) -> int | None:
    """The layer of a tensor; the converter numbers tensors whose name is taken, ``name1``."""
    if name in nodes:
        return nodes[name]
    numbered = [node for node in nodes if re.fullmatch(re.escape(node) + r"\d+", name)]
    return nodes[max(numbered, key=len)] if numbered else None
