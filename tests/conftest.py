"""Fixtures that several folders of tests share."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock


@dataclass(frozen=True)
class Answer:
    """What a run of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as the one JSON document that it must be."""
        return json.loads(self.out)


Pipeline = Callable[..., Answer]


def pipeline(*arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Answer:
    """Runs the command line in a fresh process, with no data folder unless ``env`` names one."""
    environment = {k: v for k, v in os.environ.items() if k != "PIPELINE_DATA"}
    finished = subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**environment, **(env or {})},
        check=False,
    )
    return Answer(finished.returncode, finished.stdout, finished.stderr)


@pytest.fixture
def data_folder() -> Path:
    """The folder of real data; skips, saying so, where there is none."""
    name = os.environ.get("PIPELINE_DATA")
    if not name:
        pytest.skip("PIPELINE_DATA is not set: tests on real EMNIST need it")
    return Path(name).resolve()


@dataclass(frozen=True)
class SmokeBuild:
    """One finished smoke build of digits, shared by all tests: read it, never write to it."""

    runs: Path
    answer: Answer

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return self.runs / "digits-smoke"

    @property
    def bundle(self) -> Path:
        """Its bundle."""
        return self.folder / "bundle-tflite"

    def stage(self, name: str) -> Path:
        """The folder of one stage's artifact."""
        (folder,) = (self.folder / "stages" / name).iterdir()
        return folder


@pytest.fixture(scope="session")
def smoke_build(tmp_path_factory: pytest.TempPathFactory) -> SmokeBuild:
    """Builds digits with ``--profile smoke`` once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    runs, record = shared / "smoke-runs", shared / "smoke.json"
    with FileLock(shared / "smoke.lock"):
        if not record.exists():
            answer = pipeline("build", "digits", "--profile", "smoke", "--runs", runs, "--json", "--debug")
            record.write_text(json.dumps([answer.code, answer.out, answer.err]), "utf-8")
    answer = Answer(*json.loads(record.read_text("utf-8")))
    assert answer.code == 0, answer.err
    return SmokeBuild(runs, answer)
