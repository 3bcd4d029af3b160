"""The sections of a recipe: their keys, ranges and defaults. :mod:`pipeline.recipe` puts them together."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from converters.errors import SpecError
from converters.spec import DEFAULT_RUNTIME_FLOOR, IO_DTYPES, check_runtime_floor
from converters.tflite.schemes import SCHEMES
from pipeline import shelf
from pipeline.errors import RecipeError, unknown


class Section(BaseModel):
    """Base of all: unknown keys are refused, and so are NaN and infinity."""

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
        validation: share of the train set that is held out for early stopping; None leaves it to the dataset.
        max_train: at most so many images are taken from the train set, by seed and class.
        max_test: at most so many images of the test set are verified on.
    """

    validation: float | None = Field(default=None, gt=0.0, lt=1.0)
    max_train: int | None = Field(default=None, ge=10)
    max_test: int | None = Field(default=None, ge=10)


class AugmentSection(Section):
    """How far each training image is warped, anew in every epoch; evaluation sees none of it.

    Attributes:
        rotation_degrees: turned by up to so much either way.
        shear: slanted by up to so much: sideways pixels per pixel of height.
        zoom: width and height scaled apart, by up to this share either way.
        shift_pixels: moved by up to so much along each side.
        elastic_pixels: standard deviation of a smooth random displacement, as a pen in another hand makes.
        flip: every other image, by chance, is mirrored left to right.
        crop: up to this share of the area is cut away, of width and height up to a third more from one than
            from the other; what is left is enlarged to the input.
        contrast: distance from the image's mean, of each channel, scaled by up to this share either way.
        outside: what comes in at the edges: black, as around a character, or the image reflected.
    """

    rotation_degrees: float = Field(default=0.0, ge=0.0, le=180.0)
    shear: float = Field(default=0.0, ge=0.0, le=1.0)
    zoom: float = Field(default=0.0, ge=0.0, le=0.9)
    shift_pixels: float = Field(default=0.0, ge=0.0, le=1_000.0)
    elastic_pixels: float = Field(default=0.0, ge=0.0, le=100.0)
    flip: bool = False
    crop: float = Field(default=0.0, ge=0.0, le=0.95)
    contrast: float = Field(default=0.0, ge=0.0, le=0.9)
    outside: Literal["black", "reflect"] = "black"


Epochs = Annotated[int, Field(ge=1, le=10_000)]
Batch = Annotated[int, Field(ge=1, le=65_536)]
Patience = Annotated[int, Field(ge=0)]


class FittingSection(Section):
    """What every training says of itself.

    Attributes:
        epochs: at most so many.
        batch: images per step.
        optimizer: of tf_keras; ``sgd`` has a momentum of 0.9.
        learning_rate: at the start, or where a warm-up ends.
        schedule: ``constant``, or ``cosine`` to zero over all epochs.
        patience: stop after so many epochs without a better validation accuracy; 0 never stops.
        augment: how images are warped; None leaves them as they are.
    """

    epochs: Epochs
    batch: Batch
    optimizer: Literal["adam", "sgd", "rmsprop"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0.0, le=10.0)
    schedule: Literal["constant", "cosine"] = "constant"
    patience: Patience
    augment: AugmentSection | None = None


class HeadSection(FittingSection):
    """How the head of a model with a pretrained base is trained first, while the base is frozen.

    Without augmentation, or with mirroring alone, the base is asked once for each photo and its answers are
    kept: an epoch then takes a fraction of a second, over every photo and, with ``flip``, its mirror image.
    With more augmentation the base is asked again in every epoch.
    """

    epochs: Epochs = 20
    batch: Batch = 32
    patience: Patience = 0


FINE_TUNING_RATE = 1e-4
"""A tenth of the usual rate of Adam: what a pretrained base has learnt is to be refined, not replaced."""


class TrainSection(FittingSection):
    """How to train.

    Where ``head`` is given and ``learning_rate`` is not, the rate is :data:`FINE_TUNING_RATE`.

    Attributes:
        warmup_epochs: with ``cosine``: epochs in which the rate rises evenly from zero before it falls; large
            first steps would undo what a pretrained base has learnt.
        label_smoothing: share s of each label that is spread over all K classes: the loss is the
            cross-entropy of (1 - s) * label + s / K (Szegedy et al., "Rethinking the Inception architecture
            for computer vision", 2016); optimisations that go on training, and the head, have it too.
        head: trains the head of a model with a pretrained base first; all else here is about the training
            after that, which is kept only where it makes the model better on validation.
    """

    epochs: Epochs = 10
    batch: Batch = 128
    warmup_epochs: int = Field(default=0, ge=0)
    patience: Patience = 3
    label_smoothing: float = Field(default=0.0, ge=0.0, le=0.5)
    head: HeadSection | None = None

    @model_validator(mode="before")
    @classmethod
    def _small_rate(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("head") is not None:
            return {"learning_rate": FINE_TUNING_RATE, **values}
        return values

    @model_validator(mode="after")
    def _check(self) -> "TrainSection":
        if self.warmup_epochs and self.schedule != "cosine":
            raise ValueError("warmup_epochs goes with schedule 'cosine'")
        if self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warmup_epochs {self.warmup_epochs} leaves none of {self.epochs} epochs to train in"
            )
        return self

    @property
    def of_head(self) -> "TrainSection | None":
        """The training of the head as one of its own; None where there is none."""
        if self.head is None:
            return None
        return TrainSection(label_smoothing=self.label_smoothing, **dict(self.head))


def check_base(model: PluginSection, *, what: str) -> None:
    """Refuses the training of a head alone for a model that has no pretrained base under it.

    Raises:
        ValueError: ``what``, a key of the recipe, asks for it.
    """
    # A model that is not there is refused with the choices where its options are checked.
    if model.name in shelf.names("models") and not hasattr(shelf.load("models", model.name), "FEATURES"):
        raise ValueError(
            f"{what}: model '{model.name}' has no pretrained base, so that its head could be trained alone: "
            "leave the section out, or take model 'transfer'"
        )
    why = _asked(model, "no_head")
    if why:
        raise ValueError(f"{what}: {why}")


def check_quantizable(model: PluginSection) -> None:
    """Refuses the quantise-aware training of a whole model that is known not to take it.

    Raises:
        ValueError: says why, and the ways out.
    """
    why = _asked(model, "not_quantized_in_training")
    if why:
        raise ValueError(f"optimize.quantize_aware: {why}")


def _asked(model: PluginSection, question: str) -> str:
    """What a model's plug-in answers; empty where it is not asked or its options are refused elsewhere."""
    if model.name not in shelf.names("models"):
        return ""
    answer = getattr(shelf.load("models", model.name), question, None)
    if answer is None:
        return ""
    try:
        return str(answer(shelf.options("models", model.name, model.options)))
    except RecipeError:
        return ""


class ConvertSection(Section):
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


class GuardSection(Section):
    """Keeps layers of int8 in float32 until its accuracy gate holds, where it does not by itself.

    Attributes:
        layers: at most so many.
        images: validation images, drawn by seed and class, that files are measured on, at most.
    """

    layers: int = Field(default=8, ge=1, le=1_000)
    images: int = Field(default=2_000, ge=100)


class Gate(Section):
    """What a scheme must reach on every runtime; a gate that is not set is not checked.

    Attributes:
        min_top1_agreement: share of test images on which it answers as Keras does, 0..1. One image is
            forgiven where Keras' own two classes are a near-tie, no further apart than the scheme's outputs
            may differ: one of 150 photos is 0.7 %, and 99.99 % would hang on whether there is a near-tie.
        max_accuracy_drop_points: accuracy of the trained Keras model (before any optimisation) less its own,
            percentage points.
        max_bytes: size of the file.
    """

    min_top1_agreement: float | None = Field(default=None, ge=0.0, le=1.0)
    max_accuracy_drop_points: float | None = Field(default=None, ge=0.0, le=100.0)
    max_bytes: int | None = Field(default=None, ge=1)


class VerifySection(Section):
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


class ExpectSection(Section):
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
