"""Numerical error of outputs against the reference's."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CHUNK_ROWS = 8_192
"""Rows compared at a time, so that float64 copies stay small beside the outputs themselves."""


@dataclass(frozen=True, kw_only=True)
class OutputError:
    """Error of all outputs.

    Attributes:
        max_abs: largest absolute difference, in units of the output.
        mean_abs: mean absolute difference, in units of the output.
        sqnr_db: signal-to-quantisation-noise ratio, ``10 log10(sum ref^2 / sum (out - ref)^2)``, dB;
            None where outputs are equal.
        max_steps: largest difference in steps of the output's quantisation; None for float outputs.
    """

    max_abs: float
    mean_abs: float
    sqnr_db: float | None
    max_steps: float | None


def output_error(
    reference: npt.NDArray[np.generic],
    output: npt.NDArray[np.generic],
    *,
    scale: float | None = None,
    zero_point: int | None = None,
) -> OutputError:
    """Compares two outputs.

    Args:
        reference: (n, classes) floats.
        output: (n, classes), floats or quantised values.
        scale: of the output tensor; None where it is float.
        zero_point: of the output tensor.

    Raises:
        ValueError: shapes differ or there is no row.
    """
    if reference.shape != output.shape or len(reference) == 0:
        raise ValueError(f"outputs {output.shape} do not match the reference {reference.shape}")
    largest = total = signal = noise = 0.0
    for start in range(0, len(reference), CHUNK_ROWS):
        expected = np.asarray(reference[start : start + CHUNK_ROWS], dtype=np.float64)
        found = np.asarray(output[start : start + CHUNK_ROWS], dtype=np.float64)
        if scale is not None:
            found = (found - (zero_point or 0)) * scale
        with np.errstate(invalid="ignore"):  # infinity less infinity
            difference = np.abs(found - expected)
        # A NaN is an infinite error, not one that comparisons skip.
        difference = np.where(np.isnan(difference), np.inf, difference)
        largest = max(largest, float(difference.max()))
        total += float(difference.sum())
        signal += float(np.square(expected).sum())
        noise += float(np.square(difference).sum())
    return OutputError(
        max_abs=largest,
        mean_abs=total / reference.size,
        sqnr_db=None if noise == 0.0 else _decibel(signal, noise),
        max_steps=None if scale is None else largest / scale,
    )


def _decibel(signal: float, noise: float) -> float:
    if signal == 0.0 or math.isinf(noise):
        return -math.inf
    return 10 * math.log10(signal / noise)
