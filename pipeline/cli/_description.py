"""Options of ``pipeline convert MODEL`` that become the file's own metadata, and what is read for them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from converters.tflite.description import Description

Function = TypeVar("Function", bound=Callable[..., Any])

WORDS = ("model_name", "description", "author", "licence")
"""Options that say something of the model, whatever it takes and gives."""

PIXELS = ("pixel_scale", "pixel_offset")
"""Options that say more of a file whose labels are told: that it takes pictures."""

NAMES = ("labels", *WORDS, *PIXELS)


def description_options(function: Function) -> Function:
    """The options, in the order in which help lists them."""
    for option in (
        click.option("--pixel-offset", type=float, default=0.0, show_default=True, help="See --pixel-scale."),
        click.option("--pixel-scale", type=float, default=1.0, show_default=True,
                     help="For MODEL with --labels: it takes pixel x scale + offset, which its metadata then "
                     "says; 1 and 0 where the graph scales."),
        click.option("--licence", default="", help="For MODEL, in its metadata: how it may be used."),
        click.option("--author", default="", help="For MODEL, in its metadata: who made it."),
        click.option("--description", default="", help="For MODEL, in its metadata: what it does."),
        click.option("--name", "model_name", metavar="TEXT",
                     help="For MODEL, in its metadata.  [default: the file's name]"),
        click.option("--labels", type=click.Path(path_type=Path), metavar="FILE.txt",
                     help="For MODEL: UTF-8, one label a line in the order of its output; written into the "
                     "files as TFLite metadata, with what a picture's pixels mean."),
    ):  # fmt: skip
        function = option(function)
    return function


@dataclass(frozen=True, kw_only=True)
class Said:
    """The values of :func:`description_options`."""

    labels: Path | None
    model_name: str | None
    description: str
    author: str
    licence: str
    pixel_scale: float
    pixel_offset: float

    def read(self, model: Path) -> "Description | None":
        """What is written into the files of a model; None where no option tells anything.

        Raises:
            UsageError: labels that cannot be read, pixels without labels, or what metadata cannot hold.
        """
        from converters.errors import MetadataError
        from converters.tflite.description import Description, labels_fault, normalisation_fault
        from pipeline.cli._options import refuse
        from pipeline.errors import UsageError

        labels = None
        if self.labels is None:
            refuse(PIXELS, "is written beside the labels: give --labels FILE.txt too")
            if self.model_name is None and not (self.description or self.author or self.licence):
                return None
        else:
            labels = read_labels(self.labels)
            if fault := labels_fault(labels):
                raise UsageError(f"{self.labels}: {fault}")
        if fault := normalisation_fault(self.pixel_scale, self.pixel_offset):
            given = f"--pixel-scale {self.pixel_scale:g}, --pixel-offset {self.pixel_offset:g}"
            raise UsageError(f"{given}: {fault}")
        try:
            return Description(
                name=model.stem if self.model_name is None else self.model_name,
                description=self.description,
                author=self.author,
                license=self.licence,
                labels=labels,
                pixel_scale=self.pixel_scale,
                pixel_offset=self.pixel_offset,
            )
        except MetadataError as error:
            raise UsageError(str(error)) from error


def read_labels(path: Path) -> tuple[str, ...]:
    """One label a line; a byte order mark and carriage returns of other systems are no part of them.

    Raises:
        UsageError: no readable file, not UTF-8, or without a label.
    """
    from converters.tflite.packed import MOST_TEXT_BYTES
    from pipeline.errors import UsageError

    try:
        with path.open("rb") as file:
            content = file.read(MOST_TEXT_BYTES + 1)  # a photo, named by mistake, has more
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if len(content) > MOST_TEXT_BYTES:
        raise UsageError(f"{path}: more than {MOST_TEXT_BYTES:,} bytes, no file of labels")
    try:
        lines = content.decode("utf-8-sig").replace("\r\n", "\n").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8"
        ) from error
    if lines == [""]:
        raise UsageError(f"{path}: no label in it: write one a line")
    return tuple(lines)
