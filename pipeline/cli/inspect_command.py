"""``pipeline inspect``: what stands in a .tflite file."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli._options import debug_option, json_option, print_json, print_table

if TYPE_CHECKING:
    from converters.tflite.inspect import Inspection, Tensor


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@debug_option
def command(file: Path, as_json: bool, debug: bool) -> None:  # noqa: ARG001
    """Show the ops, tensors, quantisation and sizes of a .tflite file."""
    from converters.tflite.inspect import inspect

    inspection = inspect(file)
    if as_json:
        print_json(
            {
                "file": str(file),
                "op_counts": inspection.op_counts,
                "constant_bytes_by_dtype": inspection.constant_bytes_by_dtype,
                **asdict(inspection),
            }
        )
        return
    _show(file, inspection)


def _show(file: Path, inspection: "Inspection") -> None:
    click.echo(f"{file}: {inspection.file_bytes:,} bytes, {inspection.description}")
    claim = inspection.claimed_min_runtime or "nothing"
    click.echo(f"claims minimum runtime: {claim} ({_judgement(file, inspection)})")
    if inspection.subgraphs > 1:
        click.echo(f"{inspection.subgraphs} subgraphs; the first is shown")
    for title, tensors in (("input", inspection.inputs), ("output", inspection.outputs)):
        for tensor in tensors:
            click.echo(f"{title}: {tensor.name}  {_describe(tensor)}")
    sizes = ", ".join(f"{n:,} bytes {d}" for d, n in inspection.constant_bytes_by_dtype.items())
    click.echo(f"constants: {sizes or 'none'}")
    by_index = {tensor.index: tensor for tensor in inspection.tensors}
    print_table(
        ("#", "op", "version", "gives"),
        [
            (
                str(i),
                f"{op.name} (custom)" if op.custom else op.name,
                str(op.version),
                "; ".join(_describe(by_index[o]) for o in op.outputs if o in by_index),
            )
            for i, op in enumerate(inspection.ops)
        ],
    )


def _judgement(file: Path, inspection: "Inspection") -> str:
    from converters.errors import WrongClaimError
    from converters.tflite.versions import check_claims

    try:
        check_claims(inspection, where=file.name)
    except WrongClaimError as error:
        return f"WRONG: {error}"
    return "not contradicted by the ops that hold weights"


def _describe(tensor: "Tensor") -> str:
    shape = "x".join(map(str, tensor.shape)) or "scalar"
    text = f"{tensor.dtype} {shape}"
    if tensor.axis is not None:
        return f"{text}, {len(tensor.scales)} scales along axis {tensor.axis}"
    if tensor.scales:
        return f"{text}, scale {tensor.scales[0]:.6g}, zero point {tensor.zero_points[0]}"
    return text
