"""Distil: the model learns from the labels and from how sure a larger teacher is of every class.

The loss is that of Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015:

    (1 - weight) * cross-entropy(labels, student) + weight * T^2 * KL(teacher at T || student at T)

where a distribution at temperature T is softmax(logits / T). Models of the shelf give probabilities p; the
logarithm of p differs from the logits by a constant, which a softmax does not see.
"""

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from converters import stack
from converters.tflite.keras import load_keras
from pipeline import shelf
from pipeline.artifacts import Claim
from pipeline.errors import RecipeError
from pipeline.optimizations import Context, Finalized, Problem, Start
from pipeline.optimizations._distiller import distiller
from pipeline.optimizations._fine_tuning import FineTuning
from pipeline.sections import PluginSection, TrainSection, check_base

AFTER: tuple[str, ...] = ()
SCHEMES = None


class Options(FineTuning):
    """Keys of an ``[[optimize]]`` section named ``distill``.

    Attributes:
        teacher: a model of the shelf with its options, ``{ name = "emnist_cnn", dense = [512] }``; it is
            trained on the same data first.
        teacher_train: how.
        teacher_file: instead, a trained ``.keras`` or ``.h5`` file.
        teacher_scaling: (scale, offset): what 0..255 becomes before the model of ``teacher_file``.
        temperature: how far the teacher's answers are softened, 1 leaves them.
        weight: of the teacher against the labels, 0..1.
    """

    epochs: int = Field(default=10, ge=1, le=10_000)
    learning_rate: float = Field(default=1e-3, gt=0.0, le=10.0)
    teacher: PluginSection | None = None
    teacher_train: TrainSection = TrainSection()
    teacher_file: str | None = None
    teacher_scaling: tuple[float, float] = (1 / 255, 0.0)
    temperature: float = Field(default=3.0, ge=1.0, le=100.0)
    weight: float = Field(default=0.7, gt=0.0, le=1.0)

    @model_validator(mode="after")
    def _check(self) -> "Options":
        if (self.teacher is None) == (self.teacher_file is None):
            raise ValueError("give either teacher (a model to train) or teacher_file (a trained one)")
        if self.teacher_file is not None and not Path(self.teacher_file).is_file():
            raise ValueError(f"teacher_file '{self.teacher_file}' is no file")
        if self.teacher is not None:
            try:
                shelf.options("models", self.teacher.name, self.teacher.options, within="teacher")
                if self.teacher_train.head is not None:
                    check_base(self.teacher, what="teacher_train.head")
            except RecipeError as error:
                raise ValueError(str(error)) from error
        return self


def scan(start: Start, options: Options) -> list[Problem]:
    """Nothing of the student is in the way; a teacher from a file must know the same classes and images.

    Raises:
        RecipeError: it does not.
        ModelLoadError: the file is no readable model.
    """
    if options.teacher_file is not None:
        _read(start, options.teacher_file)
    return []


def prepare(context: Context, options: Options) -> Any:
    """The student, with the teacher beside it while it trains."""
    if options.teacher_file is not None:
        teacher, scaling = _read(context, options.teacher_file), options.teacher_scaling
    else:
        if options.teacher is None:
            raise RecipeError("optimize.distill: no teacher")
        teacher, scaling = context.train(options.teacher, options.teacher_train)
    teacher.trainable = False
    keras = stack.load().keras
    student = keras.models.clone_model(context.model)
    student.set_weights(context.model.get_weights())
    # Pixels reach both as the student takes them.
    factor = scaling[0] / context.scaling[0]
    return distiller(
        student,
        teacher,
        rescaling=(factor, scaling[1] - context.scaling[1] * factor),
        temperature=options.temperature,
        weight=options.weight,
    )


def callbacks() -> list[Any]:
    """None is needed."""
    return []


def eligible(_context: Context, _options: Options) -> int:
    """Every epoch may be the best."""
    return 1


def finalize(context: Context, _options: Options, trained: Any) -> Finalized:
    """The student alone."""
    return Finalized(model=trained.student, scaling=context.scaling)


def promises(_start: Start, _options: Options) -> list[Claim]:
    """None: whether it helped is a matter of accuracy, which verification measures."""
    return []


def _read(start: Start, file: str) -> Any:
    teacher = load_keras(Path(file))
    if not isinstance(teacher, stack.load().keras.Model):
        raise RecipeError(f"optimize.distill.teacher_file '{file}' is a Keras 3 model: save it with tf_keras")
    classes, shape = teacher.output_shape[-1], tuple(teacher.input_shape[1:])
    if classes != start.classes:
        raise RecipeError(
            f"optimize.distill.teacher_file '{file}' knows {classes} classes, the dataset has "
            f"{start.classes}: a teacher must answer the same question"
        )
    if shape != start.image_shape:
        raise RecipeError(
            f"optimize.distill.teacher_file '{file}' takes images of {shape}, the dataset has "
            f"{start.image_shape}"
        )
    return teacher
