"""Multiply-accumulates by hand, and what is not counted."""

from collections.abc import Sequence
from typing import Any

import pytest

from converters.tflite import arithmetic
from converters.tflite.arithmetic import OpCost
from converters.tflite.inspect import inspect_bytes
from tests.converters import built

Shape = tuple[int, ...]


def cost(name: str, inputs: Sequence[Shape], output: Shape, **more: Any) -> OpCost:
    """The cost of one op on float tensors."""
    tensors = [built.tensor(f"t{i}", shape) for i, shape in enumerate((*inputs, output))]
    one = built.op(name, range(len(inputs)), (len(inputs),), **more)
    content = built.model(built.graph(tensors, [one], inputs=(0,), outputs=(len(inputs),)))
    (found,) = arithmetic.costs(inspect_bytes(content, where="test"))
    return found


@pytest.mark.parametrize(
    ("name", "inputs", "output", "macs"),
    [
        # 3 x 3 x 8 products for each of 10 x 12 x 16 outputs
        ("CONV_2D", [(1, 12, 14, 8), (16, 3, 3, 8), (16,)], (1, 10, 12, 16), 10 * 12 * 16 * 3 * 3 * 8),
        # two groups: each output sees half of the 8 channels
        ("CONV_2D", [(1, 12, 14, 8), (16, 3, 3, 4), (16,)], (1, 10, 12, 16), 10 * 12 * 16 * 3 * 3 * 4),
        ("CONV_2D", [(5, 12, 14, 8), (16, 3, 3, 8), (16,)], (5, 10, 12, 16), 5 * 10 * 12 * 16 * 3 * 3 * 8),
        ("DEPTHWISE_CONV_2D", [(1, 9, 9, 8), (1, 3, 3, 16), (16,)], (1, 7, 7, 16), 7 * 7 * 16 * 9),
        ("FULLY_CONNECTED", [(1, 100), (10, 100), (10,)], (1, 10), 1_000),
        ("FULLY_CONNECTED", [(2, 7, 100), (10, 100), (10,)], (2, 7, 10), 14_000),
        # each of 4 x 4 x 8 inputs goes into 3 x 3 x 16 outputs
        ("TRANSPOSE_CONV", [(4,), (16, 3, 3, 8), (1, 4, 4, 8)], (1, 8, 8, 16), 4 * 4 * 8 * 3 * 3 * 16),
        ("CONV_3D", [(1, 4, 4, 4, 2), (3, 3, 3, 2, 5)], (1, 2, 2, 2, 5), 8 * 5 * 27 * 2),
        ("BATCH_MATMUL", [(2, 3, 4), (2, 4, 5)], (2, 3, 5), 2 * 3 * 4 * 5),
        # 6 steps, 4 x (5 + 3) x 3 weights a step
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", [(1, 6, 5), *[(3, 5)] * 4, *[(3, 3)] * 4], (1, 6, 3), 6 * 4 * 8 * 3),
        ("MAX_POOL_2D", [(1, 4, 4, 2)], (1, 2, 2, 2), 0),
        ("SOFTMAX", [(1, 10)], (1, 10), 0),
    ],
)
def test_multiply_accumulates(name: str, inputs: list[Shape], output: Shape, macs: int) -> None:
    """Worked out by hand."""
    assert cost(name, inputs, output).macs == macs


def test_a_transposed_left_side() -> None:
    """The inner dimension is then the last but one."""
    options = ("BatchMatMulOptions", {"adjX": True})
    assert cost("BATCH_MATMUL", [(4, 3), (4, 5)], (3, 5), options=options).macs == 60


@pytest.mark.parametrize("name", ["FancyBlur", "SVDF", "WHILE", "STABLEHLO_DOT_GENERAL"])
def test_what_is_not_known_is_not_guessed(name: str) -> None:
    """Custom ops, ops without a rule, control flow."""
    found = cost(name, [(1, 4), (4, 4)], (1, 4))
    assert found.macs is None
    assert arithmetic.uncounted([found]) == (found,)


def test_a_kernel_without_a_shape_is_not_known() -> None:
    """Nor is one of a negative dimension."""
    assert cost("CONV_2D", [(1, 4, 4, 1), ()], (1, 4, 4, 1)).macs is None
    assert cost("FULLY_CONNECTED", [(1, 4), (-1, 4)], (1, 4)).macs is None


def test_an_op_without_its_inputs_is_not_known() -> None:
    """A damaged op does not stop the rest."""
    assert cost("CONV_2D", [(1, 4, 4, 1)], (1, 4, 4, 1)).macs is None


def test_huge_shapes_are_numbers_of_any_size() -> None:
    """No overflow."""
    largest = 2**31 - 1
    found = cost("FULLY_CONNECTED", [(largest, largest), (largest, largest)], (largest, largest))
    assert found.macs == largest**3


def test_bytes_of_activations_and_of_stored_constants() -> None:
    """CONV_2D of the built CNN: image 64, kernel 36, bias 16; output 144."""
    conv, depthwise, *_ = arithmetic.costs(inspect_bytes(built.cnn(), where="test"))
    assert (conv.read_bytes, conv.written_bytes) == (64 + 36 + 16, 144)
    assert (depthwise.read_bytes, depthwise.written_bytes) == (144 + 36, 144)
    assert cost("RELU", [(2, 3)], (2, 3)).read_bytes == 24


def test_texts_have_no_size() -> None:
    """None, not 0."""
    tensors = [built.tensor("a", (2,), "STRING"), built.tensor("b", (2,))]
    one = built.op("HASHTABLE_LOOKUP", (0,), (1,))
    content = built.model(built.graph(tensors, [one], inputs=(0,), outputs=(1,)))
    (found,) = arithmetic.costs(inspect_bytes(content, where="test"))
    assert (found.read_bytes, found.written_bytes) == (None, 8)


def test_sizes_at_run_time_are_told() -> None:
    """The figure is that of the sizes in the file."""
    tensors = [
        built.tensor("a", (1, 4), signature=(-1, 4)),
        built.tensor("w", (2, 4)),
        built.tensor("b", (1, 2)),
    ]
    one = built.op("FULLY_CONNECTED", (0, 1), (2,))
    content = built.model(built.graph(tensors, [one], inputs=(0,), outputs=(2,)))
    (found,) = arithmetic.costs(inspect_bytes(content, where="test"))
    assert (found.macs, found.dynamic) == (8, True)


def test_shares_by_layer_and_op() -> None:
    """The largest first; what takes nothing is left out."""
    found = arithmetic.costs(inspect_bytes(built.cnn(), where="test"))
    macs = {"conv": 36 * 36, "depth": 36 * 36, "dense": 1_440}
    assert arithmetic.total_macs(found) == sum(macs.values())
    assert [share.what for share in arithmetic.by_layer(found)] == ["dense", "conv", "depth"]
    assert {share.what: share.macs for share in arithmetic.by_layer(found)} == macs
    assert sum(share.share for share in arithmetic.by_layer(found)) == pytest.approx(1)
    assert [share.what for share in arithmetic.by_op(found, most=1)] == ["3 FULLY_CONNECTED"]


def test_a_body_counts_for_itself() -> None:
    """How often it runs is not in the file."""
    dense = [built.tensor("x", (1, 4)), built.tensor("w", (4, 4)), built.tensor("y", (1, 4))]
    body = built.graph(dense, [built.op("FULLY_CONNECTED", (0, 1), (2,))], inputs=(0,), outputs=(2,))
    loop = built.op(
        "WHILE", (0,), (1,), options=("WhileOptions", {"condSubgraphIndex": 1, "bodySubgraphIndex": 1})
    )
    ends = [built.tensor("a", (1, 4)), built.tensor("b", (1, 4))]
    content = built.model(built.graph(ends, [loop], inputs=(0,), outputs=(1,)), body)
    found = arithmetic.costs(inspect_bytes(content, where="test"))
    assert arithmetic.total_macs(found) == 0
    assert arithmetic.total_macs(found, subgraph=1) == 16
    assert [one.name for one in arithmetic.uncounted(found)] == ["WHILE"]


def test_every_named_op_is_in_the_schema() -> None:
    """A misspelt one would be untold for ever."""
    known = vars(built.schema().BuiltinOperator)
    assert not {name for name in arithmetic.WITHOUT_MACS | arithmetic.CONTROL_FLOW if name not in known}
    assert not arithmetic.WITHOUT_MACS & arithmetic.CONTROL_FLOW
