"""``pipeline bundle``: one stage, and what it needs."""

from typing import Any

import click

from pipeline.cli._options import BuildOptions, build_options


@click.command("bundle")
@click.argument("recipe")
@build_options
def command(recipe: str, **values: Any) -> None:
    """Pack the verified model with its contract and golden vectors."""
    from pipeline.cli._build import run

    options = BuildOptions(**values)
    run(options.recipe(recipe), options, until="bundle")
