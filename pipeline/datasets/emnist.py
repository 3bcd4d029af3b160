"""Handwritten characters of NIST Special Database 19, in NIST's own idx files (six variants).

Source: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to handwritten
letters", 2017, https://www.nist.gov/itl/products-and-services/emnist-dataset.
"""

import zipfile
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.console import Console
from pipeline.datasets import Source, Split
from pipeline.datasets._download import answers, download
from pipeline.datasets._idx_source import IdxSource
from pipeline.datasets._unpacking import damage, unpack
from pipeline.drawing import DrawingSpec
from pipeline.errors import DataError, DataMissingError
from pipeline.preprocess import PreprocessSpec

FOLDER = "emnist"
ARCHIVE_URL = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
ARCHIVE_SHA256 = "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"
ARCHIVE_BYTES = 561_753_746

PUBLISHED: dict[str, dict[Split, int]] = {
    "byclass": {"train": 697_932, "test": 116_323},
    "bymerge": {"train": 697_932, "test": 116_323},
    "balanced": {"train": 112_800, "test": 18_800},
    "letters": {"train": 124_800, "test": 20_800},
    "digits": {"train": 240_000, "test": 40_000},
    "mnist": {"train": 60_000, "test": 10_000},
}
"""Images in NIST's files, by variant."""

PUBLISHED_SHA256 = {
    "emnist-bymerge-test-images-idx3-ubyte.gz": (
        "5e5815ec1b522089134435f7c55e75a00960b58414793593ffff23efc0821683"
    ),
    "emnist-bymerge-test-labels-idx1-ubyte.gz": (
        "8bda1516255683ba9071e141947ca0c91a911176065cdd6259b0b4d8dc5b5f35"
    ),
}
"""Hashes of NIST's files, where they are known; the others can only be told by their counts."""

PREPROCESS = PreprocessSpec(
    height=28,
    width=28,
    invert=True,  # pens are dark on light paper, EMNIST is light on black
    crop="ink",
    # A pen on paper or glass leaves anti-aliased edges; fainter than this is paper.
    ink_threshold=32,
    # Measured on the ByMerge test set: the longer side of the ink is 24 pixels in the median image, and
    # the middle of its box (not its centre of mass) lies within 0.2 pixels of the image's middle.
    fit=24,
    place="box",
)

DRAWING = DrawingSpec(side=280, pen=0.12)
"""Strokes drawn so have, after PREPROCESS, the median width of the real ones: 2.9 of 28 pixels, measured on
the first 400 ByMerge train images, whose middle lines were drawn again with several pens (0.122 gave the same
width); ``python -m tests.pen emnist`` measures it anew."""


class Options(BaseModel):
    """Keys of a recipe's ``[dataset]`` section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    variant: Literal["byclass", "bymerge", "balanced", "letters", "digits", "mnist"] = "bymerge"


def locate(options: Options, data: Path | None) -> Source:
    """Finds NIST's files in ``DATA/emnist`` or in ``DATA`` itself.

    Raises:
        DataMissingError: a file is not there, or no data folder was named.
        DataError: the mapping file is damaged.
    """
    prefix = f"emnist-{options.variant}"
    wanted = [f"{prefix}-mapping.txt"] + [
        f"{prefix}-{split}-{kind}-ubyte.gz"
        for split in ("train", "test")
        for kind in ("images-idx3", "labels-idx1")
    ]
    if data is None:
        raise DataMissingError(
            "EMNIST needs a data folder: name it with --data or PIPELINE_DATA, "
            "or get the set with `pipeline data get emnist --data DIR`"
        )
    absent = {f: [name for name in wanted if not (f / name).is_file()] for f in (data / FOLDER, data)}
    folder, missing = min(absent.items(), key=lambda item: len(item[1]))
    if missing:
        raise DataMissingError(
            f"{folder}: missing {', '.join(missing)}; get the set with "
            f"`pipeline data get emnist --data {data}` ({ARCHIVE_BYTES / 1e6:.0f} MB)"
        )
    mapping = folder / wanted[0]
    characters = _read_mapping(mapping)
    return IdxSource(
        name=prefix,
        labels=tuple(characters.values()),
        preprocess=PREPROCESS,
        images={s: folder / f"{prefix}-{s}-images-idx3-ubyte.gz" for s in ("train", "test")},
        classes={s: folder / f"{prefix}-{s}-labels-idx1-ubyte.gz" for s in ("train", "test")},
        values={value: index for index, value in enumerate(characters)},
        transposed=True,
        extra_files=(mapping,),
        published=PUBLISHED[options.variant],
        reference=PUBLISHED_SHA256,
        drawing=DRAWING,
    )


def fetchable(_options: Options) -> bool:
    """Whether NIST's server answers right now."""
    return answers(ARCHIVE_URL)


def fetch(
    options: Options,
    data: Path,
    console: Console,
    *,
    url: str = ARCHIVE_URL,
    sha256: str = ARCHIVE_SHA256,
) -> None:
    """Downloads NIST's archive (all variants in one zip) and unpacks one variant into ``DATA/emnist``.

    Args:
        options: the variant to unpack.
        data: the data folder; made where it is not there.
        console: for progress.
        url: of the archive, for a mirror.
        sha256: of the archive.

    Raises:
        DataError: the download failed, is not the published file, or lacks the variant.
    """
    folder = data / FOLDER
    archive = download(url, folder / "gzip.zip", sha256=sha256, console=console)
    prefix = f"emnist-{options.variant}-"
    with damage(archive), zipfile.ZipFile(archive) as zipped:
        members = [m for m in zipped.infolist() if Path(m.filename).name.startswith(prefix)]
        if not members:
            raise DataError(f"{archive}: holds no file {prefix}*")
        for member in members:
            target = folder / Path(member.filename).name
            unpack(zipped.open(member), target)
            console.say(f"  unpacked {target}")


def _read_mapping(path: Path) -> dict[int, str]:
    """Label value to characters, in the file's order: ``10 65`` is A, ``1 65 97`` A and a."""
    mapping: dict[int, str] = {}
    for number, line in enumerate(path.read_text("ascii", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value, *codes = (int(part) for part in line.split())
            character = "".join(chr(code) for code in codes)
        except (ValueError, OverflowError) as error:
            raise DataError(f"{path}:{number}: '{line}' is not 'label code [code]'") from error
        if not character.isprintable() or not character or value in mapping or not 0 <= value <= 255:
            raise DataError(f"{path}:{number}: '{line}' names no character, or label {value} again")
        # The letters variant maps one label to both cases; the capital stands for the class.
        mapping[value] = character[0]
    if len(mapping) < 2:
        raise DataError(f"{path}: maps {len(mapping)} labels; a classifier needs two")
    return mapping
