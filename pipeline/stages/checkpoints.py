"""Checkpoints of a training, and the models that come out of it."""

import json
import shutil
from pathlib import Path
from typing import Any

from converters import stack
from pipeline.artifacts import EpochRecord
from pipeline.console import Console
from pipeline.errors import StorageError


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
        """Reads and writes ``epoch-N`` folders in ``folder``, which is made where it is not there."""
        tf = stack.load().tf
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._console = folder, console
        model.optimizer.build(model.trainable_variables)
        self._checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)

    def save(self, history: list[EpochRecord], best: int) -> None:
        """Saves after the last epoch of ``history`` and removes all others but the ``best``."""
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
            if path not in (self._path(epoch), self._path(best)):
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
