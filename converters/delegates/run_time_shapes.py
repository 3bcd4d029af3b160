"""Tensors whose size depends on values that are computed at run time, told from those with an open batch.

A ``shape_signature`` with -1 alone says that an app *may* resize: the file is laid out for the size that
stands in ``shape``, and a delegate sees that. A RESHAPE to a computed shape has no size before it has run.
"""

from collections.abc import Mapping

from converters.tflite.graph import Op, Subgraph

SHAPED_BY: Mapping[str, tuple[int, ...]] = {
    "BATCH_TO_SPACE_ND": (1, 2),
    "BROADCAST_TO": (1,),
    "EXPAND_DIMS": (1,),
    "FILL": (0,),
    "MIRROR_PAD": (1,),
    "ONE_HOT": (1,),
    "PAD": (1,),
    "PADV2": (1,),
    "RANGE": (0, 1, 2),
    "RESHAPE": (1,),
    "RESIZE_BILINEAR": (1,),
    "RESIZE_NEAREST_NEIGHBOR": (1,),
    "SLICE": (1, 2),
    "SPACE_TO_BATCH_ND": (1, 2),
    "STRIDED_SLICE": (1, 2, 3),
    "TILE": (1,),
    "TOPK_V2": (1,),
    "TRANSPOSE_CONV": (0,),
}
"""Op to the inputs whose values decide the size of what it gives."""

ALWAYS = frozenset({"UNIQUE", "WHERE"})
"""Ops that give as much as they find."""


def sized_at_run_time(graph: Subgraph) -> frozenset[int]:
    """Indices of the tensors that have no size before the graph has run; the work is its references."""
    found: set[int] = set()
    for op in graph.ops:
        if _decides(graph, op) or not found.isdisjoint(op.inputs):
            outputs = (tensor for index in op.outputs if (tensor := graph.tensor(index)) is not None)
            # The signature of a tensor whose size is the same for all values has no -1.
            found |= {tensor.index for tensor in outputs if tensor.dynamic}
    return frozenset(found)


def _decides(graph: Subgraph, op: Op) -> bool:
    if op.custom or op.name in ALWAYS:
        return True
    for position in SHAPED_BY.get(op.name, ()):
        tensor = graph.tensor(op.inputs[position]) if position < len(op.inputs) else None
        if tensor is not None and not tensor.constant:
            return True
    return False
