"""Recipes: a TOML file that says what to build, checked before anything runs.

Unknown keys are refused with the nearest right spelling, and so are values that contradict each other.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from pipeline import shelf
from pipeline.errors import RecipeError, unknown
from pipeline.sections import (
    ConvertSection,
    DatasetSection,
    ExpectSection,
    Gate,
    GuardSection,
    PluginSection,
    Section,
    TrainSection,
    VerifySection,
    check_base,
    check_quantizable,
)
from pipeline.target import Target

FOLDER = Path(__file__).parent / "recipes"

REFERENCE_RUNTIME = "keras"
"""What every other runtime is compared with."""

GUARDED_SCHEME = "int8"
"""What the accuracy guard mends: the other schemes keep float32 or 16 bits where this one loses accuracy."""

QUANTIZED_IN_TRAINING = "quantize_aware"
"""The optimisation whose models are not calibrated, so that the guard has nothing to choose from."""

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

Line = Annotated[str, Field(max_length=1_000, pattern=r"^[^\p{Cc}\p{Zl}\p{Zp}]*$")]
"""What the files' metadata takes: one line without control characters."""


class Recipe(Section):
    """A whole recipe; sections that are left out keep their defaults.

    Attributes:
        name: of the recipe, and of its run folder.
        description: one line, as the files' metadata takes it.
        author: who made the model, likewise; none is told where it is empty.
        licence: under which the model may be used, likewise.
        profile: ``smoke`` marks a build for tests, seconds long.
        seed: of split, initialisation, shuffling, representative samples and golden cases.
        guard: what the accuracy guard may do to int8; None leaves int8 as it is.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: Line = ""
    author: Line = ""
    licence: Line = ""
    profile: Literal["full", "smoke"] = "full"
    seed: int = Field(default=1, ge=0, lt=2**31)
    dataset: DatasetSection
    model: PluginSection
    train: TrainSection = TrainSection()
    optimize: tuple[PluginSection, ...] = ()
    convert: ConvertSection = ConvertSection()
    guard: GuardSection | None = None
    verify: VerifySection = VerifySection()
    expect: ExpectSection | None = None

    @model_validator(mode="after")
    def _check(self) -> "Recipe":
        if self.name.endswith("-smoke"):
            raise ValueError(f"name '{self.name}': the ending '-smoke' is kept for builds of profile smoke")
        optimizations = [section.name for section in self.optimize]
        if len(set(optimizations)) < len(optimizations):
            raise ValueError(f"optimize names one twice: {', '.join(optimizations)}")
        self._check_order()
        if self.guard is not None and GUARDED_SCHEME not in self.convert.schemes:
            raise ValueError(
                f"guard restores layers of {GUARDED_SCHEME}, which convert.schemes does not make "
                f"({', '.join(self.convert.schemes)})"
            )
        if self.guard is not None and QUANTIZED_IN_TRAINING in optimizations:
            raise ValueError(
                f"guard restores layers after training, optimize has '{QUANTIZED_IN_TRAINING}', which fixes "
                "their ranges in training: leave one of them out"
            )
        if self.train.head is not None:
            check_base(self.model, what="train.head")
        for section in self.optimize:
            if section.name == QUANTIZED_IN_TRAINING and section.options.get("layers") is None:
                check_quantizable(self.model)
        for scheme in self.verify.gates:
            if scheme not in self.convert.schemes:
                raise ValueError(
                    f"verify.gates.{scheme} gates a scheme that convert.schemes does not make "
                    f"({', '.join(self.convert.schemes)})"
                )
        if self.verify.runtimes == (REFERENCE_RUNTIME,):
            raise ValueError("verify.runtimes names only the reference: nothing would be verified")
        if self.verify.runtimes and all(map(stands_for, self.runtimes)):
            raise ValueError(
                f"verify.runtimes names only {', '.join(self.runtimes)}, which are given a part of the test "
                "images: add one of the CPU"
            )
        return self

    def _check_order(self) -> None:
        """Refuses an optimisation that would undo one before it, or that a scheme cannot convert."""
        for index, section in enumerate(self.optimize):
            if section.name not in shelf.names("optimizations"):
                continue  # refused with the choices where its options are checked
            plugin = shelf.load("optimizations", section.name)
            for earlier in self.optimize[:index]:
                if earlier.name not in plugin.AFTER:
                    raise ValueError(
                        f"optimize: '{section.name}' after '{earlier.name}' would undo its work; "
                        f"'{section.name}' may follow {', '.join(plugin.AFTER) or 'nothing'}"
                    )
            for scheme in self.convert.schemes:
                if plugin.SCHEMES is not None and scheme not in plugin.SCHEMES:
                    raise ValueError(
                        f"convert.schemes: '{scheme}' would quantise again what '{section.name}' has trained "
                        f"for {', '.join(plugin.SCHEMES)}: set convert.schemes to {list(plugin.SCHEMES)}"
                    )

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
        """Runtimes to verify on whatever the target, without the reference: those of the CPU unless named."""
        chosen = self.verify.runtimes or tuple(n for n in shelf.names("runtimes") if not stands_for(n))
        return tuple(name for name in chosen if name != REFERENCE_RUNTIME)

    def runtimes_on(self, target: Target) -> tuple[str, ...]:
        """The same, and those that stand in for a delegate of the target, unless runtimes are named."""
        if self.verify.runtimes:
            return self.runtimes
        own = (n for n in shelf.names("runtimes") if not stands_for(n).isdisjoint(target.delegates))
        return (*self.runtimes, *own)

    def smoke(self) -> "Recipe":
        """The same recipe on few images and epochs, stamped as such."""
        dataset = self.dataset.model_copy(
            update={
                "max_train": min(self.dataset.max_train or SMOKE_TRAIN_IMAGES, SMOKE_TRAIN_IMAGES),
                "max_test": min(self.dataset.max_test or SMOKE_TEST_IMAGES, SMOKE_TEST_IMAGES),
            }
        )
        return self.model_copy(
            update={
                "profile": "smoke",
                "dataset": dataset,
                "train": _smoke_training(self.train),
                "optimize": tuple(_smoke(section) for section in self.optimize),
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


def stands_for(runtime: str) -> frozenset[str]:
    """Delegates of phones that a runtime stands in for; none for those of the CPU."""
    return frozenset(getattr(shelf.load("runtimes", runtime), "DELEGATES", ()))


def _smoke(section: PluginSection) -> PluginSection:
    """The section with few epochs, its teacher's too."""
    values = section.model_dump()
    values["epochs"] = min(values.get("epochs", SMOKE_EPOCHS), SMOKE_EPOCHS)
    if values.get("teacher_train"):
        teacher = _smoke_training(TrainSection.model_validate(values["teacher_train"]))
        values["teacher_train"] = teacher.model_dump(mode="json")
    return PluginSection.model_validate(values)


def _smoke_training(train: TrainSection) -> TrainSection:
    """The training with few epochs, none of them to warm up, and its head's too."""
    head = train.head
    if head is not None:
        head = head.model_copy(update={"epochs": min(head.epochs, SMOKE_EPOCHS)})
    epochs = min(train.epochs, SMOKE_EPOCHS)
    return train.model_copy(update={"epochs": epochs, "warmup_epochs": 0, "head": head})


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
    values, where = read(name_or_path, overrides=overrides)
    return check(values, where=where)


def read(name_or_path: str, *, overrides: Mapping[str, str] | None = None) -> tuple[dict[str, Any], str]:
    """The values of a recipe as they stand in its file, not yet checked, and what messages call it.

    Args:
        name_or_path: as for :func:`load`.
        overrides: as for :func:`load`.

    Raises:
        RecipeError: no such recipe, not TOML, or an override inside what is no section.
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
    return {"name": path.stem, **values}, str(path) if is_path else f"recipe '{path.stem}'"


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


Named = TypeVar("Named", bound=PluginSection)


def _complete(kind: str, section: Named, within: str) -> Named:
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
