"""Verify: every scheme on every runtime over the whole test set, against Keras; then the gates.

What ships is also looked at: its answers are kept and drawn, and where the dataset has encoded files they are
measured behind other decoders too. What the files themselves tell is judged in :mod:`judging`.

The only stage that measures on the test set, and the only maker of a VerifiedModel. A cell (one file on one
runtime) is kept in the run folder under the hash of all that it depends on, as soon as it is measured: a
run that was killed goes on with the next cell, and a changed gate or an added scheme measures nothing
twice.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from pipeline import runtimes, sampling, shelf
from pipeline.artifacts import (
    Artifact,
    Cell,
    ConvertedModels,
    PreparedData,
    VerifiedModel,
    digest,
)
from pipeline.datasets import Labels
from pipeline.errors import InternalError, RuntimeFailure
from pipeline.interval import Interval
from pipeline.parity import delegation
from pipeline.parity.compare import compare
from pipeline.parity.report import check_gates, passed
from pipeline.recipe import REFERENCE_RUNTIME, Recipe
from pipeline.runtimes import Job, Outcome, model_file
from pipeline.sections import Gate
from pipeline.stages import Work, decoding, judging, picturing
from pipeline.stages.convert import SERVED_FILE, TRAINED_FILE
from pipeline.stages.data import Part, test_part
from pipeline.target import Target

VERSION = 6
TOOLS = (
    "tensorflow", "tf_keras", "ai-edge-litert", "tflite-runtime", "numpy", "scipy", "pillow", "matplotlib",
)  # fmt: skip

CELL_VERSION = 4
"""Raised when the same file, images and runtime would give another cell."""

SAMPLE_SEED = 20
"""Of the sample that a slow runtime is given: the same images for all of them."""

CELLS = "cells"
"""Folder in the run folder."""

PICTURED = ("litert", "tflite", "tflite_runtime", "tflite_reference")
"""Whose answers are drawn: the first of these that is here, today's runtime before older ones."""

OUTPUTS = "outputs.npy"
"""File in the stage's folder: what the file that ships answers, (n, classes), as its runtime gave it."""


def settings(recipe: Recipe, target: Target, _data: Path | None) -> dict[str, Any]:
    """Runtimes (which of them are here, on what, and how much they are given), gates, delegates."""
    used = recipe.runtimes_on(target)
    return {
        "runtimes": {
            name: [runtimes.unavailable(name), runtimes.most_images(name), runtimes.identity(name)]
            for name in used
        },
        "gates": {s: _gate(recipe, target, s).model_dump(mode="json") for s in recipe.convert.schemes},
        "ship": recipe.ship(target),
        "rules": judging.rules_digest(),
        "delegates": target.delegates,
        "plan": target.plan.model_dump(mode="json"),
        "require_full_delegation": target.require_full_delegation,
    }


def run(work: Work) -> Artifact:
    """Measures every cell that is not there yet, then checks the gates."""
    converted, part = work.input(ConvertedModels), test_part(work.input(PreparedData))
    measuring = _Measuring(work, part, converted)
    reference = measuring.keras_accuracy(SERVED_FILE)
    trained = measuring.keras_accuracy(measuring.baseline)
    cells = [cell for runtime in work.recipe.runtimes_on(work.target) for cell in measuring.cells(runtime)]
    order = [variant.scheme for variant in converted.variants]
    cells.sort(key=lambda cell: order.index(cell.scheme))
    gates = [
        result
        for cell in cells
        for result in check_gates(
            cell, _gate(work.recipe, work.target, cell.scheme), converted.variant(cell.scheme).bytes
        )
    ]
    ship = work.recipe.ship(work.target)
    judged = judging.judge(converted, work.target, ship)
    gates += judged.gates
    delegated = delegation.beside_runs(judged.delegation, cells, ship)
    for text in delegation.disagreements(delegated):
        work.console.warn(text)
    answers = measuring.answers
    pictured = measuring.pictured if measuring.pictured in answers else None
    if pictured is not None:
        np.save(work.folder / OUTPUTS, answers[pictured])
        picturing.draw(work, part, answers[pictured], converted.variant(ship), pictured)
    limit = _gate(work.recipe, work.target, ship).max_accuracy_drop_points
    return work.finish(
        VerifiedModel,
        ship=ship,
        ship_sha256=converted.variant(ship).sha256,
        reference_accuracy=reference,
        trained_accuracy=trained,
        cells=tuple(cells),
        decoders=tuple(
            cell.model_copy(update={"drop_limit_points": limit})
            for cell in decoding.measure(work, part, measuring.store, answers)
        ),
        outputs_of=pictured,
        diagnostics=judged.diagnostics,
        delegation=delegated,
        gates=tuple(gates),
        passed=passed(gates, cells, ship),
    )


def _gate(recipe: Recipe, target: Target, scheme: str) -> Gate:
    """The recipe's gate; what ships must fit the target's size budget too."""
    gate = recipe.gate(scheme)
    if target.max_bytes is None or scheme != recipe.ship(target):
        return gate
    limit = min(target.max_bytes, gate.max_bytes or target.max_bytes)
    return gate.model_copy(update={"max_bytes": limit})


class _Measuring:
    """Looks cells up, and runs what is missing.

    Attributes:
        store: folder of cells, and of the answers of the file that ships under the same names.
        pictured: runtime whose answers are drawn; None where none is here.
        answers: runtime to what the file that ships answers on the test set, (n, classes), as the runtime
            gave it: of the pictured one, and where the images have encoded files of every one that ran.
    """

    def __init__(self, work: Work, part: Part, converted: ConvertedModels) -> None:
        self._work, self._data, self._converted = work, work.input(PreparedData), converted
        self._labels: Labels = part.labels
        used = work.recipe.runtimes_on(work.target)
        # Pictures and decoders need answers on all images.
        whole = [n for n in used if runtimes.unavailable(n) is None and runtimes.most_images(n) is None]
        self.pictured = next((name for name in (*PICTURED, *whole) if name in whole), None)
        self._kept = whole if part.files is not None else [self.pictured]
        self._ship = work.recipe.ship(work.target)
        self.answers: dict[str, npt.NDArray[np.generic]] = {}
        self.baseline = TRAINED_FILE if TRAINED_FILE in converted.files else SERVED_FILE
        """The Keras model whose accuracy must not be lost: what was trained, before it was optimised."""
        self._keras: dict[str, npt.NDArray[np.generic]] = {}
        self.store = work.run / CELLS
        self.store.mkdir(exist_ok=True)

    def keras_accuracy(self, file: str) -> Interval:
        """Accuracy of a Keras model: a cell too, compared with itself."""
        path = self._path(REFERENCE_RUNTIME, file)
        cell = _read(path)
        if cell is None:
            outputs = self._keras_outputs(file)
            cell = self._compare(outputs, Outcome(name=file), REFERENCE_RUNTIME)
            _write(path, cell)
        if cell.accuracy is None:
            raise InternalError("the reference's cell has no accuracy")
        return cell.accuracy

    def cells(self, runtime: str) -> list[Cell]:
        """All schemes on one runtime."""
        schemes = [variant.scheme for variant in self._converted.variants]
        reason = runtimes.unavailable(runtime)
        if reason is not None:
            return [Cell(scheme=s, runtime=runtime, status="absent", reason=reason) for s in schemes]
        paths = {scheme: self._path(runtime, f"{scheme}.tflite") for scheme in schemes}
        found = {scheme: _read(path) for scheme, path in paths.items()}
        kept = paths[self._ship].with_suffix(".npy")
        keep = runtime in self._kept
        missing = [
            scheme
            for scheme, cell in found.items()
            if cell is None or (keep and scheme == self._ship and not kept.is_file())
        ]
        if missing:
            # Before the worker starts: two of them would share the cores.
            self._keras_outputs(SERVED_FILE)
            self._keras_outputs(self.baseline)
        rows = self._rows(runtime)
        jobs = [self._job(s, f"{s}.tflite", self._outputs(runtime, s), rows) for s in missing]
        for outcome in runtimes.run(runtime, jobs, self._work.console):
            # The worker is writing the next scheme's outputs already: each has a file of its own.
            outputs = self._outputs(runtime, outcome.name)
            cell = self._measure(outcome, runtime, outputs)
            if keep and outcome.name == self._ship and cell.status == "ran":
                outputs.replace(kept)
            outputs.unlink(missing_ok=True)
            if cell.status == "ran":
                _write(paths[outcome.name], cell)
            found[outcome.name] = cell
        if keep and kept.is_file():
            self.answers[runtime] = np.load(kept, mmap_mode="r")
        return [cell for cell in found.values() if cell is not None]

    def _measure(self, outcome: Outcome, runtime: str, outputs: Path) -> Cell:
        if outcome.error:
            return Cell(
                scheme=outcome.name,
                runtime=runtime,
                status="failed",
                reason=outcome.error,
                version=runtimes.version(runtime),
                accelerated=outcome.accelerated,
            )
        return self._compare(np.load(outputs, mmap_mode="r"), outcome, runtime)

    def _compare(self, outputs: npt.NDArray[np.generic], outcome: Outcome, runtime: str) -> Cell:
        chosen = self._rows(runtime)
        rows = slice(None) if chosen is None else np.asarray(chosen)
        served, baseline = self._keras_outputs(SERVED_FILE), self._keras_outputs(self.baseline)
        cell = compare(
            outputs, outcome.output, served[rows], baseline[rows], self._labels[rows],
            scheme=outcome.name,
            runtime=runtime,
            version=runtimes.version(runtime),
            of=None if chosen is None else self._data.facts.test,
        )  # fmt: skip
        return cell.model_copy(update={"accelerated": outcome.accelerated})

    def _rows(self, runtime: str) -> tuple[int, ...] | None:
        """Test images that a slow runtime is given: classes in their shares; None where it is given all."""
        most = runtimes.most_images(runtime)
        if most is None or most >= self._data.facts.test:
            return None
        # Not the first ones: photos stand by class, and characters by writer.
        return tuple(map(int, sampling.stratified(self._labels, most, [SAMPLE_SEED], least=0)))

    def _keras_outputs(self, file: str) -> npt.NDArray[np.generic]:
        """What a Keras model answers on the test set, (n, classes); computed once, and only if needed."""
        if file not in self._keras:
            path = self._work.scratch / f"{file}.npy"
            if not path.is_file():
                job = self._job(file, file, self._work.scratch / "partial.npy", None)
                (outcome,) = runtimes.run(REFERENCE_RUNTIME, [job], self._work.console)
                if outcome.error:
                    raise RuntimeFailure(f"runtime '{REFERENCE_RUNTIME}' (the reference): {outcome.error}")
                Path(job.out).replace(path)
            self._keras[file] = np.load(path, mmap_mode="r")
        return self._keras[file]

    def _job(self, name: str, file: str, out: Path, rows: tuple[int, ...] | None) -> Job:
        return Job(
            name=name,
            model=model_file(self._converted.path(file)),
            images=model_file(self._data.path("test_images.npy")),
            count=self._data.facts.test if rows is None else len(rows),
            preprocess=self._data.facts.preprocess.model_dump_json(),
            out=model_file(out),
            threads=runtimes.cores(),
            rows=rows or (),
        )

    def _outputs(self, runtime: str, scheme: str) -> Path:
        return self._work.scratch / f"{runtime}-{scheme}.npy"

    def _path(self, runtime: str, file: str) -> Path:
        """Where a cell is kept: named by the hash of everything that its figures depend on."""
        everything = {
            "version": CELL_VERSION,
            "file": self._converted.files[file].sha256,
            "reference": self._converted.files[SERVED_FILE].sha256,
            "baseline": self._converted.files[self.baseline].sha256,
            "images": self._data.files["test_images.npy"].sha256,
            "labels": self._data.files["test_labels.npy"].sha256,
            "rows": self._rows(runtime),
            "preprocess": self._data.facts.preprocess.model_dump(mode="json"),
            "runtime": [runtime, runtimes.identity(runtime)],
            "scheme": file,
            "plugins": {n: shelf.source_digest("runtimes", n) for n in (runtime, REFERENCE_RUNTIME)},
            "versions": {n: runtimes.version(n) for n in (runtime, REFERENCE_RUNTIME, "tflite")},
        }
        return self.store / f"{digest(everything)[:16]}.json"


def _read(path: Path) -> Cell | None:
    try:
        return Cell.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValidationError):
        return None


def _write(path: Path, cell: Cell) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(cell.model_dump_json(), "utf-8")
    partial.replace(path)
