"""Numerical error: worked out by hand."""

import math

import numpy as np
import pytest

from pipeline.parity import error
from pipeline.parity.error import OutputError, output_error

REFERENCE = np.array([[0.5, 0.25], [1.0, 0.0]], np.float32)


def test_float_outputs_by_hand() -> None:
    """Differences 0.25, 0.25, 0.5 and 0.5: signal 1.3125, noise 0.625."""
    found = output_error(REFERENCE, np.array([[0.75, 0.0], [0.5, 0.5]], np.float32))

    assert found.max_abs == 0.5
    assert found.mean_abs == 0.375
    assert found.sqnr_db == pytest.approx(10 * math.log10(1.3125 / 0.625))
    assert found.max_steps is None


def test_quantised_outputs_by_hand() -> None:
    """At scale 1/8 and zero point 16: 0.5, 0.375, 0.75, 0.125; the third is off by two steps."""
    quantised = np.array([[20, 19], [22, 17]], np.uint8)

    found = output_error(REFERENCE, quantised, scale=0.125, zero_point=16)

    assert found.max_abs == 0.25
    assert found.mean_abs == 0.125
    assert found.max_steps == 2.0


def test_int8_is_not_read_as_unsigned() -> None:
    """-128 at zero point -128 is 0."""
    found = output_error(
        np.array([[0.0, 1.0]]), np.array([[-128, 127]], np.int8), scale=1 / 255, zero_point=-128
    )

    assert found.max_abs == pytest.approx(0.0, abs=1e-15)


def test_equal_outputs_have_no_error() -> None:
    """And no ratio: it would be infinite."""
    assert output_error(REFERENCE, REFERENCE) == OutputError(
        max_abs=0.0, mean_abs=0.0, sqnr_db=None, max_steps=None
    )


def test_ten_times_less_noise_is_twenty_decibels() -> None:
    """The unit of the ratio."""
    assert output_error(np.array([[10.0]]), np.array([[11.0]])).sqnr_db == pytest.approx(20.0)
    assert output_error(np.array([[100.0]]), np.array([[101.0]])).sqnr_db == pytest.approx(40.0)


def test_noise_without_signal_is_minus_infinity() -> None:
    """A reference of zeros says nothing."""
    assert output_error(np.zeros((1, 2)), np.ones((1, 2))).sqnr_db == -math.inf


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("side", ["output", "reference", "both"])
def test_an_answer_that_is_no_number_is_an_infinite_error(value: float, side: str) -> None:
    """Comparisons skip NaN; a gate must not."""
    reference, output = REFERENCE.copy(), REFERENCE.copy()
    if side != "output":
        reference[1, 0] = value
    if side != "reference":
        output[1, 0] = value

    found = output_error(reference, output)

    assert found.max_abs == found.mean_abs == math.inf
    assert found.sqnr_db == -math.inf


def test_large_outputs_are_compared_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same result, whatever the piece; the largest error may lie in the last one."""
    rng = np.random.default_rng(8)
    reference = rng.normal(size=(101, 3)).astype(np.float32)
    output = reference + rng.normal(size=(101, 3)).astype(np.float32) * 0.01
    output[100, 2] += 5
    whole = output_error(reference, output)

    monkeypatch.setattr(error, "CHUNK_ROWS", 10)
    pieces = output_error(reference, output)

    assert pieces.max_abs == whole.max_abs > 4
    assert pieces.mean_abs == pytest.approx(whole.mean_abs)
    assert pieces.sqnr_db == pytest.approx(whole.sqnr_db)


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (2,), (0, 2)])
def test_outputs_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    """Broadcasting would spread one over the other."""
    with pytest.raises(ValueError, match="do not match the reference"):
        output_error(REFERENCE, np.zeros(shape, np.float32))


def test_no_outputs_are_refused() -> None:
    """An error over nothing is no error found."""
    with pytest.raises(ValueError, match="do not match the reference"):
        output_error(np.zeros((0, 2)), np.zeros((0, 2)))
