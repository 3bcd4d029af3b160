"""Running programs, what is said meanwhile, and the two ways in which a build does not come about."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class UnavailableError(Exception):
    """This machine lacks a tool; the text says which and how to get it."""


class BuildError(Exception):
    """A step of the build failed; the text says which and why."""


def say(text: str) -> None:
    """Progress, for a person."""
    sys.stderr.write(f"apk: {text}\n")


def run(command: Sequence[str]) -> str:
    """Runs a program; returns its output (both streams).

    Raises:
        BuildError: it ended with an error.
    """
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        shown = " ".join(command) if len(" ".join(command)) < 300 else f"{Path(command[0]).name} ..."
        raise BuildError(f"{shown}\nended with {result.returncode}:\n{result.stdout.strip()[:8000]}")
    return result.stdout
