"""Shelves: names and summaries without importing, loading, options, and the words of errors."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline import shelf
from pipeline.errors import RecipeError

ALL = [(kind, name) for kind in shelf.SHELVES for name in shelf.names(kind)]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shelf of models whose modules fail when they are imported."""
    monkeypatch.setattr(shelf, "ROOT", tmp_path)
    (tmp_path / "models").mkdir()
    for name, docstring in (("small", '"""A small one.\n\nMore.\n"""\n'), ("large", ""), ("_private", "")):
        (tmp_path / "models" / f"{name}.py").write_text(docstring + "raise RuntimeError\n", "utf-8")
    (tmp_path / "models" / "notes.txt").write_text("no plug-in", "utf-8")
    return tmp_path


def test_names_are_those_of_the_files_without_an_underscore(root: Path) -> None:
    """Sorted; nothing is imported, or the shelf would fail."""
    assert shelf.names("models") == ("large", "small")


def test_a_summary_is_the_first_line_of_the_docstring(root: Path) -> None:
    """Read from the file; empty where there is none."""
    assert shelf.summary("models", "small") == "A small one."
    assert shelf.summary("models", "large") == ""


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_plug_in_has_a_summary_for_the_list(kind: str, name: str) -> None:
    """One sentence."""
    assert shelf.summary(kind, name).endswith(".")


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_plug_in_loads_without_tensorflow(kind: str, name: str) -> None:
    """TensorFlow is loaded when a plug-in works, not when it is looked at."""
    script = (
        "import sys; from pipeline import shelf; shelf.load(*sys.argv[1:]); "
        "sys.exit(any(m in sys.modules for m in ('tensorflow', 'tf_keras', 'tflite_runtime')))"
    )
    assert subprocess.run([sys.executable, "-c", script, kind, name], check=False).returncode == 0


def test_listing_imports_no_plug_in() -> None:
    """Names and summaries of every shelf, in a fresh process."""
    script = (
        "import sys; from pipeline import shelf\n"
        "for kind in shelf.SHELVES:\n"
        "    [shelf.summary(kind, name) for name in shelf.names(kind)]\n"
        "plug_ins = tuple(f'pipeline.{kind}' for kind in shelf.SHELVES)\n"
        "sys.exit(any(module.startswith(plug_ins) for module in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("models", "emnist_cn", "unknown model 'emnist_cn', choose from: .*did you mean 'emnist_cnn'"),
        ("datasets", "emnists", "unknown dataset 'emnists', choose from: .*did you mean 'emnist'"),
        ("runtimes", "tflit", "unknown runtime 'tflit', choose from: .*did you mean 'tflite'"),
        ("datasets", "_download", "unknown dataset '_download'"),
        ("datasets", "../recipe", "unknown dataset '../recipe'"),
        ("models", "", "unknown model ''"),
    ],
)
def test_an_unknown_plug_in_is_refused_with_the_nearest_name(kind: str, name: str, says: str) -> None:
    """Private modules are no plug-ins, and a name is no path."""
    with pytest.raises(RecipeError, match=says):
        shelf.load(kind, name)


def test_options_come_back_checked_with_their_defaults() -> None:
    """As the plug-in's own class."""
    options = shelf.options("datasets", "emnist", {})
    assert options.model_dump() == {"variant": "bymerge"}


@pytest.mark.parametrize(
    ("within", "values", "says"),
    [
        ("", {"varaint": "x"}, "unknown key 'varaint', choose from: variant; did you mean 'variant'?"),
        ("dataset", {"varaint": 1}, "unknown key 'dataset.varaint', choose from: variant; did you mean "),
        ("", {"variant": "big"}, "variant: Input should be 'byclass', 'bymerge', "),
        ("dataset", {"variant": 3}, "dataset.variant: Input should be 'byclass', "),
    ],
)
def test_wrong_options_are_refused_under_the_plug_ins_name(
    within: str, values: Mapping[str, object], says: str
) -> None:
    """With the path of the section, where there is one."""
    with pytest.raises(RecipeError) as caught:
        shelf.options("datasets", "emnist", values, within=within)
    assert str(caught.value).startswith(f"dataset 'emnist': {says}")


def test_keys_beside_the_options_are_choices_in_the_section_alone() -> None:
    """``[dataset]`` takes ``validation`` too, a block inside it does not."""
    with pytest.raises(RecipeError, match=r"did you mean 'dataset\.validation'"):
        shelf.options("datasets", "emnist", {"validatoin": 1}, within="dataset", beside=("validation",))
    with pytest.raises(RecipeError) as caught:
        shelf.options("models", "emnist_cnn", {"blocks": [{"nome": 1}]}, within="model", beside=("name",))
    assert str(caught.value).endswith("choose from: convolutions, filters")


class Inner(BaseModel):
    """A section within a section."""

    model_config = ConfigDict(extra="forbid")

    depth: int = 0


class Outer(BaseModel):
    """All the ways in which a section can hold others."""

    model_config = ConfigDict(extra="forbid")

    plain: Inner = Inner()
    perhaps: Inner | None = None
    several: tuple[Inner, ...] = ()
    named: Mapping[str, Inner] = {}
    number: int = 0


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (
            {"nmber": 1},
            "unknown key 'nmber', choose from: named, number, perhaps, plain, several; did you mean ",
        ),
        ({"plain": {"dpth": 1}}, "unknown key 'plain.dpth', choose from: depth; did you mean 'plain.depth'?"),
        ({"perhaps": {"dpth": 1}}, "unknown key 'perhaps.dpth', choose from: depth; "),
        ({"several": [{}, {"dpth": 1}]}, "unknown key 'several.1.dpth', choose from: depth; "),
        ({"named": {"number": {"dpth": 1}}}, "unknown key 'named.number.dpth', choose from: depth; "),
        ({"number": "x"}, "number: Input should be a valid integer, unable to parse"),
        ({"number": "x", "nmber": 1}, "unknown key 'nmber'"),
        ({"several": {}}, "several: should be a list"),
        ({"named": 3}, "named: should be a section (got 3)"),
        ({"plain": 3}, "plain: should be a section (got 3)"),
    ],
)
def test_an_error_is_explained_in_one_sentence(values: dict[str, object], says: str) -> None:
    """A misspelt key before anything else, its path, and the keys that could stand there."""
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(values)
    assert shelf.explain(caught.value, Outer).startswith(says)
