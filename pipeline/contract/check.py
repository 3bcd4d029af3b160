"""A bundle's contract, and altered ones, through every language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.console import Console
from pipeline.contract import answers, cases, languages
from pipeline.contract.altered import ALTERATIONS
from pipeline.contract.answers import Reference
from pipeline.contract.cases import Case
from pipeline.contract.comparison import Difference, compare
from pipeline.contract.languages import Language, Run
from pipeline.errors import StepError
from pipeline.release.manifest import Manifest, read

PYTHON = "Python"
"""The reference: its own differences are those from a bundle's golden files."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What one case came to.

    Attributes:
        case: its id.
        kind: of it.
        golden: whether it is the bundle's own.
        differences: language to how far off it was; those that did not run are not in it.
    """

    case: str
    kind: str
    golden: bool
    differences: Mapping[str, Difference]

    @property
    def failed(self) -> bool:
        """Whether a language is beyond a tolerance."""
        return any(difference.faults for difference in self.differences.values())


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Of one contract.

    Attributes:
        bundle: its folder.
        name: of its recipe, and of the alteration where the contract is not its own.
        runs: language to how its script ended.
        cases: all of them.
    """

    bundle: Path
    name: str
    runs: Mapping[str, Run]
    cases: tuple[Checked, ...]

    @property
    def failures(self) -> list[str]:
        """What failed, a sentence each."""
        told = [f"{name}: {run.failed}" for name, run in self.runs.items() if run.failed]
        for name in (PYTHON, *self.runs):
            wrong = [
                each for each in self.cases if name in each.differences and each.differences[name].faults
            ]
            if wrong:
                first = wrong[0].differences[name].faults[0]
                told.append(f"{name}: {len(wrong)} cases, the first is {wrong[0].case}: {first}")
        return told


def check(
    bundle: Path, twins: Sequence[Language], *, count: int, seed: int, console: Console
) -> Iterator[Verdict]:
    """Gives the golden cases and random ones to every language, and compares; then altered contracts.

    Args:
        bundle: folder.
        twins: languages beside Python.
        count: random cases of each contract.
        seed: of them.
        console: for progress.

    Raises:
        StepError: the bundle's manifest or a golden file cannot be read.
    """
    own = read(bundle)
    contracts = {own.name: own}
    if count:
        contracts |= {f"{own.name}, {name}": alter(own) for name, alter in ALTERATIONS.items()}
    for name, manifest in contracts.items():
        given = cases.golden_cases(bundle, manifest) if manifest is own else []
        given += cases.made(manifest, count=count, seed=seed)
        yield _check(bundle, name, manifest, given, twins, console)


def _check(
    bundle: Path,
    name: str,
    manifest: Manifest,
    given: Sequence[Case],
    twins: Sequence[Language],
    console: Console,
) -> Verdict:
    reference = Reference(manifest)
    differences: dict[str, dict[str, Difference]] = {case.id: {} for case in given}
    with console.task(f"{name}: {PYTHON}", len(given), "cases") as task:
        for case in given:
            if case.golden is not None:
                differences[case.id][PYTHON] = _own(bundle, case, reference)
            task.advance()
    runs = {}
    with TemporaryDirectory(prefix="contract-") as folder:
        asked = Path(folder) / "cases"
        asked.mkdir()
        cases.write(asked, manifest, given)
        for twin in twins:
            console.say(f"  {name}: {twin.name}: {twin.script or twin.reason}")
            out = Path(folder) / twin.name
            out.mkdir()
            runs[twin.name] = languages.run(twin, asked, out)
            if runs[twin.name] == Run():
                for case in given:
                    differences[case.id][twin.name] = _of_script(out / case.id, case, manifest, reference)
    return Verdict(
        bundle=bundle,
        name=name,
        runs=runs,
        cases=tuple(
            Checked(
                case=case.id,
                kind=case.kind,
                golden=case.golden is not None,
                differences=differences[case.id],
            )
            for case in given
        ),
    )


def _own(bundle: Path, case: Case, reference: Reference) -> Difference:
    """The reference against the bundle: its files, and of an output the best class."""
    if case.output is None:
        return compare(case, answers.read_golden(bundle, case, reference.manifest), reference)
    best = reference.answer(case).top[0]
    if case.golden is not None and best != case.golden.top1:
        return Difference(faults=(f"best class {best}, the manifest says {case.golden.top1}",))
    return Difference()


def _of_script(folder: Path, case: Case, manifest: Manifest, reference: Reference) -> Difference:
    try:
        answer = answers.read(folder, case, manifest)
    except StepError as error:
        # The script said that it had answered: a missing or short file is a wrong answer, not a broken check.
        return Difference(faults=(str(error).removeprefix(f"{folder}/"),))
    return compare(case, answer, reference)
