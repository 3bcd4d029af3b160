"""Scan: what later stages could not do with a model or a dataset, found before anything is trained."""

from typing import Any

from converters.representative import MIN_SAMPLES
from converters.tflite.schemes import SCHEMES
from pipeline import shelf
from pipeline.artifacts import DatasetFacts
from pipeline.errors import DataError, RecipeError
from pipeline.optimizations import Scaling, Start
from pipeline.recipe import QUANTIZED_IN_TRAINING, Recipe
from pipeline.stages.convert import schemes
from pipeline.stages.flat import flat
from pipeline.target import Target


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


def check_samples(recipe: Recipe, target: Target, facts: DatasetFacts) -> None:
    """Asks whether there are train images enough for the schemes that are calibrated on them.

    Args:
        recipe: with the schemes.
        target: takes some of them.
        facts: of the dataset, its splits cut.

    Raises:
        DataError: with the numbers and the ways out.
    """
    # What was trained quantisation-aware holds its ranges already.
    if any(section.name == QUANTIZED_IN_TRAINING for section in recipe.optimize):
        return
    wanting = [name for name in schemes(recipe, target) if SCHEMES[name].calibrated]
    if not wanting or facts.train >= MIN_SAMPLES:
        return
    raise DataError(
        f"dataset '{facts.name}': {' and '.join(wanting)} {'need' if len(wanting) > 1 else 'needs'} "
        f"{MIN_SAMPLES} train images to calibrate on, there are {facts.train} (beside {facts.validation} of "
        f"validation and {facts.test} of test): add images, or leave {' and '.join(wanting)} out of "
        "convert.schemes"
    )
