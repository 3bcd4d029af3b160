"""Stratified choices: exact counts, fair shares, repeatable."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sampling import stratified

SEED = (1, 2)

repeatable = settings(derandomize=True, deadline=None, max_examples=200)
"""Property tests draw the same examples every time, on machines however slow."""


def labels_of(*sizes: int) -> npt.NDArray[np.int64]:
    """So many items of each class, shuffled by a fixed seed."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(7).permutation(labels).astype(np.int64)


def chosen_of_each(labels: npt.NDArray[np.int64], count: int, **options: int) -> list[int]:
    """How many of each class are chosen."""
    chosen = stratified(labels, count, SEED, **options)
    return [int(n) for n in np.bincount(labels[chosen], minlength=labels.max() + 1)]


def test_classes_keep_their_shares() -> None:
    """A tenth of each."""
    assert chosen_of_each(labels_of(100, 300, 600), 100) == [10, 30, 60]


def test_the_largest_remainders_get_what_is_left() -> None:
    """7 of 3 + 5 + 9 is 1.24 + 2.06 + 3.71 of each: the last has the largest rest."""
    assert chosen_of_each(labels_of(3, 5, 9), 7) == [1, 2, 4]


def test_a_rare_class_is_never_left_out() -> None:
    """What the model has not seen it cannot learn; the commonest class gives way."""
    assert chosen_of_each(labels_of(1, 1, 98), 10) == [1, 1, 8]


def test_at_least_so_many_of_each() -> None:
    """Also where its share is smaller."""
    assert chosen_of_each(labels_of(10, 10, 980), 30, least=5) == [5, 5, 20]


def test_so_many_of_each_are_left() -> None:
    """For the other part of a split."""
    assert chosen_of_each(labels_of(2, 2, 96), 97, spare=1) == [1, 1, 95]


def test_all_of_them() -> None:
    """Nothing is drawn twice, nothing forgotten."""
    np.testing.assert_array_equal(stratified(labels_of(3, 4), 7, SEED), np.arange(7))


def test_the_seed_decides() -> None:
    """The same gives the same, each word of it counts."""
    labels = labels_of(50, 50)

    first = stratified(labels, 20, (1, 2))

    np.testing.assert_array_equal(stratified(labels, 20, [1, 2]), first)
    for other in ((1, 3), (2, 2), (1,)):
        assert (stratified(labels, 20, other) != first).any()


def test_items_are_drawn_from_all_over_the_class() -> None:
    """Not its first ones: files are often sorted by writer."""
    chosen = stratified(np.zeros(1_000, np.int64), 100, SEED)

    # The mean of 100 of 0..999 has a standard deviation of 27: six of them.
    assert abs(chosen.mean() - 499.5) < 6 * 27


@pytest.mark.parametrize(
    ("count", "options"),
    [
        (2, {}),
        (0, {}),
        (-1, {}),
        (11, {}),
        (5, {"least": 2}),
        (9, {"spare": 1}),
        (6, {"least": 2, "spare": 2}),
    ],
)
def test_a_count_that_cannot_be_is_refused(count: int, options: dict[str, int]) -> None:
    """Fewer than the classes need, more than there are or may be taken."""
    with pytest.raises(ValueError, match=rf"cannot choose {count} of 10 items in 3 classes"):
        stratified(labels_of(3, 3, 4), count, SEED, **options)


@repeatable
@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.floats(0, 1))
def test_every_choice_is_fair(sizes: list[int], share: float) -> None:
    """Sorted, without repeats, as many as asked for, each class near its share."""
    labels = labels_of(*sizes)
    count = len(sizes) + round(share * (len(labels) - len(sizes)))

    chosen = stratified(labels, count, SEED)

    assert len(chosen) == count
    assert (np.diff(chosen) > 0).all()
    taken = np.bincount(labels[chosen], minlength=len(sizes))
    exact = np.array(sizes) * count / len(labels)
    assert taken.min() >= 1
    assert (taken <= sizes).all()
    # Classes below one item take from the others, so that these may lose more than their fraction.
    owed = np.maximum(1 - exact, 0).sum()
    assert (taken - exact < 1).all() or (exact < 1).any()
    assert (exact - taken < 1 + owed).all()
