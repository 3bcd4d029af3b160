"""Phases: the training of a model of the shelf; one with a pretrained base trains its new head first.

A head that knows nothing would send large gradients through what the base has learnt. So the base is frozen
until the head is trained, and then its top part goes on learning with it, at a smaller rate.
Where no epoch of that is better on validation, the model stays as the training of the head left it.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from converters import stack
from pipeline.artifacts import EpochRecord, PreparedData
from pipeline.console import Console
from pipeline.sections import TrainSection
from pipeline.stages.building import Built
from pipeline.stages.data import Part, train_part, validation_part
from pipeline.stages.features import FeaturePart, are_kept, computed
from pipeline.stages.fitting import Fit, Fitted, fit

HEAD = "head"
"""Title of the first phase, its folder of checkpoints, and the end of its folder of logs."""

FEATURES = "features"
"""Folder beside the checkpoints."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How to train.

    Attributes:
        built: the model.
        data: to train on.
        section: both phases.
        seed: of both.
        scratch: folder of checkpoints.
        logs: folder of TensorBoard's files.
        title: what the console calls it; empty for the first training.
    """

    built: Built
    data: PreparedData
    section: TrainSection
    seed: int
    scratch: Path
    logs: Path
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Figures of both phases; the first has none where the recipe asks for none."""

    head: tuple[EpochRecord, ...]
    whole: Fitted


def train(training: Training, console: Console) -> Trained:
    """Trains, from the last complete epoch of the last phase on; the model gets its best epoch's weights.

    Those of the head's training are among them: ``whole.best_epoch`` is then 0.
    """
    plugin, model, options = training.built.plugin, training.built.model, training.built.options
    section = training.section.of_head
    head: tuple[EpochRecord, ...] = ()
    if section is not None:
        plugin.freeze(model, options, head_only=True)
        head = _head(training, section, console).history
    elif training.built.files and hasattr(plugin, "FEATURES"):
        console.warn(
            f"{f'{training.title}: ' if training.title else ''}the new head and the pretrained base under it "
            "train together from the start, which can undo what the base has learnt: to train the head "
            f"first, add {'teacher_train.head' if training.title else 'a section [train.head]'}"
        )
    if hasattr(plugin, "freeze"):
        plugin.freeze(model, options, head_only=False)
    whole = fit(
        Fit(
            model=model,
            training=train_part(training.data),
            validation=validation_part(training.data),
            scaling=plugin.PIXEL_SCALING,
            section=training.section,
            seed=training.seed,
            scratch=training.scratch,
            logs=training.logs,
            title=training.title,
            keeps_start=section is not None,
        ),
        console,
    )
    return Trained(head=head, whole=whole)


def _head(training: Training, section: TrainSection, console: Console) -> Fitted:
    """Trains the head of a model whose base is frozen."""
    # Answers of the base must be the same in a run that is taken up again.
    stack.load().tf.config.experimental.enable_op_determinism()
    model, plugin = training.built.model, training.built.plugin
    title = f"{training.title} {HEAD}".strip()
    photos, held_out = train_part(training.data), validation_part(training.data)
    on_photos = Fit(
        model=model,
        training=photos,
        validation=held_out,
        scaling=plugin.PIXEL_SCALING,
        section=section,
        seed=training.seed,
        scratch=training.scratch / HEAD,
        logs=training.logs.with_name(f"{training.logs.name}-{HEAD}"),
        title=title,
    )
    if not are_kept(section.augment):
        return fit(on_photos, console)

    def features(part: Part, name: str, *, mirrored: bool = False) -> FeaturePart:
        return computed(
            model,
            plugin.FEATURES,
            part,
            scaling=plugin.PIXEL_SCALING,
            mirrored=mirrored,
            path=training.scratch / FEATURES / f"{name}.npy",
            console=console,
            title=f"{title} features, {name}",
        )

    alone = _alone(model, plugin.FEATURES)
    fitted = fit(
        replace(
            on_photos,
            model=alone,
            training=features(photos, "train", mirrored=section.augment is not None and section.augment.flip),
            validation=features(held_out, "validation"),
            scaling=(1.0, 0.0),
            section=section.model_copy(update={"augment": None}),
        ),
        console,
    )
    for layer in alone.layers:
        model.get_layer(layer.name).set_weights(layer.get_weights())
    return fitted


def _alone(model: Any, features: str) -> Any:
    """A copy of the chain of layers behind the features, with their weights."""
    keras = stack.load().keras
    names = [layer.name for layer in model.layers]
    layers = model.layers[names.index(features) + 1 :]
    alone = keras.Sequential(
        [
            keras.Input(model.get_layer(features).output.shape[1:]),
            *(type(layer).from_config(layer.get_config()) for layer in layers),
        ]
    )
    for layer in layers:
        alone.get_layer(layer.name).set_weights(layer.get_weights())
    return alone
