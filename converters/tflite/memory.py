"""Peak memory of activations: a lower bound, from how long each tensor is needed.

    op      0       1       2
    input   #################   an app's input stays for the whole run
    a       ########            from the op that gives it to the last that reads it
    b               #########
    output                  #   an output stays until the end

TensorFlow Lite lays all of them out in one arena (``arena_planner.cc``). The bound is the largest sum of what
must be there at once. The arena may be larger: blocks are aligned, gaps between them stay, and kernels ask
for scratch memory of their own: im2col made it 3.6 times the bound for a small CNN. A delegate has memory of
its own besides.

Constants that are stored narrower or sparsely and unpacked once (float16 weights by DEQUANTIZE) are no
activations; their bytes are told apart.
"""

from dataclasses import dataclass, replace

from converters.tflite.graph import Op, Subgraph, Tensor

VIEWS = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "BITCAST"})
"""Ops whose output is the input's bytes: a runtime need not copy them."""

IN_PLACE = frozenset(
    {
        "ABS", "ADD", "ADD_N", "CEIL", "COS", "DIV", "DYNAMIC_UPDATE_SLICE", "ELU", "EXP", "FLOOR",
        "FLOOR_DIV", "FLOOR_MOD", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG", "LOGISTIC", "LOG_SOFTMAX",
        "MAXIMUM", "MINIMUM", "MUL", "NEG", "POW", "PRELU", "QUANTIZE", "RELU", "RELU6", "RELU_0_TO_1",
        "RELU_N1_TO_1", "ROUND", "RSQRT", "SELECT", "SELECT_V2", "SIGN", "SIN", "SOFTMAX", "SQRT",
        "SQUARE", "SQUARED_DIFFERENCE", "SUB", "TANH",
    }
)  # fmt: skip
"""Ops that can write over an input of the output's size that nothing needs afterwards. Not every runtime
does it for all of them; taking all keeps the bound a bound."""


UNPACKING = frozenset({"DEQUANTIZE", "DENSIFY"})
"""Ops that make dense float32 of a constant, when the file is loaded."""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The most that must be in memory at once.

    Attributes:
        bytes: lower bound of the activation memory.
        op: position of the op at which it is reached; None where there is none.
        live: names and bytes of what is there then, the largest first.
        unsized: names of tensors whose size is not told; the bound is without them.
        dynamic: whether a dimension is only known at run time; the sizes in the file were taken.
        unpacked_bytes: of constants once they are unpacked, on top of the bound.
    """

    bytes: int
    op: int | None
    live: tuple[tuple[str, int], ...]
    unsized: tuple[str, ...]
    dynamic: bool
    unpacked_bytes: int


@dataclass
class _Block:
    """Memory of one tensor, or of several that share it."""

    name: str
    size: int
    first: int
    last: int


def peak(graph: Subgraph) -> Peak:
    """The bound for one subgraph."""
    end = max(len(graph.ops) - 1, 0)
    unpacked = _unpacked(graph)
    activations = [tensor for tensor in _activations(graph) if tensor.index not in unpacked]
    last_use = _last_uses(graph, end)
    blocks: dict[int, _Block] = {}
    for tensor in activations:
        if tensor.producer is None or tensor.variable:
            blocks[tensor.index] = _Block(tensor.name, tensor.dense_bytes or 0, 0, end)
    kept = {tensor.index for tensor in (*graph.inputs, *graph.outputs)}
    for op in graph.ops:
        for index in (*op.outputs, *op.intermediates):
            result = graph.tensor(index)
            if result is None or result.index in blocks or result.index in unpacked or result.constant:
                continue
            size, last = result.dense_bytes or 0, last_use.get(index, op.index)
            if index in op.intermediates:
                last = op.index
            shared = _shared(graph, op, size, blocks, last_use, kept)
            if shared is None:
                blocks[index] = _Block(result.name, size, op.index, last)
            else:
                shared.last, shared.size = max(shared.last, last), max(shared.size, size)
                blocks[index] = shared
    highest = _highest(graph, blocks, activations, end)
    return replace(highest, unpacked_bytes=sum(graph.tensors[i].dense_bytes or 0 for i in unpacked))


def _unpacked(graph: Subgraph) -> frozenset[int]:
    """Tensors that hold an unpacked constant."""
    found: set[int] = set()
    for op in graph.ops:
        source = graph.tensor(op.inputs[0]) if op.inputs else None
        if op.name in UNPACKING and source is not None and (source.constant or source.index in found):
            found.update(index for index in op.outputs if graph.tensor(index) is not None)
    return frozenset(found)


def _activations(graph: Subgraph) -> list[Tensor]:
    """Tensors that take up memory: an op gives them, the app does, or they last from run to run."""
    doors = {tensor.index for tensor in graph.inputs}
    return [
        tensor
        for tensor in graph.tensors
        if not tensor.constant and (tensor.producer is not None or tensor.variable or tensor.index in doors)
    ]


def _last_uses(graph: Subgraph, end: int) -> dict[int, int]:
    last: dict[int, int] = {}
    for op in graph.ops:
        for index in op.inputs:
            last[index] = op.index
    return last | {tensor.index: end for tensor in graph.outputs}


def _shared(
    graph: Subgraph, op: Op, size: int, blocks: dict[int, _Block], last_use: dict[int, int], kept: set[int]
) -> _Block | None:
    """The block of an input in which the op's output can stand."""
    if op.name in VIEWS and op.inputs:
        return blocks.get(op.inputs[0])
    if op.name not in IN_PLACE:
        return None
    for index in op.inputs:
        source, block = graph.tensor(index), blocks.get(index)
        free = block is not None and block.last <= op.index and last_use.get(index) == op.index
        if source is not None and free and index not in kept and source.dense_bytes == size:
            return block
    return None


def _highest(graph: Subgraph, blocks: dict[int, _Block], activations: list[Tensor], end: int) -> Peak:
    distinct = list({id(block): block for block in blocks.values()}.values())
    changes = [0] * (end + 2)
    for block in distinct:
        changes[block.first] += block.size
        changes[block.last + 1] -= block.size
    most, at, now = 0, None, 0
    for index in range(len(graph.ops)):
        now += changes[index]
        if now > most:
            most, at = now, index
    live = [(b.name, b.size) for b in distinct if at is not None and b.first <= at <= b.last and b.size]
    return Peak(
        bytes=most,
        op=at,
        live=tuple(sorted(live, key=lambda item: -item[1])),
        unsized=tuple(tensor.name for tensor in activations if tensor.dense_bytes is None),
        dynamic=any(tensor.dynamic for tensor in activations),
        unpacked_bytes=0,
    )
