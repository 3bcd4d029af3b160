"""Options that several commands share, and what becomes of them."""

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pipeline.console import Console
    from pipeline.recipe import Recipe
    from pipeline.target import Target

Function = TypeVar("Function", bound=Callable[..., Any])

DATA_VARIABLE = "PIPELINE_DATA"

DEFAULT_DATA = Path("data")
"""In the current folder: where downloads go, and what is looked at, when no folder is named."""


class Choice(click.Choice):  # type: ignore[type-arg]  # generic from click 8.2 on
    """A choice that names the nearest one when it refuses."""

    def __init__(self, what: str, choices: tuple[str, ...]) -> None:
        """Takes what a choice is called, and the choices."""
        super().__init__(choices)
        self._what = what

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, if it is a choice."""
        if value not in self.choices:
            from pipeline.errors import unknown

            raise click.UsageError(unknown(self._what, value, self.choices), ctx)
        chosen: str = super().convert(value, param, ctx)
        return chosen


def build_options(function: Function) -> Function:
    """Options of every command that runs stages."""
    for option in (
        debug_option,
        json_option,
        click.option("--quiet", is_flag=True, help="Keep progress back; warnings still show."),
        click.option("--no-wait", is_flag=True,
                     help="Fail if another build holds the run folder, instead of waiting."),
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE",
                     help="Change a value of the recipe, as train.epochs=3; may be given again."),
        click.option("--profile", type=Choice("profile", ("full", "smoke")), default="full",
                     show_default=True, help="smoke: few images and epochs, for tests; stamped as such."),
        click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
                     help="Folder of all run folders."),
        data_option,
        click.option("--target", default="tflite", show_default=True,
                     help="Where the model will run; see `pipeline list targets`."),
    ):  # fmt: skip
        function = option(function)
    return function


debug_option = click.option("--debug", is_flag=True, help="Show tracebacks.")
json_option = click.option("--json", "as_json", is_flag=True, help="Make stdout one JSON document.")
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar=DATA_VARIABLE,
    show_envvar=True,
    help="Data folder, laid out as NIST's archives are.  [default: data, if it is there]",
)


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """The values of :func:`build_options`."""

    target: str
    data: Path | None
    runs: Path
    profile: str
    overrides: tuple[str, ...]
    no_wait: bool
    quiet: bool
    as_json: bool
    debug: bool

    def recipe(self, name: str) -> "Recipe":
        """The recipe with overrides and profile applied.

        Raises:
            RecipeError: unknown or wrong.
        """
        from pipeline import recipe

        loaded = recipe.load(name, overrides=parse_overrides(self.overrides))
        return loaded.smoke() if self.profile == "smoke" else loaded

    def load_target(self) -> "Target":
        """The target.

        Raises:
            RecipeError: unknown.
        """
        from pipeline import target

        return target.load(self.target)

    def console(self) -> "Console":
        """Where progress goes."""
        from pipeline.console import Console

        return Console(quiet=self.quiet)

    def data_folder(self) -> Path | None:
        """The data folder.

        Raises:
            UsageError: it was named but is not there.
        """
        return check_data(self.data)


RECIPE_OPTIONS = ("target", "data", "runs", "profile", "overrides", "no_wait")
"""Options of :func:`build_options` that change what a recipe builds, and nothing else."""


def refuse(names: tuple[str, ...], why: str) -> None:
    """Refuses options that were given to the running command, but that it would have to ignore.

    Raises:
        UsageError: one of ``names`` was given; ``why`` is the end of the sentence.
    """
    from click.core import ParameterSource

    from pipeline.errors import UsageError

    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        if given and parameter.name in names:
            raise UsageError(f"{parameter.opts[0]} {why}")


def check_data(data: Path | None) -> Path | None:
    """The data folder: the one that was named, else the default if it is there, else None.

    Raises:
        UsageError: it was named but is not there.
    """
    from pipeline.errors import UsageError

    if data is None:
        return DEFAULT_DATA if DEFAULT_DATA.is_dir() else None
    if not data.is_dir():
        named = f"{DATA_VARIABLE} names" if os.environ.get(DATA_VARIABLE) == str(data) else "--data names"
        raise UsageError(f"{named} '{data}', which is no folder")
    return data


def parse_overrides(texts: tuple[str, ...]) -> dict[str, str]:
    """``("train.epochs=3",)`` to ``{"train.epochs": "3"}``.

    Raises:
        UsageError: a text without ``=``.
    """
    from pipeline.errors import UsageError

    overrides = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {text}: write it as KEY=VALUE, train.epochs=3")
        overrides[key.strip()] = value.strip()
    return overrides


def print_json(value: Any) -> None:
    """Writes one JSON document to stdout; see :func:`json_text`."""
    click.echo(json_text(value))


def json_text(value: Any) -> str:
    """One JSON document; what JSON lacks becomes ``"NaN"``, ``"Infinity"``, ``"-Infinity"``."""
    from pydantic_core import to_jsonable_python

    # pydantic_core's own inf_nan_mode is for text alone: to_jsonable_python gives NaN back as it is.
    whole = [to_jsonable_python(value)]
    _name_what_is_no_number(whole)
    return json.dumps(whole[0], indent=2, ensure_ascii=False, allow_nan=False)


def _name_what_is_no_number(container: Any) -> None:
    """In place, in a dict or list and all that it holds: a copy of a large document doubles its memory."""
    for key, value in container.items() if isinstance(container, dict) else enumerate(container):
        if isinstance(value, dict | list):
            _name_what_is_no_number(value)
        elif isinstance(value, float) and not math.isfinite(value):
            container[key] = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def print_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Writes a table to stdout, as wide as it needs; cut by no terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    # Cells are data: a label "[b]" or ":a:" is no markup.
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    wide = Console(width=10_000, markup=False, emoji=False, highlight=False)
    with wide.capture() as capture:
        wide.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines() if line.strip()))
