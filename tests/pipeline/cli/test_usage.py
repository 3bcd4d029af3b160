"""What every command has in common: exit codes, words of errors, tracebacks, stdout and stderr, signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline.cli import list_command
from pipeline.errors import (
    BusyError,
    DataError,
    DataMissingError,
    GateError,
    InternalError,
    PipelineError,
    RecipeError,
    RuntimeFailure,
    StepError,
    StorageError,
    UsageError,
)
from tests.conftest import Pipeline
from tests.listening import listening

WAIT_SECONDS = 60
"""For another process to get somewhere; generous, because machines are busy."""

UNKNOWN = {
    "command": (("biuld",), "unknown command 'biuld', choose from: build, ", "did you mean 'build'?"),
    "command of a group": (("data", "chekc"), "No such command 'chekc'.", "Did you mean 'check'?"),
    "option": (("build", "--profil", "smoke"), "No such option '--profil'.", "Did you mean '--profile'?"),
    "option of help": (("--hlep",), "No such option '--hlep'.", "Did you mean '--help'?"),
    "kind": (("list", "recipe"), "unknown kind 'recipe', choose from: ", "did you mean 'recipes'?"),
    "profile": (
        ("build", "--profile", "smok"),
        "unknown profile 'smok', choose from: full, smoke; ",
        "did you mean 'smoke'?",
    ),
    "recipe": (("build", "digts"), "unknown recipe 'digts', choose from: ", "did you mean 'digits'?"),
    "recipe of one stage": (("train", "emnst"), "unknown recipe 'emnst'", "did you mean 'emnist'?"),
    "recipe to verify": (("verify", "digit"), "unknown recipe 'digit'", "did you mean 'digits'?"),
    "recipe to convert": (("convert", "digit"), "unknown recipe 'digit'", "did you mean 'digits'?"),
    "target": (
        ("build", "digits", "--target", "tflight"),
        "unknown target 'tflight', choose from: ",
        "did you mean 'tflite'?",
    ),
    "dataset": (("data", "check", "emnits"), "unknown dataset 'emnits'", "did you mean 'emnist'?"),
    "key of the recipe": (
        ("build", "digits", "--set", "train.epoch=3"),
        "unknown key 'train.epoch', choose from: ",
        "did you mean 'train.epochs'?",
    ),
    "key of a dataset": (
        ("data", "check", "emnist", "--set", "varaint=letters"),
        "unknown key 'varaint', choose from: variant; ",
        "did you mean 'variant'?",
    ),
}
"""What is unknown: (command line, what the error says, the nearest name)."""


@pytest.mark.parametrize("case", UNKNOWN)
def test_an_unknown_name_is_wrong_usage_and_the_nearest_one_is_named(cli: Pipeline, case: str) -> None:
    """Exit code 2, on stderr, nothing on stdout."""
    line, says, near = UNKNOWN[case]
    answer = cli(*line)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err
    assert near in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (("build", "digits", "--set", "train.epochs"), "--set train.epochs: write it as KEY=VALUE"),
        (("build", "digits", "--set", "=3"), "--set =3: write it as KEY=VALUE"),
        (("build", "digits", "--set", "train.epochs=0"), "recipe 'digits': train.epochs: "),
        (("build", "no/such/recipe.toml"), "no/such/recipe.toml: No such file or directory"),
        (("train",), "Missing argument 'RECIPE'"),
        (("verify",), "name a RECIPE, BUNDLE or FILE.tflite; only --contract needs none"),
        (("inspect",), "Missing argument 'FILE.tflite|BUNDLE|APP.apk'"),
        (("list", "recipes", "models"), "unexpected extra argument"),
        (("verify", "x.tflite", "--min-agreement", "98"), "98.0 is not in the range 0<=x<=1"),
        (("verify", "x.tflite", "--max-drop", "some"), "'some' is not a valid float"),
    ],
)
def test_wrong_usage_is_said_in_a_sentence(cli: Pipeline, line: tuple[str, ...], says: str) -> None:
    """Exit code 2."""
    answer = cli(*line)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err


@pytest.mark.parametrize("line", [("build", "digits"), ("build",), ("data", "check", "emnist")], ids=" ".join)
@pytest.mark.parametrize("named_by", ["option", "variable"])
def test_a_data_folder_that_is_named_but_not_there_is_wrong_usage(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: tuple[str, ...], named_by: str
) -> None:
    """Nothing else is built in its place; the words say who named it."""
    nowhere, runs = tmp_path / "nowhere", ("--runs", tmp_path / "runs") if line[0] == "build" else ()
    if named_by == "option":
        answer = cli(*line, *runs, "--data", nowhere)
    else:
        monkeypatch.setenv("PIPELINE_DATA", str(nowhere))
        answer = cli(*line, *runs)
    who = "--data" if named_by == "option" else "PIPELINE_DATA"
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"error: {who} names '{nowhere}', which is no folder\n"
    assert not (tmp_path / "runs").exists()


def test_a_file_is_no_data_folder(cli: Pipeline, tmp_path: Path) -> None:
    """Someone named the zip itself."""
    (tmp_path / "gzip.zip").write_bytes(b"")
    answer = cli("data", "check", "emnist", "--data", tmp_path / "gzip.zip")
    assert answer.code == 2
    assert "which is no folder" in answer.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PipelineError, 1),
        (StepError, 1),
        (StorageError, 1),
        (BusyError, 1),
        (RuntimeFailure, 1),
        (DataError, 1),
        (DataMissingError, 1),
        (UsageError, 2),
        (RecipeError, 2),
        (GateError, 3),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_an_error_for_the_user_is_a_sentence_and_an_exit_code(
    cli: Pipeline, monkeypatch: pytest.MonkeyPatch, error: type[Exception], code: int, debug: bool
) -> None:
    """A traceback with --debug alone."""

    def fail(_kind: str) -> None:
        raise error("the disk: is made of cheese")

    monkeypatch.setattr(list_command, "_entries", fail)
    answer = cli("list", *(["--debug"] if debug else []))
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.endswith("error: the disk: is made of cheese\n")
    assert ("Traceback" in answer.err) is debug
    assert debug or answer.err == "error: the disk: is made of cheese\n"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (InternalError("no such case\nmore"), "internal error: InternalError: no such case\n"),
        (RuntimeError(), "internal error: RuntimeError: \n"),
        (EOFError("nothing left"), "internal error: EOFError: nothing left\n"),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_the_program_asks_for_a_report(
    cli: Pipeline, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str, debug: bool
) -> None:
    """It is called what it is, not the user's error and not an interruption."""

    def fail(_kind: str) -> None:
        raise error

    monkeypatch.setattr(list_command, "_entries", fail)
    answer = cli("list", *(["--debug"] if debug else []))
    assert (answer.code, answer.out) == (1, "")
    assert says in answer.err
    assert ("Traceback" in answer.err) is debug
    assert ("run again with --debug and report what it prints" in answer.err) is not debug


@pytest.mark.parametrize("error", [OSError(5, "Input/output error", "x"), MemoryError()])
def test_a_fault_of_the_machine_is_a_failed_step(
    cli: Pipeline, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """No report is asked for."""

    def fail(_kind: str) -> None:
        raise error

    monkeypatch.setattr(list_command, "_entries", fail)
    answer = cli("list")
    assert answer.code == 1
    expected = "not enough memory: close other programs, or use a machine with more"
    assert answer.err == f"error: {expected if isinstance(error, MemoryError) else error}\n"


def environment(**more: str) -> dict[str, str]:
    """This process's, without a data folder."""
    return {**{key: value for key, value in os.environ.items() if key != "PIPELINE_DATA"}, **more}


def test_ctrl_c_ends_with_130_and_a_sentence(tmp_path: Path) -> None:
    """While it waits for another build to leave the run folder, and at any other time."""
    runs = tmp_path / "runs"
    (runs / "digits-smoke").mkdir(parents=True)
    with FileLock(runs / "digits-smoke" / ".lock"):
        process = subprocess.Popen(
            listening("-m", "pipeline", "build", "digits", "--profile", "smoke", "--runs", str(runs)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert process.stderr is not None
        assert "waiting (Ctrl-C to give up)" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 130
    assert out == ""
    assert err.strip() == "interrupted; what was completed is kept, the same command goes on from there"


def test_a_build_that_must_not_wait_fails_at_once(cli: Pipeline, tmp_path: Path) -> None:
    """With who holds the folder."""
    (tmp_path / "digits-smoke").mkdir()
    with FileLock(tmp_path / "digits-smoke" / ".lock"):
        answer = cli("build", "digits", "--profile", "smoke", "--runs", tmp_path, "--no-wait")
    assert (answer.code, answer.out) == (1, "")
    assert "is building into it; wait for it or use --runs" in answer.err


def test_a_pipe_that_breaks_elsewhere_is_not_taken_for_the_readers(
    cli: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker process that died, say: no silence, and not exit code 141."""

    def fail(_kind: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(list_command, "_entries", fail)
    answer = cli("list")
    assert answer.code == 1
    assert answer.err == "error: [Errno 32] Broken pipe\n"


@pytest.mark.parametrize("line", [("list",), ("list", "--json")], ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_error(line: tuple[str, ...]) -> None:
    """``pipeline list | head -1``: silent, and 141 as of any program that SIGPIPE ends."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "pipeline", *line],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert finished.stderr == ""
    assert finished.returncode == 141


def test_cells_of_a_table_are_no_markup(cli: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A label may be a bracket; a path may look like a tag."""
    cells = [("[/b]", "[red]text[/red]"), (":a:", "http://x/[y]")]
    monkeypatch.setattr(list_command, "_entries", lambda _kind: cells)
    answer = cli("list", "models")
    assert answer.code == 0
    assert [tuple(row.split()) for row in answer.out.splitlines()[3:]] == cells
