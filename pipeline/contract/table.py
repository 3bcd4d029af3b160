"""The verdict as a table: a row for the cases of each kind, and one for each that failed."""

from collections.abc import Sequence

from pipeline.contract.cases import KINDS
from pipeline.contract.check import PYTHON, Checked, Verdict
from pipeline.contract.comparison import merged

FAILED_ROWS = 10
"""Rows of failed cases that are shown of a bundle; the JSON document has all."""

NOT_RUN = "-"


def columns(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """``case``, the languages, and how far apart they were at most."""
    return ("contract", "case", PYTHON, *verdicts[0].runs, "largest difference")


def rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    """Rows for :func:`columns`."""
    return [row for verdict in verdicts for row in _of_bundle(verdict)]


def notes(verdict: Verdict) -> list[str]:
    """Why a language has no cells, and what it did wrong."""
    absent = [f"{name} did not run: {run.absent}" for name, run in verdict.runs.items() if run.absent]
    return absent + [f"FAILED {text}" for text in verdict.failures]


def _of_bundle(verdict: Verdict) -> list[tuple[str, ...]]:
    made = []
    for golden in (True, False):
        for kind in KINDS:
            cases = [each for each in verdict.cases if each.golden == golden and each.kind == kind]
            if cases:
                title = f"{'golden' if golden else 'random'} {kind}, {len(cases)} cases"
                made.append(_row(verdict, title, cases))
    failed = [each for each in verdict.cases if each.failed]
    made += [_row(verdict, each.case, [each]) for each in failed[:FAILED_ROWS]]
    if len(failed) > FAILED_ROWS:
        made.append((verdict.name, f"... and {len(failed) - FAILED_ROWS} more failed cases"))
    return made


def _row(verdict: Verdict, title: str, cases: Sequence[Checked]) -> tuple[str, ...]:
    every = [difference for each in cases for difference in each.differences.values()]
    return (
        verdict.name,
        title,
        *(_cell(verdict, name, cases) for name in (PYTHON, *verdict.runs)),
        merged(every).text or NOT_RUN,
    )


def _cell(verdict: Verdict, name: str, cases: Sequence[Checked]) -> str:
    ran = [each.differences[name] for each in cases if name in each.differences]
    if not ran:
        if name == PYTHON:
            return "reference"
        return "FAILED" if verdict.runs[name].failed else "absent"
    wrong = sum(bool(difference.faults) for difference in ran)
    if wrong:
        return "FAILED" if len(cases) == 1 else f"FAILED {wrong}"
    return "passed"
