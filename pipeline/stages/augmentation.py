"""Augmentation: one dense warp per training image, the same for the same seed.

For an output pixel at offset (x, y) from the image's centre the input is read, bilinearly, at

    centre + A (x, y) + shift + elastic(x, y)

where A is rotation x shear x zoom. The elastic field is white noise on a coarse grid, enlarged with a cubic
kernel, so that it is smooth (after Simard, Steinkraus and Platt, "Best practices for convolutional neural
networks", 2003, who smooth with a Gaussian). One reading instead of one per step blurs the image once.
"""

import math
from typing import Any

from converters import stack
from pipeline.sections import AugmentSection

ELASTIC_GRID = 5
"""Cells of the noise along each side: a stroke bends a few times across a character, it does not tremble."""

_ROTATION, _SHEAR, _ZOOM_X, _ZOOM_Y, _SHIFT, _ELASTIC = range(6)
"""Second words of the seeds."""


def warp(images: Any, seed: Any, section: AugmentSection) -> Any:
    """Warps every image of a batch by its own random transform; what comes in from outside is 0.

    Args:
        images: tf.float32 (batch, height, width) or (batch, height, width, channels).
        seed: scalar tf.int64; the same seed gives the same warps.
        section: how far.

    Returns:
        A tensor like ``images``.
    """
    tf = stack.load().tf
    flat = images if images.shape.rank == 4 else images[..., tf.newaxis]
    batch = tf.shape(flat)[0]
    height, width, channels = flat.shape[1:]
    x, y = _sources(batch, height, width, seed, section)
    # A border of zeros: whatever lies outside is read from it.
    padded = tf.pad(flat, [[0, 0], [1, 1], [1, 1], [0, 0]])
    x = tf.clip_by_value(x + 1.0, 0.0, width + 1.0 - 1e-3)
    y = tf.clip_by_value(y + 1.0, 0.0, height + 1.0 - 1e-3)
    left, top = tf.floor(x), tf.floor(y)
    right_share, bottom_share = (x - left)[..., tf.newaxis], (y - top)[..., tf.newaxis]
    stride = width + 2
    corner = tf.reshape(tf.cast(top, tf.int32) * stride + tf.cast(left, tf.int32), (batch, height * width))
    pixels = tf.reshape(padded, (batch, (height + 2) * stride, channels))

    def read(offset: int) -> Any:
        found = tf.gather(pixels, corner + offset, batch_dims=1)
        return tf.reshape(found, (batch, height, width, channels))

    upper = (1 - right_share) * read(0) + right_share * read(1)
    lower = (1 - right_share) * read(stride) + right_share * read(stride + 1)
    return tf.reshape((1 - bottom_share) * upper + bottom_share * lower, tf.shape(images))


def _sources(batch: Any, height: int, width: int, seed: Any, section: AugmentSection) -> tuple[Any, Any]:
    """Where each output pixel reads: x and y, (batch, height, width), in pixels of the input."""
    tf = stack.load().tf

    def uniform(salt: int, limit: float, *shape: int) -> Any:
        return tf.random.stateless_uniform((batch, *shape), tf.stack([seed, salt]), -limit, limit)

    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    down, across = tf.meshgrid(
        tf.range(height, dtype=tf.float32) - centre_y,
        tf.range(width, dtype=tf.float32) - centre_x,
        indexing="ij",
    )
    angle = uniform(_ROTATION, math.radians(section.rotation_degrees), 1, 1)
    slant = uniform(_SHEAR, section.shear, 1, 1)
    zoom_x = 1.0 + uniform(_ZOOM_X, section.zoom, 1, 1)
    zoom_y = 1.0 + uniform(_ZOOM_Y, section.zoom, 1, 1)
    shift = uniform(_SHIFT, section.shift_pixels, 2)
    slanted = across + slant * down
    x = zoom_x * (tf.cos(angle) * slanted - tf.sin(angle) * down) + centre_x
    y = zoom_y * (tf.sin(angle) * slanted + tf.cos(angle) * down) + centre_y
    x += shift[:, 0, tf.newaxis, tf.newaxis]
    y += shift[:, 1, tf.newaxis, tf.newaxis]
    if section.elastic_pixels:
        noise = tf.random.stateless_normal(
            (batch, ELASTIC_GRID, ELASTIC_GRID, 2), tf.stack([seed, _ELASTIC]), stddev=section.elastic_pixels
        )
        field = tf.image.resize(noise, (height, width), "bicubic")
        x, y = x + field[..., 0], y + field[..., 1]
    return x, y
