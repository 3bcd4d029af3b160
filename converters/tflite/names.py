"""Reads a Keras layer off the names that the converter gives to tensors.

    served/emnist_cnn/conv_1_1/Relu;served/emnist_cnn/conv_1_1/BiasAdd;served/emnist_cnn/conv_1_1/Conv2D;

Each part is the path of a graph node that was fused into the op: models, the layer, the node within it.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

KERNEL_NODE = re.compile(r"(?:conv|depthwise|matmul|einsum)", re.IGNORECASE)
"""Node that holds a layer's kernel: its layer is told rather than that of an activation fused into it."""

_WITHIN = re.compile(
    r"(?:ReadVariableOp|resource|shape|Const|perm|axis|stack|strided_slice|reduction_indices|dims"
    r"|ExpandDims|y|x|begin|size|paddings|ReadVariableOp/resource)(?:_\d+)?"
)
"""What belongs to a node rather than being one: ``Conv2D/ReadVariableOp``, ``Reshape/shape``."""

_PARTS = frozenset(
    {
        "AllValuesQuantize", "LastValueQuant", "MovingAvgQuantize", "Tensordot", "batchnorm", "moments",
    }
)  # fmt: skip
"""Scopes that some layers make for their own nodes: ``bn/batchnorm/mul_1``."""

_ROOTS = re.compile(r"(?:Stateful)?PartitionedCall(?:_\d+)?|__inference.*|main|serving_default|served")
"""Names of calls and of the whole, no layers."""

_QUANTISE_PREFIX = re.compile(r"^quant_(?=.)")
"""How quantisation-aware training calls the layer that it wraps."""


REMEMBERED_NAMES = 1024
"""Names whose layer is kept: those of the ops of a large graph."""


LONGEST_NAME = 100
"""Letters of a layer or custom op that are kept; no real one comes near. Every op repeats its name, so that a
file of 200 kB could otherwise ask for gigabytes."""


def bounded(name: str) -> str:
    """A name as it is; of one that is too long the beginning, length and digest, so that it differs."""
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode("utf-8", errors="replace")).hexdigest()[:8]
    return f"{name[:LONGEST_NAME]}... ({len(name):,} letters, sha256 {digest})"


def layer_of_names(names: Sequence[str]) -> str:
    """The layer that the first telling one of the names comes from; "" where none tells."""
    return next((layer for name in names if (layer := _layer_of_name(name))), "")


@lru_cache(maxsize=REMEMBERED_NAMES)
def _layer_of_name(name: str) -> str:
    """Remembered: a damaged file may have every op give one tensor, with a name of a megabyte."""
    parts = [part for part in name.split(";") if layer_of_path(part)]
    kernels = [part for part in parts if KERNEL_NODE.search(part.rsplit("/", 1)[-1])]
    return bounded(layer_of_path((kernels or parts)[0])) if parts else ""


def layer_of_path(path: str) -> str:
    """``functional/conv2d_1/Relu`` to ``conv2d_1``; "" for a name that has no layer before the node."""
    steps = [step for step in path.strip().split(":")[0].split("/") if step]
    while len(steps) > 2 and _WITHIN.fullmatch(steps[-1]):
        steps.pop()
    if len(steps) > 2 and steps[-1] == "depthwise" and steps[-2] == "separable_conv2d":
        steps.pop()
    while len(steps) > 2 and steps[-2] in _PARTS:
        steps.pop()
    if len(steps) < 2 or _ROOTS.fullmatch(steps[-2]):
        return ""
    return _QUANTISE_PREFIX.sub("", steps[-2])
