"""Memory-mapped arrays on disk."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors that say that a file could not grow: the disk, a quota, a limit on file sizes."""


def create(path: Path, *, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Creates a ``.npy`` file and maps it for writing, with its space on the disk reserved.

    Raises:
        OSError: no space: now, and not as a bus error while the array is being filled.
    """
    array: npt.NDArray[Any] = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
        path, mode="w+", dtype=dtype, shape=shape
    )
    with path.open("r+b") as file:
        # macOS has no posix_fallocate; there a full disk shows as a signal.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array
