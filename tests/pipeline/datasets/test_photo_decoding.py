"""Photos through the folder: every kind, what cannot be decoded, order, and bounded memory."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.datasets import Batch, Unreadable, _photo_decoding
from pipeline.datasets._photo_decoding import TASK_PHOTOS, decode_photos
from pipeline.datasets._photo_folder import preprocess
from pipeline.errors import DataError
from pipeline.preprocess import MAX_DIMENSION, Pixels, decode, picture
from tests.pipeline.datasets.photo_files import encoded, photo

SPEC = preprocess(32)

LARGE_SECONDS = 10.0
"""For a photo of 12 megapixels on a busy machine; 0.5 s measured on an idle one. Dense weights took 30 s."""


def read(root: Path, names: list[str]) -> list[Batch]:
    """Everything, in order."""
    return list(decode_photos(root, names, np.arange(len(names)), SPEC))


def pixels(batches: list[Batch]) -> Pixels:
    """All that could be decoded."""
    return np.concatenate([batch.pixels for batch in batches])


def unreadable(batches: list[Batch]) -> list[Unreadable]:
    """All that could not."""
    return [each for batch in batches for each in batch.unreadable]


def test_photos_come_in_order_and_are_the_contracts(tmp_path: Path) -> None:
    """More of them than tasks take at a time, of sizes that take unlike times."""
    names = [f"{i:03}.png" for i in range(5 * TASK_PHOTOS + 3)]
    for i, name in enumerate(names):
        side = 300 if i % 7 == 0 else 20
        (tmp_path / name).write_bytes(encoded(photo(i, height=side, width=side + i)))
    batches = read(tmp_path, names)
    np.testing.assert_array_equal(np.concatenate([b.rows for b in batches]), np.arange(len(names)))
    expected = np.stack([picture(decode(tmp_path / name), SPEC) for name in names])
    np.testing.assert_array_equal(pixels(batches), expected)


def test_only_the_chosen_rows_are_read(tmp_path: Path) -> None:
    """The others need not even be there."""
    (tmp_path / "1.png").write_bytes(encoded(photo(1)))
    (batch,) = decode_photos(tmp_path, ["0.png", "1.png", "2.png"], np.array([1]), SPEC)
    assert batch.rows.tolist() == [1]
    assert batch.unreadable == ()


KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "grey": ("L", "JPEG", {}),
    "CMYK": ("CMYK", "JPEG", {}),
    "progressive": ("RGB", "JPEG", {"progressive": True}),
    "palette": ("P", "PNG", {}),
    "palette GIF": ("P", "GIF", {}),
    "alpha": ("RGBA", "PNG", {}),
    "grey alpha": ("LA", "PNG", {}),
    "16 bits": ("I;16", "PNG", {}),
    "WebP": ("RGB", "WEBP", {"lossless": True}),
    "BMP": ("RGB", "BMP", {}),
    "TIFF": ("RGB", "TIFF", {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_photo_becomes_rgb(tmp_path: Path, kind: str) -> None:
    """A white square on black, in the mode's own words."""
    mode, form, options = KINDS[kind]
    values = np.zeros((64, 64), np.uint8)
    values[16:48, 16:48] = 255
    image = Image.fromarray(values)
    stored = Image.fromarray(values.astype(np.uint16) * 257) if mode == "I;16" else image.convert("RGB")
    stored = (
        stored if mode in ("I;16", "RGB") else stored.convert("RGBA" if mode == "LA" else mode).convert(mode)
    )
    stored.save(tmp_path / "photo", form, **options)
    (batch,) = read(tmp_path, ["photo"])
    assert batch.unreadable == ()
    assert batch.pixels.shape == (1, 32, 32, 3)
    assert batch.pixels[0, 12:20, 12:20].min() > 250
    assert batch.pixels[0, :4].max() < 5


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    """Orientation 6, as phones write it: the stored left is the scene's top."""
    lying = np.zeros((32, 64, 3), np.uint8)
    lying[:, :32] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(lying).save(tmp_path / "x.jpg", exif=exif)
    (batch,) = read(tmp_path, ["x.jpg"])
    assert batch.pixels[0, :12].min() > 240
    assert batch.pixels[0, 20:].max() < 15


def test_the_smallest_and_the_longest_photo_work(tmp_path: Path) -> None:
    """One pixel; 20,000 by 10."""
    (tmp_path / "1.png").write_bytes(encoded(np.full((1, 1, 3), 7, np.uint8)))
    (tmp_path / "2.png").write_bytes(encoded(np.full((10, MAX_DIMENSION, 3), 9, np.uint8)))
    assert {int(image.min()) for image in pixels(read(tmp_path, ["1.png", "2.png"]))} == {7, 9}


def test_what_cannot_be_decoded_is_told_with_its_reason(tmp_path: Path) -> None:
    """And leaves no gap between the others."""
    good = encoded(photo(1), "JPEG")
    files = {
        "0.jpg": good,
        "1.jpg": b"just a text\n",
        "2.jpg": good[: len(good) // 2],
        "3.jpg": good,
        "4.jpg": b"",
        "5.png": encoded(np.zeros((1, MAX_DIMENSION + 1, 3), np.uint8)),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    batches = read(tmp_path, list(files))
    assert [row for batch in batches for row in batch.rows] == [0, 3]
    one = picture(decode(tmp_path / "0.jpg"), SPEC)
    np.testing.assert_array_equal(pixels(batches), np.stack([one, one]))
    reasons = {each.name: each.reason for each in unreadable(batches)}
    assert set(reasons) == {"1.jpg", "2.jpg", "4.jpg", "5.png"}
    assert "truncated" in reasons["2.jpg"].lower()
    assert "20001x1 pixels is too large (at most 20,000" in reasons["5.png"]
    assert not any(str(tmp_path) in reason.split(": ")[0] for reason in reasons.values())


def test_a_phones_large_photo_takes_no_seconds(tmp_path: Path) -> None:
    """4000x3000."""
    (tmp_path / "x.jpg").write_bytes(encoded(photo(1, height=3000, width=4000), "JPEG"))
    start = time.monotonic()
    assert len(pixels(read(tmp_path, ["x.jpg"]))) == 1
    assert time.monotonic() - start < LARGE_SECONDS


def test_large_photos_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of 10,000 pixels fit into 25,000, however many threads there are; and none is forgotten."""
    lock, now, most = threading.Lock(), [0], [0]

    def slow(path: Path, *, admit: Callable[[int], None]) -> Pixels:
        admit(10_000)
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        if path.name == "3.png":
            raise DataError(f"{path}: broken")  # gives its share back, too
        return np.zeros((100, 100, 3), np.uint8)

    monkeypatch.setattr(_photo_decoding, "BUDGET_PIXELS", 25_000)
    monkeypatch.setattr(_photo_decoding, "TASK_PHOTOS", 1)
    monkeypatch.setattr(_photo_decoding, "_cores", lambda: 2)
    monkeypatch.setattr(_photo_decoding, "decode", slow)
    batches = read(tmp_path, [f"{i}.png" for i in range(12)])
    assert len(pixels(batches)) == 11
    assert unreadable(batches) == [Unreadable(name="3.png", reason="broken")]
    assert most == [2]


def test_stopping_early_leaves_no_thread_behind(tmp_path: Path) -> None:
    """A build that was interrupted."""
    names = [f"{i}.png" for i in range(6 * TASK_PHOTOS)]
    for i, name in enumerate(names):
        (tmp_path / name).write_bytes(encoded(photo(i)))
    running = decode_photos(tmp_path, names, np.arange(len(names)), SPEC)
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]
