"""Reads arrays that a user names on the command line."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import UsageError


def read(path: Path, what: str) -> npt.NDArray[Any]:
    """One array, memory-mapped; ``what`` says in messages what it should hold.

    Raises:
        UsageError: no such file, or not a ``.npy`` file of an array of numbers.
    """
    try:
        # Not np.load: that also opens archives of arrays, and leaves the file open if one is damaged.
        values: npt.NDArray[Any] = np.lib.format.open_memmap(path, mode="r")  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a readable .npy file of {what}: {error}") from error
    if not values.ndim:
        raise UsageError(f"{path}: one number, not an array of {what}")
    return values
