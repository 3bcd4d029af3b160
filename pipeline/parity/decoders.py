"""Decoders as a number of their own: from the encoded file on, by another decoder than training used.

    photo.jpg --pillow------> pixels -> EXIF orientation -> PreprocessSpec -> the arrays' image, exactly
              --tensorflow--> pixels -> EXIF orientation -> PreprocessSpec -> a little different
                                                                              -> shipped file -> answer

JPEG leaves a decoder freedom (the inverse cosine transform, how colour is enlarged), so that the decoder of
an app's platform gives other pixels than training saw. TensorFlow's stands for it: it is another library
with a faster transform, and on this machine.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from itertools import islice
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np

from converters import stack
from pipeline import arrays, preprocess
from pipeline.console import Console
from pipeline.decoder_record import DecoderCell
from pipeline.errors import DataError
from pipeline.parity.report import percent
from pipeline.pixel_budget import BUDGET_PIXELS, PixelBudget, give_large_blocks_back
from pipeline.preprocess import Pixels, PreprocessSpec
from pipeline.sampling import Indices

REFERENCE = "pillow"
"""Decoded the arrays: :func:`pipeline.preprocess.decode`."""

NAMED_FILES = 20
"""Undecodable files that a record names: enough to see of what kind they are."""

CHUNK = 64
"""Files on their way at a time: bounds the memory that decoded photos take."""

MEANING = (
    "Decoders: an app decodes photos with its platform's decoder, not with the one training used (pillow); "
    "another decoder (tensorflow) before the same file shows what such a difference does to the answers."
)

COLUMNS = (
    "decoder", "runtime", "photos", "undecodable", "max levels", "mean levels", "agreement %",
    "accuracy % (95 % CI)", "drop points",
)  # fmt: skip


Read = Callable[[Path, Callable[[int], None]], Pixels]
"""Gives upright RGB pixels (H, W, 3) u8 of a file; calls the second argument with their number before memory
is taken for them. Raises Undecodable, or DataError where the file is not there."""


class Undecodable(Exception):  # noqa: N818 - a finding about a file, not an error of the build
    """A decoder cannot read a file that the reference reads."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What a decoder made of the test set's files.

    Attributes:
        rows: (n,) which rows of the arrays it decoded; its images are the first n of the written file.
        undecodable: names of the others.
        max_levels: largest difference from the reference's image, grey levels; None where n is 0.
        mean_levels: mean over all values of all n images.
    """

    rows: Indices
    undecodable: tuple[str, ...]
    max_levels: int | None
    mean_levels: float | None


def version(decoder: str) -> str:
    """Version of a decoder, with that of the JPEG library inside it where it tells."""
    if decoder != REFERENCE:
        return metadata.version("tensorflow")
    from PIL import features

    turbo = features.version("libjpeg_turbo")
    library = f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {features.version('jpg')}"
    return f"{metadata.version('pillow')} ({library})"


def decode(
    decoder: str,
    files: Sequence[str],
    root: Path,
    spec: PreprocessSpec,
    reference: Pixels,
    out: Path,
    *,
    threads: int,
    console: Console,
) -> Decoded:
    """Decodes and preprocesses files, and compares each image with the reference's.

    Args:
        decoder: a name of DECODERS.
        files: POSIX names relative to ``root``, one for each row of ``reference``.
        root: of the names.
        spec: the preprocessing contract.
        reference: (files, *spec.shape) u8: the arrays' images.
        out: ``.npy`` to write, (files, *spec.shape) u8; its rows beyond those decoded are zero.
        threads: files decoded side by side, fewer where they are so large that BUDGET_PIXELS is reached.
        console: for progress.

    Raises:
        DataError: a file cannot be read any more, or the reference decoder gives other pixels than the arrays
            hold: the files have changed since they were decoded.
    """
    read = DECODERS[decoder]()
    images = arrays.create(out, dtype=np.uint8, shape=(len(files), *spec.shape))
    rows: list[int] = []
    undecodable: list[str] = []
    largest = total = 0

    budget = PixelBudget(BUDGET_PIXELS)
    give_large_blocks_back()

    def one(row: int) -> Pixels | None:
        path = root / PurePosixPath(files[row])
        with budget.claim() as claim:
            try:
                return preprocess.picture(read(path, claim.take), spec)
            except Undecodable:
                return None

    with console.task(f"decode test photos, {decoder}", len(files), "photos") as task:
        for row, image in enumerate(_in_order(one, range(len(files)), threads)):
            task.advance()
            if image is None:
                undecodable.append(files[row])
                continue
            difference = np.abs(image.astype(np.int16) - reference[row])
            if decoder == REFERENCE and difference.any():
                raise DataError(
                    f"{root / files[row]}: gives other pixels than the data stage decoded from it: it was "
                    "changed during the build; run the build again"
                )
            images[len(rows)] = image
            rows.append(row)
            largest, total = max(largest, int(difference.max())), total + int(difference.sum())
    return Decoded(
        rows=np.asarray(rows, dtype=np.int64),
        undecodable=tuple(undecodable),
        max_levels=largest if rows else None,
        mean_levels=total / (len(rows) * reference[0].size) if rows else None,
    )


def table(cells: Sequence[DecoderCell]) -> list[tuple[str, ...]]:
    """One row per decoder and runtime, as text; the reference has none, as it gives the arrays."""
    return [_row(cell) for cell in cells if cell.decoder != REFERENCE]


def notes(cells: Sequence[DecoderCell]) -> list[str]:
    """That the reference was checked, and what must not be overlooked: files left out, a large drop.

    Nothing here fails a gate: the file answers as it should to the pixels that it was trained for.
    """
    sentences = []
    for cell in cells:
        if cell.decoder == REFERENCE and cell.images:
            sentences.append(
                f"{cell.decoder} {cell.version} decoded all {cell.images:,} photos again, to exactly the "
                "images that were measured above"
            )
        if cell.undecodable:
            more = cell.undecodable - len(cell.undecodable_files)
            names = ", ".join(cell.undecodable_files) + (f" and {more:,} more" if more else "")
            sentences.append(
                f"{cell.decoder} cannot decode {cell.undecodable:,} of {cell.undecodable + cell.images:,} "
                f"photos, which are left out of its figures: {names}"
            )
        if cell.reason:
            sentences.append(f"{cell.decoder} before {cell.runtime} was not measured: {cell.reason}")
        limit = cell.drop_limit_points
        if limit is not None and cell.drop_points is not None and cell.drop_points > limit:
            sentences.append(
                f"photos decoded by {cell.decoder} lose {cell.drop_points:.2f} points on {cell.runtime}, "
                f"more than the {limit:g} that the gate allows the file itself: check the app's decoder"
            )
    return list(dict.fromkeys(sentences))


def _row(cell: DecoderCell) -> tuple[str, ...]:
    return (
        f"{cell.decoder} {cell.version}",
        f"{cell.runtime} {cell.runtime_version}",
        f"{cell.images:,}",
        f"{cell.undecodable:,}",
        "" if cell.max_difference_levels is None else str(cell.max_difference_levels),
        "" if cell.mean_difference_levels is None else f"{cell.mean_difference_levels:.3f}",
        "" if cell.agreement is None else f"{100 * cell.agreement:.2f}",
        "" if cell.accuracy is None else percent(cell.accuracy),
        "" if cell.drop_points is None else f"{cell.drop_points:+.2f}",
    )


def _pillow() -> Read:
    return lambda path, admit: preprocess.decode(path, admit=admit)


def _tensorflow() -> Read:
    """tf.io.decode_image, then the orientation as the reference applies it."""
    # Loaded here, and not in one of the threads that decode.
    tf = stack.load().tf
    refused = (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError)

    def read(path: Path, admit: Callable[[int], None]) -> Pixels:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}") from error
        # It takes 6 bytes a pixel, less than what the budget counts on: one share will do.
        admit(_pixels(path, content))
        try:
            pixels = tf.io.decode_image(content, channels=3, expand_animations=False).numpy()
        except refused as error:
            raise Undecodable(str(error)) from error
        return _upright(pixels, content)

    return read


def _pixels(path: Path, content: bytes) -> int:
    """How many an encoded file has, by its header."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=preprocess.FORMATS) as header:
            return header.width * header.height
    except OSError as error:
        raise DataError(f"{path}: not a readable picture: {error}") from error


def _upright(pixels: Pixels, content: bytes) -> Pixels:
    """Turns by the EXIF orientation in the encoded file; a view, where pillow's own code would copy twice."""
    from PIL import ExifTags, Image

    with Image.open(io.BytesIO(content), formats=preprocess.FORMATS) as header:
        orientation = header.getexif().get(ExifTags.Base.Orientation, 1)
    if orientation in range(5, 9):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


DECODERS: Mapping[str, Callable[[], Read]] = MappingProxyType({REFERENCE: _pillow, "tensorflow": _tensorflow})
"""Each gives its Read; the reference first."""


def _in_order(
    work: Callable[[int], Pixels | None], items: Iterable[int], threads: int
) -> Iterator[Pixels | None]:
    """Results of a function in the items' order, a chunk at a time side by side."""
    left = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        while chunk := list(islice(left, CHUNK)):
            yield from pool.map(work, chunk)
