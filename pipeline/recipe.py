"""Recipes: a TOML file that says what to build, checked before anything runs.

Unknown keys are refused with the nearest right spelling, and so are values that contradict each other.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from converters.errors import SpecError
from converters.spec import DEFAULT_RUNTIME_FLOOR, IO_DTYPES, check_runtime_floor
from converters.tflite.schemes import SCHEMES
from pipeline import shelf
from pipeline.errors import RecipeError, unknown
from pipeline.target import Target

FOLDER = Path(__file__).parent / "recipes"

REFERENCE_RUNTIME = "keras"
"""What every other runtime is compared with."""

DEFAULT_GATES: Mapping[str, Mapping[str, float]] = {
    # The same arithmetic in another order: only near-ties may flip, one image in ten thousand.
    "float32": {"min_top1_agreement": 0.9999},
    # 11 significant bits in the weights.
    "float16": {"min_top1_agreement": 0.999},
    # One point is what the quantisation papers count as "no loss"; more is for a human to accept.
    "dynamic_range": {"max_accuracy_drop_points": 1.0},
    "int8": {"max_accuracy_drop_points": 1.0},
    "int16x8": {"max_accuracy_drop_points": 1.0},
}

SMOKE_TRAIN_IMAGES = 2_048
SMOKE_TEST_IMAGES = 512
SMOKE_EPOCHS = 2
SMOKE_REPRESENTATIVE = 100
SMOKE_MAX_DROP_POINTS = 5.0
"""One point of 512 images is five images: chance for a model of two epochs, not a finding."""

SMOKE_MIN_AGREEMENT = 0.99
"""A model of two epochs is unsure of much: near-ties are common, and five of 512 may flip."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PluginSection(BaseModel):
    """A section that names a plug-in; every other key is that plug-in's option."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The plug-in's options as they stand in the recipe."""
        return dict(self.model_extra or {})


class DatasetSection(PluginSection):
    """Which images, and how many.

    Attributes:
        name: a plug-in of ``datasets/``.
        validation: share of the train set that is held out for early stopping.
        max_train: at most so many images are taken from the train set, by seed and class.
        max_test: at most so many images of the test set are verified on.
    """

    validation: float = Field(default=0.1, gt=0.0, lt=1.0)
    max_train: int | None = Field(default=None, ge=10)
    max_test: int | None = Field(default=None, ge=10)


class TrainSection(_Section):
    """How to train.

    Attributes:
        epochs: at most so many.
        batch: images per step.
        optimizer: of tf_keras.
        learning_rate: at the start.
        schedule: ``constant``, or ``cosine`` to zero over all epochs.
        patience: stop after so many epochs without a better validation accuracy; 0 never stops.
    """

    epochs: int = Field(default=10, ge=1, le=10_000)
    batch: int = Field(default=128, ge=1, le=65_536)
    optimizer: Literal["adam", "sgd", "rmsprop"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0.0, le=10.0)
    schedule: Literal["constant", "cosine"] = "constant"
    patience: int = Field(default=3, ge=0)


class ConvertSection(_Section):
    """What to convert to.

    Attributes:
        schemes: names of ``pipeline list schemes``.
        io: dtype at the door of the schemes that can have integers there.
        runtime_floor: oldest TFLite runtime that must run the files right; below 2.17 it keeps Dense
            weights per tensor.
        representative: samples that the calibrated schemes see, drawn from train by seed and class.
    """

    schemes: tuple[str, ...] = Field(default=tuple(SCHEMES), min_length=1)
    io: str = "uint8"
    runtime_floor: str = DEFAULT_RUNTIME_FLOOR
    representative: int = Field(default=500, ge=100, le=10_000)

    @model_validator(mode="after")
    def _check(self) -> "ConvertSection":
        for scheme in self.schemes:
            if scheme not in SCHEMES:
                raise ValueError(unknown("scheme", scheme, SCHEMES))
        if len(set(self.schemes)) < len(self.schemes):
            raise ValueError(f"schemes names one twice: {', '.join(self.schemes)}")
        if self.io not in IO_DTYPES:
            raise ValueError(unknown("io dtype", self.io, IO_DTYPES))
        try:
            check_runtime_floor(self.runtime_floor)
        except SpecError as error:
            raise ValueError(str(error)) from error
        return self


class Gate(_Section):
    """What a scheme must reach on every runtime; a gate that is not set is not checked.

    Attributes:
        min_top1_agreement: share of test images on which it answers as Keras does, 0..1.
        max_accuracy_drop_points: Keras accuracy less its own, percentage points.
        max_bytes: size of the file.
    """

    min_top1_agreement: float | None = Field(default=None, ge=0.0, le=1.0)
    max_accuracy_drop_points: float | None = Field(default=None, ge=0.0, le=100.0)
    max_bytes: int | None = Field(default=None, ge=1)


class VerifySection(_Section):
    """How to verify.

    Attributes:
        runtimes: names of ``pipeline list runtimes``; empty for all of them.
        gates: scheme to gate; what is not named keeps its default, so that a size budget does not
            switch the accuracy gate off.
    """

    runtimes: tuple[str, ...] = ()
    gates: Mapping[str, Gate] = {}

    @model_validator(mode="after")
    def _check(self) -> "VerifySection":
        for runtime in self.runtimes:
            if runtime not in shelf.names("runtimes"):
                raise ValueError(unknown("runtime", runtime, shelf.names("runtimes")))
        if len(set(self.runtimes)) < len(self.runtimes):
            raise ValueError(f"runtimes names one twice: {', '.join(self.runtimes)}")
        for scheme in self.gates:
            if scheme not in SCHEMES:
                raise ValueError(unknown("scheme", scheme, SCHEMES))
        return self


class ExpectSection(_Section):
    """Measured figures, so that a regression is seen; compared only on the same train set.

    Attributes:
        train_images: size of the train set they were measured with.
        accuracy_percent: scheme to top-1 accuracy on the test set.
        tolerance_points: how far another machine may be off.
    """

    train_images: int = Field(ge=1)
    accuracy_percent: Mapping[str, float]
    tolerance_points: float = Field(default=0.5, gt=0.0)

    @model_validator(mode="after")
    def _check(self) -> "ExpectSection":
        for scheme in self.accuracy_percent:
            if scheme not in SCHEMES:
                raise ValueError(unknown("scheme", scheme, SCHEMES))
        return self


class Recipe(_Section):
    """A whole recipe; sections that are left out keep their defaults.

    Attributes:
        name: of the recipe, and of its run folder.
        description: one line.
        profile: ``smoke`` marks a build for tests, seconds long.
        seed: of split, initialisation, shuffling, representative samples and golden cases.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: str = ""
    profile: Literal["full", "smoke"] = "full"
    seed: int = Field(default=1, ge=0, lt=2**31)
    dataset: DatasetSection
    model: PluginSection
    train: TrainSection = TrainSection()
    optimize: tuple[PluginSection, ...] = ()
    convert: ConvertSection = ConvertSection()
    verify: VerifySection = VerifySection()
    expect: ExpectSection | None = None

    @model_validator(mode="after")
    def _check(self) -> "Recipe":
        if self.name.endswith("-smoke"):
            raise ValueError(f"name '{self.name}': the ending '-smoke' is kept for builds of profile smoke")
        optimizations = [section.name for section in self.optimize]
        if len(set(optimizations)) < len(optimizations):
            raise ValueError(f"optimize names one twice: {', '.join(optimizations)}")
        for scheme in self.verify.gates:
            if scheme not in self.convert.schemes:
                raise ValueError(
                    f"verify.gates.{scheme} gates a scheme that convert.schemes does not make "
                    f"({', '.join(self.convert.schemes)})"
                )
        if self.verify.runtimes == (REFERENCE_RUNTIME,):
            raise ValueError("verify.runtimes names only the reference: nothing would be verified")
        return self

    def gate(self, scheme: str) -> Gate:
        """The gate of one scheme; a smoke build gets at least the leeway that its few images need."""
        own = self.verify.gates.get(scheme)
        given = own.model_dump(include=own.model_fields_set) if own else {}
        gate = Gate.model_validate({**DEFAULT_GATES[scheme], **given})
        drop, agreement = gate.max_accuracy_drop_points, gate.min_top1_agreement
        if self.profile == "full":
            return gate
        return gate.model_copy(
            update={
                "max_accuracy_drop_points": None if drop is None else max(drop, SMOKE_MAX_DROP_POINTS),
                "min_top1_agreement": None if agreement is None else min(agreement, SMOKE_MIN_AGREEMENT),
            }
        )

    @property
    def runtimes(self) -> tuple[str, ...]:
        """Runtimes to verify on, without the reference."""
        chosen = self.verify.runtimes or shelf.names("runtimes")
        return tuple(name for name in chosen if name != REFERENCE_RUNTIME)

    def smoke(self) -> "Recipe":
        """The same recipe on few images and epochs, stamped as such."""
        dataset = self.dataset.model_copy(
            update={
                "max_train": min(self.dataset.max_train or SMOKE_TRAIN_IMAGES, SMOKE_TRAIN_IMAGES),
                "max_test": min(self.dataset.max_test or SMOKE_TEST_IMAGES, SMOKE_TEST_IMAGES),
            }
        )
        epochs = min(self.train.epochs, SMOKE_EPOCHS)
        return self.model_copy(
            update={
                "profile": "smoke",
                "dataset": dataset,
                "train": self.train.model_copy(update={"epochs": epochs}),
                "convert": self.convert.model_copy(update={"representative": SMOKE_REPRESENTATIVE}),
                "expect": None,
            }
        )

    def ship(self, target: Target) -> str:
        """The scheme that becomes ``model.tflite`` for a target.

        Raises:
            RecipeError: the recipe converts nothing that the target takes.
        """
        for scheme in target.ship:
            if scheme in self.convert.schemes and scheme in target.schemes:
                return scheme
        raise RecipeError(
            f"recipe '{self.name}' converts {', '.join(self.convert.schemes)}; target "
            f"'{target.name}' ships one of {', '.join(target.ship)}: add it to convert.schemes"
        )


def names() -> tuple[str, ...]:
    """Names of the recipes that come with the program, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def load(name_or_path: str, *, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Reads and checks a recipe.

    Args:
        name_or_path: a name of :func:`names`, or a path that ends in ``.toml``.
        overrides: dotted key to value as TOML, ``{"train.epochs": "3"}``.

    Raises:
        RecipeError: no such recipe, not TOML, an unknown key, or values that contradict each other.
    """
    is_path = name_or_path.endswith(".toml")
    path = Path(name_or_path) if is_path else FOLDER / f"{name_or_path}.toml"
    if not is_path and name_or_path not in names():
        raise RecipeError(unknown("recipe", name_or_path, names()) + " (or a path to a .toml file)")
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}") from error
    # ValueError: its TOMLDecodeError, bad UTF-8, and numbers of thousands of digits.
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{path}: not TOML: {error}") from error
    for key, value in (overrides or {}).items():
        _override(values, key, value)
    return check({"name": path.stem, **values}, where=str(path) if is_path else f"recipe '{path.stem}'")


def check(values: Mapping[str, Any], *, where: str) -> Recipe:
    """Checks values as they stand in a recipe file; ``where`` names it in messages.

    Raises:
        RecipeError: as :func:`load`.
    """
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"{where}: {shelf.explain(error, Recipe)}") from error
    try:
        return recipe.model_copy(
            update={
                "dataset": _complete("datasets", recipe.dataset, "dataset"),
                "model": _complete("models", recipe.model, "model"),
                "optimize": tuple(
                    _complete("optimizations", each, f"optimize.{index}")
                    for index, each in enumerate(recipe.optimize)
                ),
            }
        )
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from error


Section = TypeVar("Section", bound=PluginSection)


def _complete(kind: str, section: Section, within: str) -> Section:
    """The section with every option of its plug-in checked and its defaults written out."""
    checked = shelf.options(
        kind, section.name, section.options, within=within, beside=type(section).model_fields
    )
    options = checked.model_dump(mode="json")
    base = section.model_dump(exclude=set(section.options))
    return type(section).model_validate({**options, **base})


def _override(values: dict[str, Any], key: str, text: str) -> None:
    *path, last = key.split(".")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text  # a bare word: --set convert.io=float32
    for part in path:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise RecipeError(f"--set {key}: '{part}' is not a section")
    values[last] = value
