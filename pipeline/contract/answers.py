"""What a language makes of a case: read from the files its script leaves, or computed by the reference.

``OUT/ID/``: of a picture or an image ``image.u8`` and ``tensor.bin``, of strokes ``pixels.u8`` besides, of an
output ``probabilities.f64`` (float64) and ``top.u32`` (indices of the TOP best classes); little-endian.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline import postprocess
from pipeline.contract.cases import Case
from pipeline.drawing import draw
from pipeline.errors import InternalError
from pipeline.preprocess import Pixels, picture
from pipeline.release.manifest import Manifest
from pipeline.release.raw import read_array
from pipeline.runtimes import door_table

TOP = 5
"""Best classes that are compared; all of them where there are fewer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """Of one case; None for what its kind does not have.

    Attributes:
        pixels: as drawn, u8 (side, side).
        image: after the PreprocessSpec's rounding, u8 of its shape.
        tensor: what stands in the input tensor, in its dtype and the image's shape.
        probabilities: float64 (classes,).
        top: indices of the TOP best classes, the best first.
    """

    pixels: Pixels | None = None
    image: Pixels | None = None
    tensor: npt.NDArray[np.generic] | None = None
    probabilities: npt.NDArray[np.float64] | None = None
    top: tuple[int, ...] = ()


class Reference:
    """Python: what the other languages are compared with, step by step."""

    def __init__(self, manifest: Manifest) -> None:
        """Takes the contract."""
        self.manifest = manifest
        self._table = door_table(manifest.preprocess, manifest.model.input)

    def answer(self, case: Case) -> Answer:
        """All steps of a case."""
        if case.output is not None:
            probabilities = self.probabilities(case.output)
            return Answer(
                probabilities=probabilities, top=tuple(postprocess.top_k(probabilities, self.classes_told))
            )
        pixels = self.pixels(case)
        image = self.image(case, pixels)
        drawn = pixels if case.kind == "strokes" else None
        return Answer(pixels=drawn, image=image, tensor=self.tensor(image))

    @property
    def classes_told(self) -> int:
        """How many of the best classes an answer names."""
        return min(TOP, len(self.manifest.labels))

    def pixels(self, case: Case) -> Pixels:
        """What a case's PreprocessSpec begins with."""
        if case.pixels is not None:
            return case.pixels
        if self.manifest.drawing is None:
            raise InternalError(f"case '{case.id}' has strokes, but the manifest draws none")
        return draw(case.strokes, self.manifest.drawing)

    def image(self, case: Case, pixels: Pixels) -> Pixels:
        """From pixels to the image of the input's size."""
        return pixels if case.kind == "image" else picture(pixels, self.manifest.preprocess)

    def tensor(self, image: Pixels) -> npt.NDArray[np.generic]:
        """From that image to the input tensor."""
        return np.asarray(self._table[image])

    def probabilities(self, output: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
        """From an output tensor to probabilities."""
        door = self.manifest.model.output
        return postprocess.probabilities(
            output, self.manifest.postprocess, scale=door.scale, zero_point=door.zero_point
        )


def read(folder: Path, case: Case, manifest: Manifest) -> Answer:
    """Reads what a script left in ``OUT/ID``.

    Raises:
        StepError: a file is missing, or not of the right size.
    """
    if case.kind == "output":
        told = min(TOP, len(manifest.labels))
        top = read_array(folder / "top.u32", "uint32", (told,))
        return Answer(
            probabilities=read_array(folder / "probabilities.f64", "float64", (len(manifest.labels),)),
            top=tuple(int(index) for index in top),
        )
    shape = manifest.preprocess.shape
    drawn = None
    if case.kind == "strokes" and manifest.drawing is not None:
        drawn = read_array(folder / "pixels.u8", "uint8", (manifest.drawing.side,) * 2)
    return Answer(
        pixels=drawn,
        image=read_array(folder / "image.u8", "uint8", shape),
        tensor=read_array(folder / "tensor.bin", manifest.model.input.dtype, shape),
    )


def read_golden(bundle: Path, case: Case, manifest: Manifest) -> Answer:
    """What the bundle itself says of a golden case that begins with pixels or strokes.

    Raises:
        StepError: as :func:`read`.
    """
    if case.golden is None:
        raise InternalError(f"case '{case.id}' is not golden")
    return read(bundle / "golden" / case.golden.id, case, manifest)
