"""The cases: a bundle's golden ones, and random ones of every kind, written where each language reads them.

``CASES/manifest.json`` is a bundle's; ``CASES/cases.json`` lists the cases::

    {"cases": [{"id": ..., "kind": "picture", "pixels_shape": [h, w] or [h, w, c]},     CASES/ID/pixels.u8
               {"id": ..., "kind": "image",   "pixels_shape": [h, w] or [h, w, c]},     CASES/ID/pixels.u8
               {"id": ..., "kind": "strokes", "strokes": [[[x, y], ...], ...]},
               {"id": ..., "kind": "output"}]}                                          CASES/ID/output.bin

Files are row-major and little-endian, as in a bundle's ``golden/``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pipeline.contract import random_cases
from pipeline.drawing import Stroke
from pipeline.errors import StepError
from pipeline.preprocess import Pixels
from pipeline.release import golden
from pipeline.release.manifest import FILE, GoldenCase, Manifest
from pipeline.release.raw import little_endian, read_array
from pipeline.release.replay import read_strokes

Kind = Literal["picture", "image", "strokes", "output"]
KINDS: tuple[Kind, ...] = ("picture", "image", "strokes", "output")


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """What a language is given.

    Attributes:
        id: name of its folder.
        kind: ``picture`` goes through the whole PreprocessSpec, ``image`` is of the input's size and only
            fills the tensor, ``strokes`` are drawn first, ``output`` is what a model left in its output
            tensor.
        pixels: of a picture or an image, u8 (H, W) or (H, W, C).
        strokes: polylines of (x, y).
        output: (classes,) in the output tensor's dtype.
        golden: the bundle's case that it is; None for a random one.
    """

    id: str
    kind: Kind
    pixels: Pixels | None = None
    strokes: Sequence[Stroke] = ()
    output: npt.NDArray[np.generic] | None = None
    golden: GoldenCase | None = None


def golden_cases(bundle: Path, manifest: Manifest) -> list[Case]:
    """A bundle's golden cases; each once more from its output on.

    Raises:
        StepError: a file is missing or of another size than the manifest says, or strokes without drawing.
    """
    found = []
    for case in manifest.golden.cases:
        folder = bundle / golden.FOLDER / case.id
        name: str = f"golden-{case.id}"
        if case.kind == "strokes":
            if manifest.drawing is None:
                raise StepError(f"{bundle / FILE}: case '{case.id}' has strokes, but 'drawing' is not there")
            found.append(
                Case(id=name, kind="strokes", strokes=read_strokes(folder / golden.STROKES), golden=case)
            )
        else:
            pixels = read_array(folder / "pixels.u8", "uint8", case.pixels_shape)
            found.append(Case(id=name, kind=case.kind, pixels=pixels, golden=case))
        door = manifest.model.output
        output = read_array(folder / "output.bin", door.dtype, door.shape[1:])
        # Such a name is no other case's, whatever their ids are: both become folders.
        found.append(Case(id=f"golden_output-{case.id}", kind="output", output=output, golden=case))
    return found


def made(manifest: Manifest, *, count: int, seed: int) -> list[Case]:
    """Random cases: of eight three are pictures, two outputs, one is an image, two are strokes.

    Where the contract draws nothing images stand for strokes.

    Args:
        manifest: whose contract they are for.
        count: how many.
        seed: the same one gives the same cases.
    """
    rng = np.random.default_rng(seed)
    kinds: list[Kind] = ["picture", "output", "picture", "strokes" if manifest.drawing else "image"]
    found = []
    for number in range(count):
        # Every eighth is an image: 256 values a channel are soon seen.
        kind: Kind = "image" if number % 8 == 4 else kinds[number % len(kinds)]
        name = f"random-{kind}-{number:04d}"
        if kind == "strokes":
            found.append(Case(id=name, kind=kind, strokes=random_cases.strokes(rng, number // 4)))
        elif kind == "output":
            output = random_cases.output(rng, manifest.model.output)
            found.append(Case(id=name, kind=kind, output=output))
        elif kind == "image":
            found.append(Case(id=name, kind=kind, pixels=random_cases.image(rng, manifest.preprocess)))
        else:
            found.append(Case(id=name, kind=kind, pixels=random_cases.pixels(rng)))
    return found


def write(folder: Path, manifest: Manifest, cases: Sequence[Case]) -> None:
    """Writes cases as the languages' scripts read them; ``folder`` must be empty."""
    (folder / FILE).write_text(manifest.model_dump_json(), "utf-8")
    records: list[dict[str, Any]] = []
    for case in cases:
        record: dict[str, Any] = {"id": case.id, "kind": case.kind}
        (folder / case.id).mkdir()
        if case.pixels is not None:
            record["pixels_shape"] = list(case.pixels.shape)
            (folder / case.id / "pixels.u8").write_bytes(np.ascontiguousarray(case.pixels).tobytes())
        if case.kind == "strokes":
            record["strokes"] = case.strokes
        if case.output is not None:
            (folder / case.id / "output.bin").write_bytes(little_endian(case.output))
        records.append(record)
    (folder / "cases.json").write_text(json.dumps({"cases": records}, allow_nan=False) + "\n", "utf-8")
