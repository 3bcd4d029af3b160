"""Images of one's own in idx files, gzipped or not (the format of MNIST)."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.datasets import Source
from pipeline.datasets._idx_format import IMAGES_MAGIC, read_header
from pipeline.datasets._idx_source import IdxSource
from pipeline.errors import DataMissingError
from pipeline.preprocess import PreprocessSpec


class Options(BaseModel):
    """Keys of a recipe's ``[dataset]`` section; paths are relative to the data folder.

    Attributes:
        train_images: idx3 file.
        train_labels: idx1 file.
        test_images: idx3 file.
        test_labels: idx1 file.
        labels: what label 0, 1, 2 ... stands for.
        transposed: the files hold columns first, as EMNIST's do.
        invert: a picture from a camera or a drawing pad is dark on light, the images light on dark.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train_images: str
    train_labels: str
    test_images: str
    test_labels: str
    labels: tuple[str, ...] = Field(min_length=2, max_length=256)
    transposed: bool = False
    invert: bool = False

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        for index, label in enumerate(labels):
            # labels.txt of the bundle holds one a line.
            if not label or not label.isprintable():
                raise ValueError(f"label {index} is {label!r}: it needs visible text on one line")
            if label in labels[:index]:
                raise ValueError(f"label {index} is '{label}' again: no answer could tell the two apart")
        return labels


def locate(options: Options, data: Path | None) -> Source:
    """Finds the four files.

    Raises:
        DataMissingError: a file is not there.
        DataError: the train images' header is damaged.
    """
    root = data or Path()
    paths = [
        root / name
        for name in (
            options.train_images,
            options.train_labels,
            options.test_images,
            options.test_labels,
        )
    ]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise DataMissingError(
            f"missing {', '.join(missing)}: paths in the recipe are relative to --data ({root})"
        )
    header = read_header(paths[0], IMAGES_MAGIC)
    height, width = header.rows, header.columns
    if options.transposed:
        height, width = width, height
    return IdxSource(
        name="idx",
        labels=options.labels,
        preprocess=PreprocessSpec(height=height, width=width, invert=options.invert),
        images={"train": paths[0], "test": paths[2]},
        classes={"train": paths[1], "test": paths[3]},
        values={index: index for index in range(len(options.labels))},
        transposed=options.transposed,
    )
