"""Augmentation: one warp per training image, the same for the same seed; it never reaches a model's graph.

For an output pixel at offset (x, y) from the image's centre the input is read, bilinearly, at

    centre + A (crop (mirror (x, y))) + shift + elastic(x, y)

where A is rotation x shear x zoom and crop moves and shrinks the window that is read. The elastic field is
white noise on a coarse grid, enlarged with a cubic kernel, so that it is smooth (after Simard, Steinkraus and
Platt, "Best practices for convolutional neural networks", 2003, who smooth with a Gaussian). One reading
instead of one per step blurs the image once. Random layers of Keras keep a state that no checkpoint holds;
here a warp follows from the seed alone, so that a training that was killed goes on as if it had not been.
"""

import math
from typing import Any

from converters import stack
from pipeline.sections import AugmentSection

ELASTIC_GRID = 5
"""Cells of the noise along each side: a stroke bends a few times across a character, it does not tremble."""

CROP_ASPECT = 4 / 3
"""Most that width and height of a crop differ in scale, as random crops of ImageNet trainings have it."""

_ROTATION, _SHEAR, _ZOOM_X, _ZOOM_Y, _SHIFT, _ELASTIC, _FLIP, _AREA, _ASPECT, _PLACE, _CONTRAST = range(11)
"""Second words of the seeds."""


def warp(images: Any, seed: Any, section: AugmentSection) -> Any:
    """Warps every image of a batch by its own random transform.

    Args:
        images: tf.float32 (batch, height, width) or (batch, height, width, channels), 0..255.
        seed: scalar tf.int64; the same seed gives the same warps.
        section: how far.

    Returns:
        A tensor like ``images``.
    """
    tf = stack.load().tf
    flat = images if images.shape.rank == 4 else images[..., tf.newaxis]
    read = _read_anywhere if section.elastic_pixels else _read_affine
    warped = read(flat, seed, section)
    if section.contrast:
        mean = tf.reduce_mean(warped, axis=(1, 2), keepdims=True)
        factor = 1.0 + _uniform(tf.shape(flat)[0], seed, _CONTRAST, section.contrast, 1, 1, 1)
        warped = tf.clip_by_value(mean + (warped - mean) * factor, 0.0, 255.0)
    return tf.reshape(warped, tf.shape(images))


def _read_affine(images: Any, seed: Any, section: AugmentSection) -> Any:
    """Without an elastic field the sources are an affine map of the places, for which there is a quick op."""
    tf = stack.load().tf
    height, width = images.shape[1:3]
    # Where the places (0, 0), (1, 0) and (0, 1) read gives the map.
    corner = tf.constant([[0.0, 1.0, 0.0]]), tf.constant([[0.0, 0.0, 1.0]])
    x, y = _sources(tf.shape(images)[0], (height, width), *corner, seed, section)
    rows = [
        row
        for read in (x[:, 0], y[:, 0])
        for row in (read[:, 1] - read[:, 0], read[:, 2] - read[:, 0], read[:, 0])
    ]
    zero = tf.zeros_like(rows[0])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*rows, zero, zero], axis=1),
        output_shape=(height, width),
        interpolation="BILINEAR",
        fill_mode={"black": "CONSTANT", "reflect": "REFLECT"}[section.outside],
        fill_value=0.0,
    )


def _read_anywhere(images: Any, seed: Any, section: AugmentSection) -> Any:
    """Each output pixel has a source of its own."""
    tf = stack.load().tf
    batch = tf.shape(images)[0]
    height, width, channels = images.shape[1:]
    down, across = tf.meshgrid(
        tf.range(height, dtype=tf.float32), tf.range(width, dtype=tf.float32), indexing="ij"
    )
    x, y = _sources(batch, (height, width), across, down, seed, section)
    field = _elastic(batch, (height, width), seed, section.elastic_pixels)
    x, y = x + field[..., 0], y + field[..., 1]
    if section.outside == "reflect":
        x, y = _reflected(x, width), _reflected(y, height)
    # A border of zeros: whatever lies outside is read from it.
    mode = "CONSTANT" if section.outside == "black" else "SYMMETRIC"
    padded = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], mode=mode)
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
    return (1 - bottom_share) * upper + bottom_share * lower


def _elastic(batch: Any, size: tuple[int, int], seed: Any, deviation: float) -> Any:
    """Smooth displacements, (batch, height, width, 2): x and y, in pixels."""
    tf = stack.load().tf
    noise = tf.random.stateless_normal(
        (batch, ELASTIC_GRID, ELASTIC_GRID, 2), tf.stack([seed, _ELASTIC]), stddev=deviation
    )
    return tf.image.resize(noise, size, "bicubic")


def _reflected(places: Any, length: int) -> Any:
    """Places beyond an edge, reflected there; the edge pixel stands twice: ``b a | a b c | c b``."""
    tf = stack.load().tf
    around = tf.math.floormod(places + 0.5, 2.0 * length)
    return tf.minimum(around, 2.0 * length - around) - 0.5


def _sources(
    batch: Any, size: tuple[int, int], across: Any, down: Any, seed: Any, section: AugmentSection
) -> tuple[Any, Any]:
    """Where output pixels read, without the elastic field.

    Args:
        batch: number of images.
        size: (height, width) of an image.
        across: x of the pixels, (rows, columns).
        down: y of them.
        seed: of the batch.
        section: how far.

    Returns:
        x and y, (batch, rows, columns), in pixels of the input.
    """
    tf = stack.load().tf

    def uniform(salt: int, limit: float, *shape: int) -> Any:
        return _uniform(batch, seed, salt, limit, *shape)

    height, width = size
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    across, down = across - centre_x, down - centre_y
    if section.flip:
        across = across * tf.where(uniform(_FLIP, 1.0, 1, 1) < 0, -1.0, 1.0)
    if section.crop:
        area = 1.0 - tf.abs(uniform(_AREA, section.crop, 1, 1))
        aspect = tf.exp(uniform(_ASPECT, math.log(CROP_ASPECT), 1, 1))
        share_x, share_y = (tf.minimum(tf.sqrt(each), 1.0) for each in (area * aspect, area / aspect))
        place = uniform(_PLACE, 0.5, 2)
        across = across * share_x + place[:, 0, tf.newaxis, tf.newaxis] * (1.0 - share_x) * width
        down = down * share_y + place[:, 1, tf.newaxis, tf.newaxis] * (1.0 - share_y) * height
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
    return x, y


def _uniform(batch: Any, seed: Any, salt: int, limit: float, *shape: int) -> Any:
    """Evenly between -limit and limit, (batch, *shape); each salt draws apart from the others."""
    tf = stack.load().tf
    return tf.random.stateless_uniform((batch, *shape), tf.stack([seed, salt]), -limit, limit)
