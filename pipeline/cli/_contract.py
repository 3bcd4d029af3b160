"""``pipeline verify --contract``: the preprocessing contract in Python, Kotlin and Swift."""

from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli._options import print_json, print_table
from pipeline.console import Console

CONTRACT_OPTIONS = ("android", "ios", "seed", "cases")
"""Options of ``pipeline verify`` that go with ``--contract`` alone."""

FIXTURES = Path("tests") / "fixtures" / "golden_bundles"
"""Bundles of a checkout that are checked where none is named."""


def verify_contract(
    subject: str | None,
    *,
    demos: dict[str, Path | None],
    count: int,
    seed: int,
    as_json: bool,
    console: Console,
) -> None:
    """Compares the languages and prints the verdict.

    Args:
        subject: a bundle; None for those of the checkout.
        demos: language to the folder of its demo; None looks in the checkout.
        count: random cases for each contract; with 0 bundles' own contracts alone.
        seed: of them.
        as_json: one JSON document instead of the table.
        console: for progress.

    Raises:
        GateError: a language differs by more than a tolerance, or its script failed.
        UsageError: no bundle, or a named demo has no script.
        StepError: a bundle cannot be read.
    """
    from pipeline.contract import languages, table
    from pipeline.contract.check import check
    from pipeline.errors import GateError, UsageError

    for name, folder in demos.items():
        if folder is not None and not (folder / languages.SCRIPT).is_file():
            raise UsageError(f"{folder}: holds no program '{languages.SCRIPT}' that answers for {name}")
    twins = languages.found(demos)
    verdicts = [
        verdict
        for bundle in _bundles(subject)
        for verdict in check(bundle, twins, count=count, seed=seed, console=console)
    ]
    failures = [f"{verdict.name}: {text}" for verdict in verdicts for text in verdict.failures]
    compared = sorted({name for verdict in verdicts for each in verdict.cases for name in each.differences})
    if as_json:
        print_json(
            {
                "passed": not failures,
                "compared": compared,
                "seed": seed,
                "contracts": [
                    {
                        "bundle": str(verdict.bundle),
                        "name": verdict.name,
                        "languages": {name: asdict(run) for name, run in verdict.runs.items()},
                        "cases": [asdict(each) for each in verdict.cases],
                    }
                    for verdict in verdicts
                ],
            }
        )
    else:
        print_table(table.columns(verdicts), table.rows(verdicts))
        for line in dict.fromkeys(line for verdict in verdicts for line in table.notes(verdict)):
            click.echo(line)
        click.echo(f"{count} random cases of each contract, --seed {seed}")
    if failures:
        raise GateError("; ".join(failures))


def _bundles(subject: str | None) -> list[Path]:
    from pipeline.contract.languages import checkout
    from pipeline.errors import UsageError

    if subject is not None:
        return [Path(subject)]
    folder = checkout() / FIXTURES
    found = sorted(path.parent for path in folder.glob("*/manifest.json"))
    if not found:
        raise UsageError(f"--contract: {folder} holds no bundles: name one, as runs/digits/bundle-tflite")
    return found
