"""``pipeline optimize``: one stage, and what it needs."""

from typing import Any

import click

from pipeline.cli._options import BuildOptions, build_options


@click.command("optimize")
@click.argument("recipe")
@build_options
def command(recipe: str, **values: Any) -> None:
    """Prune, cluster or quantise while training, as the recipe says."""
    from pipeline.cli._build import run

    options = BuildOptions(**values)
    run(options.recipe(recipe), options, until="optimize")
