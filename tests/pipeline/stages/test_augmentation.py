"""Augmentation: dense warps of a batch, the same for the same seed."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converters import stack
from pipeline.sections import AugmentSection
from pipeline.stages import augmentation
from pipeline.stages.augmentation import warp

pytestmark = pytest.mark.tensorflow

Images = npt.NDArray[np.float32]

ROUNDING = 0.3
"""Of 255: places are computed in float32 and a border of 0.001 pixels is cut off."""

LINEAR = {"rotation_degrees": 20, "shear": 0.2, "zoom": 0.2, "shift_pixels": 2, "flip": True, "crop": 0.5}
ALL = AugmentSection(**LINEAR, elastic_pixels=1, contrast=0.5, outside="reflect")


def pictures(*shape: int) -> Images:
    """Grey levels."""
    return np.random.default_rng(1).integers(0, 256, shape).astype(np.float32)


def warped(images: Images, section: AugmentSection, seed: int = 7) -> Images:
    """As an array."""
    tf = stack.load().tf
    return np.asarray(warp(tf.constant(images), tf.constant(seed, tf.int64), section))


@pytest.fixture
def extreme(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every random number at its upper limit."""
    tf = stack.load().tf

    def upper(shape: Any, seed: Any, low: float, high: float) -> Any:
        return tf.fill(shape, tf.constant(high, tf.float32))

    monkeypatch.setattr(tf.random, "stateless_uniform", upper)


@pytest.mark.parametrize("shape", [(3, 9, 7), (3, 9, 7, 1), (2, 8, 8, 3)])
def test_without_limits_nothing_is_changed(shape: tuple[int, ...]) -> None:
    """Neither values nor shape."""
    images = pictures(*shape)
    found = warped(images, AugmentSection())
    assert found.shape == images.shape
    assert np.abs(found - images).max() <= 1e-5 * 255


def test_the_same_seed_warps_alike_and_another_one_does_not() -> None:
    """Each image of a batch by its own warp."""
    images = np.repeat(pictures(1, 12, 12), 3, axis=0)
    first = warped(images, ALL)
    assert np.array_equal(first, warped(images, ALL))
    assert not np.allclose(first, warped(images, ALL, seed=8))
    assert not np.allclose(first[0], first[1])
    assert not np.allclose(first[1], first[2])


def test_every_kind_of_warp_changes_images_and_keeps_their_range() -> None:
    """Reading between pixels never leaves 0..255."""
    images = pictures(4, 12, 12)
    for name, value in ALL.model_dump().items():
        # What lies outside shows only where something reaches it.
        found = warped(images, AugmentSection(**{"shift_pixels": 2} if name == "outside" else {name: value}))
        assert np.abs(found - images).max() > 1, name
        assert found.min() >= 0, name
        assert found.max() <= 255 * (1 + 1e-5), name


def test_a_shift_of_one_pixel_moves_the_image(extreme: None) -> None:
    """What is read one further right and down; black comes in."""
    images = pictures(2, 6, 5)
    found = warped(images, AugmentSection(shift_pixels=1))
    assert np.abs(found[:, :-1, :-1] - images[:, 1:, 1:]).max() <= ROUNDING
    assert np.abs(found[:, -1]).max() <= ROUNDING
    assert np.abs(found[:, :, -1]).max() <= ROUNDING


@pytest.mark.parametrize("size", [7, 8])
def test_a_right_angle_is_numpys(extreme: None, size: int) -> None:
    """About the centre of the image, with odd and even sides; the other way round for the input."""
    images = pictures(2, size, size, 3)
    found = warped(images, AugmentSection(rotation_degrees=90))
    assert np.abs(found - np.rot90(images, 1, axes=(1, 2))).max() <= ROUNDING
    half = warped(images, AugmentSection(rotation_degrees=180))
    assert np.abs(half - images[:, ::-1, ::-1]).max() <= ROUNDING


def test_zoom_reads_wider_and_shear_slants(extreme: None) -> None:
    """By hand, for one row and column."""
    images = pictures(1, 5, 5)
    wide = warped(images, AugmentSection(zoom=0.5))[0]
    # The pixel one right of the centre reads 1.5 right of it.
    assert wide[2, 3] == pytest.approx((images[0, 2, 3] + images[0, 2, 4]) / 2, abs=ROUNDING)
    slanted = warped(images, AugmentSection(shear=1.0))[0]
    assert slanted[3, 1] == pytest.approx(images[0, 3, 2], abs=ROUNDING)
    assert slanted[2, 1] == pytest.approx(images[0, 2, 1], abs=ROUNDING)


def test_far_outside_everything_is_black(extreme: None) -> None:
    """No edge is smeared."""
    assert warped(np.full((1, 6, 6), 255, np.float32), AugmentSection(shift_pixels=50)).max() <= ROUNDING


@pytest.mark.parametrize("outside", ["black", "reflect"])
def test_the_quick_op_reads_what_the_dense_reading_does(outside: str) -> None:
    """Affine warps are the same with either; outside the image too."""
    tf = stack.load().tf
    section = AugmentSection(**{**LINEAR, "shift_pixels": 5, "outside": outside})
    images, seed = tf.constant(pictures(6, 17, 20, 3)), tf.constant(5, tf.int64)
    quick = augmentation._read_affine(images, seed, section)
    dense = augmentation._read_anywhere(images, seed, section)
    assert np.abs(np.asarray(quick - dense)).max() <= ROUNDING


def test_every_other_image_is_mirrored() -> None:
    """The others are left as they are."""
    images = pictures(400, 4, 6, 3)
    found = warped(images, AugmentSection(flip=True))
    mirrored = np.abs(found - images[:, :, ::-1]).max(axis=(1, 2, 3)) <= ROUNDING
    kept = np.abs(found - images).max(axis=(1, 2, 3)) <= ROUNDING
    assert np.all(mirrored ^ kept)
    # Four standard deviations of a fair coin.
    assert abs(mirrored.mean() - 0.5) <= 4 * 0.5 / 400**0.5


def test_a_crop_stays_inside_the_image() -> None:
    """On a ramp one sees where each corner was read, and how much was left."""
    side = 40
    ramp = np.broadcast_to(np.arange(side, dtype=np.float32), (300, side, side))
    for images in (ramp, ramp.transpose(0, 2, 1)):
        found = warped(np.ascontiguousarray(images), AugmentSection(crop=0.5))
        low, high = found.min(axis=(1, 2)), found.max(axis=(1, 2))
        share = (high - low + 1) / side
        assert low.min() >= 0
        assert high.max() <= side - 1
        # Half the area with the widest aspect.
        assert share.min() >= (0.5 / augmentation.CROP_ASPECT) ** 0.5 - 0.02
        assert share.min() < 0.75
        assert low.std() > 1


def test_contrast_is_scaled_about_the_mean(extreme: None) -> None:
    """Of each channel; the mean stays."""
    images = np.random.default_rng(1).uniform(100, 150, (2, 8, 8, 3)).astype(np.float32)
    found = warped(images, AugmentSection(contrast=0.5))
    mean = images.mean(axis=(1, 2), keepdims=True)
    assert np.abs(found - (mean + 1.5 * (images - mean))).max() <= 1e-3


def test_the_elastic_field_is_smooth() -> None:
    """Neighbours move nearly alike: far less between them than between ends of the image."""
    tf = stack.load().tf
    field: Images = np.asarray(augmentation._elastic(8, (28, 28), tf.constant(3, tf.int64), 2.0))[..., 0]
    assert 0.5 < field.std() < 4
    assert np.abs(np.diff(field, axis=2)).mean() < 0.3 * field.std()
