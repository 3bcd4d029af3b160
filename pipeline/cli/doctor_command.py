"""``pipeline doctor``: what on this machine works, what does not, and the remedy."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from pipeline.cli._options import (
    DEFAULT_DATA,
    data_option,
    debug_option,
    json_option,
    print_json,
    print_table,
)

MIN_FREE_BYTES = 2_000_000_000
"""The largest dataset decoded (EMNIST ByClass, 640 MB), its checkpoints and a bundle fit well into it."""

PROVEN_PYTHON = (3, 11)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line: what was looked at, ``ok``, ``absent`` or ``broken``, what was found, what to do."""

    what: str
    state: str
    found: str
    remedy: str = ""


@click.command("doctor")
@data_option
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of all run folders.",
)
@json_option
@debug_option
def command(data: Path | None, runs: Path, as_json: bool, debug: bool) -> None:  # noqa: ARG001  # fmt: skip
    """Say what on this machine works, what does not, and what to do about it.

    Exit code 1 if something that every build needs is broken.
    """
    findings = [
        *_python(),
        *_packages(),
        *_runtimes(),
        *_datasets(data),
        _storage(runs),
        _processors(),
    ]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(
            ("what", "state", "found", "remedy"),
            [(f.what, f.state, f.found, f.remedy) for f in findings],
        )
    if any(finding.state == "broken" for finding in findings):
        raise click.exceptions.Exit(1)


def _python() -> Iterator[Finding]:
    import platform
    import sys

    if sys.version_info[:2] == PROVEN_PYTHON:
        yield Finding(what="python", state="ok", found=platform.python_version())
    else:
        yield Finding(
            what="python",
            state="ok",
            found=platform.python_version(),
            remedy="everything has been tried on 3.11; tflite_runtime needs it",
        )


def _packages() -> Iterator[Finding]:
    from importlib import metadata

    for package in ("tensorflow", "tf_keras", "tensorflow-model-optimization", "numpy"):
        try:
            yield Finding(what=package, state="ok", found=metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Finding(
                what=package, state="broken", found="not installed", remedy=f"pip install {package}"
            )


def _runtimes() -> Iterator[Finding]:
    """Whether every runtime is installed; none is started."""
    from pipeline import runtimes, shelf

    for name in shelf.names("runtimes"):
        reason = runtimes.unavailable(name)
        plugin = shelf.load("runtimes", name)
        distribution = plugin.DISTRIBUTION
        remedy = getattr(plugin, "REMEDY", f"pip install {distribution}")
        if reason is not None:
            yield Finding(what=f"runtime {name}", state="absent", found=reason,
                          remedy=f"{remedy}, or verify without it")  # fmt: skip
        else:
            where = runtimes.identity(name)
            found = f"{distribution} {runtimes.version(name)}{f' on {where}' if where else ''}"
            yield Finding(what=f"runtime {name}", state="ok", found=found)


def _datasets(data: Path | None) -> Iterator[Finding]:
    from pipeline import recipe, shelf
    from pipeline.errors import DataError

    if data is None and DEFAULT_DATA.is_dir():
        data = DEFAULT_DATA
    if data is None:
        yield Finding(
            what="data folder",
            state="absent",
            found="not named",
            remedy="--data DIR or PIPELINE_DATA=DIR",
        )
    elif not data.is_dir():
        yield Finding(
            what="data folder",
            state="broken",
            found=f"{data}: no such folder",
            remedy="correct the path",
        )
    for name in recipe.names():
        section = recipe.load(name).dataset
        plugin = shelf.load("datasets", section.name)
        try:
            source = plugin.locate(shelf.options("datasets", section.name, section.options), data)
            counts = f"{source.count('train'):,} train, {source.count('test'):,} test images"
            yield Finding(what=f"data of recipe {name}", state="ok", found=f"{source.name}: {counts}")
        except DataError as error:
            yield Finding(what=f"data of recipe {name}", state="absent", found=str(error))


def _storage(runs: Path) -> Finding:
    import os
    import shutil

    existing = next(p for p in (runs.absolute(), *runs.absolute().parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        return Finding(
            what="run folder",
            state="broken",
            found=f"{existing} cannot be written",
            remedy="--runs DIR",
        )
    free = shutil.disk_usage(existing).free
    state, remedy = ("ok", "") if free >= MIN_FREE_BYTES else ("broken", "free some, or --runs DIR")
    return Finding(what="run folder", state=state, found=f"{runs}: {free / 1e9:.1f} GB free", remedy=remedy)


def _processors() -> Finding:
    import os

    return Finding(what="processors", state="ok", found=f"{os.cpu_count()} cores")
