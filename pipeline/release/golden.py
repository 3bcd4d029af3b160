"""Golden vectors: cases with every intermediate result, for the tests of apps in any language.

Each case is a folder with raw files: ``pixels.u8`` (what the platform decoded), ``image.u8`` (after
PreprocessSpec, up to rounding), ``tensor.bin`` (what stands in the input tensor), ``output.bin`` (what
the runtime left in the output tensor). All are row-major and little-endian.

``encoded.*`` is one picture case as a file: a PNG that was made for it, or where the dataset has encoded
files one of those, without its metadata (:mod:`pipeline.release.bare_photo`). ``CREDITS.txt`` names who made
the photos.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline import runtimes
from pipeline.artifacts import TensorSpec, Variant
from pipeline.console import Console
from pipeline.errors import RuntimeFailure
from pipeline.parity.tolerance import OUTPUT_TOLERANCE, PICTURE_LEVELS
from pipeline.preprocess import Pixels, PreprocessSpec, dequantise, picture
from pipeline.release import photo_credits
from pipeline.release.bare_photo import bare
from pipeline.release.examples import Example, on_paper, photo_pixels
from pipeline.release.manifest import Golden, GoldenCase, Manifest
from pipeline.runtimes import Job, door_table, model_file

FOLDER = "golden"
PICTURES = 8
"""Cases that go through the whole PreprocessSpec; the others start at the input's size."""


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What a case starts with: pixels as decoded, and the image that they give."""

    id: str
    kind: Literal["image", "picture"]
    pixels: Pixels
    image: Pixels
    example: Example


@dataclass(frozen=True, kw_only=True)
class Replay:
    """How a runtime did on a bundle's golden vectors.

    Attributes:
        runtime: that ran them.
        version: of it.
        reason: why it did not run; empty if it did.
        cases: how many.
        max_difference: largest difference of a dequantised output.
        wrong: ids of cases beyond a tolerance, or with another top-1.
    """

    runtime: str
    version: str = ""
    reason: str = ""
    absent: bool = False
    cases: int = 0
    max_difference: float | None = None
    wrong: tuple[str, ...] = ()


def write(
    bundle: Path,
    examples: Sequence[Example],
    spec: PreprocessSpec,
    shipped: Variant,
    *,
    photos: Sequence[Example] = (),
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
        runtime: that computes the outputs.
        seed: of the picture cases' paper.
        console: for progress.

    Raises:
        RuntimeFailure: the runtime cannot run the model.
        DataError: a photo is no longer what its image was decoded from.
    """
    cases = _cases(examples, photos, spec, np.random.default_rng([seed, 5]))
    images = np.stack([case.image for case in cases])
    outputs = _run(bundle / "model.tflite", images, spec, runtime, console)
    table = door_table(spec, shipped.input)
    records = []
    for case, output in zip(cases, outputs, strict=True):
        folder = bundle / FOLDER / case.id
        folder.mkdir(parents=True)
        (folder / "pixels.u8").write_bytes(np.ascontiguousarray(case.pixels).tobytes())
        (folder / "image.u8").write_bytes(np.ascontiguousarray(case.image).tobytes())
        (folder / "tensor.bin").write_bytes(_little_endian(table[case.image]))
        (folder / "output.bin").write_bytes(_little_endian(output))
        records.append(
            GoldenCase(
                id=case.id,
                kind=case.kind,
                pixels_shape=case.pixels.shape,
                label=case.example.label,
                top1=int(np.argmax(output)),
                file=case.example.file,
                credit=case.example.credit,
            )
        )
    shown, encoded = _encode(_shown(cases, records), bundle / FOLDER, has_files=bool(photos))
    photo_credits.write(bundle / FOLDER, ((case.example.file, case.example.credit) for case in cases))
    return Golden(
        runtime=f"{runtime} {runtimes.version(runtime)}",
        image_tolerance=PICTURE_LEVELS,
        output_tolerance=OUTPUT_TOLERANCE[shipped.scheme],
        encoded=(shown, f"{FOLDER}/{encoded}"),
        cases=tuple(records),
    )


def replay(bundle: Path, manifest: Manifest, console: Console) -> Iterator[Replay]:
    """Runs a bundle's golden vectors on every runtime of the machine.

    The chain is followed from ``pixels.u8`` on: preprocessing, input tensor, and output are compared,
    each with its tolerance.
    """
    spec = manifest.preprocess
    images, wrong = _check_images(bundle, manifest)
    expected = np.stack([_read(bundle, case, manifest.model.output) for case in manifest.golden.cases])
    for runtime in _tflite_runtimes():
        reason = runtimes.unavailable(runtime)
        if reason is not None:
            yield Replay(runtime=runtime, reason=reason, absent=True)
            continue
        version = runtimes.version(runtime)
        try:
            found = _run(bundle / manifest.model.file, images, spec, runtime, console)
        except RuntimeFailure as error:
            yield Replay(runtime=runtime, version=version, reason=str(error))
            continue
        before, after = _real(expected, manifest.model.output), _real(found, manifest.model.output)
        differences = np.abs(before - after).max(axis=1)
        off = [
            case.id
            for case, difference, output, row in zip(
                manifest.golden.cases, differences, after, before, strict=True
            )
            # A near-tie within the tolerance may turn; NaN is never within it.
            if not difference <= manifest.golden.output_tolerance
            or row[case.top1] - row[int(np.argmax(output))] > manifest.golden.output_tolerance
        ]
        yield Replay(
            runtime=runtime,
            version=version,
            cases=len(images),
            max_difference=float(differences.max()),
            wrong=tuple(sorted({*off, *wrong})),
        )


def _cases(
    examples: Sequence[Example], photos: Sequence[Example], spec: PreprocessSpec, rng: np.random.Generator
) -> list[_Case]:
    cases = [
        _Case(id=f"image-{i:03d}", kind="image", pixels=each.image, image=each.image, example=each)
        for i, each in enumerate(examples)
    ]
    for i, each in enumerate(photos or examples[:PICTURES]):
        pixels = photo_pixels(each, spec) if photos else on_paper(each.image, spec, rng)
        image = picture(pixels, spec)
        cases.append(_Case(id=f"picture-{i:03d}", kind="picture", pixels=pixels, image=image, example=each))
    return cases


def _encode(cases: Sequence[_Case], folder: Path, *, has_files: bool) -> tuple[str, str]:
    """Puts the first case that it can into the folder as an encoded file; gives its id and the file's name.

    A photo comes without its metadata. Where that cannot be taken out of any of them, and where there is no
    file, the first case's pixels become a PNG.
    """
    from PIL import Image

    for case in cases:
        if not has_files or case.example.source is None:
            continue
        found = bare(case.example.source.read_bytes(), case.pixels)
        if found is not None:
            content, suffix = found
            (folder / f"encoded{suffix}").write_bytes(content)
            return case.id, f"encoded{suffix}"
    Image.fromarray(cases[0].pixels).save(folder / "encoded.png")
    return cases[0].id, "encoded.png"


def _check_images(bundle: Path, manifest: Manifest) -> tuple[Pixels, list[str]]:
    """Preprocesses every case's pixels; gives the images and the ids of those that differ."""
    spec, images, wrong = manifest.preprocess, [], []
    table = door_table(spec, manifest.model.input)
    for case in manifest.golden.cases:
        folder = bundle / FOLDER / case.id
        pixels = np.fromfile(folder / "pixels.u8", dtype=np.uint8).reshape(case.pixels_shape)
        image = picture(pixels, spec) if case.kind == "picture" else pixels
        stored = np.fromfile(folder / "image.u8", dtype=np.uint8).reshape(spec.shape)
        levels = np.abs(image.astype(int) - stored.astype(int)).max()
        if levels > manifest.golden.image_tolerance:
            wrong.append(case.id)
        # The model runs on the stored image, so that its answer is compared on equal terms.
        if _little_endian(table[stored]) != (folder / "tensor.bin").read_bytes():
            wrong.append(case.id)
        images.append(stored)
    return np.stack(images), wrong


def _run(
    model: Path, images: Pixels, spec: PreprocessSpec, runtime: str, console: Console
) -> npt.NDArray[np.generic]:
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


def _tflite_runtimes() -> tuple[str, ...]:
    """Those of the CPU: the tolerance of golden vectors is that between their kernels."""
    from pipeline.recipe import REFERENCE_RUNTIME, stands_for
    from pipeline.shelf import names

    return tuple(n for n in names("runtimes") if n != REFERENCE_RUNTIME and not stands_for(n))


def _shown(cases: Sequence[_Case], records: Sequence[GoldenCase]) -> list[_Case]:
    """The picture cases, those that the model gets right first: so that people see sense."""
    pictures = [pair for pair in zip(cases, records, strict=True) if pair[0].kind == "picture"]
    return [case for case, _ in sorted(pictures, key=lambda pair: pair[1].top1 != pair[1].label)]


def _read(bundle: Path, case: GoldenCase, tensor: TensorSpec) -> npt.NDArray[np.generic]:
    data = np.fromfile(bundle / FOLDER / case.id / "output.bin", dtype=_dtype(tensor.dtype))
    return data.reshape(tensor.shape[1:])


def _real(values: npt.NDArray[np.generic], tensor: TensorSpec) -> npt.NDArray[np.float64]:
    if tensor.scale is not None and tensor.zero_point is not None:
        values = dequantise(values, scale=tensor.scale, zero_point=tensor.zero_point)
    return values.astype(np.float64)


def _dtype(name: str) -> np.dtype[np.generic]:
    return np.dtype(name).newbyteorder("<")


def _little_endian(values: npt.NDArray[np.generic]) -> bytes:
    return values.astype(_dtype(values.dtype.name)).tobytes()
