"""``pipeline train``: one stage, and what it needs."""

from typing import Any

import click

from pipeline.cli._options import BuildOptions, build_options


@click.command("train")
@click.argument("recipe")
@build_options
def command(recipe: str, **values: Any) -> None:
    """Train a recipe's model (and prepare its data)."""
    from pipeline.cli._build import run

    options = BuildOptions(**values)
    run(options.recipe(recipe), options, until="train")
