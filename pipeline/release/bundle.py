"""Writes and checks bundles: a folder with the model, its contract, its proof and its variants.

model.tflite  labels.txt  manifest.json  MODEL_CARD.md  golden/  pictures/  variants/
"""

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from converters.tflite.inspect import inspect
from converters.tflite.versions import MinimumRuntime, minimum_runtime
from pipeline.artifacts import (
    ConvertedModels,
    FileRecord,
    PreparedData,
    TrainedModel,
    VerifiedModel,
    sha256,
)
from pipeline.console import Console
from pipeline.drawing import DrawingSpec
from pipeline.errors import GateError, InternalError, StepError
from pipeline.parity import decoders, delegation, diagnosis, guarding, promises
from pipeline.parity.report import COLUMNS, notes, percent, rows
from pipeline.postprocess import of_graph
from pipeline.recipe import Recipe
from pipeline.release import described, golden, photo_credits
from pipeline.release.examples import Example
from pipeline.release.manifest import FILE, Manifest, ShippedModel, Verification
from pipeline.release.manifest import read as read_manifest
from pipeline.release.replay import Replay, replay
from pipeline.target import Target

TEMPLATE = Path(__file__).parent / "model_card.md.j2"

LABELS = "labels.txt"
"""File of a bundle with the classes' names, for apps that do not read the manifest."""

PICTURES = "pictures"
"""Folder of a bundle, and of the verify stage, for what a person looks at."""

CAPTIONS = {
    "learning_curves.png": "Learning curves",
    "confusion.png": "Confusion matrix on the test set",
    "mistakes.png": "The surest mistakes",
    "least_sure.png": "The least sure answers",
}
"""Pictures that the model card shows, in this order, where they are there."""

NAMED = 5
"""Files of a kind that the model card names: the manifest has more of them."""

GOLDEN_RUNTIMES = ("tflite_reference", "litert", "tflite", "tflite_runtime")
"""Which runtime's outputs become golden: the reference kernels define what an op means."""


def write(
    folder: Path,
    *,
    recipe: Recipe,
    target: Target,
    data: PreparedData,
    trained: TrainedModel,
    converted: ConvertedModels,
    verified: VerifiedModel,
    examples: Sequence[Example],
    photos: Sequence[Example],
    drawing: DrawingSpec | None,
    lineage: dict[str, str],
    tools: dict[str, str],
    git_revision: str | None,
    console: Console,
) -> Manifest:
    """Fills a folder with the bundle; what stands in its ``pictures/`` already comes into it too.

    Raises:
        GateError: the model failed its gates.
        StepError: it is no longer the one that was verified.
        RuntimeFailure: no runtime can compute the golden vectors.
    """
    if not verified.passed:
        raise GateError(f"recipe '{recipe.name}' failed its gates: nothing is bundled")
    shipped = converted.variant(verified.ship)
    source = converted.path(shipped.file)
    if sha256(source) != verified.ship_sha256:
        raise StepError(f"{source}: not the file that was verified; run the build again")
    shutil.copyfile(source, folder / "model.tflite")
    (folder / "variants").mkdir()
    for variant in converted.variants:
        shutil.copyfile(converted.path(variant.file), folder / "variants" / variant.file)
    (folder / LABELS).write_bytes(labels_text(data.facts.labels).encode())
    copy_pictures(verified, folder / PICTURES)
    vectors = golden.write(
        folder,
        examples,
        data.facts.preprocess,
        shipped,
        photos=photos,
        drawing=drawing,
        runtime=_golden_runtime(recipe),
        seed=recipe.seed,
        console=console,
    )
    inspection = inspect(folder / "model.tflite")
    runtime = minimum_runtime(inspection)
    _write_card(folder, recipe, target, data, trained, converted, verified, runtime)
    manifest = Manifest(
        name=recipe.name,
        profile=recipe.profile,
        recipe=recipe.model_dump(mode="json"),
        target=target.name,
        seed=recipe.seed,
        git_revision=git_revision,
        tools=tools,
        lineage=lineage,
        dataset=data.facts,
        parameters=trained.parameters,
        model=ShippedModel(
            file="model.tflite",
            scheme=shipped.scheme,
            sha256=shipped.sha256,
            bytes=shipped.bytes,
            input=shipped.input,
            output=shipped.output,
            runtime_floor=converted.runtime_floor,
            min_runtime=None if runtime.unknown else runtime.text,
            claimed_min_runtime=shipped.claimed_min_runtime,
            delegates=target.delegates,
            delegate_plan=target.plan,
        ),
        variants=converted.variants,
        claims=converted.claims.get(verified.ship, ()),
        guard=converted.guard,
        preprocess=data.facts.preprocess,
        drawing=drawing,
        postprocess=of_graph(inspection),
        labels=data.facts.labels,
        verification=Verification(
            on=data.facts.clause,
            reference_accuracy=verified.reference_accuracy,
            trained_accuracy=verified.trained_accuracy,
            cells=verified.cells,
            decoders=verified.decoders,
            diagnostics=verified.diagnostics,
            delegation=verified.delegation,
            gates=verified.gates,
            passed=verified.passed,
        ),
        golden=vectors,
        files=_records(folder),
    )
    (folder / FILE).write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")
    return manifest


def check(bundle: Path, console: Console) -> tuple[Manifest, list[Replay]]:
    """Checks a bundle as an app's build would: manifest, every hash, golden vectors on every runtime.

    Raises:
        StepError: a file is missing, changed, or not listed; the manifest is not readable, or not that of
            its model.
    """
    manifest = intact(bundle)
    described.hold(bundle, manifest)
    return manifest, list(replay(bundle, manifest, console))


def intact(bundle: Path) -> Manifest:
    """Checks the manifest of a bundle, and every file against its hash; runs nothing.

    Raises:
        StepError: a file is missing, changed, or not listed; or the manifest is not readable.
    """
    manifest = read_manifest(bundle)
    found = _records(bundle)
    for name in sorted({*manifest.files, *found, manifest.model.file, manifest.golden.encoded[1], LABELS}):
        if name not in found:
            raise StepError(f"{bundle / name}: missing; the manifest lists it")
        if name not in manifest.files:
            raise StepError(f"{bundle / name}: not in the manifest; remove it")
        if found[name] != manifest.files[name]:
            raise StepError(f"{bundle / name}: changed since the bundle was made (sha256 differs)")
    if found[manifest.model.file].sha256 != manifest.model.sha256:
        raise StepError(f"{bundle / manifest.model.file}: not the model that the manifest describes")
    if (bundle / LABELS).read_bytes() != labels_text(manifest.labels).encode():
        raise StepError(f"{bundle / LABELS}: other labels than the manifest's; build the bundle anew")
    return manifest


def labels_text(labels: Sequence[str]) -> str:
    """Contents of :data:`LABELS`: one line for each class, in order."""
    return "".join(f"{label}\n" for label in labels)


def copy_pictures(verified: VerifiedModel, folder: Path) -> None:
    """Copies the verify stage's pictures, with their credits, into a folder."""
    folder.mkdir(exist_ok=True)
    for name in verified.files:
        place = PurePosixPath(name)
        if place.parts[0] == PICTURES:
            shutil.copyfile(verified.path(name), folder / place.name)


def _golden_runtime(recipe: Recipe) -> str:
    from pipeline import runtimes

    for name in GOLDEN_RUNTIMES:
        if name in recipe.runtimes and runtimes.unavailable(name) is None:
            return name
    raise InternalError(f"recipe '{recipe.name}' was verified, but none of its runtimes is here")


def _records(folder: Path) -> dict[str, FileRecord]:
    """Every file of the bundle but the manifest itself."""
    return {
        path.relative_to(folder).as_posix(): FileRecord(sha256=sha256(path), bytes=path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).as_posix() != FILE
    }


def _named(found: Sequence[str | tuple[str, str]], count: int) -> str:
    """``3: `a.jpg` and `b.jpg`; ...``: how many there are, and the first NAMED of the files or pairs."""
    shown = [[each] if isinstance(each, str) else each for each in found[:NAMED]]
    names = "; ".join(" and ".join(f"`{name}`" for name in each) for each in shown)
    more = f"; and {count - len(shown):,} more" if count > len(shown) else ""
    return f"{count:,}: {names}{more}"


def _write_card(
    folder: Path,
    recipe: Recipe,
    target: Target,
    data: PreparedData,
    trained: TrainedModel,
    converted: ConvertedModels,
    verified: VerifiedModel,
    runtime: MinimumRuntime,
) -> None:
    from jinja2 import Environment, StrictUndefined

    # Markdown, not HTML: nothing to escape but the column separator.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    environment.filters["named"] = _named
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|")
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    guard = converted.guard
    text = template.render(
        recipe=recipe,
        target=target,
        facts=data.facts,
        trained=trained,
        shipped=converted.variant(verified.ship),
        converted=converted,
        verified=verified,
        reference=percent(verified.reference_accuracy),
        before=percent(verified.trained_accuracy),
        kept=list(promises.lines(converted.claims.get(verified.ship, ()))),
        columns=COLUMNS,
        rows=rows(converted, verified),
        guard_summary=None if guard is None else guarding.summary(guard),
        guard_columns=guarding.COLUMNS,
        guard_rows=[] if guard is None else guarding.rows(guard),
        notes=notes(verified.cells),
        runtime=runtime,
        carriers=[(f"{name} ({where})", version or "not known") for name, where, version in runtime.carriers],
        delegation=[(delegation.headline(each), delegation.details(each)) for each in verified.delegation],
        findings=diagnosis.lines(verified.diagnostics),
        decoder_columns=decoders.COLUMNS,
        decoder_rows=decoders.table(verified.decoders),
        decoder_notes=decoders.notes(verified.decoders),
        decoder_meaning=decoders.MEANING,
        pictures={
            f"{PICTURES}/{name}": caption
            for name, caption in CAPTIONS.items()
            if (folder / PICTURES / name).is_file()
        },
        credits=(folder / PICTURES / photo_credits.FILE).is_file(),
        pictured=verified.outputs_of,
    )
    (folder / "MODEL_CARD.md").write_text(text, "utf-8")
