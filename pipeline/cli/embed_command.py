"""``pipeline embed``: a bundle into an app."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli._options import debug_option, json_option, print_json

if TYPE_CHECKING:
    from pipeline.embedding import Embedded


@click.command("embed")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="android_demo, ios_demo, or the folder of an app of your own: Gradle, Xcode or SwiftPM.",
)
@click.option(
    "--module",
    metavar="NAME",
    help="Module of a Gradle project, or folder of an iOS target, for the files.  [default: the only app]",
)
@click.option(
    "--no-core", is_flag=True, help="Leave the contract's Kotlin or Swift sources out: you have them."
)
@click.option(
    "--dependencies",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the lines for your build file there instead of printing them.",
)
@click.option("--force", is_flag=True, help="Replace files that are in the way; take a smoke build.")
@json_option
@debug_option
def command(
    bundle: Path,
    into: Path,
    module: str | None,
    no_core: bool,
    dependencies: Path | None,
    force: bool,
    as_json: bool,
    debug: bool,  # noqa: ARG001
) -> None:
    """Put a bundle into an app: model, labels, manifest, and the tests that prove them.

    Every file of the bundle is checked against its hash first. Files of your own are not overwritten, and
    no file of your own is edited: what your build file needs is printed.
    """
    from pipeline.embedding import embed

    embedded = embed(bundle, into, module=module, core=not no_core, force=force, dependency_file=dependencies)
    for note in embedded.plan.notes:
        click.echo(f"warning: {note}", err=True)
    if as_json:
        print_json(_document(embedded, dependencies))
    else:
        _show(embedded, dependencies)


def _document(embedded: "Embedded", dependencies: Path | None) -> dict[str, Any]:
    return {
        "bundle": embedded.bundle,
        "into": str(embedded.destination.root),
        "kind": embedded.destination.kind,
        "module": embedded.destination.module,
        "slot": embedded.plan.slot,
        **asdict(embedded.outcome),
        "dependencies": embedded.plan.dependencies,
        "dependencies_file": None if dependencies is None else str(dependencies),
        "notes": list(embedded.plan.notes),
    }


def _show(embedded: "Embedded", dependencies: Path | None) -> None:
    outcome = embedded.outcome
    click.echo(f"{embedded.bundle} in {embedded.destination.root}, slot {embedded.plan.slot}")
    if not outcome.written and not outcome.removed:
        click.echo(f"  unchanged: {len(outcome.unchanged):,} files")
    place = embedded.plan.slot.rpartition(":")[2]
    for folder, count in _folders(outcome.written, place):
        click.echo(f"  written    {folder}  ({count:,} files)")
    for folder, count in _folders(outcome.removed, place):
        click.echo(f"  removed    {folder}  ({count:,} files)")
    for name in outcome.kept:
        click.echo(f"  left       {name}  (edited since an earlier bundle brought it)")
    if embedded.plan.dependencies:
        if dependencies is None:
            click.echo(f"\n{embedded.plan.dependencies}", nl=False)
        else:
            click.echo(f"  the lines for your build file are in {dependencies}")


def _folders(names: tuple[str, ...], place: str) -> list[tuple[str, int]]:
    """Folders with how many of the files each holds; the golden cases count as one."""
    counts: dict[str, int] = {}
    for name in names:
        folder = name.rpartition("/")[0]
        above, cases, _ = folder.rpartition(f"/{place}/golden")
        shown = above + cases or folder
        counts[shown] = counts.get(shown, 0) + 1
    return list(counts.items())
