"""Features: one row for each photo and each mirror image, resumed, and when they may be kept at all."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converters import stack
from pipeline.console import Console
from pipeline.sections import AugmentSection
from pipeline.stages import features
from pipeline.stages.data import Part
from tests.pipeline.optimizations import tiny
from tests.pipeline.stages import based

COUNT = features.BATCH * 2 + 5


@pytest.mark.parametrize(
    ("augment", "kept"),
    [
        (None, True),
        (AugmentSection(), True),
        (AugmentSection(flip=True), True),
        (AugmentSection(flip=True, outside="reflect"), True),
        (AugmentSection(flip=True, rotation_degrees=1), False),
        (AugmentSection(contrast=0.1), False),
        (AugmentSection(crop=0.1), False),
    ],
)
def test_features_are_kept_where_each_photo_gives_two_images_at_most(
    augment: AugmentSection | None, kept: bool
) -> None:
    """Mirroring is the only augmentation of so few outcomes."""
    assert features.are_kept(augment) is kept


class Dying(Part):
    """A part that dies once it is asked for a row from a limit on, and counts what it gave.

    Two batches are read side by side, in any order: a count of rows would not tell which of them dies.
    """

    def __init__(self, images: Any, labels: Any, limit: int = 10**9) -> None:
        super().__init__(images, labels)
        self.rows, self.limit = 0, limit

    def pixels(self, rows: Any) -> npt.NDArray[np.uint8]:
        """Images at these rows."""
        if max(rows) >= self.limit:
            raise OSError("killed")
        self.rows += len(rows)
        return super().pixels(rows)


def computed(part: Part, path: Path, *, mirrored: bool = False) -> features.FeaturePart:
    """Features of the small model."""
    return features.computed(
        based.built().model, based.FEATURES, part, scaling=tiny.SCALING, mirrored=mirrored, path=path,
        console=Console(), title="features",
    )  # fmt: skip


@pytest.mark.tensorflow
def test_each_photo_has_a_row_and_its_mirror_image_another(tmp_path: Path) -> None:
    """What the model's own layer answers; labels go with them."""
    images, labels = tiny.pictures(COUNT)
    found = computed(Part(images, labels), tmp_path / "f.npy", mirrored=True)
    assert len(found) == 2 * COUNT
    assert found.images.dtype == np.float32
    np.testing.assert_array_equal(found.labels, np.concatenate([labels, labels]))
    model = based.built().model
    keras = stack.load().keras
    probe = keras.Model(model.inputs, model.get_layer(based.FEATURES).output)
    both = np.concatenate([images, images[:, :, ::-1]]).astype(np.float32) * tiny.SCALING[0]
    np.testing.assert_allclose(found.pixels(np.arange(2 * COUNT)), probe(both), rtol=1e-4, atol=1e-6)


@pytest.mark.tensorflow
def test_killed_it_goes_on_and_gives_the_same_bits(tmp_path: Path) -> None:
    """Only what is left is computed; a file that is damaged is made anew."""
    images, labels = tiny.pictures(COUNT)
    whole = computed(Part(images, labels), tmp_path / "whole.npy")
    path = tmp_path / "killed.npy"
    with pytest.raises(Exception, match="killed"):
        computed(Dying(images, labels, limit=features.BATCH), path)
    rest = Dying(images, labels)
    np.testing.assert_array_equal(computed(rest, path).images, whole.images)
    assert rest.rows == COUNT - features.BATCH
    nothing = Dying(images, labels)
    np.testing.assert_array_equal(computed(nothing, path).images, whole.images)
    assert nothing.rows == 0
    path.write_bytes(path.read_bytes()[:100])
    again = Dying(images, labels)
    np.testing.assert_array_equal(computed(again, path).images, whole.images)
    assert again.rows == COUNT
