"""``pipeline inspect``: what stands in a .tflite file, what it costs and where it runs; or in an APK."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from pipeline.cli._options import debug_option, json_option, print_json

if TYPE_CHECKING:
    from converters.tflite.graph import Inspection, Subgraph

MODEL = "model.tflite"
"""The file of a bundle that is inspected."""


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.tflite|BUNDLE|APP.apk")
@click.option("--android-api", type=click.IntRange(27, 34), default=30, show_default=True,
              help="API level that NNAPI is asked at in full: from 29 on that of the phone's NNAPI driver "
                   "(1.2 is 29, 1.3 is 30), at most its own; with no driver it takes nothing.")  # fmt: skip
@click.option("--bundle", type=click.Path(path_type=Path), metavar="BUNDLE",
              help="Of an APK: whether this bundle's model is in it, and its labels and manifest beside it, "
                   "by hash; else exit 3.")  # fmt: skip
@json_option
@debug_option
@click.pass_context
def command(
    context: click.Context,
    file: Path,
    android_api: int,
    bundle: Path | None,
    as_json: bool,
    debug: bool,  # noqa: ARG001
) -> None:
    """Show what a .tflite file holds, what it costs and where it runs.

    Any file, not only one of this program: ops with multiply-accumulates and bytes, tensors, quantisation,
    weights and their zeros, activation memory, metadata and labels, minimum runtime, delegates.

    Of an Android app: package, ABIs, alignment of its native libraries for 16 KB pages, its models, and
    whether the TensorFlow Lite that comes along reads them.
    """
    from converters.tflite.inspect import inspect
    from pipeline.cli import _apk, _inspection

    if _apk.is_zip(file):
        if context.get_parameter_source("android_api") is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--android-api is for a model, which {file} is not: it is read as an APK")
        _apk.run(file, bundle, as_json=as_json)
        return
    if bundle is not None and file.exists():
        raise click.UsageError(f"--bundle is for an APK, which {file} is not")
    path = _model(file)
    inspection = inspect(path)
    if as_json:
        print_json({"file": str(path), **_document(inspection, android_api=android_api)})
    else:
        _inspection.show(str(path), inspection, android_api=android_api)


def _model(file: Path) -> Path:
    """The file itself, or the model of a bundle's folder."""
    from converters.errors import InvalidTfliteError

    if not file.is_dir():
        return file
    if not (file / MODEL).is_file():
        raise InvalidTfliteError(f"{file}: a folder without {MODEL}: name a bundle, or a .tflite file")
    return file / MODEL


def _document(inspection: "Inspection", *, android_api: int) -> dict[str, Any]:
    """Everything as JSON values."""
    from converters.tflite import arithmetic, memory, sparsity

    costs = arithmetic.costs(inspection)
    first = inspection.graphs[0]
    plain = {
        name: value
        for name, value in vars(inspection).items()
        if name
        not in ("all_subgraphs", "metadata", "inputs", "outputs", "tensors", "ops", "packed", "signatures")
    }
    return {
        **plain,
        "signatures": [asdict(signature) for signature in inspection.signatures],
        "op_counts": inspection.op_counts,
        "constant_bytes_by_dtype": inspection.constant_bytes_by_dtype,
        "weights": [asdict(group) | {"share": group.share} for group in sparsity.weights(inspection)],
        "macs": arithmetic.total_macs(costs),
        "costs": [asdict(cost) for cost in costs],
        "time_by_layer": [asdict(share) for share in arithmetic.by_layer(costs)],
        "time_by_op": [asdict(share) for share in arithmetic.by_op(costs)],
        "activation_memory": [asdict(memory.peak(graph)) for graph in inspection.graphs],
        "metadata": {name: {"bytes": len(content)} for name, content in inspection.metadata.items()},
        "model_metadata": _model_metadata(inspection),
        "packed": asdict(inspection.packed),
        **_where_it_runs(inspection, android_api=android_api),
        **{key: value for key, value in _graph(first).items() if key not in ("index", "name")},
        "other_subgraphs": [_graph(graph) for graph in inspection.graphs[1:]],
    }


def _graph(graph: "Subgraph") -> dict[str, Any]:
    """A subgraph as JSON values.

    A tensor that a damaged file names many times among its inputs stands there once: in JSON it would be
    written out again and again. ``input_indices`` has every reference.
    """
    tensors = {tensor.index: asdict(tensor) for tensor in graph.tensors}
    doors = {"input": graph.inputs, "output": graph.outputs}
    return {
        "index": graph.index,
        "name": graph.name,
        **{f"{s}s": [tensors[i] for i in dict.fromkeys(t.index for t in ts)] for s, ts in doors.items()},
        **{f"{s}_indices": [tensor.index for tensor in ts] for s, ts in doors.items()},
        "tensors": list(tensors.values()),
        "ops": [asdict(op) for op in graph.ops],
    }


def _where_it_runs(inspection: "Inspection", *, android_api: int) -> dict[str, Any]:
    """Minimum runtime, diagnostics and delegates."""
    from converters.delegates import nnapi_by_level, verdicts
    from converters.tflite.diagnose import diagnose
    from converters.tflite.versions import minimum_runtime

    runtime = minimum_runtime(inspection)
    return {
        "minimum_runtime": asdict(runtime) | {"release": None if runtime.release is None else runtime.text},
        "diagnostics": [asdict(one) for one in diagnose(inspection)],
        "delegates": [
            asdict(verdict) | {"partitions": verdict.partitions, "full": verdict.full}
            for verdict in verdicts(inspection, android_api=android_api)
        ],
        "android_api": android_api,
        "nnapi_by_level": [asdict(found) for found in nnapi_by_level(inspection)],
    }


def _model_metadata(inspection: "Inspection") -> dict[str, Any] | None:
    from converters.tflite import metadata
    from converters.tflite.flatbuffer import DamagedFlatbufferError

    content = inspection.metadata.get(metadata.ENTRY)
    if content is None:
        return None
    try:
        return asdict(metadata.read(content))
    except DamagedFlatbufferError as error:
        return {"damaged": str(error)}
