"""Features: what the frozen base of a model answers for each photo, computed once and kept.

While the base is frozen its answers do not change from epoch to epoch; the head can be trained on them alone.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters import stack
from pipeline import arrays
from pipeline.console import Console
from pipeline.datasets import Labels
from pipeline.sampling import Indices
from pipeline.sections import AugmentSection
from pipeline.stages.fitting import Samples, input_pipeline

BATCH = 32
"""Photos at a time: a batch more is lost when a run is killed, and a resumed run must cut the same ones, as
the last bits of an answer depend on the batch that it was computed in."""

HARMLESS = ("flip", "outside")
"""Keys of an augmentation that alone warp no photo but into its mirror image."""

NOTHING = AugmentSection().model_copy(update=dict.fromkeys(HARMLESS))
"""An augmentation, those keys aside."""

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class FeaturePart:
    """Features in the place of images; a part like those of the data stage.

    Attributes:
        images: (n, channels) float32, memory-mapped.
        labels: (n,) class indices.
    """

    images: Features
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def pixels(self, rows: Indices) -> Features:
        """Features at these rows, (len(rows), channels) float32."""
        return np.asarray(self.images[rows])


def are_kept(augment: AugmentSection | None) -> bool:
    """Whether so few different images come of each photo that all of them can be asked about once."""
    # Mirroring brings nothing in from outside, whatever that would be.
    return augment is None or augment.model_copy(update=dict.fromkeys(HARMLESS)) == NOTHING


def computed(
    model: Any,
    layer: str,
    part: Samples,
    *,
    scaling: tuple[float, float],
    mirrored: bool,
    path: Path,
    console: Console,
    title: str,
) -> FeaturePart:
    """Asks the base about every photo, going on from the last complete batch of a run that was killed.

    Args:
        model: whole; in inference mode.
        layer: name of the one whose output, (batch, channels), is kept.
        part: photos.
        scaling: (scale, offset) of their pixels.
        mirrored: the same for each photo's mirror image; these stand behind all photos as they are.
        path: ``.npy`` file to keep them in.
        console: for progress.
        title: what the console calls it.
    """
    tf, keras = stack.load()
    probe = keras.Model(model.inputs, model.get_layer(layer).output)
    ask = tf.function(lambda images: probe(images, training=False))
    count = len(part)
    shape = (count * (2 if mirrored else 1), int(probe.output_shape[-1]))
    kept, done = _begun(path, shape, console)
    with console.task(title, count, "photos") as task:
        task.advance(done)
        left = np.arange(done, count)
        # As many photos as batches hold: where a killed run went on, the batches are those of a whole one.
        for images, _ in input_pipeline(part, left, BATCH, scaling):
            stop = done + len(images)
            kept[done:stop] = ask(images).numpy()
            if mirrored:
                kept[count + done : count + stop] = ask(tf.reverse(images, axis=[2])).numpy()
            task.advance(stop - done)
            done = stop
            kept.flush()
            _write(path, done)
    labels = np.concatenate([part.labels] * (2 if mirrored else 1))
    return FeaturePart(images=np.load(path, mmap_mode="r"), labels=labels)


def _begun(path: Path, shape: tuple[int, int], console: Console) -> tuple[Any, int]:
    """The file to fill, and how many photos are in it already."""
    progress = _progress(path)
    if progress.is_file():
        try:
            done = int(json.loads(progress.read_text("utf-8"))["photos"])
            kept = np.load(path, mmap_mode="r+")
            if kept.shape == shape and kept.dtype == np.float32:
                return kept, done
            why = f"it holds {kept.dtype} {kept.shape}"
        except (OSError, ValueError, KeyError, TypeError) as error:
            why = str(error)
        console.warn(f"{path}: not the features of these photos ({why}); computing them again")
        progress.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    return arrays.create(path, dtype=np.float32, shape=shape), 0


def _write(path: Path, done: int) -> None:
    partial = _progress(path).with_suffix(".new")
    partial.write_text(json.dumps({"photos": done}), "utf-8")
    partial.replace(_progress(path))


def _progress(path: Path) -> Path:
    return path.with_suffix(".json")
