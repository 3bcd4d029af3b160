"""Decoders: the reference gives the arrays' pixels, another is measured, and what it cannot read is named."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline import preprocess
from pipeline.console import Console
from pipeline.decoder_record import DecoderCell
from pipeline.errors import DataError
from pipeline.interval import Interval
from pipeline.parity import decoders
from pipeline.parity.decoders import COLUMNS, Decoded, notes, table
from pipeline.preprocess import Pixels, PreprocessSpec

SPEC = PreprocessSpec(height=24, width=24, channels="rgb", crop="center_square")

READABLE = ("plain.jpg", "gray.jpg", "lying.jpg", "mirrored.jpg", "progressive.jpg", "plain.png", "flat.bmp")
"""What TensorFlow reads too."""

TIFF, CMYK = "scan.tiff", "print.jpg"


def scene(height: int = 60, width: int = 90) -> Pixels:
    """A picture without any symmetry, with smooth parts and an edge."""
    down, across = np.mgrid[0:height, 0:width]
    red, green = 255 * down / height, 255 * across / width
    blue = np.where(across + 2 * down > width, 200.0, 30.0)
    return np.asarray(np.stack([red, green, blue], axis=2), dtype=np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of one scene in many kinds of file."""
    image = Image.fromarray(scene())
    for name, orientation in (("plain.jpg", 1), ("lying.jpg", 6), ("mirrored.jpg", 7)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(tmp_path / name, quality=90, exif=exif)
    image.convert("L").save(tmp_path / "gray.jpg", quality=90)
    image.save(tmp_path / "progressive.jpg", quality=90, progressive=True)
    image.convert("CMYK").save(tmp_path / CMYK)
    for name in ("plain.png", "flat.bmp", TIFF):
        image.save(tmp_path / name)
    return tmp_path


def reference(folder: Path, names: tuple[str, ...]) -> Pixels:
    """What the data stage makes of them."""
    return np.stack([preprocess.picture(preprocess.decode(folder / name), SPEC) for name in names])


def decode(decoder: str, folder: Path, names: tuple[str, ...], arrays: Pixels | None = None) -> Decoded:
    """Decodes into ``decoded.npy``."""
    return decoders.decode(
        decoder, names, folder, SPEC, reference(folder, names) if arrays is None else arrays,
        folder / "decoded.npy", threads=2, console=Console(quiet=True),
    )  # fmt: skip


class TestReference:
    """Pillow decoded the arrays."""

    def test_it_gives_the_arrays_pixels(self, photos: Path) -> None:
        """Exactly, whatever the file."""
        names = (*READABLE, TIFF, CMYK)
        decoded = decode("pillow", photos, names)

        assert decoded.rows.tolist() == list(range(len(names)))
        assert (decoded.max_levels, decoded.mean_levels, decoded.undecodable) == (0, 0.0, ())
        assert np.array_equal(np.load(photos / "decoded.npy"), reference(photos, names))

    def test_a_file_that_was_changed_is_an_error(self, photos: Path) -> None:
        """One level in one value is enough."""
        arrays = reference(photos, READABLE)
        arrays[2, 5, 5, 1] ^= 1

        with pytest.raises(DataError, match=r"lying\.jpg: gives other pixels"):
            decode("pillow", photos, READABLE, arrays)

    def test_a_file_that_is_gone_is_an_error(self, photos: Path) -> None:
        """By name."""
        arrays = reference(photos, READABLE)
        (photos / "gray.jpg").unlink()

        with pytest.raises(DataError, match=r"gray\.jpg"):
            decode("pillow", photos, READABLE, arrays)


@pytest.mark.tensorflow
class TestTensorFlow:
    """Another JPEG decoder."""

    def test_it_turns_by_exif_and_differs_a_little(self, photos: Path) -> None:
        """A photo that lies on its side would be hundreds of levels off."""
        decoded = decode("tensorflow", photos, READABLE)

        assert decoded.rows.tolist() == list(range(len(READABLE)))
        assert decoded.max_levels is not None
        assert 0 < decoded.max_levels < 16
        assert decoded.mean_levels is not None
        assert 0 < decoded.mean_levels < 1
        images = np.load(photos / "decoded.npy").astype(int)
        assert decoded.max_levels == np.abs(images - reference(photos, READABLE)).max()
        assert decoded.mean_levels == pytest.approx(np.abs(images - reference(photos, READABLE)).mean())

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_it_turns_as_the_reference_does(self, photos: Path, orientation: int) -> None:
        """A PNG shows every pixel that would lie elsewhere."""
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(scene()).save(photos / "turned.png", exif=exif)

        assert decode("tensorflow", photos, ("turned.png",)).max_levels == 0

    def test_what_is_not_compressed_with_loss_is_the_same(self, photos: Path) -> None:
        """A PNG leaves no freedom."""
        decoded = decode("tensorflow", photos, ("plain.png", "flat.bmp"))

        assert decoded.max_levels == 0

    def test_what_it_cannot_read_is_named_and_left_out(self, photos: Path) -> None:
        """The rows after it move up."""
        names = ("plain.jpg", TIFF, "plain.png")
        decoded = decode("tensorflow", photos, names)

        assert decoded.undecodable == (TIFF,)
        assert decoded.rows.tolist() == [0, 2]
        images = np.load(photos / "decoded.npy")
        assert np.array_equal(images[1], reference(photos, names)[2])

    def test_nothing_readable_is_no_figure(self, photos: Path) -> None:
        """And no division by zero."""
        decoded = decode("tensorflow", photos, (TIFF,))

        assert (decoded.max_levels, decoded.mean_levels, len(decoded.rows)) == (None, None, 0)

    def test_a_file_that_is_gone_is_an_error(self, photos: Path) -> None:
        """It is no format that the decoder lacks."""
        arrays = reference(photos, READABLE)
        (photos / "gray.jpg").unlink()

        with pytest.raises(DataError, match=r"gray\.jpg"):
            decode("tensorflow", photos, READABLE, arrays)


@pytest.mark.parametrize("decoder", ["pillow", pytest.param("tensorflow", marks=pytest.mark.tensorflow)])
def test_photos_together_stay_within_the_budget_of_pixels(
    photos: Path, monkeypatch: pytest.MonkeyPatch, decoder: str
) -> None:
    """Eight threads wait for one another."""
    names = tuple(f"{i}.png" for i in range(12))
    for name in names:
        (photos / name).write_bytes((photos / "plain.png").read_bytes())
    arrays, together, most, lock = reference(photos, names), 0, 0, threading.Lock()
    real = preprocess.picture

    def slow(pixels: Pixels, spec: PreprocessSpec) -> Pixels:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.02)  # so that threads would meet
        with lock:
            together -= 1
        return real(pixels, spec)

    monkeypatch.setattr(preprocess, "picture", slow)
    monkeypatch.setattr(decoders, "BUDGET_PIXELS", 3 * 60 * 90 + 1)
    decoders.decode(
        decoder, names, photos, SPEC, arrays, photos / "d.npy", threads=8, console=Console(quiet=True)
    )  # fmt: skip
    assert most == 3


def test_a_photo_larger_than_the_budget_is_decoded_alone(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for what never comes."""
    monkeypatch.setattr(decoders, "BUDGET_PIXELS", 10)

    assert len(decode("pillow", photos, READABLE).rows) == len(READABLE)


def cell(**fields: Any) -> DecoderCell:
    """A decoder that costs half a point."""
    return DecoderCell(
        **{
            "decoder": "tensorflow",
            "version": "2.20.0",
            "runtime": "litert",
            "runtime_version": "2.3.0",
            "images": 200,
            "max_difference_levels": 5,
            "mean_difference_levels": 0.9021,
            "agreement": 0.985,
            "accuracy": Interval(value=0.9, low=0.85, high=0.93),
            "drop_points": 0.5,
            "drop_limit_points": 1.0,
            **fields,
        }
    )


class TestReport:
    """What a person reads."""

    def test_a_row_has_every_figure(self) -> None:
        """In the columns' order."""
        assert len(COLUMNS) == 9
        assert table([cell()]) == [
            ("tensorflow 2.20.0", "litert 2.3.0", "200", "0", "5", "0.902", "98.50", "90.00 (85.00-93.00)",
             "+0.50")
        ]  # fmt: skip

    def test_the_reference_is_a_sentence_and_no_row(self) -> None:
        """Its figures are so by construction; on every runtime the same sentence."""
        cells = [
            cell(decoder="pillow", version="12.0 (libjpeg-turbo 3.1)", runtime=runtime, drop_points=0.0)
            for runtime in ("litert", "tflite")
        ]

        assert len(table([*cells, cell()])) == 1
        assert notes([*cells, cell()]) == [
            "pillow 12.0 (libjpeg-turbo 3.1) decoded all 200 photos again, to exactly the images that were "
            "measured above"
        ]

    def test_what_was_not_measured_is_blank(self) -> None:
        """Never a zero."""
        nothing = DecoderCell(
            decoder="tensorflow", version="2.20.0", runtime="litert", runtime_version="2.3.0", undecodable=3
        )
        assert table([nothing])[0][2:] == ("0", "3", "", "", "", "", "")

    @pytest.mark.parametrize(
        ("drop", "limit", "said"), [(1.0, 1.0, False), (1.01, 1.0, True), (9.0, None, False)]
    )
    def test_more_than_the_gate_makes_a_note(self, drop: float, limit: float | None, said: bool) -> None:
        """At the limit it does not."""
        found = notes([cell(drop_points=drop, drop_limit_points=limit)])

        assert bool(found) is said
        assert not said or "lose 1.01 points on litert, more than the 1 " in found[0]

    def test_files_that_are_left_out_are_named_once(self) -> None:
        """Not once per runtime."""
        names = ("a.tiff", "b.tiff")
        cells = [cell(runtime=r, undecodable=5, undecodable_files=names) for r in ("litert", "tflite")]

        assert notes(cells) == [
            "tensorflow cannot decode 5 of 205 photos, which are left out of its figures: "
            "a.tiff, b.tiff and 3 more"
        ]

    def test_a_runtime_that_broke_says_why(self) -> None:
        """It has no figures."""
        assert "worker died" in notes([cell(reason="the worker died", drop_points=None)])[0]
