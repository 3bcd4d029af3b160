"""From the output tensor to an answer."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters.tflite.graph import Inspection, Op, Tensor
from converters.tflite.inspect import inspect
from pipeline.postprocess import PostprocessSpec, of_graph, probabilities, top_k
from tests.golden_bundles import FOLDER

SOFTMAX, NONE = PostprocessSpec(activation="softmax"), PostprocessSpec()


def graph(*names: str) -> Inspection:
    """A chain of ops, the last of which makes the output."""
    tensors = [
        Tensor(
            index=i, name=f"t{i}", shape=(1, 4), dtype="float32", scales=(), zero_points=(), axis=None,
            constant_bytes=0, producer=i - 1 if i else None,
        )
        for i in range(len(names) + 1)
    ]  # fmt: skip
    ops = [
        Op(name=name, version=1, custom=False, inputs=(i,), outputs=(i + 1,), index=i)
        for i, name in enumerate(names)
    ]
    return Inspection(
        file_bytes=0, description="", claimed_min_runtime=None, subgraphs=1, inputs=(tensors[0],),
        outputs=(tensors[-1],), tensors=tuple(tensors), ops=tuple(ops),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ops", "activation"),
    [
        (("FULLY_CONNECTED", "SOFTMAX"), "none"),
        (("FULLY_CONNECTED", "LOGISTIC", "RESHAPE"), "none"),
        (("QUANTIZE", "FULLY_CONNECTED", "SOFTMAX", "QUANTIZE"), "none"),
        (("FULLY_CONNECTED", "SOFTMAX", "DEQUANTIZE", "RESHAPE"), "none"),
        (("FULLY_CONNECTED",), "softmax"),
        (("SOFTMAX", "FULLY_CONNECTED", "DEQUANTIZE"), "softmax"),
        (("RESHAPE",), "softmax"),
        ((), "softmax"),
    ],
)
def test_what_is_left_to_do_is_read_off_the_graph(ops: tuple[str, ...], activation: str) -> None:
    """By the op that computes the output, past those that hand it on."""
    assert of_graph(graph(*ops)).activation == activation


def test_a_graph_that_goes_round_in_a_circle_ends() -> None:
    """Nothing in a file forbids it."""
    chain = graph("RESHAPE", "RESHAPE")
    ops = (replace(chain.ops[0], inputs=(2,)), chain.ops[1])
    assert of_graph(replace(chain, ops=ops)).activation == "softmax"


@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_a_real_file_ends_in_its_softmax(name: str) -> None:
    """Behind it stands the QUANTIZE of the door."""
    file = inspect(Path(FOLDER) / name / "model.tflite")
    assert of_graph(file).activation == "none"
    assert file.op_counts["SOFTMAX"] == 1


def test_quantised_outputs_are_brought_back() -> None:
    """(q - zero_point) * scale."""
    found = probabilities(np.array([0, 64, 255], dtype=np.uint8), NONE, scale=1 / 256, zero_point=0)
    assert found.dtype == np.float64
    assert found.tolist() == [0.0, 0.25, 255 / 256]
    found = probabilities(np.array([-128, 127], dtype=np.int8), NONE, scale=0.5, zero_point=-128)
    assert found.tolist() == [0.0, 127.5]


def test_float_outputs_are_taken_as_they_are() -> None:
    """To the last bit."""
    output = np.array([0.1, 0.7, 0.2], dtype=np.float32)
    assert probabilities(output, NONE, scale=None, zero_point=None).tolist() == [float(v) for v in output]


def test_softmax_of_logits() -> None:
    """As the formula says, and where the formula by itself would overflow."""
    found = probabilities(np.array([1, 2, 4], dtype=np.float32), SOFTMAX, scale=None, zero_point=None)
    whole = math.e + math.e**2 + math.e**4
    assert found.tolist() == pytest.approx([math.e / whole, math.e**2 / whole, math.e**4 / whole], rel=1e-15)
    found = probabilities(
        np.array([3e38, 3e38, -3e38], dtype=np.float32), SOFTMAX, scale=None, zero_point=None
    )
    assert found.tolist() == [0.5, 0.5, 0.0]
    found = probabilities(np.array([127, -128], dtype=np.int8), SOFTMAX, scale=0.1, zero_point=3)
    assert found[0] == pytest.approx(1 / (1 + math.exp(-25.5)), abs=1e-7)


@pytest.mark.parametrize(
    ("values", "k", "best"),
    [
        ([0.1, 0.7, 0.2], 1, [1]),
        ([0.1, 0.7, 0.2], 5, [1, 2, 0]),
        ([0.5, 0.0, 0.5, 0.0], 4, [0, 2, 1, 3]),
        ([0.25] * 4, 2, [0, 1]),
    ],
)
def test_best_classes(values: list[float], k: int, best: list[int]) -> None:
    """Highest first; of equal ones the lower index."""
    assert top_k(values, k) == best
