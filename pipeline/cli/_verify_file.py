"""Verifies a .tflite file of one's own against the Keras model it was converted from."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from converters.errors import WrongClaimError
from converters.spec import DEFAULT_RUNTIME_FLOOR
from converters.tflite.claims import check_claims
from converters.tflite.inspect import Inspection, inspect
from pipeline import runtimes
from pipeline.artifacts import Cell, GateResult
from pipeline.cli._arrays import read
from pipeline.console import Console
from pipeline.diagnostic_record import DiagnosticRecord
from pipeline.errors import GateError, RuntimeFailure, UsageError
from pipeline.parity import diagnosis
from pipeline.parity.agreement import top1
from pipeline.parity.compare import compare
from pipeline.parity.report import check_gates
from pipeline.preprocess import Pixels, PreprocessSpec
from pipeline.recipe import REFERENCE_RUNTIME, stands_for
from pipeline.runtimes import Job, model_file
from pipeline.sections import Gate
from pipeline.shelf import names


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What to compare.

    Attributes:
        file: the .tflite file.
        reference: the .keras or .h5 model it was converted from.
        images: ``.npy`` of u8 (n, height, width) or (n, height, width, 1 or 3); how the models write
            a single channel does not matter.
        labels: ``.npy`` of class indices (n,), from 0 on; None where only agreement is asked for.
        scaling: (scale, offset): what 0..255 becomes before the model.
    """

    file: Path
    reference: Path
    images: Path
    labels: Path | None
    scaling: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came out.

    Attributes:
        cells: of every runtime.
        gates: of every cell, and a failed one for each error that stands in the file.
        diagnostics: what is known to go wrong with the file, on the runtimes that it promises.
    """

    cells: list[Cell]
    gates: list[GateResult]
    diagnostics: tuple[DiagnosticRecord, ...]


def verify_file(subject: Subject, gate: Gate, console: Console) -> Verdict:
    """Runs file and reference over the images on every runtime of this machine.

    Raises:
        UsageError: arrays or a scaling that cannot be used or do not fit each other or the models.
        InvalidTfliteError: the file is none.
        GateError: no runtime is on this machine, so that nothing can be verified; or the file claims to run
            on runtimes that would misread it.
        RuntimeFailure: the reference cannot be run.
    """
    file = inspect(subject.file)  # a damaged file is refused before anything is started
    try:
        check_claims(file, where=str(subject.file), runtime_floor=DEFAULT_RUNTIME_FLOOR)
    except WrongClaimError as error:
        # Runtimes of this machine may all read it right; the older one that it also claims would not. The
        # floor is not what the file states: a runtime looks at op versions alone.
        raise GateError(str(error)) from error
    images = _images(subject.images)
    labels = None if subject.labels is None else _labels(subject.labels, len(images))
    spec = _preprocess(subject, images)
    here = [n for n in names("runtimes") if n != REFERENCE_RUNTIME and not stands_for(n)]
    absent = {name: runtimes.unavailable(name) for name in here}
    if None not in absent.values():
        reasons = "; ".join(f"{name} is absent: {reason}" for name, reason in absent.items())
        raise GateError(f"{subject.file}: no runtime of this machine runs it ({reasons})")
    cells = []
    with TemporaryDirectory() as folder:

        def run(runtime: str, model: Path, shape: tuple[int, ...]) -> tuple[runtimes.Outcome, Path]:
            out = Path(folder) / f"{runtime}.npy"
            fitting = subject.images
            if shape != images.shape[1:]:
                fitting = Path(folder) / f"images-{'x'.join(map(str, shape))}.npy"
                if not fitting.exists():
                    np.save(fitting, images.reshape(-1, *shape))
            job = Job(
                name=model.name, model=model_file(model), images=model_file(fitting),
                count=len(images), preprocess=spec.model_dump_json(), out=str(out),
                threads=runtimes.cores(),
            )  # fmt: skip
            (outcome,) = runtimes.run(runtime, [job], console)
            return outcome, out

        outcome, out = run(REFERENCE_RUNTIME, subject.reference, spec.shape)
        if outcome.error:
            raise RuntimeFailure(f"{subject.reference}: {outcome.error}")
        reference = np.load(out, mmap_mode="r")
        if labels is not None:
            _check_classes(subject, labels, reference.shape[1])
        right = top1(reference) if labels is None else labels.astype(np.int64)
        shape = _door(file, spec.shape)
        for runtime, reason in absent.items():
            if reason is not None:
                cells.append(_not_run(subject, runtime, "absent", reason))
                continue
            outcome, out = run(runtime, subject.file, shape)
            if outcome.error or outcome.output is None:
                cells.append(_not_run(subject, runtime, "failed", outcome.error))
                continue
            outputs = np.load(out, mmap_mode="r")
            if outputs.shape != reference.shape:
                raise UsageError(
                    f"{subject.file} answers {outputs.shape[1:]}, {subject.reference} {reference.shape[1:]}: "
                    "it was not converted from that"
                )
            cell = compare(
                outputs,
                outcome.output,
                reference,
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
    found = diagnosis.diagnosed(
        file, scheme=subject.file.name, runtime_floor=diagnosis.own_floor(file)
    )  # fmt: skip
    gates = [result for cell in cells for result in check_gates(cell, gate, size)]
    return Verdict(cells=cells, gates=gates + diagnosis.gates(found), diagnostics=found)


def _images(path: Path) -> Pixels:
    """The images as they stand in the file: u8 (n, height, width[, 1 or 3])."""
    images = read(path, "images")
    if (
        images.dtype != np.uint8
        or images.ndim not in (3, 4)
        or 0 in images.shape
        or images.shape[3:] not in ((), (1,), (3,))
    ):
        raise UsageError(
            f"{path}: {images.dtype} {images.shape}, not u8 (n, height, width) or (n, height, width, 1 or 3)"
        )
    return images


def _labels(path: Path, count: int) -> npt.NDArray[np.integer[Any]]:
    labels = read(path, "labels")
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
        raise UsageError(
            f"{path}: {labels.dtype} {labels.shape}, not one class index for each of the {count} images"
        )
    return labels


def _check_classes(subject: Subject, labels: npt.NDArray[np.integer[Any]], classes: int) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        hint = ": they seem to count from 1" if (low, high) == (1, classes) else ""
        raise UsageError(
            f"{subject.labels}: labels {low} to {high} for a model of {classes} classes, which are "
            f"0 to {classes - 1}{hint}"
        )


def _preprocess(subject: Subject, images: Pixels) -> PreprocessSpec:
    height, width = images.shape[1:3]
    try:
        return PreprocessSpec(
            height=height,
            width=width,
            channels="rgb" if images.shape[3:] == (3,) else "gray",
            scale=subject.scaling[0],
            offset=subject.scaling[1],
        )
    except ValidationError as error:
        # The scaling was checked with the options: what is left is the size.
        reasons = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors() if fault["loc"])
        raise UsageError(f"{subject.images}: {height}x{width} pixels are too many: {reasons}") from error


def _door(file: Inspection, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The file's own input shape without batch where only axes of size 1 part it from the images' shape."""
    if len(file.inputs) != 1:
        return shape
    own = file.inputs[0].shape[1:]
    same = [size for size in own if size != 1] == [size for size in shape if size != 1]
    return own if same else shape


def _not_run(subject: Subject, runtime: str, status: str, reason: str) -> Cell:
    return Cell(scheme=subject.file.name, runtime=runtime, status=status, reason=reason)
