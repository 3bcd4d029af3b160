"""Where the contract's Kotlin and Swift sources are found."""

import tomllib
from pathlib import Path

import pytest

from pipeline.embedding import twins

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation as pip lays it out: packages here, data files elsewhere, a record of both."""
    packages, share = tmp_path / "lib/site-packages", tmp_path / twins.SHARE
    record = ["pipeline/__init__.py,,"]
    for folder in (*twins.FOLDERS.values(), str(Path(twins.VERSIONS).parent)):
        (share / folder).mkdir(parents=True, exist_ok=True)
    for name in (
        f"{twins.FOLDERS['kotlin']}/Manifest.kt",
        f"{twins.FOLDERS['swift']}/Manifest.swift",
        f"{twins.FOLDERS['swift']}/LICENSE",
        twins.VERSIONS,
    ):
        (share / name).write_text("<gson.version>9.8.7</gson.version>", "utf-8")
        record.append(f"../../{twins.SHARE}/{name},,")
    about = packages / "installed_for_test-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: installed-for-test\nVersion: 1\n")
    (about / "RECORD").write_text("\n".join(record))
    monkeypatch.syspath_prepend(str(packages))
    monkeypatch.setattr(twins, "DISTRIBUTION", "installed-for-test")
    monkeypatch.setattr(twins, "CHECKOUT", tmp_path / "none")
    return share


def test_in_a_checkout() -> None:
    """All files of the two folders."""
    assert {"Manifest.kt", "Preprocess.kt", "Postprocess.kt"} <= set(twins.sources("kotlin"))
    assert {"Manifest.swift", "Preprocess.swift", "Postprocess.swift"} <= set(twins.sources("swift"))
    assert twins.gson()[0].isdigit()


def test_beside_a_wheel(installed: Path) -> None:
    """By the record of installed files; other files of the folders are none."""
    kotlin = twins.sources("kotlin")
    assert {name: path.resolve() for name, path in kotlin.items()} == {
        "Manifest.kt": (installed / twins.FOLDERS["kotlin"] / "Manifest.kt").resolve()
    }
    assert set(twins.sources("swift")) == {"Manifest.swift"}
    assert twins.gson() == "9.8.7"


def test_a_wheel_takes_them_along() -> None:
    """pyproject.toml names the same folders."""
    told = tomllib.loads(PYPROJECT.read_text("utf-8"))["tool"]["setuptools"]["data-files"]
    wanted = {
        f"{twins.SHARE}/{folder}": [f"{folder}/*{twins.SUFFIXES[language]}"]
        for language, folder in twins.FOLDERS.items()
    }
    assert told == {**wanted, f"{twins.SHARE}/{Path(twins.VERSIONS).parent}": [twins.VERSIONS]}
