"""What cog puts into README.md: help texts and tables that the program itself gives."""

import click
from click.testing import CliRunner

from converters.diagnostics import explanations
from converters.tflite.schemes import SCHEMES
from pipeline import shelf, target
from pipeline.cli.app import app
from pipeline.stages import STAGES


def help_block(*command: str) -> None:
    """Prints a command's help as a fenced block."""
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="pipeline", terminal_width=80)
    if result.exit_code:
        raise click.ClickException(result.output)
    print(f"```\n{result.output.rstrip()}\n```")


def stage_table() -> None:
    """Prints the stages in order with why each stands there."""
    print("| stage | makes | why it stands there |\n|---|---|---|")
    for stage in STAGES:
        print(f"| {stage.name} | {stage.makes.__name__} | {stage.why} |")


def scheme_table() -> None:
    """Prints the quantisation schemes."""
    print("| scheme | what it is |\n|---|---|")
    for name, scheme in SCHEMES.items():
        print(f"| `{name}` | {scheme.summary} |")


def runtime_table() -> None:
    """Prints the runtimes."""
    print("| runtime | what it is |\n|---|---|")
    for name in shelf.names("runtimes"):
        print(f"| `{name}` | {shelf.summary('runtimes', name)} |")


def optimization_table() -> None:
    """Prints the optimisations and after which others each may stand."""
    print("| optimisation | what it does | after |\n|---|---|---|")
    for name in shelf.names("optimizations"):
        summary = shelf.summary("optimizations", name).partition(": ")[2]
        after = ", ".join(shelf.load("optimizations", name).AFTER) or "training"
        print(f"| `{name}` | {summary} | {after} |")


def diagnostic_table() -> None:
    """Prints every diagnostic's code and what it is."""
    print("| code | what it is |\n|---|---|")
    for code, one in explanations().items():
        print(f"| `{code}` | {one.title} |")


def target_table() -> None:
    """Prints every target: delegates in the order in which an app tries them, what ships."""
    print("| target | delegates, in order | ships, best first | all of it on the first |\n|---|---|---|---|")
    for name in target.names():
        one = target.load(name)
        required = "required" if one.require_full_delegation else ""
        print(f"| `{name}` | {', '.join(one.delegates)} | {', '.join(one.ship)} | {required} |")
