"""The 1,797 real handwritten digits that come with scikit-learn, brought to 28x28 as EMNIST is.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998 (its test part): 8x8 counts of ink, 0..16.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from pipeline.datasets import Batch, Labels, Source, Split, picked
from pipeline.drawing import DrawingSpec
from pipeline.preprocess import Pixels, PreprocessSpec, picture
from pipeline.sampling import Indices

FULL_INK = 16
"""Largest count in the source's 8x8 cells."""

PREPROCESS = PreprocessSpec(
    height=28, width=28, invert=True, crop="ink", ink_threshold=32, fit=20, place="box"
)

DRAWING = DrawingSpec(side=280, pen=0.22)
"""Strokes drawn so have, after PREPROCESS, the median width of the real ones: 4.1 of 28 pixels, measured on
the first 400 train images, whose middle lines were drawn again with several pens (0.225 gave the same width);
``python -m tests.pen digits`` measures it anew. So broad, because 8x8 cells know no thinner line."""


class Options(BaseModel):
    """Keys of a recipe's ``[dataset]`` section.

    Attributes:
        test: share that is held out as the test set: the last digits of the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    test: float = Field(default=0.2, gt=0.0, lt=1.0)


@dataclass(frozen=True, kw_only=True)
class _Digits(Source):
    images: Pixels
    classes: Labels
    boundary: int
    files: tuple[Path, ...]
    name: str = "digits"
    labels: tuple[str, ...] = tuple("0123456789")
    preprocess: PreprocessSpec = PREPROCESS
    drawing: DrawingSpec | None = field(default=DRAWING)
    published: dict[Split, int] = field(default_factory=dict)

    def count(self, split: Split) -> int:
        return self.boundary if split == "train" else len(self.images) - self.boundary

    def class_indices(self, split: Split) -> Labels:
        return self.classes[self._part(split)]

    def batches(self, split: Split, rows: Indices | None = None) -> Iterator[Batch]:
        # The cells are light on dark already: what is left is crop, resize and placing.
        upright = PREPROCESS.model_copy(update={"invert": False, "ink_threshold": 0})
        every = np.stack([picture(image, upright) for image in self.images[self._part(split)]])
        return picked(iter([every]), rows)

    def _part(self, split: Split) -> slice:
        return slice(0, self.boundary) if split == "train" else slice(self.boundary, None)


def locate(options: Options, data: Path | None) -> Source:  # noqa: ARG001 - it is always there
    """Reads the set that scikit-learn has installed."""
    from importlib.resources import files

    from sklearn.datasets import load_digits

    values = load_digits()
    images = np.asarray(np.rint(values.images * (255 / FULL_INK)), dtype=np.uint8)
    return _Digits(
        images=images,
        classes=np.asarray(values.target, dtype=np.int64),
        boundary=round(len(images) * (1 - options.test)),
        files=(Path(str(files("sklearn.datasets.data") / "digits.csv.gz")),),
    )
