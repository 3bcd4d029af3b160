"""Cuts a graph into the parts that a delegate computes, as TensorFlow Lite does.

The graph is walked by data, not by position: an op can run once all its inputs are there. A part grows by
every op of its kind (delegated or not) that can run, also by those that its own outputs free; when none is
left, the next part begins, of the other kind. Delegated parts are what the delegate is entered for.

Source: ``PartitionGraphIntoIndependentNodeSubsets`` of TensorFlow's ``tensorflow/lite/graph_info.cc``. Not
followed here: its order of ops with side effects (variables, control flow), which CNNs do not have.
"""

from collections import deque
from collections.abc import Collection, Sequence, Set

from converters.tflite.graph import Op


def partitions(ops: Sequence[Op], *, could_go: Set[int], known: Collection[int]) -> list[tuple[int, ...]]:
    """The delegated parts, in order of execution.

    Args:
        ops: of the graph, in order of execution.
        could_go: indices of the ops that the delegate could compute.
        known: tensors that are there before the first op runs: inputs and constants.

    Returns:
        Op indices of each part. Ops that can never run, as their inputs depend on themselves, are in none.
    """
    there = {*known, -1}
    produced = {tensor for op in ops for tensor in op.outputs}
    readers: dict[int, list[int]] = {}
    missing: dict[int, int] = {}
    by_index = {op.index: op for op in ops}
    for op in ops:
        # A tensor that nothing makes is a variable or an optional one: it holds nothing up.
        waits = {tensor for tensor in op.inputs if tensor not in there and tensor in produced}
        missing[op.index] = len(waits)
        for tensor in waits:
            readers.setdefault(tensor, []).append(op.index)
    ready: dict[bool, deque[int]] = {True: deque(), False: deque()}
    for op in ops:
        if not missing[op.index]:
            ready[op.index in could_go].append(op.index)
    first = next((op.index for op in ops if not missing[op.index]), None)
    kind = first in could_go
    parts: list[tuple[int, ...]] = []
    while ready[kind] or ready[not kind]:
        part = []
        while ready[kind]:
            index = ready[kind].popleft()
            part.append(index)
            for tensor in by_index[index].outputs:
                for reader in readers.pop(tensor, ()):
                    missing[reader] -= 1
                    if not missing[reader]:
                        ready[reader in could_go].append(reader)
        if kind and part:
            parts.append(tuple(sorted(part)))
        kind = not kind
    return parts
