"""Photos of one's own: a folder for each class, split by share and seed or by given lists."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.datasets import Source, Split
from pipeline.datasets._photo_folder import PhotoFolder, preprocess
from pipeline.datasets._photo_listing import scan
from pipeline.datasets._splits import by_lists, by_ratio
from pipeline.errors import DataMissingError

VALIDATION_SHARE = 0.1
"""Of train, where lists say what train is."""

PLACES = ("path", "train_list", "test_list")
"""Options that name a place on this machine."""


class Options(BaseModel):
    """Keys of a recipe's ``[dataset]`` section.

    Paths are relative to the data folder, to the home folder (``~/photos``), or absolute.

    Attributes:
        path: folder that holds a folder of photos for each class; their names are the labels.
        size: side of the model's square input, pixels.
        test: share of every class that becomes the test set.
        split_seed: of that choice.
        train_list: CSV file of the train photos, a line ``class/photo.jpg,class`` each; instead of ``test``.
        test_list: the same for the test photos.
        unreadable: so many photos that cannot be decoded may be left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1)
    size: int = Field(default=224, ge=32, le=1024)
    test: float = Field(default=0.1, gt=0.0, le=0.5)
    split_seed: int = Field(default=1, ge=0, lt=2**31)
    train_list: str | None = None
    test_list: str | None = None
    unreadable: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check(self) -> "Options":
        if (self.train_list is None) != (self.test_list is None):
            raise ValueError("train_list and test_list go together")
        return self


def locate(options: Options, data: Path | None) -> Source:
    """Lists the photos and splits them.

    Raises:
        DataMissingError: no such folder or list.
        DataError: a folder that cannot be taken; see :func:`scan`, :func:`by_ratio` and :func:`by_lists`.
    """
    base = data or Path()
    listing = scan(_place(base, options.path))
    if options.train_list is not None and options.test_list is not None:
        lists: dict[Split, Path] = {
            "train": _place(base, options.train_list),
            "test": _place(base, options.test_list),
        }
        splits = by_lists(listing, lists, validation_share=VALIDATION_SHARE)
    else:
        splits = by_ratio(listing, test=options.test, seed=options.split_seed)
    return PhotoFolder(
        name=listing.root.resolve().name or "photos",
        listing=listing,
        splits=splits,
        preprocess=preprocess(options.size),
        allowed_unreadable=options.unreadable,
    )


def _place(base: Path, text: str) -> Path:
    try:
        return base / Path(text).expanduser()
    except RuntimeError as error:
        raise DataMissingError(f"{text}: {error}: name the folder without '~'") from error
