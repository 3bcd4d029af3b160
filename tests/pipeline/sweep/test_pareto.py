"""The front: hand-made cases, and what must hold of any points."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sweep.pareto import LATENCY_TOLERANCE, Point, front


def point(accuracy: float | None, zip_bytes: int | None, latency_us: float | None) -> Point:
    """In the order of the table's columns."""
    return Point(accuracy=accuracy, zip_bytes=zip_bytes, latency_us=latency_us)


repeatable = settings(derandomize=True, deadline=None)

complete = st.builds(
    point, st.sampled_from([0.8, 0.85, 0.9]), st.integers(1, 4), st.floats(1.0, 3.0, allow_nan=False)
)
any_point = complete | st.builds(
    point,
    st.none() | st.just(0.9),
    st.none() | st.just(1),
    st.none() | st.just(1.0),
)


@pytest.mark.parametrize(
    ("points", "marks"),
    [
        ([], []),
        ([(0.9, 100, 10.0)], [True]),
        # Better in one, as good in the others.
        ([(0.9, 100, 10.0), (0.91, 100, 10.0)], [False, True]),
        ([(0.9, 100, 10.0), (0.9, 99, 10.0)], [False, True]),
        ([(0.9, 100, 10.0), (0.9, 100, 5.0)], [False, True]),
        # Each is best at something.
        ([(0.95, 300, 30.0), (0.9, 100, 30.0), (0.85, 300, 10.0)], [True, True, True]),
        # Beaten by one of several; the beaten one beats nothing any more than before.
        ([(0.95, 100, 30.0), (0.9, 200, 30.0), (0.85, 300, 10.0)], [True, False, True]),
        # Twins do not beat each other, and both are beaten by a third.
        ([(0.9, 100, 10.0), (0.9, 100, 10.0)], [True, True]),
        ([(0.9, 100, 10.0), (0.9, 100, 10.0), (0.95, 100, 10.0)], [False, False, True]),
        # What was not measured is not on the front, and beats nothing.
        ([(None, 1, 1.0), (0.9, 100, 10.0)], [False, True]),
        ([(0.99, None, 1.0), (0.9, 100, 10.0)], [False, True]),
        ([(0.99, 1, None), (0.9, 100, 10.0)], [False, True]),
        ([(None, None, None)], [False]),
    ],
)
def test_the_front_of(points: list[tuple[float | None, int | None, float | None]], marks: list[bool]) -> None:
    """Each case as its comment says."""
    assert front([point(*each) for each in points]) == marks


def test_latencies_within_the_tolerance_count_as_equal() -> None:
    """Both ways: a little slower is no defence of a worse file, and no fault of a better one."""
    slightly, clearly = 1 + LATENCY_TOLERANCE / 2, 1 + 2 * LATENCY_TOLERANCE
    assert front([point(0.9, 100, 10.0), point(0.9, 99, 10.0 * slightly)]) == [False, True]
    assert front([point(0.9, 100, 10.0), point(0.9, 99, 10.0 * clearly)]) == [True, True]
    assert front([point(0.9, 100, 10.0), point(0.9, 99, 10.0 * slightly)], latency_tolerance=0) == [True] * 2


@repeatable
@given(st.lists(complete, min_size=1, max_size=12), st.floats(0, 0.5))
def test_complete_points_have_a_front(points: list[Point], tolerance: float) -> None:
    """Whatever the tolerance: no ring of points beats each other."""
    assert any(front(points, latency_tolerance=tolerance))


@repeatable
@given(st.lists(complete, min_size=1, max_size=12))
def test_the_best_in_one_thing_stands_on_the_front_if_it_stands_alone(points: list[Point]) -> None:
    """Nobody beats the only one with the highest accuracy or the smallest file."""
    marks = front(points)
    for figures in ([-(each.accuracy or 0) for each in points], [each.zip_bytes or 0 for each in points]):
        holders = [index for index, figure in enumerate(figures) if figure == min(figures)]
        if len(holders) == 1:
            assert marks[holders[0]]


@repeatable
@given(st.lists(any_point, max_size=10), st.randoms(use_true_random=False))
def test_order_does_not_matter(points: list[Point], random: object) -> None:
    """The mark goes with the point."""
    order = list(range(len(points)))
    random.shuffle(order)  # type: ignore[attr-defined]
    marks = front(points)
    assert front([points[index] for index in order]) == [marks[index] for index in order]


@repeatable
@given(st.lists(any_point, max_size=10))
def test_what_is_incomplete_changes_nothing(points: list[Point]) -> None:
    """The front of the others is the same without it."""
    whole = [each for each in points if None not in (each.accuracy, each.zip_bytes, each.latency_us)]
    marks = iter(front(whole))
    assert front(points) == [each in whole and next(marks) for each in points]
