"""Whether a manifest describes the model that lies beside it, read from the file itself.

Golden outputs and answers are dequantised by the same numbers of the manifest: a wrong one shifts both
alike, and no golden vector shows it.
"""

from collections.abc import Iterator
from pathlib import Path

from converters.errors import SpecError
from converters.spec import parse_version
from converters.tflite.graph import Inspection, Tensor
from converters.tflite.inspect import inspect
from converters.tflite.versions import NO_RELEASE, minimum_runtime
from pipeline.artifacts import TensorSpec
from pipeline.errors import StepError
from pipeline.postprocess import of_graph
from pipeline.release.manifest import FILE, Manifest


def hold(bundle: Path, manifest: Manifest) -> None:
    """Holds what the manifest says of its model against the file.

    Raises:
        StepError: a field says something else; names the first one with both values.
    """
    model = bundle / manifest.model.file
    for field, given, found in _differences(manifest, inspect(model)):
        raise StepError(
            f"{bundle / FILE}: {field} is {given}, {model.name} has {found}; build the bundle anew"
        )


def _differences(manifest: Manifest, found: Inspection) -> Iterator[tuple[str, object, object]]:
    """(field, what the manifest says, what the file has) where they differ."""
    model = manifest.model
    yield from _tensor("model.input", model.input, found.inputs)
    yield from _tensor("model.output", model.output, found.outputs)
    left = of_graph(found)
    if manifest.postprocess != left:
        yield "postprocess.activation", manifest.postprocess.activation, left.activation
    needed = minimum_runtime(found)
    # A later release than needed is only careful, and one that was not known to the bundle's maker stays so.
    if model.min_runtime in (None, NO_RELEASE) or (needed.release is None and not needed.never):
        return
    try:
        given = parse_version(model.min_runtime or "")
    except SpecError:
        yield "model.min_runtime", f"'{model.min_runtime}'", needed.text
        return
    if needed.release is None or given < needed.release:
        yield "model.min_runtime", model.min_runtime, needed.text


def _tensor(
    field: str, given: TensorSpec, tensors: tuple[Tensor, ...]
) -> Iterator[tuple[str, object, object]]:
    if len(tensors) != 1:
        yield field, "one tensor", f"{len(tensors)} of them"
        return
    found = TensorSpec.of(tensors[0])
    for name in TensorSpec.model_fields:
        if getattr(given, name) != getattr(found, name):
            yield f"{field}.{name}", getattr(given, name), getattr(found, name)
