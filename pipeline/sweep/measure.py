"""Builds the variants one after another, then measures the latency of all their files in one run."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from converters.errors import ConverterError
from pipeline import latency, runner, runtimes
from pipeline.artifacts import ConvertedModels, PreparedData, VerifiedModel, digest
from pipeline.console import Console
from pipeline.errors import (
    BusyError,
    PipelineError,
    RecipeError,
    RuntimeFailure,
    StorageError,
    UsageError,
)
from pipeline.latency import Subject
from pipeline.parity.guarding import failure
from pipeline.parity.report import failures
from pipeline.recipe import GUARDED_SCHEME
from pipeline.sweep.rows import Row, compared
from pipeline.sweep.variants import Variant
from pipeline.target import Target

STOPPING = (StorageError, BusyError, UsageError)
"""Errors that every further variant would meet too: they end the sweep. Of the kinds of UsageError that is
not so of RecipeError: a model that one chain cannot take may suit the next."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What a sweep found.

    Attributes:
        rows: one per file, in the order of the variants; one for a variant that could not be made.
        data: what the figures are to be quoted with; one clause per test set.
        runtime: that ran the files, and its version.
        profile: ``full``, or ``smoke`` for a sweep of tests.
    """

    rows: tuple[Row, ...]
    data: tuple[str, ...]
    runtime: str
    profile: str

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each row that was not made or not measured."""
        return tuple(f"{row.name}: {row.problem}" for row in self.rows if row.problem)


@dataclass(frozen=True, kw_only=True)
class _Made:
    """The files of one variant, and what their rows say before latency is known."""

    rows: tuple[Row, ...]
    subjects: tuple[Subject | None, ...]
    clause: str


def measure(
    variants: Sequence[Variant],
    target: Target,
    *,
    runtime: str,
    runs: Path,
    data: Path | None,
    console: Console,
    wait: bool = True,
    debug: bool = False,
) -> Sweep:
    """Builds every variant up to verify into its recipe's run folder, then measures latencies.

    What two variants share is made once, and a sweep that was killed goes on: the run folder keeps each stage
    and each measured file. Latencies alone are measured anew each time: those of two runs do not compare.

    Args:
        variants: from :func:`pipeline.sweep.variants.derive`, at least one.
        target: for where.
        runtime: that the variants' recipes name.
        runs: folder of all run folders.
        data: the user's data folder.
        console: for progress.
        wait: wait for a build that holds a run folder; else fail.
        debug: print the traceback of a variant that could not be made.

    Raises:
        RuntimeFailure: the runtime is not on this machine.
        StorageError: the run folder cannot be written or is full.
        BusyError: another build holds it and ``wait`` is False.
    """
    reason = runtimes.unavailable(runtime)
    if reason is not None:
        raise RuntimeFailure(f"runtime '{runtime}' is absent, nothing could be measured: {reason}")
    made = []
    for number, variant in enumerate(variants, start=1):
        console.say(f"variant {number} of {len(variants)}: {variant.label}")
        try:
            build = runner.run(
                variant.recipe, target, runs=runs, data=data, console=console, until="verify", wait=wait
            )
            made.append(_made(variant, build))
        except Exception as error:
            # Whatever else it breaks on is its row's reason; the other rows are hours of work.
            if isinstance(error, STOPPING) and not isinstance(error, RecipeError):
                raise
            if debug:
                traceback.print_exception(error)
            console.warn(f"{variant.label} could not be made: {_sentence(error)}")
            made.append(_failed(variant, error))
    rows = tuple(row for each in made for row in each.rows)
    subjects = tuple(subject for each in made for subject in each.subjects)
    return Sweep(
        rows=compared(_with_latencies(rows, subjects, runtime, console)),
        data=tuple(dict.fromkeys(each.clause for each in made if each.clause)),
        runtime=f"{runtime} {runtimes.version(runtime)}",
        profile=variants[0].recipe.profile,
    )


def _made(variant: Variant, build: runner.Build) -> _Made:
    found = build.artifacts
    data, converted, verified = found["data"], found["convert"], found.get("verify")
    assert isinstance(data, PreparedData)  # noqa: S101 - what the runner's stages make
    assert isinstance(converted, ConvertedModels)  # noqa: S101
    if not isinstance(verified, VerifiedModel):
        return _unverified(variant, converted, data.facts.clause)
    images = ("test_images.npy", "test_labels.npy")
    test_set = digest([data.files[name].sha256 for name in images])
    rows: list[Row] = []
    subjects: list[Subject | None] = []
    for cell in verified.cells:
        file = converted.variant(cell.scheme)
        rows.append(
            Row(
                variant=variant.label,
                recipe=variant.recipe.name,
                scheme=cell.scheme,
                test_set=test_set,
                sha256=file.sha256,
                accuracy=cell.accuracy,
                trained=verified.trained_accuracy,
                drop_points=cell.accuracy_drop_points,
                bytes=file.bytes,
                zip_bytes=file.zip_bytes,
                failed_gates=tuple(failures([g for g in verified.gates if g.scheme == cell.scheme])),
                problem="" if cell.status == "ran" else f"{cell.status} on {cell.runtime}: {cell.reason}",
            )
        )
        subject = Subject(
            name=rows[-1].name,
            model=converted.path(file.file),
            images=data.path(images[0]),
            preprocess=data.facts.preprocess,
        )
        subjects.append(subject if cell.status == "ran" else None)
    return _Made(rows=tuple(rows), subjects=tuple(subjects), clause=data.facts.clause)


def _unverified(variant: Variant, converted: ConvertedModels, clause: str) -> _Made:
    """Of a build that ended before verification: the accuracy guard could not reach its gate."""
    why = {file.scheme: "not verified: the accuracy guard ended the build" for file in converted.variants}
    if converted.guard is not None:
        guarded = converted.path(converted.variant(GUARDED_SCHEME).file)
        why[GUARDED_SCHEME] = failure(converted.guard, str(guarded))
    rows = tuple(
        Row(
            variant=variant.label,
            recipe=variant.recipe.name,
            scheme=file.scheme,
            sha256=file.sha256,
            bytes=file.bytes,
            zip_bytes=file.zip_bytes,
            problem=why[file.scheme],
        )
        for file in converted.variants
    )
    return _Made(rows=rows, subjects=(None,) * len(rows), clause=clause)


def _failed(variant: Variant, error: Exception) -> _Made:
    row = Row(variant=variant.label, recipe=variant.recipe.name, problem=f"not made: {_sentence(error)}")
    return _Made(rows=(row,), subjects=(None,), clause="")


def _sentence(error: Exception) -> str:
    if isinstance(error, PipelineError | ConverterError):
        return str(error)
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first_line} (--debug shows where)"


def _with_latencies(
    rows: Sequence[Row], subjects: Sequence[Subject | None], runtime: str, console: Console
) -> list[Row]:
    wanted = [subject for subject in subjects if subject is not None]
    figures = iter(latency.measure(runtime, wanted, console))
    measured = []
    for row, subject in zip(rows, subjects, strict=True):
        if subject is None:
            measured.append(row)
            continue
        figure = next(figures)
        if figure.error:
            measured.append(replace(row, problem=f"latency not measured: {figure.error}"))
        else:
            measured.append(replace(row, latency=figure))
    return measured
