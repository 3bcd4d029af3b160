"""Verifies a .tflite file of one's own against the Keras model it was converted from."""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pipeline import runtimes
from pipeline.artifacts import Cell, GateResult
from pipeline.cli._arrays import read
from pipeline.console import Console
from pipeline.errors import RuntimeFailure, UsageError
from pipeline.parity.agreement import top1
from pipeline.parity.compare import compare
from pipeline.parity.report import check_gates
from pipeline.preprocess import PreprocessSpec
from pipeline.recipe import REFERENCE_RUNTIME, Gate
from pipeline.runtimes import Job, model_file
from pipeline.shelf import names


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What to compare.

    Attributes:
        file: the .tflite file.
        reference: the .keras or .h5 model it was converted from.
        images: ``.npy`` of u8 (n, height, width) or (n, height, width, 3).
        labels: ``.npy`` of class indices (n,); None where only agreement is asked for.
        scaling: (scale, offset): what 0..255 becomes before the model.
    """

    file: Path
    reference: Path
    images: Path
    labels: Path | None
    scaling: tuple[float, float]


def verify_file(subject: Subject, gate: Gate, console: Console) -> tuple[list[Cell], list[GateResult]]:
    """Runs file and reference over the images on every runtime of this machine.

    Raises:
        UsageError: arrays that cannot be read or do not fit each other.
        RuntimeFailure: the reference cannot be run.
    """
    images, labels = read(subject.images, "images"), None
    if (
        images.dtype != np.uint8
        or images.ndim not in (3, 4)
        or 0 in images.shape
        or images.shape[3:] not in ((), (3,))
    ):
        raise UsageError(
            f"{subject.images}: {images.dtype} {images.shape}, not u8 (n, height, width) or "
            "(n, height, width, 3)"
        )
    if subject.labels is not None:
        labels = read(subject.labels, "labels")
        if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
            raise UsageError(
                f"{subject.labels}: {labels.dtype} {labels.shape}, not one class index for each of the "
                f"{len(images)} images"
            )
    spec = PreprocessSpec(
        height=images.shape[1],
        width=images.shape[2],
        channels="rgb" if images.ndim == 4 else "gray",
        scale=subject.scaling[0],
        offset=subject.scaling[1],
    )
    cells = []
    with TemporaryDirectory() as folder:

        def run(runtime: str, model: Path) -> tuple[runtimes.Outcome, Path]:
            out = Path(folder) / f"{runtime}.npy"
            job = Job(
                name=model.name, model=model_file(model), images=model_file(subject.images),
                count=len(images), preprocess=spec.model_dump_json(), out=str(out),
                threads=os.cpu_count() or 1,
            )  # fmt: skip
            (outcome,) = runtimes.run(runtime, [job], console)
            return outcome, out

        outcome, out = run(REFERENCE_RUNTIME, subject.reference)
        if outcome.error:
            raise RuntimeFailure(f"{subject.reference}: {outcome.error}")
        reference = np.load(out, mmap_mode="r")
        right = top1(reference) if labels is None else labels.astype(np.int64)
        for runtime in (name for name in names("runtimes") if name != REFERENCE_RUNTIME):
            reason = runtimes.unavailable(runtime)
            if reason is not None:
                cells.append(_not_run(subject, runtime, "absent", reason))
                continue
            outcome, out = run(runtime, subject.file)
            if outcome.error or outcome.output is None:
                cells.append(_not_run(subject, runtime, "failed", outcome.error))
                continue
            cell = compare(
                np.load(out, mmap_mode="r"),
                outcome.output,
                reference,
                right,
                scheme=subject.file.name,
                runtime=runtime,
                version=runtimes.version(runtime),
            )
            # Without labels the reference's own answers stood in for them: that is no accuracy.
            blank = {"accuracy": None, "accuracy_drop_points": None, "mcnemar_p": None}
            cells.append(cell if labels is not None else cell.model_copy(update=blank))
    size = subject.file.stat().st_size
    return cells, [result for cell in cells for result in check_gates(cell, gate, size)]


def _not_run(subject: Subject, runtime: str, status: str, reason: str) -> Cell:
    return Cell(scheme=subject.file.name, runtime=runtime, status=status, reason=reason)
