"""Representative samples: what post-training quantisation calibrates activation ranges on.

A wrong set converts without complaint and loses the accuracy on the phone, so it is checked first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.errors import RepresentativeError

MIN_SAMPLES = 100
"""TensorFlow's post-training quantisation guide asks for 100 to 500; below, ranges are left to chance."""

MAX_DUPLICATE_SHARE = 0.5
"""More than half of the samples equal to another one is one picture repeated, not a sample of the data."""

MIN_RANGE_SHARE = 0.02
"""Samples that use less than 1/50 of the declared range were scaled before the model scales them again
(0..1 in a 0..255 model uses 1/255 of it)."""


@dataclass(frozen=True, kw_only=True)
class Representative:
    """Checked samples for calibration.

    Attributes:
        samples: (n, *input shape without batch), any real dtype.
    """

    samples: npt.NDArray[np.generic]

    def __call__(self, dtype: npt.DTypeLike = np.float32) -> Iterator[list[npt.NDArray[np.generic]]]:
        """Yields one batch of one sample at a time, as TFLiteConverter wants them, in the input's dtype."""
        for sample in self.samples:
            yield [np.asarray(sample[np.newaxis], dtype=dtype)]


def representative(
    samples: npt.NDArray[np.generic],
    *,
    shape: Sequence[int],
    value_range: tuple[float, float] | None = None,
    minimum: int = MIN_SAMPLES,
) -> Representative:
    """Checks samples and wraps them for the converter.

    Args:
        samples: (n, *shape), real numbers as the model's input takes them.
        shape: the model's input shape without the batch dimension.
        value_range: lowest and highest value that the input may take; None where it is not known.
        minimum: fewest samples to accept.

    Raises:
        RepresentativeError: wrong count, shape, range, not finite, or (almost) all alike.
    """
    count = len(samples) if samples.ndim else 0
    if count < max(minimum, 1):
        raise RepresentativeError(
            f"{count} representative samples are too few to calibrate on: give at least {max(minimum, 1)}, "
            "or convert to a scheme that is not calibrated"
        )
    if tuple(samples.shape[1:]) != tuple(shape):
        raise RepresentativeError(
            f"representative samples have shape {tuple(samples.shape[1:])}, the model's input "
            f"takes {tuple(shape)}: bring them to that shape"
        )
    if samples.dtype.kind not in "biuf":
        raise RepresentativeError(f"representative samples are {samples.dtype}, not real numbers")
    flat = np.ascontiguousarray(samples).reshape(len(samples), -1)
    finite = np.isfinite(flat).all(axis=1)
    if not finite.all():
        raise RepresentativeError(
            f"representative sample {int(np.argmin(finite))} holds NaN or infinity: remove it"
        )
    low, high = float(flat.min()), float(flat.max())
    if low == high:
        raise RepresentativeError(
            f"every value of every representative sample is {low:g}: calibrate on real inputs"
        )
    _check_alike(flat)
    if value_range is not None:
        _check_range(low, high, value_range)
    return Representative(samples=samples)


def _check_alike(flat: npt.NDArray[np.generic]) -> None:
    distinct = len({row.tobytes() for row in flat})
    duplicates = 1 - distinct / len(flat)
    if duplicates > MAX_DUPLICATE_SHARE:
        raise RepresentativeError(
            f"only {distinct} of {len(flat)} representative samples are distinct: "
            "calibrate on different inputs, drawn from the training data"
        )


def _check_range(low: float, high: float, value_range: tuple[float, float]) -> None:
    floor, ceiling = value_range
    if low < floor or high > ceiling:
        raise RepresentativeError(
            f"representative samples span {low:g}..{high:g}, the model's input takes "
            f"{floor:g}..{ceiling:g}: apply the same preprocessing as in training"
        )
    if (high - low) < MIN_RANGE_SHARE * (ceiling - floor):
        raise RepresentativeError(
            f"representative samples span only {low:g}..{high:g} of the input's range "
            f"{floor:g}..{ceiling:g}: they look already scaled, but the model scales them itself"
        )
