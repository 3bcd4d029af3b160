"""What is written of a model into its file, and which words and figures that may be."""

import math
import unicodedata
from dataclasses import dataclass

import numpy as np

from converters.errors import MetadataError
from converters.tflite import packed

LONGEST_TEXT = 1_000
"""Characters of a name, description and the like: a paragraph; the metadata is read whole at every start."""

LONGEST_LABEL = 500
"""Characters of a label. The longest of ImageNet's, which list synonyms, have some 120."""

PIXEL_ENDS = (0, 255)
"""Darkest and brightest value of a pixel."""

MOST = float(np.finfo(np.float32).max)
"""The schema's numbers are float32: a larger one would be written as infinity."""

_UNPRINTABLE = {"Cc": "control character", "Cs": "half of a surrogate pair", "Zl": "line separator",
                "Zp": "paragraph separator"}  # fmt: skip
"""Categories of Unicode that would break a line of the labels or move a terminal's cursor."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is written of a model; texts are one line each, and left out where they are empty.

    Attributes:
        name: of the model.
        description: what it does.
        version: of the model.
        author: who made it.
        license: under which it may be used.
        labels: what each class stands for, in the order of the output. None: the words above are written, and
            nothing is said of inputs and outputs.
        pixel_scale: a pixel v of 0..255 becomes the number v * pixel_scale + pixel_offset, which the input
            stands for; 1 and 0 where that happens within the graph. Above 0: clients divide by its inverse.
        pixel_offset: see there.

    Raises:
        MetadataError: a text is too long or holds control characters; a label is empty; the normalisation is
            none that float32 holds.
    """

    name: str
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    labels: tuple[str, ...] | None = None
    pixel_scale: float = 1.0
    pixel_offset: float = 0.0

    def __post_init__(self) -> None:
        for field in ("name", "description", "version", "author", "license"):
            if fault := _text_fault(getattr(self, field), longest=LONGEST_TEXT):
                raise MetadataError(f"the model's {field} {fault}")
        if fault := labels_fault(self.labels or ()):
            raise MetadataError(fault)
        if fault := normalisation_fault(self.pixel_scale, self.pixel_offset):
            raise MetadataError(
                f"pixel_scale {self.pixel_scale:g}, pixel_offset {self.pixel_offset:g}: {fault}"
            )


def labels_text(labels: tuple[str, ...]) -> bytes:
    """The content of the labels file: UTF-8, a newline after each."""
    return "".join(f"{label}\n" for label in labels).encode()


def labels_fault(labels: tuple[str, ...]) -> str:
    """Why labels cannot be written, with the line, from 1 on; "" where they can."""
    for line, label in enumerate(labels, start=1):
        if not label:
            return f"line {line} of the labels is empty: class {line - 1} would have no name in the app"
        if fault := _text_fault(label, longest=LONGEST_LABEL):
            return f"line {line} of the labels {fault}"
    size = len(labels_text(labels))
    if size > packed.MOST_TEXT_BYTES:
        return (
            f"{len(labels):,} labels take {size:,} bytes, {packed.MOST_TEXT_BYTES:,} are read of a "
            "file of labels: shorten them"
        )
    return ""


def normalisation_fault(scale: float, offset: float) -> str:
    """Why v * scale + offset cannot be written as a normalisation; "" where it can."""
    if not (math.isfinite(scale) and math.isfinite(offset)):
        return "scale and offset must be finite numbers"
    if scale == 0.0:
        return "scale 0 makes every picture the same"
    if scale < 0.0:
        return "a scale below 0 would be a negative standard deviation: invert within the graph"
    numbers = {
        "standard deviation 1 / scale": 1 / scale,
        "mean -offset / scale": -offset / scale,
        "brightest value 255 * scale + offset": PIXEL_ENDS[1] * scale + offset,
    }
    for what, number in numbers.items():
        if not abs(number) <= MOST:
            return f"the {what} is beyond float32, in which metadata is written"
    return ""


def _text_fault(text: str, *, longest: int) -> str:
    """The end of a sentence about it; "" where it can be written."""
    if len(text) > longest:
        return f"has {len(text):,} characters, at most {longest:,} are written: shorten it"
    for character in text:
        kind = _UNPRINTABLE.get(unicodedata.category(character))
        if kind is not None:
            return f"holds {kind} {character!r}: take it out"
    return ""
