"""The ``pipeline`` command: a group that imports a command's module when it is asked for."""

import importlib
import os
import select
import sys
import traceback
from typing import Any

import click

COMMANDS = (
    "build",
    "list",
    "data",
    "train",
    "optimize",
    "convert",
    "verify",
    "sweep",
    "bundle",
    "embed",
    "inspect",
    "explain",
    "doctor",
)
"""In the order of the help text; each is ``pipeline.cli.<name>_command``'s ``command``."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""

UNREAD = 141
"""Exit code where the reader of stdout (head, a closed pager) has gone: 128 + SIGPIPE."""


class _Fault(Exception):  # noqa: N818 - carries an error, is none itself
    """Carries a command's error past click, which would take it for something that the user did."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Commands(click.Group):
    """Loads commands on demand; none of their modules imports TensorFlow at the top."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pipeline.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (EOFError, OSError) as error:
            raise _Fault(error) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from pipeline.errors import unknown

            raise click.UsageError(unknown("command", args[0], COMMANDS), ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mobile-pipeline", prog_name="pipeline")
def app() -> None:
    """From a Keras CNN to a .tflite that provably does the same thing on a phone.

    Exit codes: 0 done, 1 a step failed, 2 wrong usage or recipe, 3 a gate failed.
    """


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    debug = "--debug" in sys.argv
    try:
        # An exit code that a command asks for comes back as the answer.
        code = app(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; what was completed is kept, the same command goes on from there")
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last resort: whatever it is becomes a sentence
        code = _report(error.error if isinstance(error, _Fault) else error, debug=debug)
    sys.exit(code)


def _report(error: Exception, *, debug: bool) -> int:
    from converters.errors import ConverterError
    from pipeline.errors import PipelineError

    if isinstance(error, BrokenPipeError) and _unread():
        return UNREAD
    if debug:
        traceback.print_exception(error)
    if isinstance(error, PipelineError):
        _say(f"error: {error}")
        return error.exit_code
    if isinstance(error, MemoryError):
        _say("error: not enough memory: close other programs, or use a machine with more")
        return 1
    if isinstance(error, ConverterError | OSError):
        _say(f"error: {error or type(error).__name__}")
        return 1
    first_line = (str(error).strip().splitlines() or [""])[0]
    _say(f"internal error: {type(error).__name__}: {first_line}")
    if not debug:
        _say("this is a fault of the program: run again with --debug and report what it prints")
    return 1


def _unread() -> bool:
    """Whether stdout's reader has gone; then nothing more is written to it."""
    stdout = sys.stdout.fileno()
    poll = select.poll()
    poll.register(stdout, select.POLLOUT)
    gone = any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
    if gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)
    return gone


def _say(text: str) -> None:
    click.echo(text, err=True)
