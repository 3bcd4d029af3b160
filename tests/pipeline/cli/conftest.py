"""The command line in this process: as quick as a function call, for all that needs no fresh one."""

import sys
from pathlib import Path

import pytest

from pipeline.cli.app import main
from tests.conftest import Answer, Pipeline


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Pipeline:
    """Runs ``pipeline`` with arguments; no data folder but the one that they name."""
    monkeypatch.delenv("PIPELINE_DATA", raising=False)

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["pipeline", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        code = end.value.code
        assert code is None or isinstance(code, int)
        return Answer(code or 0, out, err)

    return run
