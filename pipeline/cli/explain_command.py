"""``pipeline explain``: what a diagnostic means, why it hurts on a phone, and the ways out."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline.cli._options import debug_option, json_option, print_json, print_table

if TYPE_CHECKING:
    from converters.diagnostics import Explanation


@click.command("explain")
@click.argument("code", required=False)
@json_option
@debug_option
def command(code: str | None, as_json: bool, debug: bool) -> None:  # noqa: ARG001
    """Say what a diagnostic such as P012 means; without CODE, list all of them."""
    from converters.diagnostics import explanations
    from pipeline.errors import UsageError, unknown

    table = explanations()
    if code is None:
        if as_json:
            print_json([asdict(explanation) for explanation in table.values()])
        else:
            print_table(("code", "what it is"), [(one.code, one.title) for one in table.values()])
        return
    found = table.get(code.upper())
    if found is None:
        raise UsageError(unknown("diagnostic", code.upper(), table))
    if as_json:
        print_json(asdict(found))
    else:
        _show(found)


def _show(found: "Explanation") -> None:
    click.echo(f"{found.code}  {found.title}\n")
    for title, text in (("What it means", found.meaning), ("On a phone", found.hurts)):
        click.echo(f"{title}\n{click.wrap_text(text, 100, '  ', '  ')}\n")
    click.echo("Ways out")
    for way in found.ways_out:
        click.echo(click.wrap_text(way, 100, "  - ", "    "))
