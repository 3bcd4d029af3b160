"""Which layers are tried together, in which order, and what goes with them."""

import pytest

from converters.tflite.calibrated import Layer
from converters.tflite.units import ranked, with_carriers


def graph(*feeds: tuple[int, ...]) -> list[Layer]:
    """Layers by what each of them feeds."""
    return [
        Layer(name=f"layer{i}", op="OP", node=f"node{i}", feeds=f, weights=False) for i, f in enumerate(feeds)
    ]


CHAIN = graph((1,), (2,), (3,), (4,), ())
"""0 -> 1 -> 2 -> 3 -> 4."""

BRANCHES = graph((1, 2), (3,), (3,), ())
"""0 -> 1 and 2 -> 3."""


def test_the_worst_layer_comes_first_then_its_neighbours() -> None:
    """A single before a pair with the same worst layer; of pairs, the one whose other is worse."""
    sqnr = {0: 20.0, 1: 5.0, 2: 10.0, 3: 40.0, 4: 30.0}
    assert [sorted(unit) for unit in ranked(CHAIN, sqnr)] == [
        [1], [1, 2], [0, 1], [2], [2, 3], [0], [4], [3, 4], [3],
    ]  # fmt: skip


def test_neighbours_are_seen_through_ops_that_only_move_values() -> None:
    """Layers 1 to 3 lose nothing: 0 and 4 are neighbours."""
    assert [sorted(unit) for unit in ranked(CHAIN, {0: 1.0, 4: 2.0})] == [[0], [0, 4], [4]]


def test_each_branch_is_a_neighbour() -> None:
    """And the two are none of each other."""
    pairs = [sorted(unit) for unit in ranked(BRANCHES, dict.fromkeys(range(4), 1.0)) if len(unit) == 2]
    assert sorted(pairs) == [[0, 1], [0, 2], [1, 3], [2, 3]]


@pytest.mark.parametrize(
    ("restored", "loses", "chosen"),
    [
        ({0, 4}, {0, 4}, {0, 1, 2, 3, 4}),
        ({0}, {0, 4}, {0}),
        ({4}, {0, 4}, {4}),
        ({0, 2}, {0, 2, 4}, {0, 1, 2}),
        ({0, 4}, {0, 2, 4}, {0, 4}),
        (set(), {0, 4}, set()),
    ],
    ids=["all between", "nothing behind", "nothing before", "one of two gaps", "int8 between", "none"],
)
def test_what_moves_values_goes_with_the_layers_it_joins(
    restored: set[int], loses: set[int], chosen: set[int]
) -> None:
    """From a restored layer to a restored one, and no further."""
    assert with_carriers(frozenset(restored), CHAIN, dict.fromkeys(loses, 1.0)) == chosen


def test_a_carrier_between_branches_goes_along() -> None:
    """Layer 1 only moves values from 0 to 3; 2 computes at int8."""
    assert with_carriers(frozenset({0, 3}), BRANCHES, {0: 1.0, 2: 1.0, 3: 1.0}) == {0, 1, 3}
