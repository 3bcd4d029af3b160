"""The accuracy guard in the convert stage: int8 is measured on validation images, and mended if it must be.

plain int8 --litert--> drop against Keras --within the gate--> as it is
                                          --beyond it-------> converters.tflite.guard --> mixed int8/float32

The test set stays closed: what the guard reaches on validation images the verify stage still has to confirm.
"""

import hashlib
import math
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters import Converted, Representative, representative
from converters.tflite.guard import Guarded, Limits, guard
from converters.tflite.keras import SourceModel
from pipeline import runtimes, shelf
from pipeline.artifacts import PreparedData
from pipeline.console import Console
from pipeline.errors import InternalError, RuntimeFailure
from pipeline.guard_record import GuardedLayer, GuardRecord
from pipeline.parity.agreement import accuracy_drop, top1
from pipeline.parity.guarding import summary
from pipeline.preprocess import tensor
from pipeline.recipe import GUARDED_SCHEME as SCHEME
from pipeline.recipe import REFERENCE_RUNTIME, Recipe
from pipeline.runtimes import Job, model_file
from pipeline.sampling import stratified
from pipeline.stages import Work
from pipeline.stages.data import validation_part
from pipeline.target import Target

RUNTIME = "litert"
"""Files are measured on today's runtime; verification runs the result on every other."""

VERSION = 1

FOLDER = "guard"
"""Folder in the stage's scratch folder: an attempt that was killed goes on with what it had measured."""

SQNR_IMAGES = 100
"""Images that the error of each layer is measured on: ranks settle with some dozens, and the comparing model
runs every op twice without XNNPACK."""

_VALIDATION_IMAGES = 5
"""Second word of the seed."""


def settings(recipe: Recipe, target: Target) -> dict[str, Any] | None:
    """What the guard's answer depends on; None where nothing is guarded."""
    if recipe.guard is None or SCHEME not in target.schemes:
        return None
    return {
        "version": VERSION,
        "guard": recipe.guard.model_dump(mode="json"),
        "limits": _gate(recipe, target),
        "runtimes": {n: runtimes.version(n) for n in (RUNTIME, REFERENCE_RUNTIME)},
        "plugins": {n: shelf.source_digest("runtimes", n) for n in (RUNTIME, REFERENCE_RUNTIME)},
    }


def guarded(
    work: Work, source: SourceModel, plain: Converted, samples: Representative, *, baseline: Path
) -> tuple[Converted, GuardRecord]:
    """Gives the plain file back where it is within the gate, else the best mixture.

    Args:
        work: of the convert stage.
        source: the model that was converted.
        plain: its int8 file.
        samples: that it was calibrated on.
        baseline: the Keras model whose accuracy must not be lost, the one that the gate compares with.

    Raises:
        RuntimeFailure: a runtime that is needed is not here, or does not run the model.
    """
    section = work.recipe.guard
    if section is None:
        raise InternalError("the guard ran for a recipe without a [guard] section")
    limit, max_bytes = _gate(work.recipe, work.target)
    trials = _Trials(work, section.images, baseline)
    work.console.say(f"  guard: {SCHEME} on {trials.count:,} validation images")
    (drop,) = trials.measure([plain.content])
    if math.isinf(drop):
        raise RuntimeFailure(f"runtime '{RUNTIME}' does not run {SCHEME}: the guard cannot measure it")
    record = GuardRecord(
        runtime=RUNTIME,
        images=trials.count,
        limit_points=limit,
        held=drop <= limit,
        why="",
        drop_before_points=drop,
        drop_after_points=drop,
        bytes_before=len(plain.content),
        bytes_after=len(plain.content),
        trials=1,
        layers=(),
    )
    if record.held:
        work.console.say(f"  guard: {summary(record)}")
        return plain, record
    found = guard(
        source,
        plain.spec,
        samples,
        inputs=trials.inputs(SQNR_IMAGES),
        measure=trials.measure,
        limits=Limits(drop_points=limit, layers=section.layers, max_bytes=max_bytes),
        report=lambda text: work.console.say(f"  guard: {text}"),
    )
    better = Converted(spec=plain.spec, content=found.content)
    restored = any(verdict.restored for verdict in found.verdicts)
    record = _record(record, found, bytes_after=len((better if restored else plain).content))
    work.console.say(f"  guard: {summary(record)}")
    return better if restored else plain, record


def _record(record: GuardRecord, found: Guarded, *, bytes_after: int) -> GuardRecord:
    layers = tuple(
        GuardedLayer(
            layer=verdict.layer.name,
            op=verdict.layer.op,
            sqnr_db=verdict.sqnr_db,
            restored=verdict.restored,
            bought_points=_finite(verdict.bought_points),
            cost_bytes=verdict.cost_bytes,
        )
        for verdict in found.verdicts
    )
    return record.model_copy(
        update={
            "held": found.held,
            "why": found.why,
            "drop_after_points": found.drop_after,
            "bytes_after": bytes_after,
            "trials": found.trials,
            "layers": layers,
        }
    )


def _finite(points: float | None) -> float | None:
    """None where the file without a layer did not run: it lost no number of points."""
    return points if points is not None and math.isfinite(points) else None


def _gate(recipe: Recipe, target: Target) -> tuple[float, int | None]:
    """Largest drop in percentage points, and largest size in bytes, that int8 may have."""
    gate = recipe.gate(SCHEME)
    if gate.max_accuracy_drop_points is None:
        raise InternalError(f"scheme '{SCHEME}' has no accuracy gate")
    sizes = [gate.max_bytes, target.max_bytes if recipe.ship(target) == SCHEME else None]
    return gate.max_accuracy_drop_points, min((size for size in sizes if size is not None), default=None)


class _Trials:
    """Measures files on a fixed choice of validation images."""

    def __init__(self, work: Work, images: int, baseline: Path) -> None:
        data = work.input(PreparedData)
        part = validation_part(data)
        self._folder = work.scratch / FOLDER
        self._folder.mkdir(exist_ok=True)
        self._preprocess = data.facts.preprocess
        self.count = min(len(part), max(images, len(data.facts.labels)))
        rows = stratified(part.labels, self.count, (work.recipe.seed, _VALIDATION_IMAGES))
        self._labels, self._pixels = part.labels[rows], part.pixels(rows)
        self._images = self._folder / "images.npy"
        np.save(self._images, self._pixels)
        self._console = Console(quiet=True)  # one line per file is enough
        self._warn = work.console.warn
        self._reference = self._run_reference(baseline)

    def inputs(self, count: int) -> Representative:
        """Some of the images as the model's input takes them."""
        chosen = np.linspace(0, self.count - 1, min(count, self.count)).astype(np.int64)
        spec = self._preprocess
        values = tensor(self._pixels[chosen], spec)
        return representative(values, shape=spec.shape, value_range=spec.value_range, minimum=1)

    def measure(self, contents: Sequence[bytes]) -> Generator[float, None, None]:
        """Accuracy drop of each file, percentage points; infinite where the runtime does not run it."""
        names = [hashlib.sha256(content).hexdigest() for content in contents]
        fresh = {n: c for n, c in zip(names, contents, strict=True) if not self._outputs(n).is_file()}
        jobs = []
        for name, content in fresh.items():
            model = self._folder / f"{name}.tflite"
            model.write_bytes(content)
            jobs.append(self._job(name, model))
        outcomes = runtimes.run(RUNTIME, jobs, self._console)
        failed: set[str] = set()
        for name in names:
            if name not in failed and not self._outputs(name).is_file():
                outcome = next(outcomes)
                if outcome.error:
                    self._warn(f"{RUNTIME} does not run a file of the guard: {outcome.error}")
                    failed.add(name)
                else:
                    self._partial(name).replace(self._outputs(name))
                (self._folder / f"{name}.tflite").unlink()
            yield math.inf if name in failed else self._drop(name)

    def _drop(self, name: str) -> float:
        chosen = top1(np.load(self._outputs(name)))
        return accuracy_drop(self._reference, chosen, self._labels).points

    def _run_reference(self, model: Path) -> Any:
        for runtime in (REFERENCE_RUNTIME, RUNTIME):
            reason = runtimes.unavailable(runtime)
            if reason is not None:
                raise RuntimeFailure(f"the accuracy guard needs runtime '{runtime}': {reason}")
        (outcome,) = runtimes.run(REFERENCE_RUNTIME, [self._job(REFERENCE_RUNTIME, model)], self._console)
        if outcome.error:
            raise RuntimeFailure(f"runtime '{REFERENCE_RUNTIME}' (the reference): {outcome.error}")
        return top1(np.load(self._partial(REFERENCE_RUNTIME)))

    def _job(self, name: str, model: Path) -> Job:
        return Job(
            name=name,
            model=model_file(model),
            images=model_file(self._images),
            count=self.count,
            preprocess=self._preprocess.model_dump_json(),
            out=model_file(self._partial(name)),
            threads=runtimes.cores(),
        )

    def _outputs(self, name: str) -> Path:
        return self._folder / f"{name}.npy"

    def _partial(self, name: str) -> Path:
        return self._folder / f"{name}.partial.npy"
