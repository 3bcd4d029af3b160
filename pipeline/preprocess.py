"""The preprocessing contract: what happens to a picture before the model sees it.

Training, verification and both apps follow one :class:`PreprocessSpec`, which travels in the bundle's
manifest. This file is its reference; the apps hold twins of it with the same arithmetic. The platform
supplies decoded pixels only, rotated by their EXIF orientation.

The steps, in order::

    pixels u8 (H, W, 1 or 3)
      -> channels     gray: (19595 R + 38470 G + 7471 B + 32768) >> 16     (ITU-R BT.601 luma)
      -> invert       255 - v
      -> crop         none | center_square | ink (bounding box of v > ink_threshold; all else turns black)
      -> resize       bilinear with a triangle filter as wide as the reduction, to `fit` or to the input
      -> place        on a black canvas, by bounding box or by centre of mass (crop = ink only)
      -> blur         Gaussian, `blur_sigma` pixels of the canvas
      -> round        to the nearest whole number, halves up: a picture again
      -> scale        v * scale + offset: the number that the model's input tensor stands for

A quantised input tensor then takes ``round(v / tensor.scale) + tensor.zero_point``, halves away from zero.

Twins compute everything between channels and rounding in float64, as this file does (sizes and places of the
ink are rounded: in float32 they can come out a pixel off), ``v / tensor.scale`` in float64 too, and scale and
offset in float32. The steps' constants are this file's PLACE_SLACK and GAUSSIAN_REACH and the luma weights
above; what a decoder makes of 16-bit and transparent pictures stands at :func:`decode`.
"""

import io
import math
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.errors import DataError
from pipeline.resampling import resize

if TYPE_CHECKING:
    from PIL import Image

Pixels = npt.NDArray[np.uint8]
"""Shape (H, W) or (H, W, channels), values 0..255."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""What is decoded: pictures; not the formats whose readers start other programs, such as EPS."""

MAX_DIMENSION = 20_000
"""Pixels along a side that are accepted from a picture; more is refused before memory is taken, and so are
more pixels in all than Pillow takes without a warning, 89 million."""

PLACE_SLACK = 1e-3
"""Pixels added before the place of the ink is rounded. Symmetric ink lies exactly on a half: without the
slack the last bit of a sum, which no two languages add up alike, would move it by a whole pixel."""

GAUSSIAN_REACH = 3
"""Standard deviations that the kernel reaches; the 0.3 % of the weight beyond is spread over the rest."""

LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
SMALLEST_FLOAT32 = float(np.finfo(np.float32).tiny)
"""Of the numbers that keep their precision: scale and offset are applied in float32."""

_OPENING = threading.Lock()
"""Held while a picture's header is read: all threads share Python's warning filters, changed there."""


class PreprocessSpec(BaseModel):
    """From decoded pixels to the model's input; see the module for the order of the steps.

    Attributes:
        height: of the input, pixels.
        width: of the input, pixels.
        channels: ``gray`` gives (height, width), ``rgb`` gives (height, width, 3).
        invert: the picture is dark on light, the model learned light on dark.
        crop: what to keep of the picture.
        ink_threshold: with crop ``ink``: values above it are ink, 0..254.
        fit: with crop ``ink``: the longer side of the ink's box in the input, pixels.
        place: with crop ``ink``: what comes to the middle of the canvas.
        blur_sigma: standard deviation of a Gaussian on the canvas, pixels; 0 for none.
        scale: multiplies 0..255.
        offset: is added after it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    height: int = Field(ge=1, le=4096)
    width: int = Field(ge=1, le=4096)
    channels: Literal["gray", "rgb"] = "gray"
    invert: bool = False
    crop: Literal["none", "center_square", "ink"] = "none"
    ink_threshold: int = Field(default=0, ge=0, le=254)
    fit: int | None = Field(default=None, ge=1)
    place: Literal["box", "mass"] = "box"
    blur_sigma: float = Field(default=0.0, ge=0.0, le=8.0)
    scale: float = 1.0
    offset: float = 0.0

    @model_validator(mode="after")
    def _check(self) -> "PreprocessSpec":
        if self.crop == "ink" and (
            self.channels != "gray" or self.fit is None or self.fit > min(self.height, self.width)
        ):
            raise ValueError("crop 'ink' needs channels 'gray' and fit no larger than the input")
        if self.crop != "ink" and (self.fit is not None or self.ink_threshold or self.place != "box"):
            raise ValueError("fit, ink_threshold and place go with crop 'ink'")
        if self.scale == 0.0:
            raise ValueError("scale 0 makes every picture the same")
        ends = (self.scale, self.offset, 255 * self.scale + self.offset)
        if max(map(abs, ends)) > LARGEST_FLOAT32 or abs(self.scale) < SMALLEST_FLOAT32:
            raise ValueError(f"scale {self.scale:g} and offset {self.offset:g} leave the range of float32")
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the input without batch."""
        gray = self.channels == "gray"
        return (self.height, self.width) if gray else (self.height, self.width, 3)

    @property
    def value_range(self) -> tuple[float, float]:
        """Lowest and highest number that the input tensor stands for, as :func:`tensor` rounds them."""
        ends = tensor(np.array([0, 255], dtype=np.uint8), self)
        return float(ends.min()), float(ends.max())


def decode(source: Path | bytes, *, admit: Callable[[int], None] | None = None) -> Pixels:
    """Decodes a picture and rotates it by its EXIF orientation. Threads may decode side by side.

    Part of the contract, for both apps too: of 16 bits a channel the high byte is taken, ``v >> 8``; what is
    transparent (alpha, or a transparent colour of a palette) lies on white, as on paper.

    Args:
        source: a file, or its bytes.
        admit: called with the number of pixels before memory is taken for them; may wait.

    Returns:
        (H, W, 3) RGB, u8.

    Raises:
        DataError: not a picture, damaged, or larger than MAX_DIMENSION along a side.
    """
    from PIL import Image, ImageOps

    name = "picture" if isinstance(source, bytes) else str(source)
    try:
        with _OPENING, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
        with opened as image:
            if max(image.size) > MAX_DIMENSION:
                raise DataError(
                    f"{name}: {image.size[0]}x{image.size[1]} pixels is too large "
                    f"(at most {MAX_DIMENSION:,} along a side)"
                )
            if admit is not None:
                admit(image.size[0] * image.size[1])
            ImageOps.exif_transpose(image, in_place=True)
            flat = _on_paper(image)
            # Converting to what it is already would copy it once more.
            return np.asarray(flat if flat.mode == "RGB" else flat.convert("RGB"))
    except DataError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DataError(f"{name}: too large: {error}") from error
    # Damage shows as almost any exception of Pillow's readers: SyntaxError, ValueError, struct.error ...
    except Exception as error:
        raise DataError(f"{name}: not a readable picture: {error}") from error


def _on_paper(image: "Image.Image") -> "Image.Image":
    """A picture of 8 bits a channel without transparency; Pillow's own conversion clips and uncovers."""
    from PIL import Image

    # Of an "I" picture Pillow does not tell how many bits it had; the formats that give one have 16.
    if image.mode.startswith("I"):
        values = np.asarray(image, dtype=np.int64)
        high = np.where(values == image.info.get("transparency"), 255, np.clip(values >> 8, 0, 255))
        return Image.fromarray(high.astype(np.uint8))
    if not image.has_transparency_data:
        return image
    seen = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)


def picture(pixels: Pixels, spec: PreprocessSpec) -> Pixels:
    """Applies every step up to rounding.

    Args:
        pixels: (H, W), (H, W, 1) or (H, W, 3).
        spec: the contract.

    Returns:
        u8 of ``spec.shape``: what a training image of the dataset looks like.

    Raises:
        DataError: pixels of another shape or dtype.
    """
    canvas = _channels(pixels, spec)
    if spec.invert:
        canvas = np.asarray(255 - canvas, dtype=np.uint8)
    size = (spec.height, spec.width)
    if spec.crop == "ink":
        values = _place_ink(canvas, spec)
    else:
        if spec.crop == "center_square":
            canvas = _center_square(canvas)
        values = resize(canvas, size)
    if spec.blur_sigma > 0:
        values = _blur(values, spec.blur_sigma)
    # Means of pixels leave 0..255 by no more than their last bits: cutting the fraction off is rounding down.
    return (values + 0.5).astype(np.uint8)


def tensor(image: Pixels, spec: PreprocessSpec) -> npt.NDArray[np.float32]:
    """Scales a picture of the input's size to the numbers that the input tensor stands for.

    Args:
        image: u8, (..., *spec.shape).
        spec: the contract.

    Returns:
        float32 of the same shape.
    """
    if spec.scale == 1.0 and spec.offset == 0.0:
        return image.astype(np.float32)
    return np.asarray(image * np.float32(spec.scale) + np.float32(spec.offset), dtype=np.float32)


def quantise(
    values: npt.NDArray[np.float32], *, scale: float, zero_point: int, dtype: str
) -> npt.NDArray[np.generic]:
    """Real numbers to a quantised tensor: ``round(v / scale) + zero_point``, halves away from zero.

    Args:
        values: any shape.
        scale: of the tensor, > 0.
        zero_point: of the tensor.
        dtype: ``uint8`` or ``int8``; values beyond its range are clamped.

    Source: TensorFlow Lite 8-bit quantisation specification, ``real = (q - zero_point) * scale``.
    """
    steps = np.asarray(values, dtype=np.float64) / scale
    rounded = np.trunc(steps + np.copysign(0.5, steps)) + zero_point
    limits = np.iinfo(dtype)
    return np.asarray(np.clip(rounded, limits.min, limits.max), dtype=dtype)


def dequantise(values: npt.NDArray[np.generic], *, scale: float, zero_point: int) -> npt.NDArray[np.float32]:
    """A quantised tensor to real numbers: ``(q - zero_point) * scale``, float32, same shape."""
    return (values.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)


def _channels(pixels: Pixels, spec: PreprocessSpec) -> Pixels:
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise DataError(f"pixels are {pixels.dtype} {pixels.shape}, not u8 (H, W, 1 or 3)")
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    if pixels.shape[2] not in (1, 3):
        raise DataError(f"pixels have {pixels.shape[2]} channels, not 1 or 3")
    if spec.channels == "rgb":
        return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    red, green, blue = (pixels[:, :, i].astype(np.uint32) for i in range(3))
    return np.asarray((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16, dtype=np.uint8)


def _center_square(canvas: Pixels) -> Pixels:
    height, width = canvas.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return canvas[top : top + side, left : left + side]


def _place_ink(canvas: Pixels, spec: PreprocessSpec) -> npt.NDArray[np.float64]:
    out = np.zeros((spec.height, spec.width), dtype=np.float64)
    ink = canvas > spec.ink_threshold
    if not ink.any():
        return out
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    # Paper is never quite white: what is not ink turns black, as in the datasets.
    box = np.where(ink, canvas, 0)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float64)
    longer = max(box.shape)
    assert spec.fit is not None  # noqa: S101 - PreprocessSpec validates it
    height = max(1, math.floor(box.shape[0] * spec.fit / longer + 0.5))
    width = max(1, math.floor(box.shape[1] * spec.fit / longer + 0.5))
    small = resize(box, (height, width))
    if spec.place == "mass" and small.sum() > 0:
        row = (small.sum(axis=1) * (np.arange(height) + 0.5)).sum() / small.sum()
        column = (small.sum(axis=0) * (np.arange(width) + 0.5)).sum() / small.sum()
    else:
        row, column = height / 2, width / 2
    # The ink stays whole: a lopsided one is moved no further than to the edge.
    half = 0.5 + PLACE_SLACK
    top = min(max(math.floor(spec.height / 2 - row + half), 0), spec.height - height)
    left = min(max(math.floor(spec.width / 2 - column + half), 0), spec.width - width)
    out[top : top + height, left : left + width] = small
    return out


def _blur(values: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
    """Separable Gaussian, black beyond the edge."""
    reach = math.ceil(GAUSSIAN_REACH * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        values = np.apply_along_axis(np.convolve, axis, values, kernel, mode="full")
        values = np.take(values, np.arange(reach, values.shape[axis] - reach), axis=axis)
    return values
