"""The idx reader: orientation, chunks, and every way in which a file can be damaged."""

import gzip
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.datasets import _idx_format as idx_format
from pipeline.errors import DataError
from pipeline.preprocess import Pixels
from tests.pipeline.datasets.idx_files import (
    LETTER_F,
    image_bytes,
    label_bytes,
    numbered_images,
    numbers,
    write,
)

SUFFIXES = ("", ".gz")

IMAGES = numbered_images(np.arange(10) % 3)
"""10 images of 4x4."""

IMAGES_FILE, LABELS_FILE = image_bytes(IMAGES), label_bytes(np.arange(10) % 3)

MEMORY_BYTES = 4 * idx_format.CHUNK_BYTES
"""A damaged header may cost a few chunks, never the gigabytes that it names."""


def read_images(path: Path, *, transposed: bool = False) -> Pixels:
    """All images of a file."""
    return np.concatenate(list(idx_format.images(path, transposed=transposed)))


def test_the_letter_has_no_symmetry_that_could_hide_a_wrong_orientation() -> None:
    """Padded to a square, its eight rotations and mirror images all differ."""
    square = np.pad(LETTER_F, ((0, 0), (1, 1)))
    turned = [np.rot90(base, k) for base in (square, square.T) for k in range(4)]
    assert len({image.tobytes() for image in turned}) == 8


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_images_stored_columns_first_come_out_upright(tmp_path: Path, suffix: str) -> None:
    """NIST stores EMNIST transposed; the reader turns it once."""
    stored = np.stack([LETTER_F.T, LETTER_F.T])
    path = write(tmp_path / f"images{suffix}", image_bytes(stored))
    upright = read_images(path, transposed=True)
    np.testing.assert_array_equal(upright, np.stack([LETTER_F, LETTER_F]))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_images_stored_rows_first_stay_as_they_are(tmp_path: Path, suffix: str) -> None:
    """MNIST's own files are not transposed."""
    path = write(tmp_path / f"images{suffix}", image_bytes(LETTER_F[np.newaxis]))
    np.testing.assert_array_equal(read_images(path), LETTER_F[np.newaxis])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_labels_come_out_as_they_were_written(tmp_path: Path, suffix: str) -> None:
    """All 256 values that a label can have."""
    path = write(tmp_path / f"labels{suffix}", label_bytes(np.arange(256)))
    labels = idx_format.labels(path)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, np.arange(256))


@pytest.mark.parametrize("count", [1, *(idx_format.CHUNK_IMAGES + n for n in (-1, 0, 1)), 9001])
def test_chunks_neither_lose_nor_repeat_an_image(tmp_path: Path, count: int) -> None:
    """Around the border of a chunk, and over three chunks."""
    images = numbered_images(np.zeros(count, dtype=np.int64), side=2)
    path = write(tmp_path / "images.gz", image_bytes(images))
    chunks = list(idx_format.images(path, transposed=False))
    assert max(map(len, chunks)) <= idx_format.CHUNK_IMAGES
    np.testing.assert_array_equal(numbers(np.concatenate(chunks)), np.arange(count))


@pytest.mark.parametrize(("chunk_bytes", "per_chunk"), [(1, 1), (16, 1), (48, 3), (50, 3)])
def test_a_chunk_of_large_images_stays_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int, per_chunk: int
) -> None:
    """Images of 16 bytes in chunks of few bytes."""
    monkeypatch.setattr(idx_format, "CHUNK_BYTES", chunk_bytes)
    chunks = list(idx_format.images(write(tmp_path / "images", IMAGES_FILE), transposed=False))
    assert {len(chunk) for chunk in chunks[:-1]} == {per_chunk}
    np.testing.assert_array_equal(np.concatenate(chunks), IMAGES)


def gz(content: bytes) -> bytes:
    """Compressed, without the date that gzip would write."""
    return gzip.compress(content, mtime=0)


def flipped(content: bytes, at: int) -> bytes:
    """With all bits of one byte the other way round."""
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def header(*fields: int, data: bytes = b"") -> bytes:
    """Big-endian u32 fields, then data."""
    return struct.pack(f">{len(fields)}I", *fields) + data


DAMAGED_IMAGES = {
    "empty": ("", b"", "0 bytes are too few for an idx header"),
    "header cut": ("", IMAGES_FILE[:15], "15 bytes are too few for an idx header"),
    "last byte missing": ("", IMAGES_FILE[:-1], "truncated: 159 of 160 bytes of image 0 to 9 of 10"),
    "pixels missing": ("", IMAGES_FILE[:16], "truncated: 0 of 160 bytes"),
    "one byte more": ("", IMAGES_FILE + b"\0", "bytes left over behind the 10 items"),
    "labels instead": ("", LABELS_FILE * 2, "magic number 0x00000801 is not 0x00000803: no idx images"),
    "another format": ("", b"\x89PNG\r\n\x1a\n" * 9, "magic number 0x89504e47 is not 0x00000803"),
    "no images": ("", header(0x0803, 0, 4, 4), "the header says 0 x 4 x 4: damaged or empty"),
    "no rows": ("", header(0x0803, 10, 0, 4), "the header says 10 x 0 x 4: damaged or empty"),
    "no columns": ("", header(0x0803, 10, 4, 0), "the header says 10 x 4 x 0: damaged or empty"),
    "absurd rows": ("", header(0x0803, 10, 2**32 - 1, 4), "the header says 10 x 4294967295 x 4"),
    "absurd columns": ("", header(0x0803, 10, 4, 4097), "the header says 10 x 4 x 4097"),
    "absurd count": ("", header(0x0803, 2**32 - 1, 4, 4, data=bytes(99)), "truncated: 99 of 65,536 bytes"),
    "huge images": ("", header(0x0803, 2**31, 4096, 4096, data=bytes(9)), "truncated: 9 of 16,777,216"),
    "gzip: empty": (".gz", b"", "0 bytes are too few for an idx header"),
    "gzip: not gzip": (".gz", IMAGES_FILE, "not a gzip file"),
    "gzip: cut in its header": (".gz", gz(IMAGES_FILE)[:5], "the gzip stream ends early"),
    "gzip: cut in the middle": (".gz", gz(IMAGES_FILE)[:40], "the gzip stream ends early"),
    "gzip: checksum cut off": (".gz", gz(IMAGES_FILE)[:-8], "the gzip stream ends early"),
    "gzip: body damaged": (".gz", flipped(gz(IMAGES_FILE), 10), "damaged gzip stream"),
    "gzip: checksum wrong": (".gz", flipped(gz(IMAGES_FILE), -8), "a damaged one (CRC check failed"),
    "gzip: rubbish behind": (".gz", gz(IMAGES_FILE) + b"rubbish", "a damaged one"),
    "gzip: one byte more": (".gz", gz(IMAGES_FILE + b"\0"), "bytes left over behind the 10 items"),
    "gzip: pixels missing": (".gz", gz(IMAGES_FILE[:-1]), "truncated: 159 of 160 bytes"),
    "gzip: labels instead": (".gz", gz(LABELS_FILE), "magic number 0x00000801 is not 0x00000803"),
    "gzip: absurd count": (
        ".gz",
        gz(header(0x0803, 2**32 - 1, 4, 4, data=bytes(99))),
        "truncated: 99 of 65,536 bytes",
    ),
}
"""What happened to the file: (suffix, content, what the error must say)."""

DAMAGED_LABELS = {
    "empty": ("", b"", "0 bytes are too few for an idx header"),
    "last byte missing": ("", LABELS_FILE[:-1], "truncated: 9 of 10 bytes of 10 labels"),
    "one byte more": ("", LABELS_FILE + b"\0", "bytes left over behind the 10 items"),
    "images instead": ("", IMAGES_FILE, "magic number 0x00000803 is not 0x00000801: no idx labels file"),
    "no labels": ("", header(0x0801, 0), "the header says 0: damaged or empty"),
    "absurd count": ("", header(0x0801, 2**32 - 1, data=bytes(9)), "truncated: 9 of 4,294,967,295 bytes"),
    "gzip: not gzip": (".gz", LABELS_FILE, "not a gzip file"),
    "gzip: cut": (".gz", gz(LABELS_FILE)[:-9], "the gzip stream ends early"),
    "gzip: absurd count": (
        ".gz",
        gz(header(0x0801, 2**32 - 1, data=bytes(9))),
        "truncated: 9 of 4,294,967,295 bytes",
    ),
}


def check_refused(read: Callable[[], object], path: Path, says: str) -> None:
    """Reading raises one sentence that names the file and what is wrong, and takes little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert says in text
    assert "\n" not in text
    assert peak < MEMORY_BYTES


@pytest.mark.parametrize("case", DAMAGED_IMAGES)
def test_damaged_images_are_refused_with_file_and_reason(tmp_path: Path, case: str) -> None:
    """Nothing that a broken disk or download leaves behind is taken for pictures."""
    suffix, content, says = DAMAGED_IMAGES[case]
    path = tmp_path / f"images{suffix}"
    path.write_bytes(content)
    check_refused(lambda: read_images(path), path, says)


@pytest.mark.parametrize("case", DAMAGED_LABELS)
def test_damaged_labels_are_refused_with_file_and_reason(tmp_path: Path, case: str) -> None:
    """The same for labels."""
    suffix, content, says = DAMAGED_LABELS[case]
    path = tmp_path / f"labels{suffix}"
    path.write_bytes(content)
    check_refused(lambda: idx_format.labels(path), path, says)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, suffix: str) -> None:
    """It may vanish between being found and being read."""
    path = tmp_path / f"images{suffix}"
    check_refused(lambda: read_images(path), path, "No such file or directory")


def test_damage_behind_the_first_chunk_is_found_when_it_is_reached(tmp_path: Path) -> None:
    """The header and the first 4,096 images are whole, the last one is not."""
    content = image_bytes(numbered_images(np.zeros(5000, dtype=np.int64), side=2))
    path = write(tmp_path / "images", content[:-1])
    chunks = idx_format.images(path, transposed=False)
    assert len(next(chunks)) == idx_format.CHUNK_IMAGES
    with pytest.raises(DataError, match="truncated: 3,615 of 3,616 bytes of image 4096 to 4999 of 5000"):
        next(chunks)


def test_the_header_alone_tells_count_and_size(tmp_path: Path) -> None:
    """Counting images decodes none."""
    path = write(tmp_path / "images", IMAGES_FILE[:16])
    assert idx_format.read_header(path, idx_format.IMAGES_MAGIC) == idx_format.Header(10, 4, 4)
