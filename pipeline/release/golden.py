"""Golden vectors: cases with every intermediate result, for the tests of apps in any language.

Each case is a folder with raw files: ``pixels.u8`` (what the platform decoded), ``image.u8`` (after
PreprocessSpec, up to rounding), ``tensor.bin`` (what stands in the input tensor), ``output.bin`` (what
the runtime left in the output tensor). All are row-major and little-endian. Where the images are written by
hand some cases begin before that, with ``strokes.json``.

``encoded.*`` is one picture case as a file: a PNG that was made for it, or where the dataset has encoded
files one of those, without its metadata (:mod:`pipeline.release.bare_photo`). ``CREDITS.txt`` names who made
the photos.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline import runtimes
from pipeline.artifacts import TensorSpec, Variant
from pipeline.console import Console
from pipeline.drawing import DrawingSpec, Stroke, draw
from pipeline.errors import RuntimeFailure
from pipeline.parity.tolerance import OUTPUT_TOLERANCE, PICTURE_LEVELS
from pipeline.preprocess import Pixels, PreprocessSpec, picture
from pipeline.release import photo_credits, scribbles
from pipeline.release.bare_photo import bare
from pipeline.release.examples import Example, on_paper, photo_pixels
from pipeline.release.manifest import Golden, GoldenCase
from pipeline.release.raw import little_endian
from pipeline.runtimes import Job, door_table, model_file

FOLDER = "golden"
PICTURES = 8
"""Cases that go through the whole PreprocessSpec; the others start at the input's size."""

DRAWN = 3
"""Cases that begin with strokes: each weighs its drawn pixels, and one already shows another pen or place."""

STROKES = "strokes.json"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a case starts with: pixels as decoded or drawn, and the image that they give."""

    id: str
    kind: Literal["image", "picture", "strokes"]
    pixels: Pixels
    image: Pixels
    example: Example | None = None
    strokes: Sequence[Stroke] = ()


def write(
    bundle: Path,
    examples: Sequence[Example],
    spec: PreprocessSpec,
    shipped: Variant,
    *,
    photos: Sequence[Example] = (),
    drawing: DrawingSpec | None = None,
    runtime: str,
    seed: int,
    console: Console,
) -> Golden:
    """Computes and writes all cases into ``BUNDLE/golden``.

    Args:
        bundle: folder that holds ``model.tflite``.
        examples: one per class or so; without photos the first PICTURES of them become picture cases too.
        spec: the contract.
        shipped: the variant that ``model.tflite`` is.
        photos: examples with an encoded file, which become the picture cases.
        drawing: how strokes become pixels; without it there are no cases of strokes.
        runtime: that computes the outputs.
        seed: of the picture cases' paper, and of the strokes.
        console: for progress.

    Raises:
        RuntimeFailure: the runtime cannot run the model.
        DataError: a photo is no longer what its image was decoded from.
    """
    cases = _cases(examples, photos, spec, np.random.default_rng([seed, 5]))
    if drawing is not None:
        cases += _drawn(drawing, spec, seed)
    records = store(bundle, cases, spec, shipped.input, runtime=runtime, console=console)
    shown, encoded = _encode(_shown(cases, records), bundle / FOLDER, has_files=bool(photos))
    photo_credits.write(bundle / FOLDER, ((record.file, record.credit) for record in records))
    return Golden(
        runtime=f"{runtime} {runtimes.version(runtime)}",
        image_tolerance=PICTURE_LEVELS,
        output_tolerance=OUTPUT_TOLERANCE[shipped.scheme],
        encoded=(shown, f"{FOLDER}/{encoded}"),
        cases=records,
    )


def store(
    bundle: Path,
    cases: Sequence[Case],
    spec: PreprocessSpec,
    door: TensorSpec,
    *,
    runtime: str,
    console: Console,
) -> tuple[GoldenCase, ...]:
    """Writes cases with their tensors and the runtime's outputs, a folder each.

    Raises:
        RuntimeFailure: the runtime cannot run the model.
    """
    images = np.stack([case.image for case in cases])
    answers = outputs(bundle / "model.tflite", images, spec, runtime, console)
    table = door_table(spec, door)
    records = []
    for case, output in zip(cases, answers, strict=True):
        folder = bundle / FOLDER / case.id
        folder.mkdir(parents=True)
        (folder / "pixels.u8").write_bytes(np.ascontiguousarray(case.pixels).tobytes())
        (folder / "image.u8").write_bytes(np.ascontiguousarray(case.image).tobytes())
        (folder / "tensor.bin").write_bytes(little_endian(table[case.image]))
        (folder / "output.bin").write_bytes(little_endian(output))
        if case.kind == "strokes":
            (folder / STROKES).write_text(json.dumps(case.strokes) + "\n", "utf-8")
        example = case.example
        records.append(
            GoldenCase(
                id=case.id,
                kind=case.kind,
                pixels_shape=case.pixels.shape,
                label=None if example is None else example.label,
                top1=int(np.argmax(output)),
                file="" if example is None else example.file,
                credit="" if example is None else example.credit,
            )
        )
    return tuple(records)


def _drawn(drawing: DrawingSpec, spec: PreprocessSpec, seed: int) -> list[Case]:
    cases = []
    for i, strokes in enumerate(scribbles.several(DRAWN, np.random.default_rng([seed, 8]))):
        pixels = draw(strokes, drawing)
        image = picture(pixels, spec)
        cases.append(Case(id=f"strokes-{i:03d}", kind="strokes", pixels=pixels, image=image, strokes=strokes))
    return cases


def _cases(
    examples: Sequence[Example], photos: Sequence[Example], spec: PreprocessSpec, rng: np.random.Generator
) -> list[Case]:
    cases = [
        Case(id=f"image-{i:03d}", kind="image", pixels=each.image, image=each.image, example=each)
        for i, each in enumerate(examples)
    ]
    for i, each in enumerate(photos or examples[:PICTURES]):
        pixels = photo_pixels(each, spec) if photos else on_paper(each.image, spec, rng)
        image = picture(pixels, spec)
        cases.append(Case(id=f"picture-{i:03d}", kind="picture", pixels=pixels, image=image, example=each))
    return cases


def _encode(cases: Sequence[Case], folder: Path, *, has_files: bool) -> tuple[str, str]:
    """Puts the first case that it can into the folder as an encoded file; gives its id and the file's name.

    A photo comes without its metadata. Where that cannot be taken out of any of them, and where there is no
    file, the first case's pixels become a PNG.
    """
    from PIL import Image

    for case in cases:
        if not has_files or case.example is None or case.example.source is None:
            continue
        found = bare(case.example.source.read_bytes(), case.pixels)
        if found is not None:
            content, suffix = found
            (folder / f"encoded{suffix}").write_bytes(content)
            return case.id, f"encoded{suffix}"
    Image.fromarray(cases[0].pixels).save(folder / "encoded.png")
    return cases[0].id, "encoded.png"


def outputs(
    model: Path, images: Pixels, spec: PreprocessSpec, runtime: str, console: Console
) -> npt.NDArray[np.generic]:
    """What a runtime makes of u8 images (n, *spec.shape): (n, classes) in the output tensor's dtype.

    Raises:
        RuntimeFailure: it cannot run the model.
    """
    with TemporaryDirectory() as folder:
        source, sink = Path(folder) / "images.npy", Path(folder) / "outputs.npy"
        np.save(source, images)
        job = Job(
            name="golden vectors", model=model_file(model), images=str(source), count=len(images),
            preprocess=spec.model_dump_json(), out=str(sink), threads=1,
        )  # fmt: skip
        (outcome,) = runtimes.run(runtime, [job], console)
        if outcome.error:
            raise RuntimeFailure(f"runtime '{runtime}': {outcome.error}")
        return np.asarray(np.load(sink))


def _shown(cases: Sequence[Case], records: Sequence[GoldenCase]) -> list[Case]:
    """The picture cases, those that the model gets right first: so that people see sense."""
    pictures = [pair for pair in zip(cases, records, strict=True) if pair[0].kind == "picture"]
    return [case for case, _ in sorted(pictures, key=lambda pair: pair[1].top1 != pair[1].label)]
