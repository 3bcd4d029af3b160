"""Inspections of one op, made by hand: what a check needs to be triggered, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from converters.tflite.inspect import Inspection, Op, Tensor


def tensor(dtype: str, shape: tuple[int, ...] = (1,), *, scales: Sequence[float] = (), **more: Any) -> Tensor:
    """A tensor without a place; zero points are 0 unless given."""
    plain: dict[str, Any] = {
        "index": 0,
        "name": dtype,
        "shape": shape,
        "dtype": dtype,
        "scales": tuple(scales),
        "zero_points": (0,) * len(scales),
        "axis": 0 if len(scales) > 1 else None,
        "constant_bytes": 0,
    }
    return Tensor(**{**plain, **more})


def one_op(
    name: str,
    version: int,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    *,
    options: Mapping[str, Any] | None = None,
    custom: bool = False,
    claims: str | None = None,
) -> Inspection:
    """A file of one op that reads and writes these tensors; the first input and the outputs are its doors."""
    tensors = tuple(replace(one, index=index) for index, one in enumerate((*inputs, *outputs)))
    op = Op(
        name=name,
        version=version,
        custom=custom,
        inputs=tuple(range(len(inputs))),
        outputs=tuple(range(len(inputs), len(tensors))),
        options=options or {},
    )
    return Inspection(
        file_bytes=0,
        description="",
        claimed_min_runtime=claims,
        subgraphs=1,
        inputs=tensors[:1],
        outputs=tensors[len(inputs) :],
        tensors=tensors,
        ops=(op,),
    )


def layer(
    name: str,
    version: int,
    dtypes: tuple[str, str, str],
    *,
    scales: int = 1,
    zero_point: int = 0,
    bias_scale: float = 0.02,
    **more: Any,
) -> Inspection:
    """An op with weights: dtypes of data, weights and output. Data has scale 0.2, weights 0.1 each."""
    door, kernel, output = dtypes
    integers = {"int8", "uint8", "int16", "int4"}
    return one_op(
        name,
        version,
        [
            tensor(door, (1, 4, 4, 8), scales=(0.2,) if door in integers else ()),
            tensor(
                kernel,
                (16, 1, 1, 8),
                scales=(0.1,) * scales if kernel in integers else (),
                zero_points=(zero_point,) * scales if kernel in integers else (),
                constant=True,
            ),
            tensor("int32", (16,), scales=(bias_scale,) * scales)
            if door in {"int8", "uint8"}
            else tensor("int64" if door == "int16" else "float32", (16,)),
        ],
        [tensor(output, (1, 4, 4, 16), scales=(0.3,) if output in integers else ())],
        **more,
    )
