"""Representative samples: each way of calibrating a model wrongly is refused."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converters import Representative, representative
from converters.errors import RepresentativeError
from converters.representative import MAX_DUPLICATE_SHARE, MIN_RANGE_SHARE, MIN_SAMPLES

SEED = 3
SHAPE = (4, 4)
PIXELS = (0, 255)


def pixels(count: int = MIN_SAMPLES, dtype: npt.DTypeLike = np.uint8) -> npt.NDArray[Any]:
    """Seeded pictures that span 0..255."""
    drawn = np.random.default_rng(SEED).integers(0, 256, (count, *SHAPE)).astype(dtype)
    drawn[0, 0, :2] = 0, 255
    return drawn


def refusal(samples: npt.NDArray[Any], **options: Any) -> str:
    """What the check says."""
    with pytest.raises(RepresentativeError) as caught:
        representative(samples, **{"shape": SHAPE, "value_range": PIXELS, **options})
    return str(caught.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_samples_of_the_data_are_taken(dtype: npt.DTypeLike) -> None:
    """In any real dtype, as few as are allowed, over the whole range."""
    samples = pixels(dtype=dtype)

    assert representative(samples, shape=SHAPE, value_range=PIXELS).samples is samples


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_the_converter_gets_one_at_a_time_in_the_inputs_dtype(dtype: npt.DTypeLike) -> None:
    """With a batch dimension of 1, in order."""
    samples = pixels()

    batches = [batch for (batch,) in Representative(samples=samples)(dtype)]

    assert all(batch.shape == (1, *SHAPE) and batch.dtype == dtype for batch in batches)
    np.testing.assert_array_equal(np.concatenate(batches), samples)


def test_the_converter_may_ask_twice() -> None:
    """It calibrates in more than one pass."""
    checked = representative(pixels(), shape=SHAPE)

    assert len(list(checked())) == len(list(checked())) == MIN_SAMPLES


def test_too_few() -> None:
    """One less than asked for."""
    assert refusal(pixels(MIN_SAMPLES - 1)) == (
        "99 representative samples are too few to calibrate on: give at least 100, or convert to a scheme "
        "that is not calibrated"
    )


def test_the_minimum_may_be_lowered_but_not_to_none() -> None:
    """Tests and tiny data sets do with fewer."""
    assert len(representative(pixels(5), shape=SHAPE, minimum=5).samples) == 5
    assert "give at least 1" in refusal(pixels()[:0], minimum=0)


def test_a_single_number_is_no_sample() -> None:
    """What ``np.save`` makes of a scalar."""
    assert refusal(np.array(3.0)).startswith("0 representative samples")


def test_wrong_shape() -> None:
    """Both shapes are named."""
    assert refusal(pixels(), shape=(4, 4, 1)) == (
        "representative samples have shape (4, 4), the model's input takes (4, 4, 1): "
        "bring them to that shape"
    )


@pytest.mark.parametrize("dtype", ["U3", "O", "complex64", "datetime64[s]"])
def test_not_real_numbers(dtype: str) -> None:
    """Text, objects, complex numbers, dates."""
    samples = pixels(dtype=np.int64).astype(dtype)

    assert refusal(samples) == f"representative samples are {samples.dtype}, not real numbers"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(value: float) -> None:
    """The first such sample is named."""
    samples = pixels(dtype=np.float32)
    samples[17, 2, 3] = samples[40, 0, 0] = value

    assert refusal(samples) == "representative sample 17 holds NaN or infinity: remove it"


def test_all_alike() -> None:
    """Blank pictures have no range."""
    assert refusal(np.full((MIN_SAMPLES, *SHAPE), 7, np.uint8)) == (
        "every value of every representative sample is 7: calibrate on real inputs"
    )


def test_one_picture_repeated() -> None:
    """Its own range is not that of the data."""
    samples = np.repeat(pixels(1), MIN_SAMPLES, axis=0)

    assert refusal(samples).startswith("only 1 of 100 representative samples are distinct")


@pytest.mark.parametrize(("distinct", "taken"), [(50, True), (49, False)])
def test_duplicates_are_allowed_up_to_half(distinct: int, taken: bool) -> None:
    """Small data sets hold some; a set that is mostly copies was put together wrongly."""
    samples = np.concatenate([pixels(distinct), np.repeat(pixels(1), MIN_SAMPLES - distinct, axis=0)])

    assert MAX_DUPLICATE_SHARE == 0.5
    if taken:
        representative(samples, shape=SHAPE, value_range=PIXELS)
    else:
        assert "only 49 of 100 representative samples are distinct" in refusal(samples)


def test_already_scaled() -> None:
    """0..1 for a model that scales 0..255 itself: the commonest way to lose all accuracy."""
    assert refusal(pixels(dtype=np.float32) / 255) == (
        "representative samples span only 0..1 of the input's range 0..255: they look already scaled, "
        "but the model scales them itself"
    )


def test_the_narrowest_range_that_passes() -> None:
    """Dark pictures are not yet scaled ones."""
    samples = pixels(dtype=np.float64)

    representative(samples * MIN_RANGE_SHARE, shape=SHAPE, value_range=PIXELS)
    assert "span only" in refusal(samples * (MIN_RANGE_SHARE * 0.99))


@pytest.mark.parametrize(("shift", "text"), [(-1.0, "-1..254"), (1.0, "1..256")])
def test_out_of_range(shift: float, text: str) -> None:
    """Another preprocessing than in training."""
    assert refusal(pixels(dtype=np.float64) + shift) == (
        f"representative samples span {text}, the model's input takes 0..255: "
        "apply the same preprocessing as in training"
    )


def test_without_a_range_only_the_samples_themselves_are_checked() -> None:
    """A model of the user's own says nothing about its input."""
    assert representative(pixels(dtype=np.float32) / 255, shape=SHAPE).samples.max() == 1.0
