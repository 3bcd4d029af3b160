"""One cell: all metrics of one scheme on one runtime."""

import math

import numpy as np
import pytest

from pipeline.artifacts import Cell, TensorSpec
from pipeline.parity.compare import compare

FLOAT = TensorSpec(name="out", shape=(1, 2), dtype="float32")
UINT8 = TensorSpec(name="out", shape=(1, 2), dtype="uint8", scale=0.25, zero_point=0)

REFERENCE = np.array([[0.75, 0.25], [0.0, 1.0], [0.5, 0.25], [0.25, 0.5]], np.float32)
LABELS = np.array([0, 1, 1, 1])
"""The reference gets the third wrong."""


def cell(
    outputs: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", tensor: TensorSpec | None = FLOAT
) -> Cell:
    """Compares with the reference."""
    return compare(
        outputs, tensor, REFERENCE, REFERENCE, LABELS, scheme="int8", runtime="litert", version="2.3.0"
    )


def test_every_metric_by_hand() -> None:
    """The last image is answered otherwise, and wrongly."""
    found = cell(np.array([[0.75, 0.25], [0.0, 1.0], [0.5, 0.25], [0.75, 0.5]], np.float32))

    assert (found.scheme, found.runtime, found.version, found.status) == ("int8", "litert", "2.3.0", "ran")
    assert found.images == 4
    assert found.accuracy is not None
    assert found.accuracy.value == 0.5
    assert found.accuracy.low < 0.5 < found.accuracy.high
    assert found.agreement == 0.75
    assert (found.max_abs_error, found.mean_abs_error) == (0.5, 0.0625)
    # 0.75^2 + 0.25^2 + 1 + 0.5^2 + 0.25^2 + 0.25^2 + 0.5^2 = 2.25, noise 0.5^2.
    assert found.sqnr_db == pytest.approx(10 * math.log10(9))
    assert found.max_steps is None
    assert found.accuracy_drop_points == 25.0
    assert found.mcnemar_p == 1.0


@pytest.mark.parametrize("tensor", [FLOAT, None])
def test_the_reference_agrees_with_itself(tensor: TensorSpec | None) -> None:
    """No error, no drop, and no ratio."""
    found = cell(REFERENCE, tensor)

    assert (found.agreement, found.max_abs_error, found.sqnr_db) == (1.0, 0.0, None)
    assert (found.accuracy_drop_points, found.mcnemar_p) == (0.0, 1.0)


def test_quantised_outputs_are_compared_as_real_numbers() -> None:
    """And ranked as they are."""
    found = cell(np.array([[3, 1], [0, 4], [2, 1], [1, 3]], np.uint8), UINT8)

    assert (found.agreement, found.max_abs_error, found.max_steps) == (1.0, 0.25, 1.0)


def test_ties_go_to_the_first_class_on_both_sides() -> None:
    """Two equal outputs are no disagreement where the reference ties too."""
    tied = np.full_like(REFERENCE, 0.5)

    found = compare(tied, FLOAT, tied, tied, LABELS, scheme="float32", runtime="litert", version="")

    assert found.agreement == 1.0
    assert found.accuracy is not None
    assert found.accuracy.value == 0.25


@pytest.mark.parametrize(
    ("scheme", "gap", "near"),
    [("float32", 5e-5, 1), ("float32", 5e-4, 0), ("int8", 0.1, 1), ("int8", 0.2, 0), ("own.tflite", 5e-4, 0)],
)
def test_a_near_tie_is_one_within_the_schemes_tolerance(scheme: str, gap: float, near: int) -> None:
    """By the reference's own outputs, however sure the file is of its answer."""
    reference = np.array([[0.5 + gap / 2, 0.5 - gap / 2], [0.9, 0.1]], np.float32)
    outputs = np.array([[0.1, 0.9], [0.9, 0.1]], np.float32)
    labels = np.array([0, 0])

    found = compare(outputs, FLOAT, reference, reference, labels, scheme=scheme, runtime="litert", version="")

    assert (found.agreement, found.near_ties) == (0.5, near)


def test_no_answer_is_no_near_tie() -> None:
    """NaN beside equal classes."""
    reference = np.array([[0.5, 0.5]], np.float32)
    outputs = np.array([[np.nan, 0.5]], np.float32)

    found = compare(
        outputs, FLOAT, reference, reference, np.array([1]), scheme="int8", runtime="litert", version=""
    )

    assert (found.agreement, found.near_ties) == (0.0, 0)


def test_one_nan_is_an_infinite_error_and_a_wrong_answer() -> None:
    """Also where numpy's argmax would choose the right class by it."""
    outputs = REFERENCE.copy()
    outputs[1, 1] = np.nan

    found = cell(outputs)

    assert (found.max_abs_error, found.mean_abs_error, found.sqnr_db) == (math.inf, math.inf, -math.inf)
    assert found.agreement == 0.75
    assert found.accuracy_drop_points == 25.0


def test_an_infinite_error_survives_the_run_folder() -> None:
    """JSON has no infinity: as null it would come back as "no error"."""
    outputs = np.full_like(REFERENCE, np.nan)

    found = cell(outputs)

    assert found.max_abs_error == math.inf
    assert Cell.model_validate_json(found.model_dump_json()) == found


def test_outputs_for_other_images_are_refused() -> None:
    """One row is missing."""
    with pytest.raises(ValueError, match="do not match the reference"):
        cell(REFERENCE[:3])
