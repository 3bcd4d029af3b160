"""The demos' own code against the program's: the command with the real scripts, which build what is stale."""

from typing import Any

import pytest

from pipeline.contract.languages import DEMOS
from tests.conftest import pipeline

CASES, SEED = 50, 20


@pytest.fixture(scope="module")
def contracts() -> Any:
    """What each contract of the checkout's bundles came to, in every language that this machine has."""
    answer = pipeline("verify", "--contract", "--seed", str(SEED), "--cases", str(CASES), "--json")
    # 3: a language is wrong, and its test says where.
    assert answer.code in (0, 3), answer.err
    return answer.json["contracts"]


@pytest.mark.slow
@pytest.mark.parametrize("language", DEMOS)
def test_the_demo_makes_of_every_case_what_python_makes(contracts: Any, language: str) -> None:
    """Golden and random ones, by the bundles' contracts and altered ones; skipped where it cannot run."""
    assert len(contracts) == 8, "two bundles with three alterations each"
    runs = [contract["languages"][language] for contract in contracts]
    assert [run["failed"] for run in runs if run["failed"]] == []
    absent = {run["absent"] for run in runs}
    if "" not in absent:
        pytest.skip(f"{language}: {absent.pop()}")
    assert absent == {""}, "it answered some contracts and not others"
    for contract in contracts:
        assert len(contract["cases"]) >= CASES
        faults = {each["case"]: each["differences"][language]["faults"] for each in contract["cases"]}
        assert {case: said for case, said in faults.items() if said} == {}, contract["name"]
