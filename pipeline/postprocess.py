"""From the output tensor to an answer: dequantise, softmax where the graph has none, the best classes.

Part of the contract, as :mod:`pipeline.preprocess` is: the apps hold twins of it.

    output tensor  -> (q - zero_point) * scale     float32; float tensors as they are
                   -> softmax, where it is left    float64: exp(v - max) / sum
                   -> probabilities                float64
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from converters.tflite.graph import Inspection
from pipeline.preprocess import dequantise

ACTIVATIONS = ("SOFTMAX", "LOGISTIC")
"""Ops that give probabilities; behind them nothing is left for the app to apply."""

PASSED_ON = ("QUANTIZE", "DEQUANTIZE", "RESHAPE")
"""Ops that hand on the same numbers in another dtype or shape."""


class PostprocessSpec(BaseModel):
    """What the app still has to do with the dequantised output.

    Attributes:
        activation: ``softmax`` where the model ends in logits, ``none`` where its graph ends in the softmax.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    activation: Literal["none", "softmax"] = "none"


def of_graph(inspection: Inspection) -> PostprocessSpec:
    """What is left to do behind a file's graph, by the op that computes its first output."""
    producer = inspection.outputs[0].producer
    # At most once past each op: a file that was made wrong may go round in a circle.
    for _ in inspection.ops:
        if producer is None or inspection.ops[producer].name not in PASSED_ON:
            break
        producer = inspection.tensors[inspection.ops[producer].inputs[0]].producer
    ends = producer is not None and inspection.ops[producer].name in ACTIVATIONS
    return PostprocessSpec(activation="none" if ends else "softmax")


def probabilities(
    output: npt.NDArray[np.generic], spec: PostprocessSpec, *, scale: float | None, zero_point: int | None
) -> npt.NDArray[np.float64]:
    """The probability of each class.

    Args:
        output: (..., classes) as the runtime left it in the output tensor.
        spec: the contract.
        scale: of the tensor; None for float tensors.
        zero_point: of the tensor; None for float tensors.

    Returns:
        float64 of the same shape; of a quantised tensor they add up to one within a few of its steps.
    """
    if scale is not None and zero_point is not None:
        output = dequantise(output, scale=scale, zero_point=zero_point)
    values = output.astype(np.float64)
    if spec.activation == "none":
        return values
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def top_k(values: npt.NDArray[np.float64] | Sequence[float], k: int) -> list[int]:
    """Indices of the ``k`` highest (or all, if there are fewer), highest first; of equal ones the lower.

    Args:
        values: (classes,).
        k: at least 1.
    """
    order = np.argsort(-np.asarray(values, dtype=np.float64), kind="stable")
    return [int(index) for index in order[:k]]
