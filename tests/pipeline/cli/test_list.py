"""``pipeline list``."""

import pytest

from converters.tflite.schemes import SCHEMES
from pipeline import recipe, shelf, target
from pipeline.cli.list_command import KINDS
from tests.conftest import Pipeline

NAMES = {
    "recipes": recipe.names(),
    "targets": target.names(),
    "schemes": tuple(SCHEMES),
    **{kind: shelf.names(kind) for kind in shelf.SHELVES},
}


def test_every_shelf_and_every_kind_of_file_can_be_listed() -> None:
    """What can be named in a recipe can be found out."""
    assert set(KINDS) == set(NAMES)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_listed_with_names_and_summaries(cli: Pipeline, kind: str) -> None:
    """A heading, a table; nothing on stderr."""
    answer = cli("list", kind)
    assert (answer.code, answer.err) == (0, "")
    heading, *rows = answer.out.splitlines()
    assert heading == kind
    if NAMES[kind]:
        assert rows[0].split() == ["name", "summary"]
        assert [row.split()[0] for row in rows[2:]] == list(NAMES[kind])
    else:
        assert rows == ["  none yet"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_as_json_is_one_document(cli: Pipeline, kind: str) -> None:
    """The kind to a list of names with summaries."""
    answer = cli("list", kind, "--json")
    assert list(answer.json) == [kind]
    assert [entry["name"] for entry in answer.json[kind]] == list(NAMES[kind])
    assert all(entry["summary"] for entry in answer.json[kind])


def test_without_a_kind_everything_is_listed(cli: Pipeline) -> None:
    """In the same words."""
    assert cli("list").out == "".join(cli("list", kind).out for kind in KINDS)
    assert list(cli("list", "--json").json) == list(KINDS)
