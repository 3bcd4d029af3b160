"""Decisions: ties, NaN, and the statistics against published examples."""

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.parity import agreement
from pipeline.parity.agreement import accuracy_drop, top1, wilson

FOUR_DIGITS = 5e-5
"""Half of the last digit that the tables print."""


class TestTop1:
    """The class that an app shows."""

    @pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int8])
    def test_the_largest_output(self, dtype: npt.DTypeLike) -> None:
        """Of each row, quantised or not."""
        assert top1(np.array([[1, 3, 2], [9, 0, 8]], dtype)).tolist() == [1, 0]

    def test_of_equals_the_first(self) -> None:
        """As a loop with ``>`` finds it; quantised outputs tie often."""
        assert top1(np.array([[7, 9, 9], [5, 5, 5]], np.uint8)).tolist() == [1, 0]

    def test_negative_numbers(self) -> None:
        """Logits, and int8."""
        assert top1(np.array([[-5.0, -1.0], [-128.0, -127.0]])).tolist() == [1, 1]

    @pytest.mark.parametrize("row", [[np.nan, 1.0, 0.0], [0.0, np.nan, 1.0], [np.nan] * 3])
    def test_a_row_with_nan_chooses_nothing(self, row: list[float]) -> None:
        """An argmax of numpy would choose the NaN, and be right one time in ten."""
        assert top1(np.array([row, [0.0, 0.0, 1.0]], np.float32)).tolist() == [-1, 2]

    def test_infinity_is_larger_than_all(self) -> None:
        """It is ordered, though it is no probability."""
        assert top1(np.array([[0.0, np.inf, 1.0]])).tolist() == [1]

    def test_large_outputs_are_read_piece_by_piece(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also when the rows do not fill the last piece."""
        outputs = np.random.default_rng(9).normal(size=(25, 4))

        monkeypatch.setattr(agreement, "CHUNK_ROWS", 10)

        assert top1(outputs).tolist() == outputs.argmax(axis=1).tolist()

    def test_no_rows(self) -> None:
        """No decisions."""
        assert top1(np.zeros((0, 3))).tolist() == []


class TestWilson:
    """A share with its interval.

    Examples: R. G. Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven
    methods", Statistics in Medicine 17, 1998, table I, method 3.
    """

    @pytest.mark.parametrize(
        ("correct", "n", "low", "high"),
        [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ],
    )
    def test_newcombes_examples(self, correct: int, n: int, low: float, high: float) -> None:
        """To the four digits that he prints."""
        interval = wilson(correct, n)

        assert interval.value == correct / n
        assert interval.low == pytest.approx(low, abs=FOUR_DIGITS)
        assert interval.high == pytest.approx(high, abs=FOUR_DIGITS)

    def test_all_right_is_still_uncertain(self) -> None:
        """The mirror image of none right."""
        interval = wilson(20, 20)

        assert interval.high == pytest.approx(1.0)
        assert interval.low == pytest.approx(1 - 0.1611, abs=FOUR_DIGITS)


def decisions(lost: int, gained: int, both: int, neither: int) -> tuple[npt.NDArray[np.int64], ...]:
    """Reference, model and labels with so many images of each kind."""
    reference = [1] * lost + [0] * gained + [1] * both + [0] * neither
    model = [0] * lost + [1] * gained + [1] * both + [0] * neither
    labels = [1] * len(model)
    return tuple(np.array(values, np.int64) for values in (reference, model, labels))


class TestAccuracyDrop:
    """Exact McNemar test on pairs of decisions."""

    def test_hodgkins_disease_and_tonsillectomy(self) -> None:
        """S. K. Johnson and R. E. Johnson, NEJM 287, 1972: 85 pairs, 15 and 7 discordant.

        The tail C(22,0) + ... + C(22,7) is 280,600 of 2^22, two-sided twice that.
        """
        drop = accuracy_drop(*decisions(lost=15, gained=7, both=26, neither=37))

        assert (drop.lost, drop.gained) == (15, 7)
        assert drop.points == pytest.approx(100 * 8 / 85)
        assert drop.mcnemar_p == pytest.approx(2 * 280_600 / 2**22)

    def test_approval_of_a_prime_minister(self) -> None:
        """A. Agresti, Categorical Data Analysis, 1990, p. 350: 150 and 86 of 1,600 changed their mind.

        R's exact2x2 gives p = 3.716e-05.
        """
        drop = accuracy_drop(*decisions(lost=150, gained=86, both=794, neither=570))

        assert drop.points == 4.0
        assert drop.mcnemar_p == pytest.approx(3.716e-05, rel=1e-3)

    def test_by_hand(self) -> None:
        """One of nine the other way: (1 + 9) / 512, twice."""
        assert accuracy_drop(*decisions(lost=8, gained=1, both=50, neither=1)).mcnemar_p == 20 / 512

    def test_a_gain_is_a_negative_drop(self) -> None:
        """The test is two-sided: the same p."""
        loss = accuracy_drop(*decisions(lost=8, gained=1, both=40, neither=1))
        gain = accuracy_drop(*decisions(lost=1, gained=8, both=40, neither=1))

        assert (loss.points, gain.points) == (14.0, -14.0)
        assert loss.mcnemar_p == gain.mcnemar_p

    @pytest.mark.parametrize("pairs", [0, 3])
    def test_as_many_gained_as_lost_is_chance(self, pairs: int) -> None:
        """Also when there is nothing to test."""
        drop = accuracy_drop(*decisions(lost=pairs, gained=pairs, both=5, neither=5))

        assert (drop.points, drop.mcnemar_p) == (0.0, 1.0)

    def test_other_wrong_answers_are_neither_loss_nor_gain(self) -> None:
        """Both wrong, in different ways."""
        drop = accuracy_drop(np.array([1, 2]), np.array([2, 1]), np.array([0, 0]))

        assert (drop.lost, drop.gained) == (0, 0)
