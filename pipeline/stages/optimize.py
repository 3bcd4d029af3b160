"""Optimize: what the recipe's ``[[optimize]]`` sections ask for, in order; without any, the trained model.

Each step is kept in the run folder under the hash of all that it depends on, as soon as it is done: recipes
that begin with the same steps (prune; prune, then quantize_aware) share them.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from converters import stack
from converters.tflite.keras import load_keras
from pipeline import shelf
from pipeline.artifacts import (
    Artifact,
    Claim,
    EpochRecord,
    OptimizedModel,
    PreparedData,
    TrainedModel,
    digest,
    sha256,
)
from pipeline.console import Console
from pipeline.errors import RecipeError
from pipeline.optimizations import Context, Scaling
from pipeline.recipe import QUANTIZED_IN_TRAINING, Recipe
from pipeline.sections import PluginSection, TrainSection
from pipeline.stages import Work, building
from pipeline.stages.checkpoints import save_h5
from pipeline.stages.claims import check, measured_in_keras
from pipeline.stages.data import train_part, validation_part
from pipeline.stages.fitting import LOGS, Fit, fit
from pipeline.stages.flat import flat
from pipeline.stages.phases import Training, train
from pipeline.stages.scan import scan
from pipeline.target import Target

VERSION = 2
TOOLS = ("tensorflow", "tf_keras", "tensorflow-model-optimization", "numpy")

STEPS = "optimized"
"""Folder in the run folder: one folder per step, and per teacher."""

KEY_LENGTH = 16
"""As in the runner: hexadecimal digits of a key in folder names."""

_SAMPLES = 5
"""Second word of the seed."""


def settings(recipe: Recipe, _target: Target, data: Path | None) -> dict[str, Any]:
    """The optimisations with their options, and what of the training they go on with."""
    if not recipe.optimize:
        return {"optimize": []}
    return {
        "optimize": [_settings(section, recipe, data) for section in recipe.optimize],
        **_training(recipe),
    }


def _training(recipe: Recipe) -> dict[str, Any]:
    """What every optimisation takes over from the recipe's training."""
    return {
        "batch": recipe.train.batch,
        "augment": recipe.train.model_dump(mode="json")["augment"],
        "label_smoothing": recipe.train.label_smoothing,
        "profile": recipe.profile,
        "seed": recipe.seed,
    }


def _settings(section: PluginSection, recipe: Recipe, data: Path | None) -> dict[str, Any]:
    values = section.model_dump(mode="json")
    # A file counts by what is in it, wherever it lies.
    files = {key: _file_digest(section, key, path) for key, path in values.items() if _is_file(key, path)}
    teacher = values.get("teacher")
    return {
        **values,
        **files,
        "plugin": shelf.source_digest("optimizations", section.name),
        "teacher_model": building.settings(PluginSection(**teacher), recipe, data) if teacher else None,
    }


def _is_file(key: str, value: Any) -> bool:
    return key.endswith("_file") and isinstance(value, str)


def _file_digest(section: PluginSection, key: str, path: str) -> str:
    try:
        return sha256(Path(path))
    except OSError as error:
        raise RecipeError(f"optimize.{section.name}.{key} '{path}': {error.strerror}") from error


class _Record(BaseModel):
    """What stands beside a step's model."""

    scaling: Scaling
    history: tuple[EpochRecord, ...]
    promises: tuple[Claim, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Step:
    """A model on the way, and what was done so far."""

    path: Path
    scaling: Scaling
    before: tuple[str, ...] = ()
    promises: tuple[Claim, ...] = ()


def run(work: Work) -> Artifact:
    """Applies each optimisation to the model that the one before it gave."""
    trained = work.input(TrainedModel)
    step = _Step(path=trained.path("model.h5"), scaling=trained.pixel_scaling)
    if work.recipe.optimize:
        # The training may be older than the recipe's optimisations: it has not asked for them then.
        scan(work.recipe, load_keras(step.path), step.scaling, work.input(PreparedData).facts)
    history = {}
    claims: tuple[Claim, ...] = ()
    for section in work.recipe.optimize:
        step, history[section.name] = _apply(work, section, step)
        claims = measured_in_keras(
            step.promises, _kernels(step.path), per_channel=QUANTIZED_IN_TRAINING in step.before
        )
        check(claims, where=f"after '{section.name}'")
    shutil.copyfile(step.path, work.folder / "model.h5")
    return work.finish(
        OptimizedModel,
        applied=step.before,
        pixel_scaling=step.scaling,
        history=history,
        claims=claims,
    )


def _kernels(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    from pipeline.kernels import kernels

    return kernels(load_keras(path))


def _apply(work: Work, section: PluginSection, step: _Step) -> tuple[_Step, tuple[EpochRecord, ...]]:
    """One optimisation: found in the run folder, or made."""
    key = {
        "stage": VERSION,
        "model": sha256(step.path),
        "scaling": step.scaling,
        "before": step.before,
        "section": _settings(section, work.recipe, work.data),
        "training": _training(work.recipe),
        "data": work.input(PreparedData).sha256,
        "tools": dict(work.made_by),
    }
    place = work.run / STEPS / f"{section.name}-{digest(key)[:KEY_LENGTH]}"
    record = _read(place, work.console)
    if record is None:
        work.console.say(f"  {section.name}")
        record = _make(work, section, step, place)
    else:
        work.console.say(f"  {section.name}: unchanged")
    after = _Step(
        path=place / "model.h5",
        scaling=record.scaling,
        before=(*step.before, section.name),
        promises=(*step.promises, *record.promises),
    )
    return after, record.history


def _make(work: Work, section: PluginSection, step: _Step, place: Path) -> _Record:
    keras = stack.load().keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(work.recipe.seed)
    plugin = shelf.load("optimizations", section.name)
    options = shelf.options("optimizations", section.name, section.options)
    context = _context(work, options, step)
    training = plugin.prepare(context, options)
    partial = place.with_name(place.name + ".partial")
    fitted = fit(
        Fit(
            model=training,
            training=train_part(work.input(PreparedData)),
            validation=validation_part(work.input(PreparedData)),
            scaling=context.scaling,
            section=context.section,
            seed=work.recipe.seed,
            scratch=partial / "checkpoints",
            logs=work.run / LOGS / place.name,
            title=section.name,
            callbacks=plugin.callbacks(),
            eligible=plugin.eligible(context, options),
        ),
        work.console,
    )
    final = plugin.finalize(context, options, training)
    record = _Record(
        scaling=final.scaling,
        history=fitted.history,
        promises=tuple(plugin.promises(context, options)),
    )
    return _keep(final.model, record, place)


def _context(work: Work, options: Any, step: _Step) -> Context:
    data = work.input(PreparedData)
    model, scaling = flat(load_keras(step.path), step.scaling)
    part, training = train_part(data), options.section(work.recipe.train)

    def samples(count: int) -> npt.NDArray[np.float32]:
        generator = np.random.default_rng([work.recipe.seed, _SAMPLES])
        rows = np.sort(generator.permutation(len(part))[:count])
        return np.asarray(part.pixels(rows) * np.float32(scaling[0]) + np.float32(scaling[1]), np.float32)

    return Context(
        model=model,
        scaling=scaling,
        image_shape=data.facts.preprocess.shape,
        classes=len(data.facts.labels),
        before=step.before,
        section=training,
        steps=-(-len(part) // training.batch),
        smoke=work.recipe.profile == "smoke",
        samples=samples,
        train=lambda model, how: _teacher(work, model, how),
    )


def _teacher(work: Work, section: PluginSection, how: TrainSection) -> tuple[Any, Scaling]:
    """A model of the shelf, trained on the same data; kept apart from the student, that may change."""
    data = work.input(PreparedData)
    key = {
        "stage": VERSION,
        **building.settings(section, work.recipe, work.data),
        "train": how.model_dump(mode="json"),
        "seed": work.recipe.seed,
        "data": data.sha256,
        "tools": dict(work.made_by),
    }
    place = work.run / STEPS / f"teacher-{digest(key)[:KEY_LENGTH]}"
    scaling: Scaling = shelf.load("models", section.name).PIXEL_SCALING
    if _read(place, work.console) is None:
        stack.load().keras.utils.set_random_seed(work.recipe.seed)
        shape, classes = data.facts.preprocess.shape, len(data.facts.labels)
        built = building.build(section, shape, classes, work.data)
        work.console.say(f"  teacher: {section.name}, {built.model.count_params():,} parameters")
        fitted = train(
            Training(
                built=built,
                data=data,
                section=how,
                seed=work.recipe.seed,
                scratch=place.with_name(place.name + ".partial") / "checkpoints",
                logs=work.run / LOGS / place.name,
                title="teacher",
            ),
            work.console,
        ).whole
        work.console.say(f"  teacher: validation accuracy {fitted.validation_accuracy:.2%}")
        _keep(built.model, _Record(scaling=scaling, history=fitted.history), place)
    return load_keras(place / "model.h5"), scaling


def _keep(model: Any, record: _Record, place: Path) -> _Record:
    """Moves a finished step into place as a whole; its checkpoints go."""
    partial = place.with_name(place.name + ".partial")
    save_h5(model, partial / "model.h5")
    (partial / "step.json").write_text(
        json.dumps({"sha256": sha256(partial / "model.h5"), **record.model_dump(mode="json")}), "utf-8"
    )
    # Only now: until the model is written, they are all there is of hours.
    shutil.rmtree(partial / "checkpoints")
    partial.rename(place)
    return record


def _read(place: Path, console: Console) -> _Record | None:
    """A finished step; None where there is none, or it is damaged."""
    if not place.is_dir():
        return None
    try:
        values = json.loads((place / "step.json").read_text("utf-8"))
        if sha256(place / "model.h5") == values.pop("sha256"):
            return _Record.model_validate(values)
        why = "model.h5 is not what was written"
    except (FileNotFoundError, ValueError, KeyError) as error:
        why = str(error)
    console.warn(f"{place}: damaged ({why}); making it again")
    aside = place.with_name(place.name + ".damaged")
    shutil.rmtree(aside, ignore_errors=True)
    place.rename(aside)  # not removed: it may hold hours of training
    return None
