"""Shelf of optimisations: what can be done to a trained model, and what of earlier work it keeps.

Each module gives

    Options                             pydantic model of the recipe's keys
    AFTER                               optimisations that may stand before it: it preserves their work
    SCHEMES                             the only schemes that convert what it makes; None for all
    scan(start, options)                what of a model it cannot take, before anything is trained
    promises(start, options)            what each kernel will be like, measured once it is done
    prepare(context, options)           the model to train
    callbacks()                         of Keras, for that training
    eligible(context, options)          first epoch at whose end the model is what was asked for
    finalize(context, options, trained) the model without what training needed

and loads TensorFlow, through :mod:`converters.stack`, in functions alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.sections import PluginSection, TrainSection

Scaling = tuple[float, float]
"""(scale, offset): what 0..255 becomes before a model."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A layer that an optimisation cannot take, why, and the way out."""

    layer: str
    why: str
    way_out: str

    def __str__(self) -> str:
        return f"layer '{self.layer}' {self.why}: {self.way_out}"


@dataclass(frozen=True, kw_only=True)
class Start:
    """What an optimisation starts from.

    Attributes:
        model: what the step before it gave: a flat functional model, not compiled.
        scaling: what its pixels go through.
        image_shape: of the dataset.
        classes: of the dataset.
        before: names of the optimisations already applied.
        section: how it will be trained.
        steps: of one epoch.
        smoke: a build for tests, whose few steps are no mistake.
    """

    model: Any
    scaling: Scaling
    image_shape: tuple[int, ...]
    classes: int
    before: tuple[str, ...]
    section: TrainSection
    steps: int
    smoke: bool = False


@dataclass(frozen=True, kw_only=True)
class Context(Start):
    """What an optimisation works with.

    Attributes:
        samples: (n) -> float32 (n, *image_shape): training images as the model sees them.
        train: trains a model of the shelf on the same data, or finds it trained; gives it and its scaling.
    """

    samples: Callable[[int], npt.NDArray[np.float32]]
    train: Callable[[PluginSection, TrainSection], tuple[Any, Scaling]]


@dataclass(frozen=True, kw_only=True)
class Finalized:
    """An optimised model, and what its pixels go through from now on."""

    model: Any
    scaling: Scaling
