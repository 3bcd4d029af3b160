"""Peak memory of activations: by hand, and against the arena of TensorFlow Lite."""

from collections.abc import Sequence
from typing import Any

import pytest

from converters import stack
from converters.tflite.inspect import inspect_bytes
from converters.tflite.memory import IN_PLACE, VIEWS, Peak, peak
from tests.converters import built
from tests.converters.conftest import TrainedCnn

ARENA_SLACK = 2.0
"""TensorFlow Lite's arena against the bound on the fixture CNN: alignment to 64 bytes, gaps, scratch memory.
No more than a guard against a bound that says nothing: other models have more scratch memory."""


def found(sizes: Sequence[int], ops: Sequence[Any], *, inputs: Sequence[int], outputs: Sequence[int]) -> Peak:
    """The peak of a graph of int8 tensors of these sizes."""
    tensors = [built.tensor(f"t{i}", (size,), "INT8") for i, size in enumerate(sizes)]
    content = built.model(built.graph(tensors, ops, inputs=inputs, outputs=outputs))
    return peak(inspect_bytes(content, where="test").main)


def test_a_chain() -> None:
    """Input and output of an op are there together; the app's input stays."""
    ops = [built.op("MAX_POOL_2D", (i,), (i + 1,)) for i in range(3)]
    result = found([100, 40, 20, 10], ops, inputs=(0,), outputs=(3,))
    assert (result.bytes, result.op) == (100 + 40 + 20, 1)
    assert result.live == (("t0", 100), ("t1", 40), ("t2", 20))


def test_a_branch_stays_until_it_is_read() -> None:
    """t1 waits for the last op."""
    ops = [
        built.op("MAX_POOL_2D", (0,), (1,)),
        built.op("MAX_POOL_2D", (1,), (2,)),
        built.op("MAX_POOL_2D", (2,), (3,)),
        built.op("CONCATENATION", (1, 3), (4,)),
    ]
    result = found([1, 50, 30, 30, 80], ops, inputs=(0,), outputs=(4,))
    assert (result.bytes, result.op) == (1 + 50 + 30 + 80, 3)


def test_an_output_stays_to_the_end() -> None:
    """Also one that is given early."""
    ops = [built.op("MAX_POOL_2D", (0,), (1,)), built.op("MAX_POOL_2D", (0,), (2,))]
    assert found([5, 70, 60], ops, inputs=(0,), outputs=(1, 2)).bytes == 135


def test_a_view_takes_no_memory_of_its_own() -> None:
    """RESHAPE is the same bytes."""
    ops = [
        built.op("MAX_POOL_2D", (0,), (1,)),
        built.op("RESHAPE", (1,), (2,)),
        built.op("MAX_POOL_2D", (2,), (3,)),
    ]
    assert found([1, 50, 50, 10], ops, inputs=(0,), outputs=(3,)).bytes == 61


def test_an_op_that_can_write_over_its_input() -> None:
    """Only where nothing needs the input afterwards, and not over the app's."""
    ops = [
        built.op("MAX_POOL_2D", (0,), (1,)),
        built.op("RELU", (1,), (2,)),
        built.op("MAX_POOL_2D", (2,), (3,)),
    ]
    assert found([1, 50, 50, 10], ops, inputs=(0,), outputs=(3,)).bytes == 61
    again = [*ops[:2], built.op("CONCATENATION", (1, 2), (3,))]
    assert found([1, 50, 50, 10], again, inputs=(0,), outputs=(3,)).bytes == 111
    assert found([50, 50], [built.op("RELU", (0,), (1,))], inputs=(0,), outputs=(1,)).bytes == 100


def test_a_variable_stays_throughout() -> None:
    """It keeps its values from run to run."""
    tensors = [built.tensor("a", (8,), "INT8"), built.tensor("state", (30,), "INT8", variable=True)]
    tensors.append(built.tensor("b", (8,), "INT8"))
    content = built.model(built.graph(tensors, [built.op("SVDF", (0, 1), (2,))], inputs=(0,), outputs=(2,)))
    assert peak(inspect_bytes(content, where="test").main).bytes == 46


def test_constants_are_no_activations() -> None:
    """The built CNN: the image, and what the depthwise convolution reads and gives."""
    result = peak(inspect_bytes(built.cnn(), where="test").main)
    assert (result.bytes, result.op) == (64 + 144 + 144, 1)


def test_unpacked_constants_are_told_apart() -> None:
    """float16 weights, and sparse ones that are made dense and then float32."""
    half = built.tensor("half", (8, 4), "FLOAT16", data=built.floats(8, 4).astype("float16"))
    sparse = built.tensor("sparse", (4, 4), "FLOAT16", data=built.floats(3).astype("float16"), sparse=True)
    wide, dense, both = (
        built.tensor("wide", (8, 4)),
        built.tensor("dense", (4, 4), "FLOAT16"),
        built.tensor("both", (4, 4)),
    )
    tensors = [built.tensor("x", (1, 4)), half, wide, sparse, dense, both, built.tensor("y", (1, 8))]
    ops = [
        built.op("DEQUANTIZE", (1,), (2,)),
        built.op("DENSIFY", (3,), (4,)),
        built.op("DEQUANTIZE", (4,), (5,)),
        built.op("FULLY_CONNECTED", (0, 2), (6,)),
    ]
    content = built.model(built.graph(tensors, ops, inputs=(0,), outputs=(6,)))
    result = peak(inspect_bytes(content, where="test").main)
    assert (result.bytes, result.unpacked_bytes) == (16 + 32, 128 + 32 + 64)


def test_what_has_no_size_is_named() -> None:
    """Texts; the bound is without them."""
    content = built.model(built.graph([built.tensor("words", (3,), "STRING")], [], inputs=(0,), outputs=(0,)))
    result = peak(inspect_bytes(content, where="test").main)
    assert (result.bytes, result.op, result.unsized) == (0, None, ("words",))


def test_every_named_op_is_in_the_schema() -> None:
    """A misspelt one would never be taken."""
    known = vars(built.schema().BuiltinOperator)
    assert not {name for name in VIEWS | IN_PLACE if name not in known}


@pytest.mark.tensorflow
@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_the_bound_against_the_arena(cnn: TrainedCnn, tensorflow: stack.Stack, scheme: str) -> None:
    """The extent of TensorFlow Lite's arena, by the addresses of its tensors, without a delegate."""
    content = cnn.converted(scheme).content
    bound = peak(inspect_bytes(content, where="test").main).bytes
    lite = tensorflow.tf.lite
    interpreter = lite.Interpreter(
        model_content=content,
        experimental_op_resolver_type=lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    activations = {
        tensor.index for tensor in inspect_bytes(content, where="test").tensors if not tensor.constant
    }
    spans = []
    for index in activations:
        view = interpreter.tensor(index)()
        start = view.__array_interface__["data"][0]
        spans.append((start, start + view.nbytes))
    arena = max(end for _, end in spans) - min(start for start, _ in spans)
    assert bound <= arena <= ARENA_SLACK * bound, (bound, arena)
