"""Tolerances: every scheme has one, and they hold what their reasons say."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from converters.tflite.schemes import SCHEMES
from pipeline.parity.tolerance import OUTPUT_TOLERANCE, PICTURE_LEVELS
from pipeline.preprocess import PreprocessSpec, picture

ANOTHER_ANSWER = 0.25
"""Of a probability: beyond it, a runtime says something else and not the same less exactly."""

Float32s = npt.NDArray[np.float32]


def test_every_scheme_has_a_tolerance_that_another_answer_exceeds() -> None:
    """And none is zero: runtimes do differ."""
    assert set(OUTPUT_TOLERANCE) == set(SCHEMES)
    assert all(0 < tolerance < ANOTHER_ANSWER for tolerance in OUTPUT_TOLERANCE.values())


def test_fewer_bits_are_allowed_more() -> None:
    """From float32 to float16 to int8."""
    assert OUTPUT_TOLERANCE["float32"] < OUTPUT_TOLERANCE["float16"] < OUTPUT_TOLERANCE["int8"]


def resized_in_float32(values: Float32s, height: int, width: int) -> Float32s:
    """A resize as an app might write it: float32 throughout, one loop, rows before columns."""

    def along(line: Float32s, target: int) -> Float32s:
        ratio = np.float32(len(line)) / np.float32(target)
        reach = max(np.float32(1), ratio)
        out = np.zeros(target, np.float32)
        for i in range(target):
            center = (np.float32(i) + np.float32(0.5)) * ratio
            total = np.float32(0)
            first, last = max(0, math.floor(center - reach)), min(len(line), math.ceil(center + reach))
            for k in range(first, last):
                distance = abs(np.float32(k) + np.float32(0.5) - center) / reach
                weight = max(np.float32(0), np.float32(1) - distance)
                out[i] += weight * line[k]
                total += weight
            out[i] /= total
        return out

    rows = np.stack([along(column, height) for column in values.T], axis=1)
    return np.stack([along(row, width) for row in rows])


@pytest.mark.parametrize(
    ("source", "target"), [((64, 48), (28, 28)), ((37, 53), (28, 28)), ((9, 14), (28, 31))]
)
def test_a_float32_app_is_within_the_tolerance_of_a_picture(
    source: tuple[int, int], target: tuple[int, int]
) -> None:
    """Noise of two levels, so that many results lie near a half."""
    pixels = np.random.default_rng(10).integers(100, 102, source, dtype=np.uint8)
    reference = picture(pixels, PreprocessSpec(height=target[0], width=target[1]))

    resized = resized_in_float32(pixels.astype(np.float32), *target)

    app = np.floor(resized + np.float32(0.5)).astype(int)
    assert np.abs(app - reference.astype(int)).max() <= PICTURE_LEVELS
