"""Scan: what of a model the recipe's optimisations cannot take, found before anything is trained."""

from typing import Any

from pipeline import shelf
from pipeline.artifacts import DatasetFacts
from pipeline.errors import RecipeError
from pipeline.optimizations import Scaling, Start
from pipeline.recipe import Recipe
from pipeline.stages.flat import flat


def scan(recipe: Recipe, model: Any, scaling: Scaling, facts: DatasetFacts) -> None:
    """Asks every optimisation of the recipe.

    Args:
        recipe: with the optimisations in order.
        model: as it will be trained; its weights do not matter.
        scaling: of its pixels.
        facts: of the dataset.

    Raises:
        RecipeError: naming every layer that stands in the way, and the ways out.
    """
    problems = []
    before: tuple[str, ...] = ()
    if recipe.optimize:
        model, scaling = flat(model, scaling)
    for section in recipe.optimize:
        plugin = shelf.load("optimizations", section.name)
        options: Any = shelf.options("optimizations", section.name, section.options)
        training = options.section(recipe.train)
        start = Start(
            model=model,
            scaling=scaling,
            image_shape=facts.preprocess.shape,
            classes=len(facts.labels),
            before=before,
            section=training,
            steps=-(-facts.train // training.batch),
            smoke=recipe.profile == "smoke",
        )
        problems += [f"{section.name}: {problem}" for problem in plugin.scan(start, options)]
        before = (*before, section.name)
    if problems:
        raise RecipeError(
            f"model '{recipe.model.name}' cannot be optimised as recipe '{recipe.name}' asks: "
            + "; ".join(problems)
        )
