"""Claims: what optimisations promised of the weights, measured on the Keras model and in the file itself."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from converters.tflite.weights import WeightTensor
from pipeline.artifacts import Claim
from pipeline.errors import StepError

Values = npt.NDArray[np.generic]
Directions = npt.NDArray[np.float64]

CONVOLUTION_RANK = 4

GROUP = 4
"""Neighbours among which the pattern 2:4 counts."""

ORDER_COST = 1e-9
"""Of each place that a match is out of order: far below what rounding does to a cosine, so that order decides
between tensors that contents do not tell apart (channels of one weight are all alike)."""


def measured_in_keras(
    claims: Iterable[Claim], kernels: Mapping[str, Values], *, per_channel: bool = False
) -> tuple[Claim, ...]:
    """The claims with what is true of the kernels: (height, width, in, out) or (in, out) by layer name.

    Args:
        claims: what was promised.
        kernels: by layer name.
        per_channel: count distinct weights in each output channel of a convolution, not in all together: so
            they are kept by cluster-preserving quantisation, which rounds each channel to a grid of its own.
    """
    return tuple(_in_keras(claim, kernels.get(claim.layer), per_channel) for claim in claims)


def _in_keras(claim: Claim, values: Values | None, per_channel: bool) -> Claim:
    kernel = _in_last(values)
    if claim.kind == "distinct_weights" and per_channel and kernel.ndim == CONVOLUTION_RANK:
        return _measured(claim, list(kernel))
    return _measured(claim, [kernel])


def measured_in_file(
    claims: Iterable[Claim], kernels: Mapping[str, Values], weights: Sequence[WeightTensor]
) -> tuple[Claim, ...]:
    """The claims with what is true of a file's tensors.

    The converter renames layers and constants, and writes branches in an order of its own: among tensors of
    its shape a kernel is found by its content, see :func:`_likeness`; where contents tell nothing apart, by
    order. Distinct weights are counted in each output channel: int8 has a scale for each, and batch
    normalisation, folded into the kernel, multiplies each by another factor.
    """
    tensors = _matched(kernels, weights)
    result = []
    for claim in claims:
        tensor = tensors.get(claim.layer)
        parts = [] if tensor is None else [tensor.values]
        if tensor is not None and claim.kind == "distinct_weights":
            parts = list(tensor.values)
        result.append(_measured(claim, parts))
    return tuple(result)


def _matched(kernels: Mapping[str, Values], weights: Sequence[WeightTensor]) -> dict[str, WeightTensor]:
    """Layer name to the tensor that its kernel became; left out where there is none of its shape."""
    # Here, not above: an import of a tenth of a second that only optimised models need.
    from scipy.optimize import linear_sum_assignment

    ours = {name: _in_last(values) for name, values in kernels.items()}
    # No optimisation promises anything of depthwise kernels.
    theirs = [each for each in weights if each.op != "DEPTHWISE_CONV_2D"]
    found = {}
    for shape in {values.shape for values in ours.values()}:
        names = [name for name, values in ours.items() if values.shape == shape]
        tensors = [each for each in theirs if each.values.shape == shape]
        rows, columns = [_directions(ours[n]) for n in names], [_directions(t.values) for t in tensors]
        cost = [
            [ORDER_COST * abs(i - j) - _likeness(row, column) for j, column in enumerate(columns)]
            for i, row in enumerate(rows)
        ]
        pairs = linear_sum_assignment(np.reshape(cost, (len(names), len(tensors))))
        found.update({names[i]: tensors[j] for i, j in zip(*pairs, strict=True)})
    return found


def _likeness(first: Directions, second: Directions) -> float:
    """Mean over output channels of abs(cosine), 0..1, of two kernels given as :func:`_directions`.

    Batch normalisation multiplies a channel by a factor of either sign, and int8 divides it by a scale: what
    is left of a channel is the line that it points along. Two channels of zeros are alike.
    """
    cosines = np.abs(np.einsum("ok,ok->o", first, second))
    return float(np.mean(np.where(first.any(axis=1) | second.any(axis=1), cosines, 1.0)))


def _directions(values: Values) -> Directions:
    """A kernel (out, ...) as float64 (out, weights of a channel), each channel of length 1, or all zeros."""
    channels = values.reshape(len(values), -1).astype(np.float64)
    lengths = np.linalg.norm(channels, axis=1, keepdims=True)
    return np.asarray(np.divide(channels, lengths, out=np.zeros_like(channels), where=lengths > 0))


def check(claims: Iterable[Claim], *, where: str) -> None:
    """Refuses weights that are not what was promised.

    Raises:
        StepError: naming the layer, what was promised and what is there.
    """
    for claim in claims:
        if not claim.holds:
            bound = "at most" if claim.kind == "distinct_weights" else "at least"
            found = "nothing" if claim.measured is None else f"{claim.measured:g}"
            raise StepError(
                f"{where}: optimize '{claim.optimization}' promised layer '{claim.layer}' "
                f"{claim.kind} of {bound} {claim.wanted:g}, {found} was found"
            )


def _measured(claim: Claim, parts: Sequence[Values]) -> Claim:
    """``parts``: the kernel as (out, ..., in), whole or by channel; empty where there is none."""
    if not parts or not parts[0].size:
        return claim.model_copy(update={"measured": None})
    if claim.kind == "zero_share":
        value = float(np.mean(np.concatenate([part.ravel() for part in parts]) == 0))
    elif claim.kind == "zeros_in_four":
        value = min(int((part.reshape(-1, GROUP) == 0).sum(axis=1).min()) for part in parts)
    else:
        value = max(len(np.unique(part)) for part in parts)
    return claim.model_copy(update={"measured": float(value)})


def _in_last(values: Values | None) -> Values:
    """A kernel of Keras in TFLite's layout: (out, height, width, in), (out, in)."""
    if values is None:
        return np.empty(0)
    return np.moveaxis(values, -1, 0)
