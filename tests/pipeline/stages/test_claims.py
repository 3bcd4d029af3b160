"""Claims: what is counted, in which layout, and what is refused."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest

from converters.tflite.weights import WeightTensor
from pipeline.artifacts import Claim
from pipeline.errors import StepError
from pipeline.stages.claims import _matched, check, measured_in_file, measured_in_keras

Kind = Literal["zero_share", "zeros_in_four", "distinct_weights"]


def claim(kind: Kind, wanted: float, layer: str = "a") -> Claim:
    """A promise."""
    return Claim(optimization="prune", layer=layer, kind=kind, wanted=wanted)


def tensor(values: npt.NDArray[np.generic], op: str = "CONV_2D") -> WeightTensor:
    """Of a file, in TFLite's layout."""
    return WeightTensor(op=op, name="w", values=values, per_channel=True)


def in_keras(kind: Kind, values: npt.NDArray[np.generic], *, per_channel: bool = False) -> float | None:
    """What is measured of one kernel."""
    (found,) = measured_in_keras([claim(kind, 0)], {"a": values}, per_channel=per_channel)
    return found.measured


def test_zeros_are_counted_over_the_kernel() -> None:
    """As a share."""
    assert in_keras("zero_share", np.array([[0.0, 1.0], [0.0, -0.0]])) == 0.75


def test_zeros_in_four_are_those_of_the_poorest_group_along_the_inputs() -> None:
    """Of a Dense kernel (in, out) and of a convolution's (height, width, in, out)."""
    dense = np.array([[0, 1], [0, 0], [1, 1], [1, 0]], float)  # column 0: two zeros, column 1: two
    assert in_keras("zeros_in_four", dense) == 2
    dense[0, 1], dense[1, 1] = 1, 1
    assert in_keras("zeros_in_four", dense) == 1
    convolution = np.ones((2, 1, 4, 3))
    convolution[:, :, :2] = 0
    assert in_keras("zeros_in_four", convolution) == 2
    assert in_keras("zeros_in_four", np.moveaxis(convolution, 2, 0).reshape(4, 6)) == 2


def test_distinct_weights_are_counted_over_the_kernel_or_by_channel() -> None:
    """By channel only where each has a grid of its own."""
    convolution = np.stack([np.array([[[1.0, 2.0]]]), np.array([[[3.0, 3.0]]])], axis=-1)
    assert in_keras("distinct_weights", convolution) == 3
    assert in_keras("distinct_weights", convolution, per_channel=True) == 2
    assert in_keras("distinct_weights", np.array([[1.0, 3.0], [2.0, 3.0]]), per_channel=True) == 3


def test_a_file_is_measured_by_shape_and_content() -> None:
    """Depthwise tensors between the others belong to none."""
    first, second = np.zeros((1, 1, 2, 3), np.float32), np.ones((1, 1, 2, 3), np.float32)
    tensors = [
        tensor(np.ones((1, 3, 3, 2), np.int8)),
        tensor(np.ones((3, 1, 1, 2), np.int8), "DEPTHWISE_CONV_2D"),
        tensor(np.zeros((3, 1, 1, 2), np.int8)),
        tensor(np.ones((3, 1, 1, 2), np.int8)),
    ]
    claims = [claim("zero_share", 1, "first"), claim("zero_share", 1, "second"), claim("zero_share", 1, "no")]
    found = measured_in_file(claims, {"first": first, "second": second}, tensors)
    assert [each.measured for each in found] == [1.0, 0.0, None]


def test_kernels_that_contents_do_not_tell_apart_keep_their_order() -> None:
    """A channel of one weight points nowhere in particular."""
    kernels = {name: np.full((1, 3), value, np.float32) for name, value in (("a", 2), ("b", 3), ("c", 5))}
    tensors = [
        tensor(np.array(values, np.int8)[:, np.newaxis]) for values in ((7, 8, 9), (4, 5, 5), (6,) * 3)
    ]
    claims = [claim("distinct_weights", 1, name) for name in kernels]
    found = _matched(kernels, tensors)
    assert [found[name] for name in kernels] == tensors
    assert [each.measured for each in measured_in_file(claims, kernels, tensors)] == [1, 1, 1]


@pytest.mark.parametrize("factor", [1.0, -3.0])
def test_a_channel_is_found_again_whatever_its_factor(factor: float) -> None:
    """Also where its kernel comes later in the file, and there are more tensors than kernels."""
    first, second = np.random.default_rng(1).normal(size=(2, 1, 1, 8, 3))
    first[:, :, :4], second[:, :, 6:] = 0, 0
    factors = np.array([1.0, factor, 0.01])
    tensors = [
        tensor(np.moveaxis(values * factors, -1, 0)) for values in (np.ones((1, 1, 8, 3)), second, first)
    ]
    claims = [claim("zero_share", 0, "first"), claim("zero_share", 0, "second")]
    found = measured_in_file(claims, {"first": first, "second": second}, tensors)
    assert [each.measured for each in found] == [0.5, 0.25]


def test_without_tensors_nothing_is_measured() -> None:
    """A file of another model."""
    (found,) = measured_in_file([claim("zero_share", 0)], {"a": np.zeros((3, 2), np.float32)}, [])
    assert found.measured is None


def test_a_file_has_few_weights_in_each_output_channel() -> None:
    """Each may be multiplied by a factor of its own."""
    values = np.array([[1, 2, 2], [5, 7, 7]], np.int8)
    (found,) = measured_in_file(
        [claim("distinct_weights", 2)], {"a": np.zeros((3, 2), np.float32)}, [tensor(values)]
    )
    assert found.measured == 2
    assert found.holds


@pytest.mark.parametrize(
    ("kind", "wanted", "measured", "says"),
    [
        ("zero_share", 0.5, 0.25, "zero_share of at least 0.5, 0.25 was found"),
        ("zeros_in_four", 2, 1, "zeros_in_four of at least 2, 1 was found"),
        ("distinct_weights", 8, 9, "distinct_weights of at most 8, 9 was found"),
        ("distinct_weights", 8, None, "distinct_weights of at most 8, nothing was found"),
    ],
)
def test_a_promise_that_was_not_kept_is_refused(
    kind: Kind, wanted: float, measured: float | None, says: str
) -> None:
    """With the layer, and where."""
    broken = claim(kind, wanted).model_copy(update={"measured": measured})
    with pytest.raises(StepError) as caught:
        check([broken], where="int8.tflite")
    assert str(caught.value) == f"int8.tflite: optimize 'prune' promised layer 'a' {says}"


@pytest.mark.parametrize(
    ("kind", "wanted", "measured"),
    [("zero_share", 0.5, 0.5), ("zeros_in_four", 2, 3), ("distinct_weights", 8, 2)],
)
def test_more_than_was_promised_is_kept(kind: Kind, wanted: float, measured: float) -> None:
    """Exactly as much too."""
    check([claim(kind, wanted).model_copy(update={"measured": measured})], where="x")
