"""Fitting: what every training of the pipeline shares, the first one and those that optimise.

Each epoch depends on the weights before it, the seed and its own number alone (the order of images, their
warps and the state of every random op are made anew from them), so that a run that was killed and taken up
again ends with the same weights as one that was not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from converters import stack
from pipeline.artifacts import EpochRecord
from pipeline.console import Console, Task
from pipeline.datasets import Labels
from pipeline.sampling import Indices
from pipeline.sections import AugmentSection, TrainSection
from pipeline.stages.augmentation import warp
from pipeline.stages.checkpoints import Checkpoints

EVALUATION_BATCH = 1024
"""Images at most, of few pixels."""

EVALUATION_VALUES = 2**23
"""Numbers in a batch of an evaluation at most: 55 photos of 224x224. A convolution makes about as many more
of them, and PREFETCH_BATCHES batches wait: together they take no gigabyte."""

PREFETCH_BATCHES = 8

STEPS_PER_EXECUTION = 16
"""Steps between two returns to Python: enough to hide its cost, few enough for a live progress bar."""

LARGE_BATCH = 2**20
"""Numbers in a batch whose step takes so long that Python's share is nothing: one step at a time, so that
progress shows."""

LOGS = "tensorboard"
"""Folder in the run folder, one folder inside it for each training."""

MAX_BATCHES = 2**20
"""Of an epoch: so far are the warps' seeds of two epochs apart."""

SEED_STRIDE = 100_003
"""Prime; spreads (seed, epoch) over the 32-bit seeds that Keras takes."""


class Samples(Protocol):
    """What can be fitted: images of the data stage, or what a frozen base makes of them."""

    @property
    def images(self) -> npt.NDArray[Any]:
        """All of them, and perhaps others; gives shape and dtype of one."""

    @property
    def labels(self) -> Labels:
        """(n,) class indices."""

    def __len__(self) -> int: ...

    def pixels(self, rows: Indices) -> npt.NDArray[Any]:
        """Samples at these rows, (len(rows), *shape of one)."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One training.

    Attributes:
        model: to train, not compiled; gives (batch, classes) probabilities.
        training: images to fit.
        validation: images that choose the epoch.
        scaling: (scale, offset): what 0..255 becomes before the model.
        section: epochs, batch, optimiser, augmentation, label smoothing.
        seed: of order, warps and random layers.
        scratch: folder of checkpoints.
        logs: folder of TensorBoard's files.
        title: what the console calls it; empty for the first training.
        callbacks: of Keras.
        eligible: first epoch that may be the best; those before it are not what was asked for yet.
        keeps_start: the model as it comes is measured too, and stays where no epoch is better on validation.
    """

    model: Any
    training: Samples
    validation: Samples
    scaling: tuple[float, float]
    section: TrainSection
    seed: int
    scratch: Path
    logs: Path
    title: str = ""
    callbacks: Sequence[Any] = ()
    eligible: int = 1
    keeps_start: bool = False


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What a training gave.

    Attributes:
        history: figures of every epoch.
        best_epoch: whose weights the model has; 0 where it has those that it came with.
        start_accuracy: on validation, of the model as it came, 0..1; None where it was not measured.
    """

    history: tuple[EpochRecord, ...]
    best_epoch: int
    start_accuracy: float | None = None

    @property
    def validation_accuracy(self) -> float:
        """Of the weights that the model has, 0..1."""
        if self.best_epoch == 0 and self.start_accuracy is not None:
            return self.start_accuracy
        return self.history[self.best_epoch - 1].validation_accuracy


def fit(fit: Fit, console: Console) -> Fitted:
    """Trains, from the last complete epoch on; leaves the model with the weights of its best epoch.

    Where the start may be kept, the model must come with the same weights each time: they are not saved.
    """
    tf, keras = stack.load()
    tf.config.experimental.enable_op_determinism()
    model, section = fit.model, fit.section
    steps = -(-len(fit.training) // section.batch)
    size = int(np.prod(fit.training.images.shape[1:]))
    large = section.batch * size >= LARGE_BATCH
    compile_model(model, section, steps=steps, at_a_time=1 if large else STEPS_PER_EXECUTION)
    held_batch = max(1, min(EVALUATION_BATCH, EVALUATION_VALUES // size))
    held_out = input_pipeline(fit.validation, np.arange(len(fit.validation)), held_batch, fit.scaling)
    start, start_accuracy = [], None
    if fit.keeps_start:
        start = model.get_weights()
        start_accuracy = float(model.evaluate(held_out, verbose=0, return_dict=True)["accuracy"])
    checkpoints = Checkpoints(fit.scratch, model, console)
    history = checkpoints.restore_last()
    console.say(f"  curves: tensorboard --logdir {fit.logs.parent}")
    if history:
        console.say(f"  going on after epoch {history[-1].epoch}")
    writer = tf.summary.create_file_writer(str(fit.logs))
    random_layers = [
        each for each in model.submodules if isinstance(each, keras.__internal__.layers.BaseRandomLayer)
    ]
    while len(history) < section.epochs and not stops_early(history, section.patience, fit.eligible):
        epoch = len(history) + 1
        seed = (fit.seed * SEED_STRIDE + epoch) % 2**32
        keras.utils.set_random_seed(seed)
        if random_layers:
            # Traced anew, random ops start from this epoch's seed and not from where the last one left them.
            model.make_train_function(force=True)
        order = np.random.default_rng([fit.seed, epoch]).permutation(len(fit.training))
        batches = input_pipeline(
            fit.training, order, section.batch, fit.scaling, augment=section.augment, seed=seed
        )
        title = f"{fit.title} epoch {epoch}/{section.epochs}".strip()
        with console.task(title, len(order), "images") as task:
            progress = _progress(keras, task, section.batch, len(order))
            fitted = model.fit(batches, verbose=0, callbacks=[progress, *fit.callbacks])
            held = model.evaluate(held_out, verbose=0, return_dict=True)
            loss, accuracy = held["loss"], held["accuracy"]
            task.advance(0, f"loss {fitted.history['loss'][0]:.4f}, validation {accuracy:.2%}")
        record = EpochRecord(
            epoch=epoch,
            loss=fitted.history["loss"][0],
            accuracy=fitted.history["accuracy"][0],
            validation_loss=loss,
            validation_accuracy=accuracy,
        )
        history.append(record)
        checkpoints.save(history, best_epoch(history, fit.eligible))
        with writer.as_default(step=epoch):
            for name, value in record.model_dump(exclude={"epoch"}).items():
                tf.summary.scalar(name, value)
        writer.flush()
    best = best_epoch(history, fit.eligible)
    reached = history[best - 1].validation_accuracy
    if start_accuracy is not None and reached <= start_accuracy:
        model.set_weights(start)
        best = 0
        console.say(
            f"  no epoch was better on validation ({reached:.2%} at best) than the model they began with "
            f"({start_accuracy:.2%}): that model is kept"
        )
    else:
        checkpoints.restore(best)
    return Fitted(history=tuple(history), best_epoch=best, start_accuracy=start_accuracy)


def compile_model(
    model: Any, train: TrainSection, *, steps: int, at_a_time: int = STEPS_PER_EXECUTION
) -> None:
    """Compiles a classifier that gives probabilities.

    Args:
        model: to compile.
        train: optimiser, rate, loss.
        steps: of one epoch.
        at_a_time: steps between two returns to Python.
    """
    _, keras = stack.load()
    rate: Any = train.learning_rate
    if train.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if train.warmup_epochs else rate,
            decay_steps=steps * (train.epochs - train.warmup_epochs),
            warmup_target=rate if train.warmup_epochs else None,
            warmup_steps=steps * train.warmup_epochs,
        )
    optimizer = {
        "adam": keras.optimizers.Adam,
        "sgd": lambda learning_rate: keras.optimizers.SGD(learning_rate, momentum=0.9),
        "rmsprop": keras.optimizers.RMSprop,
    }[train.optimizer](learning_rate=rate)
    model.compile(
        optimizer=optimizer,
        loss=_smoothed(train.label_smoothing),
        # Named whole: Keras chooses by the loss what "accuracy" is, and does not know ours.
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        steps_per_execution=at_a_time,
    )


def _smoothed(share: float) -> Any:
    """Cross-entropy of class indices and probabilities, each label smoothed; see TrainSection."""
    tf, keras = stack.load()
    if not share:
        return "sparse_categorical_crossentropy"

    def smoothed_crossentropy(labels: Any, probabilities: Any) -> Any:
        whole = tf.one_hot(tf.cast(tf.reshape(labels, [-1]), tf.int64), tf.shape(probabilities)[-1])
        # Keras itself takes (1 - share) * label + share / classes.
        return keras.losses.categorical_crossentropy(whole, probabilities, label_smoothing=share)

    return smoothed_crossentropy


def input_pipeline(
    part: Samples,
    order: Any,
    batch: int,
    scaling: tuple[float, float],
    *,
    augment: AugmentSection | None = None,
    seed: int = 0,
) -> Any:
    """A ``tf.data.Dataset`` of (float32 (batch, *image shape), int64 (batch,)) in the given order.

    Pixels stay u8 on disk (memory-mapped) until their batch is due, features float32; reading and warping run
    beside training.
    """
    tf = stack.load().tf
    scale, offset = scaling
    labels = part.labels
    shape, dtype = part.images.shape[1:], tf.as_dtype(part.images.dtype)

    def gather(rows: Any) -> Any:
        return part.pixels(rows), labels[rows]

    def load(index: Any, rows: Any) -> Any:
        pixels, classes = tf.numpy_function(gather, [rows], (dtype, tf.int64), stateful=False)
        pixels = tf.cast(tf.ensure_shape(pixels, (None, *shape)), tf.float32)
        if augment is not None:
            # Before scaling: what comes in from outside is the value 0 of a pixel.
            pixels = warp(pixels, seed * MAX_BATCHES + index, augment)
        return pixels * scale + offset, tf.ensure_shape(classes, (None,))

    options = tf.data.Options()
    # Autotuning has been seen to stall for seconds behind the last batch; there is nothing to tune.
    options.autotune.enabled = False
    options.deterministic = True
    dataset = tf.data.Dataset.from_tensor_slices(np.asarray(order, dtype=np.int64))
    dataset = dataset.batch(batch).enumerate().map(load, num_parallel_calls=2)
    return dataset.prefetch(PREFETCH_BATCHES).with_options(options)


def best_epoch(history: Sequence[EpochRecord], eligible: int = 1) -> int:
    """The epoch with the best validation accuracy from ``eligible`` on, the first of equals.

    Where none is eligible yet, of all.
    """
    candidates = [record for record in history if record.epoch >= eligible] or history
    return max(candidates, key=lambda record: (record.validation_accuracy, -record.epoch)).epoch


def stops_early(history: Sequence[EpochRecord], patience: int, eligible: int = 1) -> bool:
    """Whether the last ``patience`` epochs brought no better validation accuracy."""
    if not history or history[-1].epoch < eligible:
        return False
    return 0 < patience <= history[-1].epoch - best_epoch(history, eligible)


def _progress(keras: Any, task: Task, batch: int, total: int) -> Any:
    class Progress(keras.callbacks.Callback):  # type: ignore[misc]
        """Tells the console about images, whatever number of steps Keras runs at a time."""

        def on_epoch_begin(self, _epoch: int, _logs: Any = None) -> None:
            self.done = 0

        def on_train_batch_end(self, index: int, logs: Any = None) -> None:
            done = min((index + 1) * batch, total)
            note = f"loss {logs['loss']:.4f}, accuracy {logs['accuracy']:.2%}" if logs else ""
            task.advance(done - self.done, note)
            self.done = done

    return Progress()
