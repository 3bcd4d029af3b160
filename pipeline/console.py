"""Progress and messages on stderr: bars on a terminal, plain lines elsewhere. Results go to stdout."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

PLAIN_INTERVAL_SECONDS = 15.0
"""Without a terminal, a long task reports this often: enough to see life, few enough for a log."""


class Task(Protocol):
    """A running piece of work."""

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Says that ``amount`` more units are done; ``note`` replaces the text behind the bar."""


class Console:
    """Where stages say what they do."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Makes a console; ``quiet`` keeps everything but warnings back."""
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()

    def say(self, text: str) -> None:
        """Prints one line of information."""
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)  # noqa: T201

    def warn(self, text: str) -> None:
        """Prints one line that the user should not miss."""
        print(f"warning: {text}", file=sys.stderr, flush=True)  # noqa: T201

    @contextmanager
    def task(self, title: str, total: int, unit: str) -> Iterator[Task]:
        """Shows progress of ``total`` units with the time left."""
        if self._quiet:
            yield _Silent()
        elif self._terminal:
            with _bar(title, total, unit) as bar:
                yield bar
        else:
            lines = _Lines(title, total, unit)
            yield lines
            lines.finish()


class _Silent:
    def advance(self, amount: int = 1, note: str = "") -> None:
        """Says nothing."""


class _Lines:
    """A line now and then, for logs."""

    def __init__(self, title: str, total: int, unit: str) -> None:
        self._title, self._total, self._unit = title, total, unit
        self._done, self._note = 0, ""
        self._started = self._spoke = time.monotonic()

    def advance(self, amount: int = 1, note: str = "") -> None:
        self._done += amount
        self._note = note or self._note
        now = time.monotonic()
        if now - self._spoke >= PLAIN_INTERVAL_SECONDS and 0 < self._done < self._total:
            self._spoke = now
            left = (now - self._started) * (self._total - self._done) / self._done
            self._print(f"{self._done:,}/{self._total:,} {self._unit}, {left:.0f} s left")

    def finish(self) -> None:
        self._print(f"{self._done:,} {self._unit} in {time.monotonic() - self._started:.1f} s")

    def _print(self, text: str) -> None:
        note = f"  {self._note}" if self._note else ""
        print(f"  {self._title}: {text}{note}", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _bar(title: str, total: int, unit: str) -> Iterator[Task]:
    from rich.console import Console as RichConsole
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    progress = Progress(
        TextColumn("  {task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit, markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=RichConsole(stderr=True),
    )
    with progress:
        identity = progress.add_task(title, total=total, note="")

        class Bar:
            def advance(self, amount: int = 1, note: str = "") -> None:
                fields = {"note": note} if note else {}
                progress.update(identity, advance=amount, **fields)  # type: ignore[arg-type]

        yield Bar()
