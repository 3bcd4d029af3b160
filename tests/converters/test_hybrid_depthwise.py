"""Depthwise weights of one scale on float activations: right nowhere, refused by the stated dimension."""

import numpy as np
import pytest

from converters.tflite.diagnose import diagnose
from converters.tflite.hybrid_depthwise import outcome
from converters.tflite.inspect import Inspection, inspect_bytes
from converters.tflite.runtime_section import runtime_sections
from converters.tflite.tried import ONE_DEPTHWISE_SCALE, kinds_of
from converters.tflite.versions import minimum_runtime
from tests.converters import built

CHANNELS = 8


def content(dimension: int, *, version: int = 4, scales: int = 1, door: str = "FLOAT32") -> bytes:
    """One DEPTHWISE_CONV_2D of 8 channels, its weights' scales along a dimension."""
    own = (0.5,) if door == "INT8" else ()
    weights = np.ones((1, 3, 3, CHANNELS), np.int8)
    tensors = [
        built.tensor("in", (1, 8, 8, CHANNELS), door, scales=own),
        built.tensor("w", weights.shape, "INT8", data=weights, scales=(0.01,) * scales, axis=dimension),
        built.tensor("b", (CHANNELS,), data=np.zeros(CHANNELS, np.float32)),
        built.tensor("out", (1, 6, 6, CHANNELS), door, scales=own),
    ]
    options = {"padding": 1, "strideW": 1, "strideH": 1, "depthMultiplier": 1}
    op = built.op(
        "DEPTHWISE_CONV_2D", (0, 1, 2), (3,), version=version, options=("DepthwiseConv2DOptions", options)
    )
    return built.model(built.graph(tensors, [op], inputs=(0,), outputs=(3,)))


def depthwise(dimension: int, **more: object) -> Inspection:
    """The same, inspected."""
    return inspect_bytes(content(dimension, **more), where="test")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("dimension", "made"), [(0, "nonsense"), (1, "refused"), (3, "refused"), (7, "refused")]
)
def test_the_stated_dimension_decides(dimension: int, made: str) -> None:
    """The kernel counts the scales against its size before it runs; a dimension outside has none."""
    inspection = depthwise(dimension)
    assert inspection.tensors[1].quantized_dimension == dimension
    assert inspection.tensors[1].axis is None
    assert outcome(inspection.main, inspection.ops[0]) == made


def test_others_are_right() -> None:
    """A scale for each channel, or int8 activations."""
    for inspection in (depthwise(3, scales=CHANNELS), depthwise(0, door="INT8")):
        assert outcome(inspection.main, inspection.ops[0]) == "right"


@pytest.mark.parametrize("dimension", [0, 3])
def test_a_real_runtime_prepares_the_one_and_refuses_the_other(dimension: int) -> None:
    """It is not run: the kernel would read what is not its own."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content(dimension))
    if dimension == 0:
        interpreter.allocate_tensors()
    else:
        with pytest.raises(RuntimeError, match="failed to prepare"):
            interpreter.allocate_tensors()


@pytest.mark.parametrize(
    ("dimension", "says"), [(0, "every runtime answers nonsense"), (3, "every runtime refuses")]
)
def test_the_finding_says_which(dimension: int, says: str) -> None:
    """An error in both cases, and the only one: a higher op version would help in none."""
    for version in (1, 4, 6):
        found = diagnose(depthwise(dimension, version=version))
        assert [one.code for one in found if one.severity != "info"] == ["P020"]
        assert says in found[0].message


def test_only_what_answers_is_of_the_kind_that_was_tried() -> None:
    """A file that is refused everywhere is not told to answer nonsense on 13 runtimes."""
    assert kinds_of(depthwise(0)) == (ONE_DEPTHWISE_SCALE,)
    assert kinds_of(depthwise(3)) == ()


def test_no_release_is_named_as_enough() -> None:
    """Neither in the sentence nor in the packages."""
    found = minimum_runtime(depthwise(0))
    assert (found.release, found.text) == (None, "none")
    assert found.never == ("DEPTHWISE_CONV_2D 4 with one scale on float32",)
    assert {lowest for *_, lowest in found.carriers} == {"none"}
    first = next(iter(runtime_sections(depthwise(0)))).lines[0]
    assert first == (
        "no release of TensorFlow Lite computes it right, for DEPTHWISE_CONV_2D 4 with one scale on float32"
    )
    assert minimum_runtime(depthwise(3, scales=CHANNELS, version=6)).never == ()
