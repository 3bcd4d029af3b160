"""The idx format of MNIST and EMNIST, gzipped or not, read as a stream.

    images: 00 00 08 03, count, rows, columns, then u8 pixels       (big-endian u32 each)
    labels: 00 00 08 01, count, then u8 labels

Source: Y. LeCun, "The MNIST database of handwritten digits", section "File formats".
"""

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from pipeline.datasets import Labels
from pipeline.errors import DataError
from pipeline.preprocess import Pixels

IMAGES_MAGIC = 0x0803
LABELS_MAGIC = 0x0801
CHUNK_IMAGES = 4096
"""Images decoded at a time: 3 MB of 28x28, small beside anything else that is loaded."""

CHUNK_BYTES = 1 << 24
"""Larger images are decoded fewer at a time, so that a chunk stays small."""

MAX_SIDE = 4096
"""Larger rows or columns in a header are damage, not handwriting."""


@dataclass(frozen=True)
class Header:
    """What the first bytes of an idx file say."""

    count: int
    rows: int = 1
    columns: int = 1


def read_header(path: Path, magic: int) -> Header:
    """Reads and checks the header.

    Raises:
        DataError: not gzip, truncated, or another magic number.
    """
    with _stream(path) as stream:
        return _header(stream, path, magic)


def images(path: Path, *, transposed: bool) -> Iterator[Pixels]:
    """Yields (n, rows, columns) u8 images in chunks.

    Args:
        path: an idx3 file.
        transposed: the file holds columns first, as NIST made EMNIST; they are turned upright here,
            once, and nowhere else.

    Raises:
        DataError: damaged; naming what is wrong and where.
    """
    with _stream(path) as stream:
        header = _header(stream, path, IMAGES_MAGIC)
        size = header.rows * header.columns
        step = min(CHUNK_IMAGES, max(1, CHUNK_BYTES // size))
        for start in range(0, header.count, step):
            n = min(step, header.count - start)
            flat = _exactly(stream, n * size, path, f"image {start} to {start + n - 1} of {header.count}")
            chunk = flat.reshape(n, header.rows, header.columns)
            yield chunk.transpose(0, 2, 1) if transposed else chunk
        _at_end(stream, path, header.count)


def labels(path: Path) -> Labels:
    """All labels of an idx1 file.

    Raises:
        DataError: damaged.
    """
    with _stream(path) as stream:
        header = _header(stream, path, LABELS_MAGIC)
        values = _exactly(stream, header.count, path, f"{header.count} labels")
        _at_end(stream, path, header.count)
        return values.astype(np.int64)


@contextmanager
def _stream(path: Path) -> Iterator[BinaryIO]:
    """Opens a file and turns every way in which it can be damaged into a DataError."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rb") as stream:
                yield stream  # type: ignore[misc]  # GzipFile reads like a BinaryIO
        else:
            with path.open("rb") as plain:
                yield plain
    except gzip.BadGzipFile as error:
        raise DataError(f"{path}: not a gzip file, or a damaged one ({error}); fetch it again") from error
    except EOFError as error:
        raise DataError(f"{path}: the gzip stream ends early; fetch it again") from error
    except zlib.error as error:
        raise DataError(f"{path}: damaged gzip stream ({error}); fetch it again") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error


def _header(stream: BinaryIO, path: Path, magic: int) -> Header:
    fields = 4 if magic == IMAGES_MAGIC else 2
    data = stream.read(4 * fields)
    if len(data) < 4 * fields:
        raise DataError(f"{path}: truncated: {len(data)} bytes are too few for an idx header")
    found, *sizes = struct.unpack(f">{fields}I", data)
    if found != magic:
        what = "images" if magic == IMAGES_MAGIC else "labels"
        raise DataError(f"{path}: magic number {found:#010x} is not {magic:#010x}: no idx {what} file")
    header = Header(*sizes)
    if header.count == 0 or not (0 < header.rows <= MAX_SIDE and 0 < header.columns <= MAX_SIDE):
        raise DataError(f"{path}: the header says {' x '.join(map(str, sizes))}: damaged or empty")
    return header


def _exactly(stream: BinaryIO, size: int, path: Path, what: str) -> npt.NDArray[np.uint8]:
    data = bytearray()
    # By blocks: a damaged header may ask for gigabytes that the file does not have.
    while len(data) < size and (block := stream.read(min(size - len(data), CHUNK_BYTES))):
        data += block
    if len(data) < size:
        raise DataError(f"{path}: truncated: {len(data):,} of {size:,} bytes of {what}")
    return np.frombuffer(data, dtype=np.uint8)


def _at_end(stream: BinaryIO, path: Path, count: int) -> None:
    # Reading on also makes gzip compare its checksum.
    if stream.read(1):
        raise DataError(f"{path}: bytes left over behind the {count:,} items that its header counts")
