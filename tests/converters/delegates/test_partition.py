"""How a graph is cut into the parts that a delegate computes."""

import pytest

from converters.delegates import gpu
from converters.delegates.partition import partitions
from converters.tflite.graph import Op
from converters.tflite.inspect import inspect_bytes
from tests.converters import built


def ops(*edges: tuple[tuple[int, ...], int]) -> list[Op]:
    """Ops 0, 1 ... that read tensors and give one."""
    return [
        Op(name="RELU", version=1, custom=False, inputs=reads, outputs=(gives,), index=i)
        for i, (reads, gives) in enumerate(edges)
    ]


LINE = ops(((0,), 1), ((1,), 2), ((2,), 3), ((3,), 4))
DIAMOND = ops(((0,), 1), ((1,), 2), ((1,), 3), ((2, 3), 4))
"""0 before 1 and 2, both before 3."""


@pytest.mark.parametrize(
    ("graph", "could_go", "parts"),
    [
        (LINE, {0, 1, 2, 3}, [(0, 1, 2, 3)]),
        (LINE, set(), []),
        (LINE, {0, 1, 3}, [(0, 1), (3,)]),
        (LINE, {1, 3}, [(1,), (3,)]),
        (LINE, {1, 2}, [(1, 2)]),
        # 2 waits for nothing that stays: it joins the part before 1.
        (DIAMOND, {0, 2, 3}, [(0, 2), (3,)]),
        (DIAMOND, {1, 2}, [(1, 2)]),
    ],
)
def test_a_part_grows_as_far_as_its_inputs_are_there(
    graph: list[Op], could_go: set[int], parts: list[tuple[int, ...]]
) -> None:
    """By data, not by position."""
    assert partitions(graph, could_go=could_go, known={0}) == parts


def test_a_cycle_ends() -> None:
    """A damaged file may hold one: its ops never run."""
    graph = ops(((2,), 1), ((1,), 2), ((0,), 3))
    assert partitions(graph, could_go={0, 1, 2}, known={0}) == [(2,)]


def test_ops_of_a_cycle_stay_and_say_so() -> None:
    """In a verdict nothing counts as delegated that can never run, neither those behind the cycle."""
    tensors = [built.tensor(name, (1, 4)) for name in "abcde"]
    ops = [built.op("RELU", (2,), (1,)), built.op("RELU", (1,), (2,)), built.op("RELU", (0,), (3,)),
           built.op("TANH", (2,), (4,))]  # fmt: skip
    content = built.model(built.graph(tensors, ops, inputs=(0,), outputs=(3,)))
    verdict = gpu.verdict(inspect_bytes(content, where="test"))
    assert [op.delegated for op in verdict.ops] == [False, False, True, False]
    assert "it can never run" in verdict.ops[0].reason
    assert "it can never run" in verdict.ops[3].reason
    assert not verdict.full


def test_an_optional_or_variable_input_holds_nothing_up() -> None:
    """-1 is left out, 7 is made by no op."""
    assert partitions(ops(((0, -1, 7), 1)), could_go={0}, known={0}) == [(0,)]


def test_many_ops_in_turns_are_cut_quickly() -> None:
    """The work grows with the ops, not with their square."""
    count = 100_000
    graph = ops(*(((i,), i + 1) for i in range(count)))
    assert len(partitions(graph, could_go=set(range(0, count, 2)), known={0})) == count // 2
