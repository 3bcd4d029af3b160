"""Memory-mapped arrays on disk."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import InternalError

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


def shorten(path: Path, rows: int) -> None:
    """Keeps the first rows of a ``.npy`` file, in place: nothing is copied.

    Raises:
        OSError: the file cannot be written.
    """
    array = np.load(path, mmap_mode="r")
    shape, row_bytes = (rows, *array.shape[1:]), array.nbytes // len(array)
    descr = np.lib.format.dtype_to_descr(array.dtype)  # type: ignore[no-untyped-call]
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    offset = array.offset
    del array
    with path.open("r+b") as file:
        np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
        if file.tell() != offset:  # numpy pads headers, so that a shape with fewer digits takes as much room
            raise InternalError(f"{path}: its header would change its length")
        file.truncate(offset + rows * row_bytes)
