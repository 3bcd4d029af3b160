"""Runs the stages for one recipe: cached by content, resumable, one build at a time.

    RUNS/<recipe>/                    (or <recipe>-smoke)
        run.json                      version of this layout
        .lock  holder.json            who is building
        stages/<stage>/<key>/         a complete artifact (renamed into place as a whole)
        stages/<stage>/<key>.partial/ one being made; what it holds is used to resume
        tensorboard/<key>/            logs of a training
        cells/<hash>.json             what a file on a runtime was measured to do
        pictures/                     curves and verified answers of the last build, gates passed or not
        bundle-<target> -> stages/bundle/<key>/bundle

A stage's key is the hash of its settings, its parents' contents and its tools' versions: an unchanged
rebuild finds every key and runs nothing; a changed option reruns the stage that reads it, and the ones
behind it only if its output changed.
"""

import errno
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from filelock import FileLock, Timeout

from pipeline.arrays import DISK_FULL
from pipeline.artifacts import Artifact, digest
from pipeline.console import Console
from pipeline.errors import BusyError, InternalError, PipelineError, StorageError
from pipeline.recipe import Recipe
from pipeline.stages import SCRATCH, STAGES, Stage, Work, gallery
from pipeline.target import Target

LAYOUT = 1
"""Version of the run folder's layout."""

KEY_LENGTH = 16
"""Hexadecimal digits of a key in folder names: 64 bits tell a run's few hundred keys apart."""

LOCK_POLL_SECONDS = 0.2

_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """What happened to one stage: its key, whether it was there already, seconds of work."""

    stage: str
    key: str
    cached: bool
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Build:
    """A finished run.

    Attributes:
        folder: the run folder.
        artifacts: stage to what it made, up to the last one asked for.
        reports: one per stage, in order.
        bundle: the link to the current bundle; None if the run stopped before it.
        pictures: folder of what a person looks at; None if the run stopped before training.
    """

    folder: Path
    artifacts: Mapping[str, Artifact]
    reports: tuple[StageReport, ...]
    bundle: Path | None = field(default=None)
    pictures: Path | None = field(default=None)


def run(
    recipe: Recipe,
    target: Target,
    *,
    runs: Path,
    data: Path | None,
    console: Console,
    until: str = STAGES[-1].name,
    wait: bool = True,
) -> Build:
    """Runs the stages up to ``until``; ends early, without a bundle, where a gate failed.

    Args:
        recipe: what to build.
        target: for where.
        runs: folder of all run folders; made where it is not there.
        data: the user's data folder.
        console: for progress.
        until: name of the last stage to run.
        wait: wait for a build that holds the run folder; else fail.

    Raises:
        StorageError: the run folder cannot be written, is full, or of another version.
        BusyError: another build holds it and ``wait`` is False.
        PipelineError: whatever a stage found wrong.
    """
    name = recipe.name if recipe.profile == "full" else f"{recipe.name}-{recipe.profile}"
    folder = runs / name
    with _storage_errors(folder):
        _prepare(folder)
        with _held(folder, console, wait=wait):
            return _run_stages(recipe, target, folder, data, console, until)


def _run_stages(
    recipe: Recipe,
    target: Target,
    folder: Path,
    data: Path | None,
    console: Console,
    until: str,
) -> Build:
    artifacts: dict[str, Artifact] = {}
    reports: list[StageReport] = []
    bundle = None
    stages = STAGES[: 1 + [stage.name for stage in STAGES].index(until)]
    modules = {stage.name: import_module(f"pipeline.stages.{stage.name}") for stage in stages}
    # All of them first: a file that a late stage lacks is told before an early one has worked for an hour.
    settings = {name: module.settings(recipe, target, data) for name, module in modules.items()}
    for stage in stages:
        started = time.monotonic()
        module = modules[stage.name]
        inputs = {name: artifacts[name] for name in stage.needs}
        made_by = _tools(module)
        key = _key(stage, module, settings[stage.name], inputs, made_by)
        place = folder / "stages" / stage.name / key
        artifact = _cached(stage, place, console)
        cached = artifact is not None
        if artifact is None:
            console.say(f"{stage.name}")
            work = Work(
                stage=stage, key=key, recipe=recipe, target=target, data=data,
                folder=place.with_name(key + ".partial"), run=folder,
                console=console, inputs=inputs, made_by=made_by,
            )  # fmt: skip
            artifact = _make(work, module, place)
        else:
            console.say(f"{stage.name}: unchanged")
        artifacts[stage.name] = artifact
        reports.append(
            StageReport(stage=stage.name, key=key, cached=cached, seconds=time.monotonic() - started)
        )
        if stage.name == STAGES[-1].name:
            bundle = folder / f"bundle-{target.name}"
            _point(bundle, artifact.folder / module.FOLDER)
        if artifact.ends_build:
            break
    return Build(
        folder=folder, artifacts=artifacts, reports=tuple(reports), bundle=bundle,
        pictures=gallery.show(folder, recipe, artifacts),
    )  # fmt: skip


def _key(
    stage: Stage,
    module: ModuleType,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Artifact],
    made_by: Mapping[str, str],
) -> str:
    value = {
        "stage": stage.name,
        "version": module.VERSION,
        "tools": dict(made_by),
        "settings": settings,
        "parents": {name: parent.sha256 for name, parent in inputs.items()},
    }
    return digest(value)[:KEY_LENGTH]


def _tools(module: ModuleType) -> dict[str, str]:
    versions = {"mobile-pipeline": metadata.version("mobile-pipeline")}
    for tool in module.TOOLS:
        try:
            versions[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            versions[tool] = "absent"
    return versions


def _cached(stage: Stage, place: Path, console: Console) -> Artifact | None:
    if not place.is_dir():
        return None
    try:
        return stage.makes.read(place)
    except StorageError as error:
        console.warn(f"{error}; making it again")
        aside = place.with_name(place.name + ".damaged")
        shutil.rmtree(aside, ignore_errors=True)
        place.rename(aside)  # not removed: it may hold hours of training
        return None


def _make(work: Work, module: ModuleType, place: Path) -> Artifact:
    work.folder.mkdir(parents=True, exist_ok=True)
    for path in work.folder.iterdir():
        # Of an attempt that ended early only its scratch folder may be used again.
        if path.name != SCRATCH:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    artifact: Artifact = module.run(work)
    if not isinstance(artifact, work.stage.makes):
        raise InternalError(f"stage '{work.stage.name}' made a {type(artifact).__name__}")
    shutil.rmtree(work.folder / SCRATCH, ignore_errors=True)
    artifact.write(work.folder)
    work.folder.rename(place)
    return artifact.placed(place)


def _point(link: Path, folder: Path) -> None:
    """Makes the link point at the folder, in one step."""
    fresh = link.with_name(link.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(os.path.relpath(folder, link.parent))
    fresh.replace(link)


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "run.json"
    if stamp.exists():
        try:
            layout = json.loads(stamp.read_text("utf-8"))["layout"]
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(f"{stamp}: not readable; remove {folder} to build anew") from error
        if layout != LAYOUT:
            raise StorageError(
                f"{folder}: run folder of layout {layout}, this program writes {LAYOUT}: "
                "choose another folder with --runs, or remove it to build anew"
            )
        return
    partial = folder / f"run.json.{os.getpid()}"
    partial.write_text(json.dumps({"layout": LAYOUT}) + "\n", "utf-8")
    partial.replace(stamp)


@contextmanager
def _held(folder: Path, console: Console, *, wait: bool) -> Iterator[None]:
    """Holds the run folder. The lock is the system's own: it ends with the process, however that ends."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = _holder(folder)
        if not wait:
            raise BusyError(f"{folder}: {holder} is building into it; wait for it or use --runs") from None
        console.say(f"{folder}: {holder} is building into it; waiting (Ctrl-C to give up)")
        lock.acquire(poll_interval=LOCK_POLL_SECONDS)
    try:
        _write_holder(folder)
        yield
    finally:
        (folder / "holder.json").unlink(missing_ok=True)
        lock.release()


def _write_holder(folder: Path) -> None:
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}
    partial = folder / "holder.json.new"
    partial.write_text(json.dumps(holder), "utf-8")
    partial.replace(folder / "holder.json")


def _holder(folder: Path) -> str:
    try:
        holder: dict[str, Any] = json.loads((folder / "holder.json").read_text("utf-8"))
        return f"process {holder['pid']} on {holder['host']} (since {holder['since']})"
    except (OSError, ValueError, KeyError):
        return "another process"


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    """Turns a full or unwritable disk into a sentence; what is complete stays."""
    try:
        yield
    except PipelineError:
        raise
    except OSError as error:
        where = error.filename or folder
        if error.errno in DISK_FULL:
            raise StorageError(
                f"{where}: no space left ({error.strerror}); free some or choose another folder with "
                "--runs; what was completed is kept"
            ) from error
        if error.errno in _DENIED:
            raise StorageError(
                f"{where}: cannot be read or written ({error.strerror}); choose another folder with --runs"
            ) from error
        raise
