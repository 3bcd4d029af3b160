"""Multiply-accumulates and bytes of every op: where the time will go.

A multiply-accumulate (MAC) is one product added to a sum: the inner step of convolutions and matrix products.
Additions, comparisons and table look-ups of other ops are not counted; next to a convolution they are little.

How often an op computes a whole kernel, times the kernel's elements. For convolutions and FULLY_CONNECTED
TensorFlow's own count is the same (``compiler/mlir/lite/utils/arithmetic_count_util.h``; it takes product and
sum for two and adds the bias):

    CONV_2D, DEPTHWISE_CONV_2D, CONV_3D     output positions (all but the last dimension) x kernel
    FULLY_CONNECTED                         rows of the output x kernel
    TRANSPOSE_CONV, CONV_3D_TRANSPOSE       input positions x kernel, with what is then cut off at the edges
    BATCH_MATMUL                            output elements x length of the inner dimension
    RNN, LSTM (of a sequence)               batch x steps x all kernels of one step
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

from converters.tflite.graph import Inspection, Op, Subgraph, Tensor

CONTROL_FLOW = frozenset(
    {"IF", "WHILE", "CALL", "CALL_ONCE", "STABLEHLO_WHILE", "STABLEHLO_CASE", "STABLEHLO_COMPOSITE"}
)
"""Ops that run another subgraph, as often as the values say."""

WITHOUT_MACS = frozenset(
    {
        "ABS", "ADD", "ADD_N", "ARG_MAX", "ARG_MIN", "ASSIGN_VARIABLE", "ATAN2", "AVERAGE_POOL_2D",
        "BATCH_TO_SPACE_ND", "BITCAST", "BITWISE_XOR", "BROADCAST_ARGS", "BROADCAST_TO", "BUCKETIZE", "CAST",
        "CEIL", "COMPLEX_ABS", "CONCATENATION", "COS", "CUMSUM", "DENSIFY", "DEPTH_TO_SPACE", "DEQUANTIZE",
        "DIV", "DYNAMIC_UPDATE_SLICE", "ELU", "EMBEDDING_LOOKUP", "EQUAL", "EXP", "EXPAND_DIMS", "FAKE_QUANT",
        "FILL", "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "GATHER", "GATHER_ND", "GELU", "GREATER", "GREATER_EQUAL",
        "HARD_SWISH", "HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_LOOKUP", "HASHTABLE_SIZE",
        "IMAG", "L2_NORMALIZATION", "L2_POOL_2D", "LEAKY_RELU", "LESS", "LESS_EQUAL",
        "LOCAL_RESPONSE_NORMALIZATION", "LOG", "LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "LOGISTIC",
        "LOG_SOFTMAX", "MATRIX_DIAG", "MATRIX_SET_DIAG", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM",
        "MIRROR_PAD", "MUL", "NEG", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "NOT_EQUAL",
        "ONE_HOT", "PACK", "PAD", "PADV2", "POW", "PRELU", "QUANTIZE", "RANDOM_STANDARD_NORMAL",
        "RANDOM_UNIFORM", "RANGE", "RANK", "READ_VARIABLE", "REAL", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX",
        "REDUCE_MIN", "REDUCE_PROD", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "RESHAPE",
        "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "REVERSE_SEQUENCE", "REVERSE_V2", "RIGHT_SHIFT",
        "ROUND", "RSQRT", "SCATTER_ND", "SEGMENT_SUM", "SELECT", "SELECT_V2", "SHAPE", "SIGN", "SIN", "SLICE",
        "SOFTMAX", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPARSE_TO_DENSE", "SPLIT", "SPLIT_V", "SQRT",
        "SQUARE", "SQUARED_DIFFERENCE", "SQUEEZE", "STRIDED_SLICE", "SUB", "SUM", "TANH", "TILE", "TOPK_V2",
        "TRANSPOSE", "UNIQUE", "UNPACK", "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_MIN",
        "UNSORTED_SEGMENT_PROD", "UNSORTED_SEGMENT_SUM", "VAR_HANDLE", "WHERE", "ZEROS_LIKE",
    }
)  # fmt: skip
"""Ops that move, compare or change values one by one. All others than these and :data:`_RULES` are untold."""


@dataclass(frozen=True, kw_only=True)
class OpCost:
    """What one op takes.

    Attributes:
        subgraph: in which it stands.
        index: of the op in it.
        name: of the op.
        layer: Keras layer it comes from; "" where the names do not tell.
        macs: multiply-accumulates of one run; None for custom, unknown and control-flow ops, and where a
            shape is not told.
        read_bytes: all tensors that it reads, constants as they are stored; None where a size is not told.
        written_bytes: all tensors that it writes; None where a size is not told.
        dynamic: whether a dimension of its tensors is only known at run time: the figures are then those of
            the sizes that stand in the file.
    """

    subgraph: int
    index: int
    name: str
    layer: str
    macs: int | None
    read_bytes: int | None
    written_bytes: int | None
    dynamic: bool


@dataclass(frozen=True, kw_only=True)
class Share:
    """A part of all multiply-accumulates, 0..1."""

    what: str
    macs: int
    share: float


def costs(inspection: Inspection) -> tuple[OpCost, ...]:
    """The cost of every op of every subgraph, in the file's order."""
    return tuple(_cost(graph, op) for graph in inspection.graphs for op in graph.ops)


def total_macs(found: Sequence[OpCost], *, subgraph: int = 0) -> int:
    """Multiply-accumulates of the counted ops of one subgraph, run once."""
    return sum(cost.macs or 0 for cost in found if cost.subgraph == subgraph)


def uncounted(found: Sequence[OpCost]) -> tuple[OpCost, ...]:
    """Ops whose multiply-accumulates are not known; :func:`total_macs` is without them."""
    return tuple(cost for cost in found if cost.macs is None)


def by_op(found: Sequence[OpCost], *, most: int | None = None) -> tuple[Share, ...]:
    """Single ops of the first subgraph by their share, the largest first; those without any are left out."""
    return _shares([(f"{cost.index} {cost.name}", cost.macs) for cost in found if cost.subgraph == 0], most)


def by_layer(found: Sequence[OpCost], *, most: int | None = None) -> tuple[Share, ...]:
    """Keras layers of the first subgraph by their share; ops without one under their own name."""
    return _shares(
        [(cost.layer or f"({cost.name})", cost.macs) for cost in found if cost.subgraph == 0], most
    )


def _shares(parts: list[tuple[str, int | None]], most: int | None) -> tuple[Share, ...]:
    sums: dict[str, int] = {}
    for what, macs in parts:
        sums[what] = sums.get(what, 0) + (macs or 0)
    total = sum(sums.values())
    ordered = sorted(sums.items(), key=lambda item: -item[1])[:most]
    return tuple(Share(what=what, macs=macs, share=macs / total) for what, macs in ordered if macs)


def _cost(graph: Subgraph, op: Op) -> OpCost:
    inputs = [tensor for i in op.inputs if (tensor := graph.tensor(i)) is not None]
    outputs = [tensor for i in op.outputs if (tensor := graph.tensor(i)) is not None]
    return OpCost(
        subgraph=graph.index,
        index=op.index,
        name=op.name,
        layer=graph.source_layer(op),
        macs=_macs(graph, op),
        read_bytes=_sum([t.constant_bytes if t.constant else t.dense_bytes for t in inputs]),
        written_bytes=_sum([t.dense_bytes for t in outputs]),
        dynamic=any(tensor.dynamic for tensor in (*inputs, *outputs)),
    )


def _macs(graph: Subgraph, op: Op) -> int | None:
    if op.custom or not op.known:
        return None
    if op.name in WITHOUT_MACS:
        return 0
    rule = _RULES.get(op.name)
    return None if rule is None else rule(graph, op)


def _forward(graph: Subgraph, op: Op) -> int | None:
    """Convolutions and Dense layers: (input, kernel, ...) -> output."""
    return _product(_positions(_output(graph, op)), _elements(_input(graph, op, 1)))


def _transposed(graph: Subgraph, op: Op) -> int | None:
    """Transposed convolutions: (output shape, kernel, input, ...) -> output."""
    return _product(_positions(_input(graph, op, 2)), _elements(_input(graph, op, 1)))


def _batch_matmul(graph: Subgraph, op: Op) -> int | None:
    """(..., m, k) x (..., k, n) -> (..., m, n); ``adj_x`` has the first one as (..., k, m)."""
    left = _input(graph, op, 0)
    if left is None or len(left.shape) < 2:
        return None
    inner = left.shape[-2] if op.options.get("adj_x") else left.shape[-1]
    return _product(_elements(_output(graph, op)), inner if inner >= 0 else None)


def _recurrent(kernels: Sequence[int]) -> Callable[[Subgraph, Op], int | None]:
    """Steps are all dimensions of the input but the last; inputs that may be left out have no kernel."""

    def macs(graph: Subgraph, op: Op) -> int | None:
        found = [tensor for i in kernels if (tensor := _input(graph, op, i)) is not None]
        return _product(_positions(_input(graph, op, 0)), _sum([_elements(tensor) for tensor in found]))

    return macs


_LSTM_KERNELS = (1, 2, 3, 4, 5, 6, 7, 8, 16)
"""Inputs of an LSTM: four kernels each for its input and its state, and the projection."""

_RULES = MappingProxyType(
    {
        "CONV_2D": _forward,
        "DEPTHWISE_CONV_2D": _forward,
        "CONV_3D": _forward,
        "FULLY_CONNECTED": _forward,
        "TRANSPOSE_CONV": _transposed,
        "CONV_3D_TRANSPOSE": _transposed,
        "BATCH_MATMUL": _batch_matmul,
        "RNN": _recurrent((1, 2)),
        "UNIDIRECTIONAL_SEQUENCE_RNN": _recurrent((1, 2)),
        "UNIDIRECTIONAL_SEQUENCE_LSTM": _recurrent(_LSTM_KERNELS),
    }
)


def _input(graph: Subgraph, op: Op, position: int) -> Tensor | None:
    return graph.tensor(op.inputs[position]) if position < len(op.inputs) else None


def _output(graph: Subgraph, op: Op) -> Tensor | None:
    return graph.tensor(op.outputs[0]) if op.outputs else None


def _elements(tensor: Tensor | None) -> int | None:
    return None if tensor is None or not tensor.shape else tensor.elements


def _positions(tensor: Tensor | None) -> int | None:
    if tensor is None or not tensor.shape or tensor.elements is None:
        return None
    return prod(tensor.shape[:-1])


def _product(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left * right


def _sum(parts: Sequence[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
