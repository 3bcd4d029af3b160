"""Convert: the scaling of pixels goes into the graph, then one .tflite per scheme.

served model:   image 0..255 (1, *shape) -> pixel_scaling -> trained model -> probabilities
"""

import io
import zipfile
from pathlib import Path
from typing import Any

from converters import ConversionSpec, Converted, convert, representative, stack
from converters.tflite.inspect import Inspection, Tensor, inspect_bytes
from converters.tflite.keras import from_keras, load_keras
from converters.tflite.schemes import SCHEMES
from pipeline.artifacts import (
    Artifact,
    ConvertedModels,
    OptimizedModel,
    PreparedData,
    TensorSpec,
    TrainedModel,
    Variant,
)
from pipeline.preprocess import tensor
from pipeline.recipe import Recipe
from pipeline.sampling import stratified
from pipeline.stages import Work
from pipeline.stages.data import train_part
from pipeline.stages.train import save_h5
from pipeline.target import Target

VERSION = 1
TOOLS = ("tensorflow", "tf_keras", "numpy")

_REPRESENTATIVE = 4
"""Second word of the seed."""


def settings(recipe: Recipe, target: Target, _data: Path | None) -> dict[str, Any]:
    """Conversion options, which of the schemes the target takes, seed."""
    return {
        "convert": recipe.convert.model_dump(mode="json"),
        "schemes": schemes(recipe, target),
        "seed": recipe.seed,
    }


def schemes(recipe: Recipe, target: Target) -> list[str]:
    """The recipe's schemes that the target takes, in the order of the scheme table."""
    recipe.ship(target)  # refuses a recipe of which nothing would ship
    return [s for s in SCHEMES if s in recipe.convert.schemes and s in target.schemes]


def run(work: Work) -> Artifact:
    """Converts every scheme."""
    data = work.input(PreparedData)
    model = served_model(work)
    source = from_keras(model)
    save_h5(model, work.folder / "served.h5")
    training = train_part(data)
    count = max(work.recipe.convert.representative, len(data.facts.labels))
    rows = stratified(training.labels, min(count, len(training)), (work.recipe.seed, _REPRESENTATIVE))
    spec = data.facts.preprocess
    samples = representative(
        tensor(training.pixels(rows), spec), shape=spec.shape, value_range=spec.value_range
    )
    variants = []
    names = schemes(work.recipe, work.target)
    with work.console.task("convert", len(names), "schemes") as task:
        for name in names:
            converted = convert(source, conversion_spec(work.recipe, name), samples)
            converted.write(work.folder / f"{name}.tflite")
            variants.append(variant(converted))
            task.advance(1, f"{name} {len(converted.content):,} bytes")
    return work.finish(
        ConvertedModels, variants=tuple(variants), runtime_floor=work.recipe.convert.runtime_floor
    )


def served_model(work: Work) -> Any:
    """The Keras model as an app feeds it: whole grey levels in, probabilities out."""
    _, keras = stack.load()
    keras.backend.clear_session()
    trained = load_keras(work.input(OptimizedModel).path("model.h5"))
    scale, offset = work.input(TrainedModel).pixel_scaling
    inputs = keras.Input(trained.inputs[0].shape[1:], name="image")
    scaled = keras.layers.Rescaling(scale, offset, name="pixel_scaling")(inputs)
    return keras.Model(inputs, trained(scaled), name="served")


def conversion_spec(recipe: Recipe, scheme: str) -> ConversionSpec:
    """The recipe's options for one scheme; schemes that keep float32 at the door get it."""
    door = recipe.convert.io if SCHEMES[scheme].quantised_door else "float32"
    return ConversionSpec(scheme=scheme, io_dtype=door, runtime_floor=recipe.convert.runtime_floor)


def variant(converted: Converted) -> Variant:
    """What the artifact, the manifest and the tables say of a converted file."""
    scheme = converted.spec.scheme
    inspection: Inspection = inspect_bytes(converted.content, where=scheme)
    (door,), (output,) = inspection.inputs, inspection.outputs
    return Variant(
        scheme=scheme,
        file=f"{scheme}.tflite",
        bytes=len(converted.content),
        zip_bytes=zip_bytes(converted.content),
        sha256=converted.sha256,
        input=_tensor_spec(door),
        output=_tensor_spec(output),
        ops=inspection.op_counts,
        claimed_min_runtime=inspection.claimed_min_runtime,
    )


def zip_bytes(content: bytes) -> int:
    """Size of the file in a deflated zip archive, as stores ship apps."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.tflite", content)
    return len(buffer.getvalue())


def _tensor_spec(tensor: Tensor) -> TensorSpec:
    return TensorSpec(
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        scale=tensor.scales[0] if tensor.scales else None,
        zero_point=tensor.zero_points[0] if tensor.zero_points else None,
    )
