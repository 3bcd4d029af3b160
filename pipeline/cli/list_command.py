"""``pipeline list``: what can be named in recipes and on the command line."""

import click

from pipeline.cli._options import Choice, debug_option, json_option, print_json, print_table

KINDS = ("recipes", "models", "datasets", "optimizations", "targets", "schemes", "runtimes")


@click.command("list")
@click.argument("kind", required=False, type=Choice("kind", KINDS), metavar="[KIND]")
@json_option
@debug_option
def command(kind: str | None, as_json: bool, debug: bool) -> None:  # noqa: ARG001
    """List recipes, models, datasets, optimizations, targets, schemes or runtimes.

    Without KIND, all of them.
    """
    found = {each: _entries(each) for each in ([kind] if kind else KINDS)}
    if as_json:
        print_json({each: [{"name": n, "summary": s} for n, s in rows] for each, rows in found.items()})
        return
    for each, rows in found.items():
        click.echo(each)
        if rows:
            print_table(("name", "summary"), rows)
        else:
            click.echo("  none yet")


def _entries(kind: str) -> list[tuple[str, ...]]:
    """Names with one line each; nothing is imported that is listed."""
    from converters.tflite.schemes import SCHEMES
    from pipeline import recipe, shelf, target

    if kind == "recipes":
        return [(name, recipe.load(name).description) for name in recipe.names()]
    if kind == "targets":
        return [(name, target.load(name).description) for name in target.names()]
    if kind == "schemes":
        return [(name, scheme.summary) for name, scheme in SCHEMES.items()]
    return [(name, shelf.summary(kind, name)) for name in shelf.names(kind)]
