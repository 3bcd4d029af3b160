"""Files of a single op, to hold a delegate's rule against."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from converters.tflite.graph import Inspection
from converters.tflite.inspect import inspect_bytes
from tests.converters import built

Spec = tuple[str, tuple[int, ...]] | tuple[str, tuple[int, ...], Mapping[str, Any]]
"""Dtype and shape of a tensor, and what else :func:`built.tensor` takes."""

IMAGE: Spec = ("FLOAT32", (1, 8, 8, 4))
"""What flows through most ops here."""

INT8_IMAGE: Spec = ("INT8", (1, 8, 8, 4), {"scales": (0.5,)})


def constant(values: Any, dtype: str = "INT32") -> Spec:
    """A tensor that stands in the file, with values."""
    data = np.asarray(values, getattr(np, dtype.lower()))
    return dtype, data.shape, {"data": data}


def weights(*shape: int, dtype: str = "FLOAT32", scales: tuple[float, ...] = ()) -> Spec:
    """A kernel or bias."""
    return dtype, shape, {"data": np.ones(shape, getattr(np, dtype.lower())), "scales": scales}


def single(
    name: str,
    *inputs: Spec,
    gives: tuple[Spec, ...] = (IMAGE,),
    version: int = 1,
    options: tuple[str, Mapping[str, Any]] | None = None,
) -> Inspection:
    """A file of one op; tensors are called ``in0``, ``in1`` ... and ``net/layer/out0`` ..."""
    tensors = [_tensor(f"in{i}", spec) for i, spec in enumerate(inputs)]
    tensors += [_tensor(f"net/layer/out{i}", spec) for i, spec in enumerate(gives)]
    count = len(inputs)
    doors = [i for i in range(count) if tensors[i].contents is None]
    results = list(range(count, len(tensors)))
    made = built.op(name, range(count), results, version=version, options=options)
    graph = built.graph(tensors, [made], inputs=doors, outputs=results)
    return inspect_bytes(built.model(graph), where="test")


def _tensor(name: str, spec: Spec) -> Any:
    dtype, shape, *more = spec
    return built.tensor(name, shape, dtype, **(dict(more[0]) if more else {}))


def chain(*names: str, dtype: str = "FLOAT32") -> Inspection:
    """Ops of one input and one output, one behind the other."""
    scales = (0.5,) if dtype == "INT8" else ()
    tensors = [built.tensor(f"t{i}", (1, 4), dtype, scales=scales) for i in range(len(names) + 1)]
    ops = [built.op(name, (i,), (i + 1,)) for i, name in enumerate(names)]
    graph = built.graph(tensors, ops, inputs=(0,), outputs=(len(names),))
    return inspect_bytes(built.model(graph), where="test")
