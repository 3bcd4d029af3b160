"""Where labels go beside points, so that they cover neither each other nor the points. Pure geometry.

Each label tries places around its point, near ones first, and takes the one that costs least; a few passes
over all of them let early ones make room for late ones.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

DISTANCES = (13.0, 20.0, 32.0, 50.0, 75.0, 105.0)
"""From a point to its label's box, pixels: the first is just clear of a marker."""

DIRECTIONS = 16
"""Around the point; the first is to the right."""

PASSES = 4
"""More change nothing where a few dozen labels have room."""

COVER, LEAVE = 10.0, 100.0
"""Cost of a square pixel on something else, and outside the frame, in pixels of distance."""

CONFUSE, CROSS = 60.0, 200.0
"""Cost of a label that is nearer to another point than to its own, and of one whose line to its point runs
over another point."""

CLEARANCE = 12.0
"""Pixels that a line keeps from other points."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels: left < right, bottom < top."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "Box") -> float:
        """Common area, square pixels."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)

    @property
    def area(self) -> float:
        """Square pixels."""
        return (self.right - self.left) * (self.top - self.bottom)


def place(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    obstacles: Sequence[Box],
    frame: Box,
) -> list[Box]:
    """A box for each point's label.

    Args:
        points: (x, y) in pixels.
        sizes: (width, height) of each label in pixels.
        obstacles: what no label should cover: markers, bars, lines.
        frame: that no label should leave.

    Returns:
        One box per point, of its label's size.
    """
    candidates = [_candidates(point, size) for point, size in zip(points, sizes, strict=True)]
    fixed = [
        [(gap + _cost(box, obstacles, frame) + _mistaken(box, point, points), box) for gap, box in each]
        for point, each in zip(points, candidates, strict=True)
    ]
    chosen: list[Box] = [each[0][1] for each in candidates]
    for first, index in itertools.product((True, *(False,) * (PASSES - 1)), range(len(points))):
        others = chosen[:index] if first else [*chosen[:index], *chosen[index + 1 :]]
        chosen[index] = min(
            fixed[index],
            key=lambda option: option[0] + COVER * sum(option[1].overlap(other) for other in others),
        )[1]
    return chosen


def _cost(box: Box, obstacles: Sequence[Box], frame: Box) -> float:
    covered = sum(box.overlap(obstacle) for obstacle in obstacles)
    return COVER * covered + LEAVE * (box.area - box.overlap(frame))


def _mistaken(box: Box, own: tuple[float, float], points: Sequence[tuple[float, float]]) -> float:
    """Cost of what could make a reader take the label for another point's."""
    end = nearest(box, own)
    others = [point for point in points if point != own]
    confused = sum(math.dist(nearest(box, point), point) < math.dist(end, own) for point in others)
    crossed = sum(_from_line(point, own, end) < CLEARANCE for point in others)
    return CONFUSE * confused + CROSS * crossed


def _from_line(point: tuple[float, float], start: tuple[float, float], end: tuple[float, float]) -> float:
    """Distance of a point from the line between two others."""
    along = (end[0] - start[0], end[1] - start[1])
    length = along[0] ** 2 + along[1] ** 2
    share = 0.0
    if length > 0:
        share = ((point[0] - start[0]) * along[0] + (point[1] - start[1]) * along[1]) / length
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (start[0] + share * along[0], start[1] + share * along[1]))


def _candidates(point: tuple[float, float], size: tuple[float, float]) -> list[tuple[float, Box]]:
    """Distance and box of every place to try."""
    (x, y), (width, height) = point, size
    found = []
    for distance, step in itertools.product(DISTANCES, range(DIRECTIONS)):
        angle = 2 * math.pi * step / DIRECTIONS
        # The box touches a circle about the point with the side or corner that faces it.
        near_x, near_y = x + distance * math.cos(angle), y + distance * math.sin(angle)
        left = near_x - width * (1 - math.cos(angle)) / 2
        bottom = near_y - height * (1 - math.sin(angle)) / 2
        found.append((distance, Box(left, bottom, left + width, bottom + height)))
    return found


def nearest(box: Box, point: tuple[float, float]) -> tuple[float, float]:
    """The place on a box that is nearest to a point: where a line to it ends."""
    x, y = point
    return min(max(x, box.left), box.right), min(max(y, box.bottom), box.top)
