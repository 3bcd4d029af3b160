"""``pipeline build``: all stages."""

from typing import Any

import click

from pipeline.cli._options import DEFAULT_DATA, BuildOptions, build_options

PREFERRED, FALLBACK = "emnist", "digits"


@click.command("build")
@click.argument("recipe", required=False)
@build_options
def command(recipe: str | None, **values: Any) -> None:
    """Train, optimise, convert, verify and bundle a model.

    RECIPE is a name of `pipeline list recipes` or a path to a .toml file. Without it, emnist is built
    where its data is on this machine or can be fetched, else digits, whose data comes with scikit-learn.

    A build that was interrupted goes on where it was; an unchanged one runs nothing.
    """
    from pipeline.cli._build import run

    options = BuildOptions(**values)
    if recipe is None:
        recipe = _choose(options)
    run(options.recipe(recipe), options, until="bundle")


def _choose(options: BuildOptions) -> str:
    """The preferred recipe if its data is here or can be had, else the fallback; says so."""
    from pipeline import shelf
    from pipeline.errors import DataMissingError
    from pipeline.stages.data import source

    console, data = options.console(), options.data_folder()
    wanted = options.recipe(PREFERRED)
    try:
        source(wanted, data)
    except DataMissingError as error:
        plugin = shelf.load("datasets", wanted.dataset.name)
        dataset = shelf.options("datasets", wanted.dataset.name, wanted.dataset.options)
        if plugin.fetchable(dataset):
            folder = data or DEFAULT_DATA
            console.say(f"{error}\nfetching it now into {folder}")
            plugin.fetch(dataset, folder, console)
            return PREFERRED
        console.warn(
            f"{error}. Building '{FALLBACK}' instead: the 1,797 handwritten digits of scikit-learn. "
            f"Its figures say nothing about '{PREFERRED}'."
        )
        return FALLBACK
    return PREFERRED
