"""What a sweep builds: each recipe with each combination of ``--over``, checked before anything runs."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from converters.tflite.schemes import SCHEMES
from pipeline import recipe as recipes
from pipeline import shelf
from pipeline.errors import RecipeError, UsageError, unknown
from pipeline.recipe import GUARDED_SCHEME, QUANTIZED_IN_TRAINING, Recipe
from pipeline.sweep import chains
from pipeline.target import Target

CHAINS_KEY = "optimize"
"""The key whose values are names of chains."""

OWNED_KEYS: Mapping[str, str] = {
    "convert.schemes": "--schemes says what is converted",
    "verify.runtimes": "--runtime says where it is measured",
    "name": "the name is that of the run folder, which variants share",
    "profile": "--profile says that",
    "expect": "a sweep explores, and expects nothing",
}
"""Keys of a recipe that a sweep sets itself, and why they cannot be varied or set."""

OPENING, CLOSING = "[{", "]}"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One recipe to build.

    Attributes:
        label: what the table calls it.
        recipe: derived and checked.
        source: the recipe it was derived from, as it was named.
        over: dotted key to value, as they stand in ``--over``.
    """

    label: str
    recipe: Recipe
    source: str
    over: Mapping[str, str]


def parse_over(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """``("train.epochs=5,10",)`` to ``{"train.epochs": ("5", "10")}``.

    Commas inside brackets, braces and quotes belong to the value: ``model.dense=[64],[256,128]``.

    Raises:
        UsageError: not KEY=V1,V2, a key given twice, a key that a sweep sets itself, or an empty value.
    """
    over: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not key:
            raise UsageError(f"--over {text}: write it as KEY=V1,V2, as train.epochs=5,10")
        check_key(key, "--over")
        if key in over:
            raise UsageError(f"--over {key}: given twice; write its values after one another: {key}=V1,V2")
        over[key] = tuple(_split(values))
        if "" in over[key]:
            raise UsageError(f"--over {text}: an empty value")
    return over


def check_key(key: str, option: str) -> None:
    """Refuses a key that a sweep sets itself.

    Raises:
        UsageError: it is one.
    """
    for owned, why in OWNED_KEYS.items():
        if key == owned or key.startswith(owned + "."):
            raise UsageError(f"{option} {key}: {why}")


def derive(
    names: Sequence[str],
    over: Mapping[str, Sequence[str]],
    *,
    overrides: Mapping[str, str],
    schemes: Sequence[str],
    runtime: str,
    profile: str,
    target: Target,
) -> tuple[Variant, ...]:
    """Every variant of every recipe, in order; all are checked.

    Args:
        names: recipes, by name or path.
        over: from :func:`parse_over`.
        overrides: dotted key to value, for all variants.
        schemes: to convert; those that a chain cannot have are left out of its variant.
        runtime: to verify on.
        profile: ``full`` or ``smoke``.
        target: that must be able to ship each.

    Raises:
        UsageError: an unknown name, value or scheme, or two variants that are one and the same.
    """
    for key in overrides:
        check_key(key, "--set")
        if key in over:
            raise UsageError(f"{key} is given both to --set and to --over")
    for scheme in schemes:
        if scheme not in SCHEMES:
            raise UsageError(unknown("scheme", scheme, SCHEMES))
    if len(set(schemes)) < len(schemes):
        raise UsageError(f"--schemes names one twice: {','.join(schemes)}")
    variants: list[Variant] = []
    for name in names:
        for values in itertools.product(*over.values()):
            chosen = dict(zip(over, values, strict=True))
            derived = _derive(name, chosen, overrides, schemes, runtime)
            if profile == "smoke":
                derived = derived.smoke()
            derived.ship(target)  # refuses a recipe of which the target takes nothing
            label = _label(derived.name, chosen, several=len(names) > 1, keys=tuple(over))
            _refuse_twin(label, derived, variants)
            variants.append(Variant(label=label, recipe=derived, source=name, over=chosen))
    return tuple(variants)


def _derive(
    name: str,
    chosen: Mapping[str, str],
    overrides: Mapping[str, str],
    schemes: Sequence[str],
    runtime: str,
) -> Recipe:
    plain = {key: value for key, value in chosen.items() if key != CHAINS_KEY}
    # As they stand in the file: a default that is written out would read like a wish of the user's.
    values, where = recipes.read(name, overrides={**overrides, **plain})
    settings = ", ".join(f"{key}={value}" for key, value in chosen.items())
    where = f"{where} with {settings}" if settings else where
    for section in ("convert", "verify"):
        if not isinstance(values.setdefault(section, {}), dict):
            recipes.check(values, where=where)  # refuses it
    own = _named(values.get(CHAINS_KEY))
    chain = tuple(section["name"] for section in own)
    if CHAINS_KEY in chosen:
        chain = chains.parse(chosen[CHAINS_KEY])
        values[CHAINS_KEY] = chains.sections(chain, own)
    kept = _convertible(chain, schemes)
    gates = values["verify"].get("gates", {})
    if isinstance(gates, dict):
        # Those of schemes that the sweep leaves out would be refused; what is misspelt still is.
        gates = {scheme: gate for scheme, gate in gates.items() if scheme in kept or scheme not in SCHEMES}
    values["convert"] = {**values["convert"], "schemes": kept}
    values["verify"] = {**values["verify"], "runtimes": [runtime], "gates": gates}
    values["expect"] = None
    if GUARDED_SCHEME not in kept or QUANTIZED_IN_TRAINING in chain:
        values.pop("guard", None)  # it has nothing to restore here, and would be refused as the gates are
    return recipes.check(values, where=where)


def _named(sections: Any) -> list[dict[str, Any]]:
    """The ``[[optimize]]`` sections that have a name; the recipe's check refuses what else stands there."""
    if not isinstance(sections, list):
        return []
    return [each for each in sections if isinstance(each, dict) and isinstance(each.get("name"), str)]


def _convertible(chain: Sequence[str], schemes: Sequence[str]) -> list[str]:
    """The schemes that convert what the chain makes.

    Raises:
        UsageError: none of them does.
    """
    kept = list(schemes)
    for name in chain:
        takes: tuple[str, ...] | None = shelf.load("optimizations", name).SCHEMES
        if takes is not None:
            kept = [scheme for scheme in kept if scheme in takes]
            if not kept:
                raise UsageError(
                    f"{chains.JOINT.join(chain)}: what {name} makes is converted to {', '.join(takes)} "
                    f"alone: add it to --schemes {','.join(schemes)}"
                )
    return kept


def _label(name: str, chosen: Mapping[str, str], *, several: bool, keys: Sequence[str]) -> str:
    """``emnist pqat epochs=5``: the recipe where there are several, then what is varied."""
    parts = [name] if several or not chosen else []
    for key, value in chosen.items():
        last = key.rpartition(".")[2]
        ambiguous = sum(other.rpartition(".")[2] == last for other in keys) > 1
        parts.append(value if key == CHAINS_KEY else f"{key if ambiguous else last}={value}")
    return " ".join(parts)


def _refuse_twin(label: str, derived: Recipe, before: Sequence[Variant]) -> None:
    """Two rows of the same model would only look like a finding."""
    for other in before:
        if other.recipe == derived:
            limit = "; profile smoke limits epochs and images" if derived.profile == "smoke" else ""
            raise UsageError(f"variants '{other.label}' and '{label}' are one and the same recipe{limit}")
        if other.label == label:
            raise RecipeError(f"two recipes are called '{label}': give one of them another name")


def _split(text: str) -> list[str]:
    """The values between the commas that stand outside brackets, braces and quotes."""
    values, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in OPENING:
            depth += 1
        elif character in CLOSING:
            depth -= 1
        if character == "," and not quote and depth == 0:
            values.append("")
        else:
            values[-1] += character
    return [value.strip() for value in values]
