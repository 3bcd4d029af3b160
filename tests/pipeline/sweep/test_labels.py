"""Places of labels: geometry alone."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sweep.labels import Box, nearest, place

FRAME = Box(0, 0, 1000, 700)
SIZE = (90.0, 14.0)


def marker(x: float, y: float) -> Box:
    """Around a point."""
    return Box(x - 9, y - 9, x + 9, y + 9)


def test_a_lonely_label_stands_right_beside_its_point() -> None:
    """Clear of the marker."""
    (box,) = place([(500, 300)], [SIZE], [marker(500, 300)], FRAME)
    assert (box.left, box.bottom, box.right, box.top) == (513, 293, 603, 307)


def test_at_the_right_edge_it_stands_on_the_left() -> None:
    """Inside the frame."""
    (box,) = place([(980, 300)], [SIZE], [marker(980, 300)], FRAME)
    assert box.right < 980
    assert box.left >= 0


def test_labels_of_a_crowd_cover_neither_each_other_nor_the_points() -> None:
    """Twelve points in a patch that is hardly larger than one label."""
    points = [(500.0 + 25 * (index % 4), 300.0 + 30 * (index // 4)) for index in range(12)]
    markers = [marker(*point) for point in points]
    boxes = place(points, [SIZE] * len(points), markers, FRAME)
    assert sum(one.overlap(other) for one, other in combinations(boxes, 2)) == 0
    assert sum(box.overlap(each) for box in boxes for each in markers) == 0


def test_two_equal_points_get_two_places() -> None:
    """Two variants that gave the same file."""
    first, second = place([(500, 300)] * 2, [SIZE] * 2, [marker(500, 300)], FRAME)
    assert first.overlap(second) == 0


def test_no_points_no_labels() -> None:
    """An empty picture."""
    assert place([], [], [], FRAME) == []


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 700)), min_size=1, max_size=8))
def test_every_label_keeps_its_size_and_stays_in_the_frame(points: list[tuple[float, float]]) -> None:
    """Wherever the points are."""
    markers = [marker(*point) for point in points]
    for box in place(points, [SIZE] * len(points), markers, FRAME):
        assert abs(box.right - box.left - SIZE[0]) < 1e-6
        assert abs(box.top - box.bottom - SIZE[1]) < 1e-6
        assert abs(box.area - box.overlap(FRAME)) < 1e-6


def test_the_line_to_a_point_ends_where_the_box_is_nearest() -> None:
    """A side, a corner, or the point itself where it lies inside."""
    box = Box(10, 10, 20, 20)
    assert nearest(box, (0, 15)) == (10, 15)
    assert nearest(box, (30, 40)) == (20, 20)
    assert nearest(box, (12, 13)) == (12, 13)
