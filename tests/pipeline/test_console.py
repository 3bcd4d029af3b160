"""The console: plain lines off a terminal, a bar on one, and quiet."""

import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pipeline.console import Console

SCRIPT = """
import sys, time
from pipeline.console import Console
console = Console(quiet="quiet" in sys.argv)
console.say("hello")
console.warn("careful")
with console.task("read [/x] :a:", 40, "images") as task:
    for i in range(8):
        time.sleep(0.15)
        task.advance(5, f"loss [b]{i}")
print("result")
"""
"""Titles and notes hold what rich would take for markup."""


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Instead of the machine's."""
    made = Clock()
    monkeypatch.setattr("pipeline.console.time.monotonic", made.monotonic)
    return made


def test_messages_go_to_stderr_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Results have stdout to themselves."""
    Console().say("one")
    Console().warn("two")
    assert capsys.readouterr() == ("", "one\nwarning: two\n")


def test_a_short_task_off_a_terminal_is_one_line(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    """How much in what time, and the last note."""
    with Console().task("train", 1_500, "images") as task:
        task.advance(1000, "loss 0.5")
        clock.now = 2.5
        task.advance(500)
    assert capsys.readouterr().err == "  train: 1,500 images in 2.5 s  loss 0.5\n"


def test_a_long_task_off_a_terminal_speaks_now_and_then(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    """With the time left, reckoned from the speed so far."""
    with Console().task("train", 100, "images") as task:
        for _ in range(9):
            clock.now += 10
            task.advance(10)
        clock.now += 10
        task.advance(10, "done")
    assert capsys.readouterr().err.splitlines() == [
        "  train: 20/100 images, 80 s left",
        "  train: 40/100 images, 60 s left",
        "  train: 60/100 images, 40 s left",
        "  train: 80/100 images, 20 s left",
        "  train: 100 images in 100.0 s  done",
    ]


def test_a_task_of_unknown_length_still_says_what_it_did(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    """A server that does not say how long its file is."""
    with Console().task("gzip.zip", 0, "bytes") as task:
        clock.now += 20
        task.advance(7)
    assert capsys.readouterr().err == "  gzip.zip: 7 bytes in 20.0 s\n"


def test_a_task_that_fails_is_not_reported_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    """The error speaks for itself."""

    def work() -> None:
        with Console().task("read", 9, "images") as task:
            task.advance(3)
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert capsys.readouterr().err == ""


def test_quiet_keeps_everything_back_but_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    """For scripts."""
    quiet = Console(quiet=True)
    quiet.say("one")
    with quiet.task("read", 9, "images") as task:
        task.advance(9, "note")
    quiet.warn("two")
    assert capsys.readouterr() == ("", "warning: two\n")


def test_off_a_terminal_no_escape_sequence_is_written() -> None:
    """Logs stay readable."""
    finished = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    assert finished.stdout == b"result\n"
    assert b"\x1b" not in finished.stderr
    assert b"\r" not in finished.stderr
    assert b"  read [/x] :a:: 40 images in " in finished.stderr


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal 120 columns wide."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def on_terminal(terminal: tuple[int, int], *arguments: str) -> tuple[bytes, str]:
    """Runs the script with stderr on the terminal: its stdout, and all that the terminal got."""
    ours, theirs = terminal
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    written = io.BytesIO()
    try:
        while block := os.read(ours, 4096):
            written.write(block)
    except OSError:
        pass  # Linux's way to say that the other end is closed
    assert process.stdout is not None
    with process.stdout as stdout:
        result = stdout.read()
    assert process.wait() == 0
    return result, written.getvalue().decode()


def test_on_a_terminal_a_bar_shows_count_and_time_left(terminal: tuple[int, int]) -> None:
    """Drawn anew in place; stdout stays clean; brackets of a file name are no markup."""
    result, written = on_terminal(terminal)
    assert result == b"result\n"
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written)
    assert "hello" in text
    assert "warning: careful" in text
    assert "read [/x] :a:" in text
    assert "━" in text
    assert "40/40 images" in text
    assert re.search(r"(?<!40)/40 images 0:00:0[1-9]", text), "some frame shows seconds left"
    assert "loss [b]7" in text


def test_on_a_terminal_quiet_draws_no_bar(terminal: tuple[int, int]) -> None:
    """Only the warning is left."""
    result, written = on_terminal(terminal, "quiet")
    assert result == b"result\n"
    assert written == "warning: careful\r\n"
