"""``pipeline verify --contract``: the table, the JSON document, the exit codes."""

from pathlib import Path

import pytest

from pipeline.cli import _contract
from tests.conftest import Pipeline
from tests.golden_bundles import FOLDER
from tests.pipeline.contract import fake

DIGITS, SHAPES = FOLDER / "digits", FOLDER / "shapes"


def demos(tmp_path: Path, kotlin: str, swift: str) -> tuple[str | Path, ...]:
    """Options that name two fake demos."""
    return (
        "--android", fake.script(tmp_path / "android", kotlin),
        "--ios", fake.script(tmp_path / "ios", swift),
    )  # fmt: skip


def test_languages_that_agree_pass(cli: Pipeline, tmp_path: Path) -> None:
    """Exit code 0, a column for each, the largest differences, how to get the same cases again."""
    answer = cli(
        "verify", "--contract", SHAPES, *demos(tmp_path, "none", "absent"), "--cases", "0", "--quiet"
    )
    assert (answer.code, answer.err) == (0, "")
    heading, _, *rows, note, again = answer.out.splitlines()
    assert heading.split()[:5] == ["contract", "case", "Python", "Kotlin", "Swift"]
    assert len(rows) == 3
    assert all("passed" in row and "absent" in row for row in rows)
    assert "0 levels, 0 steps" in rows[0]
    assert note == "Swift did not run: no compiler here"
    assert again == "0 random cases of each contract, --seed 1"


def test_a_language_that_is_wrong_fails_the_gate(cli: Pipeline, tmp_path: Path) -> None:
    """Exit code 3; the case, the place and the tolerance are named."""
    answer = cli(
        "verify", "--contract", DIGITS, *demos(tmp_path, "none", "level-2"), "--cases", "0", "--quiet"
    )
    assert answer.code == 3
    assert "FAILED Swift: 22 cases, the first is golden-image-000: image " in answer.out
    assert "2 levels off (at most 1)" in answer.err
    assert "Kotlin" not in answer.err
    assert "... and 12 more failed cases" in answer.out


def test_a_script_that_crashes_fails_the_gate(cli: Pipeline, tmp_path: Path) -> None:
    """It is not absent: something is broken."""
    answer = cli("verify", "--contract", SHAPES, *demos(tmp_path, "crash", "none"), "--cases", "0", "--json")
    assert answer.code == 3
    assert answer.json["passed"] is False
    assert answer.json["compared"] == ["Python", "Swift"]
    (contract,) = answer.json["contracts"]
    assert "the compiler found an error" in contract["languages"]["Kotlin"]["failed"]
    assert set(contract["cases"][0]["differences"]) == {"Python", "Swift"}


@pytest.mark.slow
def test_without_a_bundle_the_checkouts_own_are_checked(cli: Pipeline, tmp_path: Path) -> None:
    """All of them, each with random cases and altered contracts; the seed is told."""
    answer = cli(
        "verify", "--contract", *demos(tmp_path, "none", "none"), "--cases", "8", "--seed", "5", "--json",
    )  # fmt: skip
    assert answer.code == 0
    document = answer.json
    assert (document["passed"], document["seed"]) == (True, 5)
    assert [each["name"] for each in document["contracts"]] == [
        f"{bundle}{altered}"
        for bundle in ("digits", "shapes")
        for altered in ("", ", float doors", ", int8 doors", ", blurred")
    ]
    assert [len(each["cases"]) for each in document["contracts"]][1:4] == [8, 8, 8]


def test_without_any_bundle_it_is_wrong_usage(
    cli: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing compared must not look like a pass."""
    monkeypatch.setattr(_contract, "FIXTURES", tmp_path)
    answer = cli("verify", "--contract")
    assert (answer.code, answer.out) == (2, "")
    assert f"{tmp_path} holds no bundles: name one" in answer.err


def test_a_demo_without_a_script_is_wrong_usage(cli: Pipeline, tmp_path: Path) -> None:
    """Only where it was named; one of the checkout that is not there is a column without answers."""
    answer = cli("verify", "--contract", SHAPES, "--ios", tmp_path)
    assert (answer.code, answer.out) == (2, "")
    assert f"{tmp_path}: holds no program 'contract' that answers for Swift" in answer.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("digits", "--seed", "3"), "--seed goes with --contract"),
        (("digits", "--android", "."), "--android goes with --contract"),
        (("--contract", "--images", "x.npy"), "--images does not go with --contract"),
        (("--contract", "--profile", "smoke"), "--profile does not go with --contract"),
        ((), "name a RECIPE, BUNDLE or FILE.tflite"),
        (("--contract", "--cases", "-1"), "-1 is not in the range"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    cli: Pipeline, arguments: tuple[str, ...], says: str
) -> None:
    """Exit code 2 before anything runs."""
    answer = cli("verify", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err


def test_a_folder_that_is_no_bundle_is_refused(cli: Pipeline, tmp_path: Path) -> None:
    """As without --contract."""
    answer = cli("verify", "--contract", tmp_path)
    assert (answer.code, answer.out) == (1, "")
    assert "a bundle is a folder with a manifest.json" in answer.err
