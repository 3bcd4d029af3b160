"""tf_flowers: 3,670 photos of five flowers, by Flickr users under CC-BY 2.0.

Source: The TensorFlow Team, "Flowers", 2019, http://download.tensorflow.org/example_images/flower_photos.tgz;
split into 3,300 and 370 photos by the lists of Google Cloud's AutoML and Vertex AI samples.
"""

import shutil
import tarfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.console import Console
from pipeline.datasets import Source, Split
from pipeline.datasets._download import answers, download
from pipeline.datasets._photo_folder import PhotoFolder, preprocess
from pipeline.datasets._photo_listing import Listing, scan
from pipeline.datasets._splits import Splits, by_lists, by_ratio
from pipeline.datasets._unpacking import damage, unpack
from pipeline.errors import DataError, DataMissingError

FOLDER = "flower_photos"
LISTS: dict[Split, str] = {"train": "flower_splits/train_set.csv", "test": "flower_splits/eval_set.csv"}
"""Google's lists, under the names that it gave them."""

CLASSES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
PUBLISHED: dict[Split, int] = {"train": 3_300, "test": 370}
ARCHIVE_URL = "http://download.tensorflow.org/example_images/flower_photos.tgz"
ARCHIVE_SHA256 = "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c"
ARCHIVE_BYTES = 228_813_984

TEST_SHARE = 0.1
VALIDATION_SHARE = 0.1
"""Of the published 3,300; a split made here is 75/15/10."""


class Options(BaseModel):
    """Keys of a recipe's ``[dataset]`` section.

    Attributes:
        size: side of the model's square input, pixels.
        split: ``published``: Google's lists; ``ratio``: 75/15/10 by seed; ``auto``: the lists where they are.
        split_seed: of the split by ratio.
        unreadable: so many photos that cannot be decoded may be left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(default=224, ge=32, le=1024)
    split: Literal["auto", "published", "ratio"] = "auto"
    split_seed: int = Field(default=1, ge=0, lt=2**31)
    unreadable: int = Field(default=0, ge=0)


class _Flowers(PhotoFolder):
    def credit(self, name: str) -> str:
        """The first number of a file's name is Flickr's."""
        return f"Flickr photo {PurePosixPath(name).name.split('_', 1)[0].split('.', 1)[0]}, CC-BY 2.0"


def locate(options: Options, data: Path | None) -> Source:
    """Finds ``DATA/flower_photos`` and, beside it, ``DATA/flower_splits``.

    Raises:
        DataMissingError: the photos are not there, or the lists although they were asked for.
        DataError: other classes than tf_flowers', or lists that contradict the photos.
    """
    if data is None:
        raise DataMissingError(
            "tf_flowers needs a data folder: name it with --data or PIPELINE_DATA, "
            "or get the set with `pipeline data get flowers --data DIR`"
        )
    root = data / FOLDER
    if not root.is_dir():
        raise DataMissingError(
            f"{root}: no such folder; get the set with `pipeline data get flowers --data {data}` "
            f"({ARCHIVE_BYTES / 1e6:.0f} MB)"
        )
    _check_whole(root, data)
    listing = scan(root)
    if tuple(listing.classes) != CLASSES:
        raise DataError(
            f"{root}: holds {', '.join(listing.classes)}, tf_flowers are {', '.join(CLASSES)}: "
            "photos of one's own are taken by the dataset 'image_folder'"
        )
    lists = {split: data / name for split, name in LISTS.items()}
    missing = [str(path) for path in lists.values() if not path.is_file()]
    splits: Splits
    if options.split == "published" and missing:
        raise DataMissingError(
            f"missing {', '.join(missing)}: Google's lists of the published split, which are not in the "
            'archive of photos; put them there, or split by seed with split = "ratio"'
        )
    published = options.split == "published" or (options.split == "auto" and not missing)
    if published:
        # Copies of the set lack some photos: what is left of the published split is still that.
        splits = by_lists(listing, lists, validation_share=VALIDATION_SHARE, may_lack=True)
    else:
        splits = by_ratio(listing, test=TEST_SHARE, seed=options.split_seed)
        splits = replace(splits, notes=_shortfall(listing, data))
    return _Flowers(
        # Figures of another split than the published one must not be quoted under the set's bare name.
        name="flowers" if published else f"flowers-ratio-seed{options.split_seed}",
        listing=listing,
        splits=splits,
        preprocess=preprocess(options.size),
        allowed_unreadable=options.unreadable,
        published=dict(PUBLISHED) if published else {},
    )


def _check_whole(root: Path, data: Path) -> None:
    """Tells a set that was unpacked in part from another set.

    Raises:
        DataError: some of the five classes are there, and nothing else.
    """
    folders = {path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")}
    missing = [label for label in CLASSES if label not in folders or not any((root / label).iterdir())]
    if missing and folders <= set(CLASSES):
        raise DataError(
            f"{root}: no photos of {', '.join(missing)}: it may have been unpacked in part; complete it with "
            f"`pipeline data get flowers --data {data}`"
        )


def _shortfall(listing: Listing, data: Path) -> tuple[str, ...]:
    """What a split by seed, which has no list to compare with, lacks of the published set."""
    found, published = sum(map(len, listing.classes.values())), sum(PUBLISHED.values())
    if found == published:
        return ()
    return (
        f"{listing.root}: {found:,} photos, the published set has {published:,}; "
        f"`pipeline data get flowers --data {data}` adds what is lacking",
    )


def fetchable(_options: Options) -> bool:
    """Whether TensorFlow's server answers right now."""
    return answers(ARCHIVE_URL)


def fetch(
    options: Options,  # noqa: ARG001 - all of them are about what is in the one archive
    data: Path,
    console: Console,
    *,
    url: str = ARCHIVE_URL,
    sha256: str = ARCHIVE_SHA256,
) -> None:
    """Downloads the archive and unpacks it into ``DATA/flower_photos``, LICENSE.txt too.

    Args:
        options: not used.
        data: the data folder; made where it is not there.
        console: for progress.
        url: of the archive, for a mirror.
        sha256: of the archive.

    Raises:
        DataError: the download failed, is not the published file, or is damaged.
    """
    archive = download(url, data / f"{FOLDER}.tgz", sha256=sha256, console=console)
    root = data / FOLDER
    # A new folder appears as a whole; into one that is there, what is lacking or damaged is put file by file.
    beside = data / f".{FOLDER}.partial"
    home = data if root.is_dir() else beside
    shutil.rmtree(beside, ignore_errors=True)  # of an attempt that was killed
    with damage(archive), tarfile.open(archive, "r:gz") as packed:
        members = [member for member in packed.getmembers() if not member.isdir()]
        for member in members:
            _check_member(archive, member)
        with console.task("unpack", len(members), "files") as task:
            for member in members:
                source = packed.extractfile(member)
                assert source is not None  # noqa: S101 - a regular file, as was checked
                unpack(source, home / member.name)
                task.advance()
    if home == beside:
        (beside / FOLDER).rename(root)
        beside.rmdir()
    console.say(f"  unpacked {len(members):,} files into {root}")


def _check_member(archive: Path, member: tarfile.TarInfo) -> None:
    """Refuses what could write outside the folder. tarfile's own filter is not in every Python 3.11."""
    parts = PurePosixPath(member.name).parts
    if not member.isfile() or parts[:1] != (FOLDER,) or len(parts) < 2 or ".." in parts:
        raise DataError(f"{archive}: holds '{member.name}', which is no file inside {FOLDER}/: not unpacked")
