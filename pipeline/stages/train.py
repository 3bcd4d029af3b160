"""Train: seeded, checkpointed after every epoch, stopped early on validation accuracy.

Each epoch depends on the weights before it, the seed and its own number alone (the order of images and
the state of every random op are made anew from them), so that a run that was killed and taken up again
ends with the same weights as one that was not.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from converters import stack
from pipeline import shelf
from pipeline.artifacts import Artifact, EpochRecord, PreparedData, TrainedModel
from pipeline.console import Console, Task
from pipeline.errors import StorageError
from pipeline.recipe import Recipe, TrainSection
from pipeline.stages import Work
from pipeline.stages.data import Part, train_part, validation_part
from pipeline.target import Target

VERSION = 1
TOOLS = ("tensorflow", "tf_keras", "numpy")

EVALUATION_BATCH = 1024
PREFETCH_BATCHES = 8
STEPS_PER_EXECUTION = 16
"""Steps between two returns to Python: enough to hide its cost, few enough for a live progress bar."""

LOGS = "tensorboard"
"""Folder in the run folder, one folder inside it for each training."""

SEED_STRIDE = 100_003
"""Prime; spreads (seed, epoch) over the 32-bit seeds that Keras takes."""


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
    tf, keras = stack.load()
    keras.backend.clear_session()
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(work.recipe.seed)
    data = work.input(PreparedData)
    plugin = shelf.load("models", work.recipe.model.name)
    options = shelf.options("models", work.recipe.model.name, work.recipe.model.options)
    facts = data.facts
    model = plugin.build(options, facts.preprocess.shape, len(facts.labels), keras)
    training, validation = train_part(data), validation_part(data)
    compile_model(model, work.recipe.train, steps=-(-len(training) // work.recipe.train.batch))
    checkpoints = Checkpoints(work.scratch, model, work.console)
    history = checkpoints.restore_last()
    work.console.say(f"  curves: tensorboard --logdir {work.run / LOGS}")
    if history:
        work.console.say(f"  going on after epoch {history[-1].epoch}")
    _fit(work, model, (training, validation), plugin.PIXEL_SCALING, checkpoints, history)
    best = best_epoch(history)
    checkpoints.restore(best)
    save_h5(model, work.folder / "model.h5")
    return work.finish(
        TrainedModel,
        model=work.recipe.model.name,
        parameters=model.count_params(),
        pixel_scaling=plugin.PIXEL_SCALING,
        best_epoch=best,
        history=tuple(history),
    )


def _fit(
    work: Work,
    model: Any,
    parts: tuple[Part, Part],
    scaling: tuple[float, float],
    checkpoints: "Checkpoints",
    history: list[EpochRecord],
) -> None:
    """Trains epoch after epoch until the recipe's end; appends to ``history``."""
    tf, keras = stack.load()
    train, (training, validation) = work.recipe.train, parts
    writer = tf.summary.create_file_writer(str(work.run / LOGS / work.key))
    random_layers = [
        each for each in model.submodules if isinstance(each, keras.__internal__.layers.BaseRandomLayer)
    ]
    held_out = input_pipeline(validation, np.arange(len(validation)), EVALUATION_BATCH, scaling)
    while len(history) < train.epochs and not stops_early(history, train.patience):
        epoch = len(history) + 1
        seed = (work.recipe.seed * SEED_STRIDE + epoch) % 2**32
        keras.utils.set_random_seed(seed)
        if random_layers:
            # Traced anew, random ops start from this epoch's seed and not from where the last one left them.
            model.make_train_function(force=True)
        order = np.random.default_rng([work.recipe.seed, epoch]).permutation(len(training))
        batches = input_pipeline(training, order, train.batch, scaling)
        title = f"epoch {epoch}/{train.epochs}"
        with work.console.task(title, len(training), "images") as task:
            fitted = model.fit(
                batches, verbose=0, callbacks=[_progress(keras, task, train.batch, len(training))]
            )
            loss, accuracy = model.evaluate(held_out, verbose=0)
            task.advance(0, f"loss {fitted.history['loss'][0]:.4f}, validation {accuracy:.2%}")
        record = EpochRecord(
            epoch=epoch,
            loss=fitted.history["loss"][0],
            accuracy=fitted.history["accuracy"][0],
            validation_loss=loss,
            validation_accuracy=accuracy,
        )
        history.append(record)
        checkpoints.save(history)
        with writer.as_default(step=epoch):
            for name, value in record.model_dump(exclude={"epoch"}).items():
                tf.summary.scalar(name, value)
        writer.flush()


def compile_model(model: Any, train: TrainSection, *, steps: int) -> None:
    """Compiles a classifier that gives probabilities; ``steps`` are those of one epoch."""
    _, keras = stack.load()
    rate: Any = train.learning_rate
    if train.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, decay_steps=steps * train.epochs)
    optimizer = {
        "adam": keras.optimizers.Adam,
        "sgd": lambda learning_rate: keras.optimizers.SGD(learning_rate, momentum=0.9),
        "rmsprop": keras.optimizers.RMSprop,
    }[train.optimizer](learning_rate=rate)
    model.compile(
        optimizer=optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=STEPS_PER_EXECUTION,
    )


def input_pipeline(part: Part, order: Any, batch: int, scaling: tuple[float, float]) -> Any:
    """A ``tf.data.Dataset`` of (float32 (batch, *image shape), int64 (batch,)) in the given order.

    Pixels stay u8 on disk (memory-mapped) until their batch is due; gathering runs beside training.
    """
    tf = stack.load().tf
    scale, offset = scaling
    labels = part.labels
    shape = part.images.shape[1:]

    def gather(rows: Any) -> Any:
        return part.pixels(rows), labels[rows]

    def load(rows: Any) -> Any:
        pixels, classes = tf.numpy_function(gather, [rows], (tf.uint8, tf.int64), stateful=False)
        pixels = tf.ensure_shape(pixels, (None, *shape))
        return tf.cast(pixels, tf.float32) * scale + offset, tf.ensure_shape(classes, (None,))

    options = tf.data.Options()
    # Autotuning has been seen to stall for seconds behind the last batch; there is nothing to tune.
    options.autotune.enabled = False
    options.deterministic = True
    dataset = tf.data.Dataset.from_tensor_slices(np.asarray(order, dtype=np.int64))
    dataset = dataset.batch(batch).map(load, num_parallel_calls=2)
    return dataset.prefetch(PREFETCH_BATCHES).with_options(options)


def best_epoch(history: list[EpochRecord]) -> int:
    """The epoch with the best validation accuracy, the first of equals."""
    return max(history, key=lambda record: (record.validation_accuracy, -record.epoch)).epoch


def stops_early(history: list[EpochRecord], patience: int) -> bool:
    """Whether the last ``patience`` epochs brought no better validation accuracy."""
    return bool(history) and 0 < patience <= history[-1].epoch - best_epoch(history)


def save_h5(model: Any, path: Path) -> None:
    """Saves architecture and weights in Keras's HDF5 form, whole or not at all.

    HDF5, because its bytes depend on the model alone (``.keras`` holds the date), and because models
    after quantisation-aware training cannot be read back from ``.keras``.
    """
    import warnings

    partial = path.with_name("partial-" + path.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "This file format is considered legacy"
        model.save(partial, save_format="h5", include_optimizer=False)
    partial.replace(path)


class Checkpoints:
    """Weights and optimiser state after each epoch: the last one and the best one are kept."""

    def __init__(self, folder: Path, model: Any, console: Console) -> None:
        """Reads and writes ``epoch-N`` folders in ``folder``."""
        tf = stack.load().tf
        self._folder, self._console = folder, console
        model.optimizer.build(model.trainable_variables)
        self._checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)

    def save(self, history: list[EpochRecord]) -> None:
        """Saves after the last epoch of ``history`` and removes what is no longer needed."""
        epoch = history[-1].epoch
        partial = self._folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            self._checkpoint.write(str(partial / "state"))
        except stack.load().tf.errors.OpError as error:
            # TensorFlow's own file system speaks of a full disk in its own exceptions.
            raise StorageError(f"{partial}: the checkpoint cannot be written: {error.message}") from error
        records = [record.model_dump() for record in history]
        (partial / "history.json").write_text(json.dumps(records), "utf-8")
        partial.rename(self._path(epoch))
        for path in self._folder.glob("epoch-*"):
            if path not in (self._path(epoch), self._path(best_epoch(history))):
                shutil.rmtree(path)

    def restore_last(self) -> list[EpochRecord]:
        """Restores the last complete epoch and gives its history; empty where there is none."""
        epochs = [int(path.name.removeprefix("epoch-")) for path in self._folder.glob("epoch-*")]
        for epoch in sorted(epochs, reverse=True):
            try:
                text = (self._path(epoch) / "history.json").read_text("utf-8")
                history = [EpochRecord.model_validate(record) for record in json.loads(text)]
                self.restore(epoch)
            except (OSError, ValueError, AssertionError, stack.load().tf.errors.OpError) as error:
                # After a power loss a file may be empty: the epoch before it is as good a start.
                self._console.warn(f"{self._path(epoch)}: not a readable checkpoint ({error}); dropped")
                shutil.rmtree(self._path(epoch))
            else:
                return history
        return []

    def restore(self, epoch: int) -> None:
        """Sets weights and optimiser to what they were after an epoch."""
        self._checkpoint.read(str(self._path(epoch) / "state")).assert_existing_objects_matched()

    def _path(self, epoch: int) -> Path:
        return self._folder / f"epoch-{epoch}"


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
