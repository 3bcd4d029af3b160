"""``pipeline sweep``: variants of recipes in one table, with the Pareto front."""

from pathlib import Path
from typing import Any

import click

from pipeline.cli._options import BuildOptions, build_options, parse_overrides, print_json, print_table


@click.command("sweep")
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@click.option(
    "--over",
    multiple=True,
    metavar="KEY=V1,V2",
    help="Vary a key of the recipe; may be given again, then every combination is built. The values of "
    "optimize are chains: none, a name of `pipeline list optimizations`, qat, pc, pqat, cqat, pcqat, or "
    "names joined by +.",
)
@click.option(
    "--schemes",
    default="float32,int8",
    show_default=True,
    help="What to convert to; a chain that is made for int8 alone gets that.",
)
@click.option(
    "--runtime", default="litert", show_default=True, help="Where accuracy and latency are measured."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to write sweep.csv, sweep.json and sweep.png.  [default: RUNS/sweeps/<name>-<hash>]",
)
@build_options
def command(
    recipes: tuple[str, ...],
    over: tuple[str, ...],
    schemes: str,
    runtime: str,
    out: Path | None,
    **values: Any,
) -> None:
    """Build variants of one or more RECIPEs and compare accuracy, size and latency.

    All files are measured on the same test images and, for latency, in the same run. What variants have in
    common is made once, and a sweep that was interrupted goes on where it was. A gate that fails is a mark in
    its row.

    \b
        pipeline sweep emnist --over optimize=none,prune,cluster,qat,pqat,cqat,pcqat
        pipeline sweep digits --over train.epochs=5,10,20 --schemes int8
    """  # noqa: D301 - click reads \b as a character, which a raw string would not hold
    from pipeline.errors import StepError
    from pipeline.sweep import document, measure, picture, table
    from pipeline.sweep.variants import derive, parse_over

    options = BuildOptions(**values)
    target, data = options.load_target(), options.data_folder()
    variants = derive(
        recipes,
        parse_over(over),
        overrides=parse_overrides(options.overrides),
        schemes=[scheme.strip() for scheme in schemes.split(",")],
        runtime=runtime,
        profile=options.profile,
        target=target,
    )
    folder = out or options.runs / document.FOLDER / document.folder_name(variants, runtime, target)
    folder.mkdir(parents=True, exist_ok=True)  # now, not after hours of building
    sweep = measure.measure(
        variants,
        target,
        runtime=runtime,
        runs=options.runs,
        data=data,
        console=options.console(),
        wait=not options.no_wait,
        debug=options.debug,
    )
    paths = document.write(sweep, variants, folder, picture.draw)
    if options.as_json:
        files = {kind: str(path) for kind, path in paths.items()}
        print_json({**document.document(sweep, variants), "files": files})
    else:
        for clause in sweep.data:
            click.echo(f"data      {clause}")
        print_table(table.COLUMNS, table.lines(sweep.rows))
        for note in table.notes(sweep):
            click.echo(note)
        for path in paths.values():
            click.echo(f"written   {path}")
    if sweep.problems:
        raise StepError(f"{len(sweep.problems)} of {len(sweep.rows)} rows could not be measured, see above")
