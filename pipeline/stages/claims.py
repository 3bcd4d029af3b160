"""Claims: what optimisations promised of the weights, measured on the Keras model and in the file itself."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from converters.tflite.weights import WeightTensor
from pipeline.artifacts import Claim
from pipeline.errors import StepError

Values = npt.NDArray[np.generic]

CONVOLUTION_RANK = 4

GROUP = 4
"""Neighbours among which the pattern 2:4 counts."""


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

    A kernel and its tensor are matched by shape, and by order among equals: the converter renames both layers
    and constants, but it neither reorders nor reshapes them in another way than TFLite's layouts. Distinct
    weights are counted in each output channel: int8 has a scale for each, and batch normalisation, folded
    into the kernel, multiplies each by another factor.
    """
    tensors: dict[str, WeightTensor] = {}
    # No optimisation promises anything of depthwise kernels.
    left = [each for each in weights if each.op != "DEPTHWISE_CONV_2D"]
    for name, values in kernels.items():
        shape = _in_last(values).shape
        found = next((each for each in left if each.values.shape == shape), None)
        if found is not None:
            tensors[name] = found
            left.remove(found)
    result = []
    for claim in claims:
        tensor = tensors.get(claim.layer)
        parts = [] if tensor is None else [tensor.values]
        if tensor is not None and claim.kind == "distinct_weights":
            parts = list(tensor.values)
        result.append(_measured(claim, parts))
    return tuple(result)


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
