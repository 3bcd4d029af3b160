"""How each language is run: a script of its demo, ``contract CASES OUT``, builds what is stale and answers.

A script ends with 0 when it has answered every case, with ABSENT and a line on stderr where this machine
cannot build it; anything else is a fault.
"""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SCRIPT = "contract"
"""Name of the script in a demo's folder."""

ABSENT = 77
"""Exit code of a script that cannot run here: what automake's tests end with when they are skipped."""

SECONDS = 1800
"""After so long a script is stopped: a first build downloads a compiler's worth of packages, cases take
seconds."""

STDERR_LINES = 3
"""Lines of a failed script's stderr that are quoted."""

DEMOS = {"Kotlin": "android_demo", "Swift": "ios_demo"}
"""Language to the folder of its demo in a checkout."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """A twin of the contract.

    Attributes:
        name: of the language.
        script: that answers; None where there is none.
        reason: why there is none; empty where there is one.
    """

    name: str
    script: Path | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a script ended; it answered where both are empty.

    Attributes:
        absent: why this machine cannot run it.
        failed: what went wrong.
    """

    absent: str = ""
    failed: str = ""


def checkout() -> Path:
    """The folder that this program lies in; the demos are beside it where that is a checkout."""
    return Path(__file__).resolve().parents[2]


def found(demos: dict[str, Path | None]) -> list[Language]:
    """The languages, each with its script.

    Args:
        demos: language to the folder that the user named; None looks for the demo in the checkout.
    """
    languages = []
    for name, demo in DEMOS.items():
        folder = demos.get(name) or checkout() / demo
        script = folder / SCRIPT
        there = script.is_file() and os.access(script, os.X_OK)
        languages.append(
            Language(
                name=name,
                script=script.resolve() if there else None,
                reason="" if there else f"no program {script}",
            )
        )
    return languages


def run(language: Language, cases: Path, out: Path) -> Run:
    """Runs a language's script; what it left in ``out`` counts only where it answered."""
    if language.script is None:
        return Run(absent=language.reason)
    try:
        code, stderr = _ended([str(language.script), str(cases), str(out)])
    except subprocess.TimeoutExpired:
        return Run(failed=f"{language.script}: no answer within {SECONDS} s")
    except OSError as error:
        return Run(failed=f"{language.script}: {error.strerror}")
    lines = [line for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    said = " / ".join(lines[-STDERR_LINES:]) or "no message"
    if code == ABSENT:
        return Run(absent=said)
    if code < 0:
        return Run(failed=f"{language.script}: killed by signal {-code}: {said}")
    if code:
        return Run(failed=f"{language.script}: exit code {code}: {said}")
    return Run()


def _ended(command: list[str]) -> tuple[int, bytes]:
    """Exit code and stderr of a command; what it started does not outlive it where it is stopped.

    Raises:
        TimeoutExpired: after SECONDS.
        OSError: it cannot be started.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            _, stderr = process.communicate(timeout=SECONDS)
        except BaseException:
            # Its session is one group, so that the compiler which it waits for ends too; a terminal's Ctrl-C
            # does not reach that session. A group of which nobody is left needs no signal (macOS answers
            # with PermissionError where its leader was not waited for yet).
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, stderr
