"""Verify: every scheme on every runtime over the whole test set, against Keras; then the gates.

The only stage that opens the test set, and the only maker of a VerifiedModel. Each scheme on each runtime
is kept as soon as it is measured, so that a run that was killed goes on with the next one.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from pipeline import runtimes
from pipeline.artifacts import (
    Artifact,
    Cell,
    ConvertedModels,
    PreparedData,
    VerifiedModel,
    digest,
)
from pipeline.datasets import Labels
from pipeline.errors import RuntimeFailure
from pipeline.parity.agreement import top1, wilson
from pipeline.parity.compare import compare
from pipeline.parity.report import check_gates
from pipeline.recipe import REFERENCE_RUNTIME, Recipe
from pipeline.runtimes import Job, Outcome, model_file
from pipeline.stages import Work
from pipeline.stages.data import test_part
from pipeline.target import Target

VERSION = 1
TOOLS = ("tensorflow", "tf_keras", "ai-edge-litert", "tflite-runtime", "numpy", "scipy")


def settings(recipe: Recipe, target: Target, _data: Path | None) -> dict[str, Any]:
    """Runtimes (and which of them are here), gates, expectations."""
    return {
        "runtimes": {name: runtimes.unavailable(name) for name in recipe.runtimes},
        "gates": {scheme: recipe.gate(scheme).model_dump(mode="json") for scheme in recipe.convert.schemes},
        "expect": recipe.expect.model_dump(mode="json") if recipe.expect else None,
        "ship": recipe.ship(target),
        "max_bytes": target.max_bytes,
    }


def run(work: Work) -> Artifact:
    """Measures every cell that is not there yet, then checks the gates."""
    data, converted = work.input(PreparedData), work.input(ConvertedModels)
    labels = test_part(data).labels
    reference = _Reference(work, data, converted)
    cells: list[Cell] = []
    for runtime in work.recipe.runtimes:
        cells += _cells(work, data, converted, runtime, reference, labels)
    cells.sort(key=lambda cell: [v.scheme for v in converted.variants].index(cell.scheme))
    gates = [
        result
        for cell in cells
        for result in check_gates(cell, work.recipe.gate(cell.scheme), converted.variant(cell.scheme).bytes)
    ]
    ship = work.recipe.ship(work.target)
    return work.finish(
        VerifiedModel,
        ship=ship,
        ship_sha256=converted.variant(ship).sha256,
        reference_accuracy=wilson(int((top1(reference.outputs) == labels).sum()), len(labels)),
        cells=tuple(cells),
        gates=tuple(gates),
        passed=all(gate.passed for gate in gates),
        expectations=tuple(_unexpected(work.recipe, data, cells)),
    )


class _Reference:
    """What Keras answers on the test set; computed once, kept until the stage completes."""

    def __init__(self, work: Work, data: PreparedData, converted: ConvertedModels) -> None:
        path = work.scratch / f"{REFERENCE_RUNTIME}.npy"
        if not path.is_file():
            job = _job("served.h5", converted.path("served.h5"), data, work.scratch / "partial.npy")
            (outcome,) = runtimes.run(REFERENCE_RUNTIME, [job], work.console)
            if outcome.error:
                raise RuntimeFailure(f"runtime '{REFERENCE_RUNTIME}' (the reference): {outcome.error}")
            Path(job.out).replace(path)
        self.outputs: npt.NDArray[np.generic] = np.load(path, mmap_mode="r")


def _cells(
    work: Work,
    data: PreparedData,
    converted: ConvertedModels,
    runtime: str,
    reference: _Reference,
    labels: Labels,
) -> list[Cell]:
    """All schemes on one runtime."""
    schemes = [variant.scheme for variant in converted.variants]
    reason = runtimes.unavailable(runtime)
    if reason is not None:
        return [Cell(scheme=s, runtime=runtime, status="absent", reason=reason) for s in schemes]
    done = {scheme: _read_cell(_cell_path(work, runtime, scheme)) for scheme in schemes}
    jobs = [
        _job(scheme, converted.path(f"{scheme}.tflite"), data, _outputs_path(work, runtime, scheme))
        for scheme, cell in done.items()
        if cell is None
    ]
    for outcome in runtimes.run(runtime, jobs, work.console):
        # The worker is writing the next scheme's outputs already: each has a file of its own.
        outputs = _outputs_path(work, runtime, outcome.name)
        cell = _measure(outcome, runtime, outputs, reference, labels)
        outputs.unlink(missing_ok=True)
        path = _cell_path(work, runtime, outcome.name)
        partial = path.with_suffix(".partial")
        partial.write_text(cell.model_dump_json(), "utf-8")
        partial.replace(path)
        done[outcome.name] = cell
    return [cell for cell in done.values() if cell is not None]


def _measure(outcome: Outcome, runtime: str, path: Path, reference: _Reference, labels: Labels) -> Cell:
    version = runtimes.version(runtime)
    if outcome.error or outcome.output is None:
        return Cell(
            scheme=outcome.name,
            runtime=runtime,
            status="failed",
            reason=outcome.error,
            version=version,
        )
    return compare(
        np.load(path, mmap_mode="r"),
        outcome.output,
        reference.outputs,
        labels,
        scheme=outcome.name,
        runtime=runtime,
        version=version,
    )


def _job(name: str, model: Path, data: PreparedData, out: Path) -> Job:
    return Job(
        name=name,
        model=model_file(model),
        images=model_file(data.path("test_images.npy")),
        count=data.facts.test,
        preprocess=data.facts.preprocess.model_dump_json(),
        out=model_file(out),
        threads=os.cpu_count() or 1,
    )


def _outputs_path(work: Work, runtime: str, scheme: str) -> Path:
    return work.scratch / f"{runtime}-{scheme}.npy"


def _cell_path(work: Work, runtime: str, scheme: str) -> Path:
    # The key covers everything but the version of the runtime itself, which may change between attempts.
    return work.scratch / f"{runtime}-{digest(runtimes.version(runtime))[:8]}-{scheme}.json"


def _read_cell(path: Path) -> Cell | None:
    try:
        return Cell.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValidationError):
        return None


def _unexpected(recipe: Recipe, data: PreparedData, cells: list[Cell]) -> list[str]:
    """Sentences on figures that differ from the recipe's [expect] section."""
    expect, facts = recipe.expect, data.facts
    if expect is None or expect.train_images != facts.train + facts.validation:
        return []
    return [
        f"{cell.scheme} on {cell.runtime}: accuracy {100 * cell.accuracy.value:.2f} % where the recipe "
        f"expects {expect.accuracy_percent[cell.scheme]:g} +- {expect.tolerance_points:g}"
        for cell in cells
        if cell.accuracy is not None
        and cell.scheme in expect.accuracy_percent
        and abs(100 * cell.accuracy.value - expect.accuracy_percent[cell.scheme]) > expect.tolerance_points
    ]
