"""Help: every command and option is explained, at once, and without loading what takes seconds."""

import statistics
import subprocess
import sys
import time
from importlib import import_module

import click
import pytest

from pipeline.cli.app import COMMANDS
from tests.conftest import Pipeline
from tests.pipeline.cli import fresh

LINES = [(), *((name,) for name in COMMANDS), ("data", "get"), ("data", "check")]

HEAVY = (*fresh.TENSORFLOW, "ai_edge_litert", "numpy", "scipy", "sklearn", "pydantic", "rich", "requests")

RUNS = 7
"""Fresh processes of each kind, in turns, so that what else the machine does falls on both."""

START_RATIO = 3.0
"""Time of ``pipeline --help`` over that of Python loading click alone. It imports the commands' own small
modules and is measured at 1.3 to 1.8; reading recipes in it would make it 5, TensorFlow 100."""


def commands() -> list[tuple[str, click.Command]]:
    """Every command and subcommand with its full name."""
    found = []
    for name in COMMANDS:
        command: click.Command = import_module(f"pipeline.cli.{name}_command").command
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {inner}", each) for inner, each in command.commands.items()]
    return found


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_help_of_every_command_loads_nothing_heavy(line: tuple[str, ...]) -> None:
    """In a fresh process; on stdout, with nothing on stderr."""
    answer = fresh.run(*line, "--help")
    assert answer.code == 0
    assert answer.out.startswith("Usage: ")
    assert answer.err == ""
    assert answer.loaded(*HEAVY) == set()


@pytest.mark.parametrize("line", [("list",), ("list", "runtimes"), ("list", "--json")], ids=" ".join)
def test_list_loads_neither_tensorflow_nor_a_runtime(line: tuple[str, ...]) -> None:
    """Names and summaries are read from files."""
    answer = fresh.run(*line)
    assert answer.code == 0
    assert answer.loaded(*fresh.TENSORFLOW, "ai_edge_litert", "sklearn", "requests") == set()


def test_help_takes_hardly_longer_than_loading_click() -> None:
    """Median of fresh processes, as a ratio: seconds would depend on the machine."""
    lines = {
        "help": [sys.executable, "-m", "pipeline", "--help"],
        "click": [sys.executable, "-c", "import click"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(RUNS):
        for name, line in lines.items():
            started = time.perf_counter()
            subprocess.run(line, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - started)
    ratio = statistics.median(seconds["help"]) / statistics.median(seconds["click"])
    assert ratio < START_RATIO


def test_the_main_help_lists_every_command_with_a_line(cli: Pipeline) -> None:
    """In the order of the work, and with the exit codes."""
    answer = cli("--help")
    listed = answer.out.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert all(len(line.split()) > 3 for line in listed)
    assert "Exit codes: 0 done, 1 a step failed, 2 wrong usage or recipe, 3 a gate" in answer.out


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_every_command_and_option_is_explained(name: str, command: click.Command) -> None:
    """And every command can show its traceback."""
    assert command.help
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [option.name for option in options if not option.help] == []
    assert isinstance(command, click.Group) or "debug" in [option.name for option in options]


def test_dash_h_is_help(cli: Pipeline) -> None:
    """For every command."""
    assert cli("-h").out == cli("--help").out
    assert cli("build", "-h").out == cli("build", "--help").out


def test_the_version_is_that_of_the_package(cli: Pipeline) -> None:
    """As pip shows it."""
    from importlib.metadata import version

    assert cli("--version").out == f"pipeline, version {version('mobile-pipeline')}\n"


def test_without_a_command_help_is_shown_as_wrong_usage(cli: Pipeline) -> None:
    """Exit code 2: nothing was asked for."""
    answer = cli()
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("Usage: ")
