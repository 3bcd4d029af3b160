"""Convert: the scaling of pixels goes into the graph, then one .tflite per scheme.

served model:   image 0..255 (1, *shape) -> pixel_scaling -> trained model -> probabilities

Metadata and labels are written into each file last, when all is measured.
"""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from converters import ConversionSpec, Converted, Representative, convert, representative, stack
from converters.tflite.description import Description
from converters.tflite.inspect import Inspection, inspect_bytes
from converters.tflite.keras import from_keras, load_keras
from converters.tflite.metadata_writer import describe
from converters.tflite.schemes import SCHEMES
from converters.tflite.weights import weights
from pipeline.artifacts import (
    Artifact,
    Claim,
    ConvertedModels,
    DatasetFacts,
    OptimizedModel,
    PreparedData,
    TensorSpec,
    TrainedModel,
    Variant,
)
from pipeline.kernels import kernels
from pipeline.preprocess import tensor
from pipeline.recipe import GUARDED_SCHEME, Recipe
from pipeline.sampling import stratified
from pipeline.stages import Work, guarding
from pipeline.stages.checkpoints import save_h5
from pipeline.stages.claims import check, measured_in_file
from pipeline.stages.data import train_part
from pipeline.target import Target

VERSION = 2
TOOLS = ("tensorflow", "tf_keras", "numpy")

SERVED_FILE = "served.h5"
"""The Keras model that the files are converted from."""

TRAINED_FILE = "trained.h5"
"""The same before any optimisation, where there was one."""

_REPRESENTATIVE = 4
"""Second word of the seed."""


def settings(recipe: Recipe, target: Target, _data: Path | None) -> dict[str, Any]:
    """Conversion options, which of the schemes the target takes, seed."""
    return {
        # Only where it is asked for: the keys of other targets stay what they were.
        **({"per_tensor_dense": True} if target.per_tensor_dense else {}),
        "convert": recipe.convert.model_dump(mode="json"),
        "schemes": schemes(recipe, target),
        "guard": guarding.settings(recipe, target),
        # Author and licence where one is told: the keys of recipes without stay what they were.
        "metadata": [run_name(recipe), recipe.description, *_signature(recipe)],
        "seed": recipe.seed,
    }


def schemes(recipe: Recipe, target: Target) -> list[str]:
    """The recipe's schemes that the target takes, in the order of the scheme table."""
    recipe.ship(target)  # refuses a recipe of which nothing would ship
    return [s for s in SCHEMES if s in recipe.convert.schemes and s in target.schemes]


def run(work: Work) -> Artifact:
    """Converts every scheme."""
    data = work.input(PreparedData)
    optimized = work.input(OptimizedModel)
    if optimized.applied:
        # What the optimisations started from: accuracy is measured against it too.
        save_h5(served_model(work.input(TrainedModel)), work.folder / TRAINED_FILE)
    model = served_model(optimized)
    source = from_keras(model)
    save_h5(model, work.folder / SERVED_FILE)
    made: dict[str, Converted] = {}
    names = schemes(work.recipe, work.target)
    # A few photos are enough for the schemes that are not calibrated.
    calibrated = not source.fake_quantised and any(SCHEMES[name].calibrated for name in names)
    samples = _samples(work.recipe, data) if calibrated else None
    with work.console.task("convert", len(names), "schemes") as task:
        for name in names:
            made[name] = convert(source, conversion_spec(work.recipe, work.target, name), samples)
            task.advance(1, f"{name} {len(made[name].content):,} bytes")
    guard = None
    if work.recipe.guard is not None and GUARDED_SCHEME in made and samples is not None:
        plain = made[GUARDED_SCHEME]
        baseline = work.folder / (TRAINED_FILE if optimized.applied else SERVED_FILE)
        made[GUARDED_SCHEME], guard = guarding.guarded(work, source, plain, samples, baseline=baseline)
    described = [_described(converted, work.recipe, data.facts) for converted in made.values()]
    if guard is not None:
        # Its sizes are of files as they ship; what a description adds is the same for each, but for padding.
        added = sum(len(each.content) for each in described if each.spec.scheme == GUARDED_SCHEME)
        added -= len(made[GUARDED_SCHEME].content)
        sizes = {"bytes_before": guard.bytes_before + added, "bytes_after": guard.bytes_after + added}
        guard = guard.model_copy(update=sizes)
    for converted in described:
        converted.write(work.folder / f"{converted.spec.scheme}.tflite")
    return work.finish(
        ConvertedModels,
        variants=tuple(variant(converted) for converted in described),
        runtime_floor=work.recipe.convert.runtime_floor,
        claims={name: _claims_in(converted, optimized) for name, converted in made.items()},
        guard=guard,
    )


def _samples(recipe: Recipe, data: PreparedData) -> Representative:
    """Train images by seed and class, as the model takes them."""
    training, spec = train_part(data), data.facts.preprocess
    count = max(recipe.convert.representative, len(data.facts.labels))
    rows = stratified(training.labels, min(count, len(training)), (recipe.seed, _REPRESENTATIVE))
    return representative(tensor(training.pixels(rows), spec), shape=spec.shape, value_range=spec.value_range)


def served_model(model: TrainedModel | OptimizedModel) -> Any:
    """The Keras model as an app feeds it: whole grey levels in, probabilities out."""
    keras = stack.load().keras
    keras.backend.clear_session()
    trained = load_keras(model.path("model.h5"))
    inputs = keras.Input(trained.inputs[0].shape[1:], name="image")
    scale, offset = model.pixel_scaling
    pixels = inputs
    if (scale, offset) != (1.0, 0.0):
        pixels = keras.layers.Rescaling(scale, offset, name="pixel_scaling")(inputs)
    return keras.Model(inputs, trained(pixels), name="served")


def _claims_in(converted: Converted, optimized: OptimizedModel) -> tuple[Claim, ...]:
    """What the optimisations promised, measured on the weights of the file.

    Raises:
        StepError: the conversion undid it.
    """
    scheme = converted.spec.scheme
    if not optimized.claims:
        return ()
    kept = measured_in_file(
        optimized.claims,
        kernels(load_keras(optimized.path("model.h5"))),
        weights(converted.content, where=scheme),
    )
    check(kept, where=f"{scheme}.tflite")
    return kept


def run_name(recipe: Recipe) -> str:
    """The model's name in its metadata; a smoke build's is never mistaken for a full one's."""
    return recipe.name if recipe.profile == "full" else f"{recipe.name}-{recipe.profile}"


def _signature(recipe: Recipe) -> tuple[str, ...]:
    told = recipe.author, recipe.licence
    return told if any(told) else ()


def _described(converted: Converted, recipe: Recipe, facts: DatasetFacts) -> Converted:
    """The file with metadata and labels."""
    description = Description(
        name=run_name(recipe),
        description=recipe.description,
        author=recipe.author,
        license=recipe.licence,
        labels=facts.labels,
        pixel_scale=facts.preprocess.scale,
        pixel_offset=facts.preprocess.offset,
    )
    where = f"{converted.spec.scheme}.tflite"
    return replace(converted, content=describe(converted.content, description, where=where))


def conversion_spec(recipe: Recipe, target: Target, scheme: str) -> ConversionSpec:
    """The options for one scheme; schemes that keep float32 at the door get it."""
    door = recipe.convert.io if SCHEMES[scheme].quantised_door else "float32"
    return ConversionSpec(
        scheme=scheme,
        io_dtype=door,
        runtime_floor=recipe.convert.runtime_floor,
        per_tensor_dense=target.per_tensor_dense,
    )


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
        input=TensorSpec.of(door),
        output=TensorSpec.of(output),
        ops=inspection.op_counts,
        claimed_min_runtime=inspection.claimed_min_runtime,
    )


def zip_bytes(content: bytes) -> int:
    """Size of the file in a deflated zip archive, as stores ship apps."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.tflite", content)
    return len(buffer.getvalue())
