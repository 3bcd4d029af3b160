"""Train: seeded, checkpointed after every epoch, stopped early on validation accuracy."""

from pathlib import Path
from typing import Any

from converters import stack
from pipeline import shelf
from pipeline.artifacts import Artifact, PreparedData, TrainedModel
from pipeline.recipe import Recipe
from pipeline.stages import Work
from pipeline.stages.checkpoints import save_h5
from pipeline.stages.data import train_part, validation_part
from pipeline.stages.fitting import LOGS, Fit, fit
from pipeline.stages.scan import scan
from pipeline.target import Target

VERSION = 2
TOOLS = ("tensorflow", "tf_keras", "numpy")


def settings(recipe: Recipe, _target: Target, _data: Path | None) -> dict[str, Any]:
    """Model, training options, seed."""
    return {
        "model": recipe.model.model_dump(mode="json"),
        "plugin": shelf.source_digest("models", recipe.model.name),
        "train": recipe.train.model_dump(mode="json"),
        "seed": recipe.seed,
    }


def run(work: Work) -> Artifact:
    """Trains, from the last complete epoch on."""
    keras = stack.load().keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(work.recipe.seed)
    data = work.input(PreparedData)
    plugin = shelf.load("models", work.recipe.model.name)
    options = shelf.options("models", work.recipe.model.name, work.recipe.model.options)
    model = plugin.build(options, data.facts.preprocess.shape, len(data.facts.labels), keras)
    scan(work.recipe, model, plugin.PIXEL_SCALING, data.facts)
    fitted = fit(
        Fit(
            model=model,
            training=train_part(data),
            validation=validation_part(data),
            scaling=plugin.PIXEL_SCALING,
            section=work.recipe.train,
            seed=work.recipe.seed,
            scratch=work.scratch,
            logs=work.run / LOGS / work.key,
        ),
        work.console,
    )
    save_h5(model, work.folder / "model.h5")
    return work.finish(
        TrainedModel,
        model=work.recipe.model.name,
        parameters=model.count_params(),
        pixel_scaling=plugin.PIXEL_SCALING,
        best_epoch=fitted.best_epoch,
        history=fitted.history,
    )
