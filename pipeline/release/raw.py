"""Raw arrays in files: row-major and little-endian, so that an app in any language reads them."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import StepError


def file_dtype(name: str) -> np.dtype[Any]:
    """Of a tensor in a file, by the name of its dtype."""
    return np.dtype(name).newbyteorder("<")


def little_endian(values: npt.NDArray[np.generic]) -> bytes:
    """A tensor as a file has it."""
    return values.astype(file_dtype(values.dtype.name)).tobytes()


def read_array(path: Path, dtype: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Reads a raw array.

    Args:
        path: of the file.
        dtype: name of the elements' type.
        shape: that it is given.

    Raises:
        StepError: no such file, or not of this size.
    """
    kind, wanted = file_dtype(dtype), math.prod(shape) * file_dtype(dtype).itemsize
    try:
        found = path.stat().st_size
        content = path.read_bytes() if found == wanted else b""
    except OSError as error:
        raise StepError(f"{path}: {error.strerror}") from error
    if len(content) != wanted:
        raise StepError(f"{path}: {found:,} bytes, not {wanted:,}: {dtype} {list(shape)}")
    return np.frombuffer(content, dtype=kind).reshape(shape)
