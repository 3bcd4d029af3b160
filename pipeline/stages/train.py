"""Train: seeded, checkpointed after every epoch, stopped early on validation accuracy."""

from pathlib import Path
from typing import Any

from converters import stack
from pipeline.artifacts import Artifact, PreparedData, TrainedModel
from pipeline.recipe import Recipe
from pipeline.stages import Work, building
from pipeline.stages.checkpoints import save_h5
from pipeline.stages.fitting import LOGS
from pipeline.stages.phases import Training, train
from pipeline.stages.scan import check_samples, scan
from pipeline.target import Target

VERSION = 4
TOOLS = ("tensorflow", "tf_keras", "numpy")


def settings(recipe: Recipe, _target: Target, data: Path | None) -> dict[str, Any]:
    """Model and its files, training options, seed."""
    return {
        **building.settings(recipe.model, recipe, data),
        "train": recipe.train.model_dump(mode="json"),
        "seed": recipe.seed,
    }


def run(work: Work) -> Artifact:
    """Trains, from the last complete epoch on."""
    keras = stack.load().keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(work.recipe.seed)
    data = work.input(PreparedData)
    check_samples(work.recipe, work.target, data.facts)
    shape, classes = data.facts.preprocess.shape, len(data.facts.labels)
    built = building.build(work.recipe.model, shape, classes, work.data)
    scaling = built.plugin.PIXEL_SCALING
    scan(work.recipe, built.model, scaling, data.facts)
    trained = train(
        Training(
            built=built,
            data=data,
            section=work.recipe.train,
            seed=work.recipe.seed,
            scratch=work.scratch,
            logs=work.run / LOGS / work.key,
        ),
        work.console,
    )
    save_h5(built.model, work.folder / "model.h5")
    return work.finish(
        TrainedModel,
        model=work.recipe.model.name,
        parameters=built.model.count_params(),
        pixel_scaling=scaling,
        best_epoch=trained.whole.best_epoch,
        start_accuracy=trained.whole.start_accuracy,
        history=trained.whole.history,
        head_history=trained.head,
        pretrained=built.files,
    )
