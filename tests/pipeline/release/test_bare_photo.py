"""Photos without metadata: every pixel stays, nothing private does."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipeline.preprocess import decode
from pipeline.release import golden
from pipeline.release.bare_photo import bare
from pipeline.release.examples import Example

OWNER, PLACE, TRAILER = "Jane Doe", "Nowhere 17", b"ftypmp42 a film of the moment"
SECRETS = (OWNER.encode(), PLACE.encode(), TRAILER)


def picture(mode: str = "RGB") -> Image.Image:
    """Smooth and without symmetry: turned or in other colours it is another one."""
    down, across = np.mgrid[0:60, 0:90]
    planes = [255 * down / 60, 255 * across / 90, np.where(across + 2 * down > 90, 200.0, 30.0)]
    return Image.fromarray(np.stack(planes, axis=2).astype(np.uint8)).convert(mode)


def private(orientation: int) -> Image.Exif:
    """What a phone writes: owner, place, and how it was held."""
    exif = Image.Exif()
    exif[0x0112], exif[0x013B], exif[0x8298] = orientation, OWNER, OWNER
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 1.0), 27: PLACE.encode()})
    return exif


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """The file."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def checked(content: bytes) -> tuple[bytes, str]:
    """Bare, with the same pixels and without any secret."""
    pixels = decode(content)
    found = bare(content, pixels)
    assert found is not None
    assert np.array_equal(decode(found[0]), pixels)
    assert not [secret for secret in SECRETS if secret in found[0]]
    return found


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_orientation_is_all_that_is_left_of_exif(orientation: int, form: str) -> None:
    """The preview, owner and place are gone."""
    content = encoded(picture(), form, exif=private(orientation))
    assert OWNER.encode() in content
    assert PLACE.encode() in content
    found, suffix = checked(content)
    assert suffix == {"JPEG": ".jpg", "PNG": ".png"}[form]
    with Image.open(io.BytesIO(found)) as image:
        assert dict(image.getexif()) == ({} if orientation == 1 else {0x0112: orientation})
        assert not image.getexif().get_ifd(0x8825)
        assert image.size == (90, 60)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"progressive": True}),
        ("RGB", {"quality": 100, "subsampling": 0}),
        ("RGB", {"restart_marker_rows": 1}),
        ("RGB", {"keep_rgb": True}),
        ("L", {}),
        ("CMYK", {}),
    ],
)
def test_every_kind_of_jpeg_keeps_its_pixels(mode: str, options: dict[str, Any]) -> None:
    """However it is coded."""
    checked(encoded(picture(mode), "JPEG", exif=private(6), comment=OWNER, **options))


def test_what_says_which_colours_a_file_holds_stays() -> None:
    """Adobe's segment: without it these three planes would be read as luma and chroma."""
    content = encoded(picture(), "JPEG")
    assert content[2:4] == b"\xff\xe0"
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"
    found, _ = checked(content[:2] + adobe + content[20:])
    assert adobe in found
    assert not np.array_equal(decode(found), decode(content))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_every_kind_of_png_keeps_its_pixels(mode: str) -> None:
    """Palette and transparency stay, texts go."""
    texts = PngInfo()
    texts.add_text("Author", OWNER)
    texts.add_itxt("Location", PLACE, zip=False)
    image = Image.new("I;16", (9, 7), 51_234) if mode == "I;16" else picture().convert(mode)
    options = {"transparency": 3} if mode == "P" else {}
    checked(encoded(image, "PNG", pnginfo=texts, **options))


def test_a_preview_and_a_profile_go() -> None:
    """JFIF's own preview, a colour profile with its owner, notes of the camera's maker."""
    content = encoded(picture(), "JPEG", icc_profile=OWNER.encode() + bytes(200), xmp=PLACE.encode())
    preview = b"JFIF\0\1\1\0\0\1\0\1\2\1" + PLACE.encode()[:6]
    assert content[2:4] == b"\xff\xe0"
    jfif = b"\xff\xe0" + (len(preview) + 2).to_bytes(2, "big") + preview
    notes = b"\xff\xef" + (len(OWNER) + 2).to_bytes(2, "big") + OWNER.encode()
    found, _ = checked(content[:2] + jfif + notes + content[20:])
    assert PLACE.encode()[:6] not in found
    assert found[6:11] == b"JFIF\0"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_what_follows_the_picture_goes(form: str) -> None:
    """Phones append films to photos."""
    content = encoded(picture(), form)
    assert checked(content + TRAILER)[0] == content


def test_a_second_picture_in_the_file_goes() -> None:
    """A depth map, or the same photo uncropped."""
    content = encoded(picture(), "MPO", save_all=True, append_images=[picture().rotate(180)])
    found, _ = checked(content)
    assert found.count(b"\xff\xd8") == 1


@pytest.mark.parametrize("form", ["WEBP", "TIFF", "GIF", "BMP"])
def test_other_formats_are_not_taken(form: str) -> None:
    """Another photo is shown then."""
    content = encoded(picture(), form)
    assert bare(content, decode(content)) is None


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_damage_is_not_taken(form: str) -> None:
    """However short the file is; and no endless search."""
    content = encoded(picture(), form)
    pixels = decode(content)
    for length in range(0, len(content) - 2, 7):
        assert bare(content[:length], pixels) is None


def case(path: Path, name: str) -> golden.Case:
    """A picture case from a file."""
    pixels, image = decode(path), np.zeros((8, 8, 3), np.uint8)
    example = Example(image=image, label=0, source=path, file=path.name)
    return golden.Case(id=name, kind="picture", pixels=pixels, image=image, example=example)


def test_the_first_photo_that_can_be_bared_is_shown(tmp_path: Path) -> None:
    """Where there is none the pixels become a PNG, which has nothing else in it."""
    for name in ("a.webp", "b.jpg", "c.tiff"):
        picture().save(tmp_path / name, exif=private(6))
    cases = [case(tmp_path / "a.webp", "picture-000"), case(tmp_path / "b.jpg", "picture-001")]
    assert golden._encode(cases, tmp_path, has_files=True) == ("picture-001", "encoded.jpg")
    shown = (tmp_path / "encoded.jpg").read_bytes()
    assert np.array_equal(decode(shown), cases[1].pixels)

    without = [cases[0], case(tmp_path / "c.tiff", "picture-002")]
    assert golden._encode(without, tmp_path, has_files=True) == ("picture-000", "encoded.png")
    png = (tmp_path / "encoded.png").read_bytes()
    assert np.array_equal(decode(png), cases[0].pixels)
    assert not [secret for secret in SECRETS if secret in shown + png]


def test_other_pixels_are_not_taken() -> None:
    """Golden vectors start from exactly these."""
    content = encoded(picture(), "PNG")
    assert bare(content, ~decode(content)) is None
