"""Files to pixels: orientation, every kind of picture, and files that are none."""

import io
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import DataError
from pipeline.preprocess import MAX_DIMENSION, Pixels, decode
from tests.pipeline.test_preprocess import SEED, drawn

DAMAGED_VARIANTS = 300


def bitmap(pixels: Pixels, form: str = "BMP") -> bytes:
    """A file without EXIF."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises so many gray pixels and holds none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


class TestDecode:
    """Files to pixels."""

    def encoded(self, pixels: Pixels, form: str = "PNG", orientation: int = 1) -> bytes:
        """A file with an EXIF orientation."""
        exif = Image.Exif()
        exif[0x0112] = orientation
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, form, exif=exif)
        return buffer.getvalue()

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_the_exif_orientation_is_applied(self, orientation: int) -> None:
        """EXIF 2.3, tag 274: where row 0 and column 0 of the stored picture belong."""
        upright = drawn(5, 3, 3)
        stored = {
            1: upright,
            2: upright[:, ::-1],
            3: upright[::-1, ::-1],
            4: upright[::-1],
            5: upright.swapaxes(0, 1),
            6: upright.swapaxes(0, 1)[::-1],
            7: upright.swapaxes(0, 1)[::-1, ::-1],
            8: upright.swapaxes(0, 1)[:, ::-1],
        }[orientation]

        decoded = decode(self.encoded(np.ascontiguousarray(stored), orientation=orientation))

        np.testing.assert_array_equal(decoded, upright)

    def test_a_phones_jpeg_is_turned_upright(self, tmp_path: Path) -> None:
        """Held upright, stored lying: the commonest photo there is."""
        lying = np.zeros((32, 64, 3), np.uint8)
        lying[:, :32] = 255  # its left half is the top of the scene
        path = tmp_path / "photo.jpg"
        path.write_bytes(self.encoded(lying, "JPEG", orientation=6))

        decoded = decode(path)

        assert decoded.shape == (64, 32, 3)
        assert decoded[:28].min() > 250
        assert decoded[36:].max() < 5

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
    def test_every_kind_of_picture_becomes_rgb(self, mode: str) -> None:
        """One byte a channel."""
        buffer = io.BytesIO()
        source = Image.fromarray(np.full((6, 4, 3), 255, np.uint8)).convert(mode)
        source.save(buffer, "TIFF")

        decoded = decode(buffer.getvalue())

        assert decoded.dtype == np.uint8
        assert decoded.shape == (6, 4, 3)
        assert decoded.min() >= 254

    @pytest.mark.parametrize("form", ["PNG", "TIFF"])
    def test_of_16_bits_the_high_byte_is_taken(self, form: str) -> None:
        """Not 255 for all that is above it."""
        values = np.array([[0, 255, 256, 0x7FFF, 0x8000, 0xFFFF]], np.uint16)
        pictures = [Image.fromarray(values)]
        if form == "TIFF":
            pictures.append(Image.fromarray(values.astype(np.int32)))
        for source in pictures:
            buffer = io.BytesIO()
            source.save(buffer, form)

            decoded = decode(buffer.getvalue())

            np.testing.assert_array_equal(decoded, np.repeat((values >> 8)[..., np.newaxis], 3, axis=2))

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_alpha_lies_on_white(self, mode: str) -> None:
        """Nothing shows of a colour that is hidden, half of one that half covers."""
        source = np.zeros((1, 3, len(mode)), np.uint8)
        source[0, :, -1] = (0, 128, 255)
        buffer = io.BytesIO()
        Image.fromarray(source, mode).save(buffer, "PNG")

        decoded = decode(buffer.getvalue())

        assert decoded.shape == (1, 3, 3)
        assert decoded[0, :, 0].tolist() == [255, 127, 0]

    @pytest.mark.parametrize("mode", ["1", "L", "RGB", "P", "I;16"])
    def test_a_transparent_colour_lies_on_white(self, mode: str) -> None:
        """A PNG's tRNS; of a palette, its entry."""
        if mode == "I;16":
            image = Image.fromarray(np.array([[0, 0x4000]], np.uint16))
        else:
            image = Image.fromarray(np.array([[0, 255]], np.uint8)).convert(mode)
        if mode == "P":
            image.putpalette([0, 0, 0] + [64, 64, 64] * 255)
        hidden: int | tuple[int, int, int] = (0, 0, 0) if mode == "RGB" else 0
        buffer = io.BytesIO()
        image.save(buffer, "PNG", transparency=hidden)

        decoded = decode(buffer.getvalue())

        assert decoded[0, :, 0].tolist() == [255, 64 if mode in ("P", "I;16") else 255]

    @pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
    def test_a_picture_that_breaks_off_is_refused(self, form: str, tmp_path: Path) -> None:
        """No picture is filled up with gray."""
        path = tmp_path / f"cut.{form.lower()}"
        content = self.encoded(drawn(40, 40, 3), form) if form != "BMP" else bitmap(drawn(40, 40, 3))
        path.write_bytes(content[: len(content) * 2 // 3])

        with pytest.raises(DataError, match="not a readable picture") as caught:
            decode(path)
        assert str(caught.value).startswith(f"{path}: ")

    @pytest.mark.parametrize("content", [b"", b"just a text\n", bytes(100)])
    def test_what_is_no_picture_is_refused(self, content: bytes, tmp_path: Path) -> None:
        """Whatever its name says."""
        path = tmp_path / "text.jpg"
        path.write_bytes(content)

        with pytest.raises(DataError, match=r"text\.jpg: not a readable picture"):
            decode(path)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        """And a folder."""
        for path in (tmp_path / "none.png", tmp_path):
            with pytest.raises(DataError, match="not a readable picture") as caught:
                decode(path)
            assert str(caught.value).startswith(f"{path}: ")

    @pytest.mark.parametrize(
        ("width", "height"),
        [(MAX_DIMENSION + 1, 1), (1, MAX_DIMENSION + 1), (10_000, 10_000), (15_000, 15_000)],
    )
    def test_a_picture_that_is_too_large_is_refused_by_its_header(self, width: int, height: int) -> None:
        """Long, or large in all: its pixels, which are not there, are never asked for."""
        with pytest.raises(DataError, match="too large"):
            decode(png_header(width, height))

    def test_the_longest_side_is_still_taken(self) -> None:
        """A panorama."""
        assert decode(bitmap(np.zeros((1, MAX_DIMENSION, 3), np.uint8))).shape == (1, MAX_DIMENSION, 3)

    @pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on damaged EXIF
    @pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
    def test_damaged_pictures_give_pixels_or_a_data_error(self, form: str) -> None:
        """Never another exception: folders of photos hold a few of them."""
        content = (
            self.encoded(drawn(20, 15, 3), form)
            if form not in ("BMP", "PPM")
            else bitmap(drawn(20, 15, 3), form)
        )
        draw, refused = random.Random(SEED), 0
        for _ in range(DAMAGED_VARIANTS):
            variant = bytearray(content)
            for _ in range(draw.choice([1, 2, 8, 32])):
                variant[draw.randrange(min(len(variant), 300))] = draw.randrange(256)
            try:
                pixels = decode(bytes(variant))
            except DataError:
                refused += 1
            else:
                assert pixels.dtype == np.uint8
                assert pixels.ndim == pixels.shape[2] == 3

        assert refused > 0
