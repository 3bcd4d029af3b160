"""Decisions compared: top-1, accuracy with its interval, and whether a drop is chance."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.interval import Interval

CONFIDENCE = 0.95
"""Of every interval that is printed."""

CHUNK_ROWS = 65_536


def top1(outputs: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Class with the largest output, (n,): the first of equals, as an app's argmax finds it.

    A row that holds NaN has no largest: -1, which is no class and so never right.
    """
    chosen = np.empty(len(outputs), dtype=np.int64)
    for start in range(0, len(outputs), CHUNK_ROWS):
        block = outputs[start : start + CHUNK_ROWS]
        unordered = np.isnan(block).any(axis=1)
        chosen[start : start + CHUNK_ROWS] = np.where(unordered, -1, np.argmax(block, axis=1))
    return chosen


def near_ties(
    reference: npt.NDArray[np.generic],
    expected: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
    tolerance: float,
) -> int:
    """Disagreements that rounding explains: the reference prefers its class by no more than the tolerance.

    Args:
        reference: (n, classes) floats.
        expected: (n,) classes that the reference chose; -1 for none.
        chosen: (n,) classes that the model chose; -1 for none, which is never a near-tie.
        tolerance: by which an output may differ, in units of the output.
    """
    (rows,) = np.nonzero((expected != chosen) & (expected >= 0) & (chosen >= 0))
    values = np.asarray(reference[rows], dtype=np.float64)
    each = np.arange(len(rows))
    return int((values[each, expected[rows]] - values[each, chosen[rows]] <= tolerance).sum())


def wilson(correct: int, n: int) -> Interval:
    """A share with its 95 % Wilson score interval.

    Args:
        correct: successes, 0..n.
        n: trials, > 0.

    Source: E. B. Wilson, "Probable inference ...", JASA 22, 1927; computed by scipy.
    """
    from scipy.stats import binomtest

    interval = binomtest(correct, n).proportion_ci(CONFIDENCE, method="wilson")
    return Interval(value=correct / n, low=float(interval.low), high=float(interval.high))


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Change of accuracy from the reference to a converted model on the same images.

    Attributes:
        points: reference accuracy less the model's, percentage points; negative for a gain.
        lost: images that only the reference gets right.
        gained: images that only the model gets right.
        mcnemar_p: two-sided exact p-value that losses and gains are equally likely.
    """

    points: float
    lost: int
    gained: int
    mcnemar_p: float


def accuracy_drop(
    reference: npt.NDArray[np.int64], model: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]
) -> Drop:
    """Compares two lists of decisions with the labels.

    Args:
        reference: (n,) classes that the reference chose.
        model: (n,) classes that the model chose.
        labels: (n,) right classes.

    Source: Q. McNemar, Psychometrika 12, 1947; exact binomial form, computed by scipy.
    """
    from scipy.stats import binomtest

    right_before, right_after = reference == labels, model == labels
    lost = int(np.count_nonzero(right_before & ~right_after))
    gained = int(np.count_nonzero(~right_before & right_after))
    p = float(binomtest(lost, lost + gained, 0.5).pvalue) if lost + gained else 1.0
    return Drop(points=100 * (lost - gained) / len(labels), lost=lost, gained=gained, mcnemar_p=p)
