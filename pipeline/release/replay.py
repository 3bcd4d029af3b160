"""Runs a bundle's golden vectors again: every step on this machine against what the bundle says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline import runtimes
from pipeline.artifacts import TensorSpec
from pipeline.console import Console
from pipeline.drawing import Stroke, draw
from pipeline.errors import RuntimeFailure, StepError
from pipeline.preprocess import Pixels, dequantise, picture
from pipeline.release.golden import FOLDER, STROKES, outputs
from pipeline.release.manifest import Manifest
from pipeline.release.raw import little_endian, read_array
from pipeline.runtimes import door_table


@dataclass(frozen=True, kw_only=True)
class Replay:
    """How a runtime did on a bundle's golden vectors.

    Attributes:
        runtime: that ran them.
        version: of it.
        reason: why it did not run; empty if it did.
        absent: whether that is because it is not on this machine.
        cases: how many.
        max_difference: largest difference of a dequantised output.
        wrong: ids of cases beyond a tolerance, or with another top-1. Those that go wrong before the runtime,
            or have a top-1 that is not their own output's, are among them whether it ran or not.
    """

    runtime: str
    version: str = ""
    reason: str = ""
    absent: bool = False
    cases: int = 0
    max_difference: float | None = None
    wrong: tuple[str, ...] = ()


def replay(bundle: Path, manifest: Manifest, console: Console) -> Iterator[Replay]:
    """Runs a bundle's golden vectors on every runtime of the machine.

    The chain is followed from ``pixels.u8`` on: preprocessing, input tensor, and output are compared,
    each with its tolerance.

    Raises:
        StepError: a case's file is missing, or not of the size that the manifest says.
    """
    spec = manifest.preprocess
    images, wrong = check_images(bundle, manifest)
    answer = manifest.model.output
    files = [bundle / FOLDER / case.id / "output.bin" for case in manifest.golden.cases]
    expected = np.stack([read_array(file, answer.dtype, answer.shape[1:]) for file in files])
    before = _real(expected, answer)
    # ``top1`` is of this very output: here no tolerance is due.
    wrong += [
        case.id for case, row in zip(manifest.golden.cases, before, strict=True) if row[case.top1] < row.max()
    ]
    wrong_at_once = tuple(sorted(set(wrong)))
    for runtime in _tflite_runtimes():
        reason = runtimes.unavailable(runtime)
        if reason is not None:
            yield Replay(runtime=runtime, reason=reason, absent=True, wrong=wrong_at_once)
            continue
        version = runtimes.version(runtime)
        try:
            found = outputs(bundle / manifest.model.file, images, spec, runtime, console)
        except RuntimeFailure as error:
            yield Replay(runtime=runtime, version=version, reason=str(error), wrong=wrong_at_once)
            continue
        after = _real(found, answer)
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
            wrong=tuple(sorted({*off, *wrong_at_once})),
        )


def check_images(bundle: Path, manifest: Manifest) -> tuple[Pixels, list[str]]:
    """Preprocesses every case's pixels; gives the images and the ids of those that differ.

    Raises:
        StepError: as :func:`replay`.
    """
    spec, images, wrong = manifest.preprocess, [], []
    table = door_table(spec, manifest.model.input)
    for case in manifest.golden.cases:
        folder = bundle / FOLDER / case.id
        pixels = read_array(folder / "pixels.u8", "uint8", case.pixels_shape)
        if case.kind == "strokes" and not _draws(folder, pixels, manifest):
            wrong.append(case.id)
        image = pixels if case.kind == "image" else picture(pixels, spec)
        stored = read_array(folder / "image.u8", "uint8", spec.shape)
        levels = np.abs(image.astype(int) - stored.astype(int)).max()
        if levels > manifest.golden.image_tolerance:
            wrong.append(case.id)
        # The model runs on the stored image, so that its answer is compared on equal terms.
        tensor = read_array(folder / "tensor.bin", manifest.model.input.dtype, spec.shape)
        if little_endian(table[stored]) != tensor.tobytes():
            wrong.append(case.id)
        images.append(stored)
    return np.stack(images), wrong


def read_strokes(path: Path) -> list[Stroke]:
    """Reads the strokes of a case.

    Raises:
        StepError: no such file, or not a list of strokes.
    """
    try:
        return [[(float(x), float(y)) for x, y in stroke] for stroke in json.loads(path.read_text("utf-8"))]
    except OSError as error:
        raise StepError(f"{path}: {error.strerror}") from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise StepError(f"{path}: not a list of lists of [x, y]: {error}") from error


def _draws(folder: Path, pixels: Pixels, manifest: Manifest) -> bool:
    """Whether the strokes of a case give its pixels, within the tolerance of images."""
    if manifest.drawing is None:
        return False
    drawn = draw(read_strokes(folder / STROKES), manifest.drawing)
    if drawn.shape != pixels.shape:
        return False
    return bool(np.abs(drawn.astype(int) - pixels).max() <= manifest.golden.image_tolerance)


def _tflite_runtimes() -> tuple[str, ...]:
    """Those of the CPU: the tolerance of golden vectors is that between their kernels."""
    from pipeline.recipe import REFERENCE_RUNTIME, stands_for
    from pipeline.shelf import names

    return tuple(n for n in names("runtimes") if n != REFERENCE_RUNTIME and not stands_for(n))


def _real(values: npt.NDArray[np.generic], tensor: TensorSpec) -> npt.NDArray[np.float64]:
    if tensor.scale is not None and tensor.zero_point is not None:
        values = dequantise(values, scale=tensor.scale, zero_point=tensor.zero_point)
    return values.astype(np.float64)
