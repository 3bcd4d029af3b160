"""Chains of optimisations by name: ``none``, ``prune``, ``pqat``, ``prune+cluster``."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pipeline import shelf
from pipeline.errors import UsageError, unknown

NONE = "none"
"""The trained model as it is."""

SHORT_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        NONE: (),
        "qat": ("quantize_aware",),
        "pc": ("prune", "cluster"),
        "pqat": ("prune", "quantize_aware"),
        "cqat": ("cluster", "quantize_aware"),
        "pcqat": ("prune", "cluster", "quantize_aware"),
    }
)
"""The names that the literature has for chains, to the plug-ins in their order."""

JOINT = "+"
"""Between the links of a chain that is written out."""


def parse(text: str) -> tuple[str, ...]:
    """Names of the plug-ins of a chain, in order: ``pqat`` to ``("prune", "quantize_aware")``.

    Args:
        text: a short name, a plug-in's name, or several of them joined by ``+``.

    Raises:
        UsageError: a link that is neither; the message names the choices and the nearest one.
    """
    chain: list[str] = []
    for link in (part.strip() for part in text.split(JOINT)):
        plugins = shelf.names("optimizations")
        if link in SHORT_NAMES:
            chain += SHORT_NAMES[link]
        elif link in plugins:
            chain.append(link)
        else:
            choices = {*SHORT_NAMES, *plugins}
            raise UsageError(f"{unknown('chain', link, choices)} (or several joined by '{JOINT}')")
    return tuple(chain)


def sections(chain: Sequence[str], own: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The ``[[optimize]]`` sections of a chain.

    Args:
        chain: names of plug-ins.
        own: the recipe's sections; where one has a link's name, its options are used. The other links
            keep their plug-ins' defaults.
    """
    options = {section["name"]: dict(section) for section in own}
    return [options.get(name, {"name": name}) for name in chain]
