"""Chains of optimisations by name."""

import pytest

from pipeline import shelf
from pipeline.errors import UsageError
from pipeline.sweep.chains import SHORT_NAMES, parse, sections


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("none", ()),
        ("prune", ("prune",)),
        ("cluster", ("cluster",)),
        ("distill", ("distill",)),
        ("qat", ("quantize_aware",)),
        ("quantize_aware", ("quantize_aware",)),
        ("pc", ("prune", "cluster")),
        ("pqat", ("prune", "quantize_aware")),
        ("cqat", ("cluster", "quantize_aware")),
        ("pcqat", ("prune", "cluster", "quantize_aware")),
        ("prune+cluster+quantize_aware", ("prune", "cluster", "quantize_aware")),
        ("distill+pqat", ("distill", "prune", "quantize_aware")),
        (" prune + qat ", ("prune", "quantize_aware")),
    ],
)
def test_a_name_is_a_chain(text: str, chain: tuple[str, ...]) -> None:
    """Short, long, or joined."""
    assert parse(text) == chain


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("pquat", "pqat"),
        ("prun", "prune"),
        ("non", "none"),
        ("prune+clustr", "cluster"),
        ("distil", "distill"),
    ],
)
def test_an_unknown_link_is_refused_with_the_nearest_name(text: str, near: str) -> None:
    """And with all the choices."""
    with pytest.raises(UsageError, match=f"unknown chain .* did you mean '{near}'") as error:
        parse(text)
    assert "pcqat" in str(error.value)
    assert "quantize_aware" in str(error.value)


@pytest.mark.parametrize("text", ["", "prune+", "+"])
def test_an_empty_link_is_refused(text: str) -> None:
    """It is a slip of the hand, not 'none'."""
    with pytest.raises(UsageError, match="unknown chain ''"):
        parse(text)


def test_every_short_name_is_made_of_plugins_that_are_there() -> None:
    """And none of them hides a plug-in."""
    plugins = shelf.names("optimizations")
    assert {link for chain in SHORT_NAMES.values() for link in chain} <= set(plugins)
    assert not set(SHORT_NAMES) & set(plugins)


def test_the_recipes_own_section_gives_a_link_its_options() -> None:
    """The others are left to their defaults; sections outside the chain are left out."""
    own = [{"name": "prune", "sparsity": 0.6}, {"name": "cluster", "clusters": 8}]
    assert sections(("prune", "quantize_aware"), own) == [
        {"name": "prune", "sparsity": 0.6},
        {"name": "quantize_aware"},
    ]
    assert sections((), own) == []
