"""The preprocessing contract: each step against other people's code or numbers worked out by hand."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from pipeline.errors import DataError
from pipeline.preprocess import (
    SMALLEST_FLOAT32,
    Pixels,
    PreprocessSpec,
    dequantise,
    picture,
    quantise,
    tensor,
)

SEED = 6

repeatable = settings(derandomize=True, deadline=None, max_examples=150)
"""Property tests draw the same examples every time, on machines however slow."""


def drawn(*shape: int) -> Pixels:
    """Seeded noise, 0..255."""
    return np.random.default_rng(SEED).integers(0, 256, shape, dtype=np.uint8)


def gray(height: int, width: int, **options: Any) -> PreprocessSpec:
    """A spec of one channel."""
    return PreprocessSpec(height=height, width=width, **options)


def ink(height: int = 28, width: int = 28, **options: Any) -> PreprocessSpec:
    """A spec that cuts out the ink; it fills 20 pixels."""
    return gray(height, width, **{"crop": "ink", "fit": 20, **options})


def box_of(canvas: Pixels) -> tuple[int, int, int, int]:
    """Top, left, bottom and right (after the last) of what is not black."""
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


class TestChannels:
    """From colour to gray and back."""

    def test_luma_is_pillows(self) -> None:
        """Exactly, for noise and for every corner of the colour cube."""
        corners = np.array([[[r, g, b] for r in (0, 255) for g in (0, 255)] for b in (0, 255)], np.uint8)
        for pixels in (drawn(300, 200, 3), corners):
            luma = picture(pixels, gray(*pixels.shape[:2]))
            np.testing.assert_array_equal(luma, np.asarray(Image.fromarray(pixels).convert("L")))

    def test_gray_pictures_stay_what_they_are(self) -> None:
        """Whether or not they have an axis for it."""
        pixels = drawn(9, 8)

        np.testing.assert_array_equal(picture(pixels, gray(9, 8)), pixels)
        np.testing.assert_array_equal(picture(pixels[:, :, np.newaxis], gray(9, 8)), pixels)

    def test_a_gray_picture_becomes_three_equal_channels(self) -> None:
        """For a model that learned on colour."""
        pixels = drawn(9, 8)

        colour = picture(pixels, gray(9, 8, channels="rgb"))

        assert colour.shape == (9, 8, 3)
        assert all((colour[:, :, channel] == pixels).all() for channel in range(3))

    def test_colour_keeps_its_order(self) -> None:
        """Red first."""
        pixels = drawn(9, 8, 3)

        np.testing.assert_array_equal(picture(pixels, gray(9, 8, channels="rgb")), pixels)

    @pytest.mark.parametrize(
        "pixels",
        [
            np.zeros((4, 4), np.float32),
            np.zeros((4, 4), np.int8),
            np.zeros((4, 4, 2), np.uint8),
            np.zeros((4, 4, 4), np.uint8),
            np.zeros((1, 4, 4, 3), np.uint8),
            np.zeros(16, np.uint8),
            np.zeros((0, 4), np.uint8),
            np.zeros((4, 4, 0), np.uint8),
        ],
    )
    def test_other_arrays_are_refused(self, pixels: npt.NDArray[Any]) -> None:
        """Floats, signed bytes, transparency, batches, rows, nothing."""
        with pytest.raises(DataError, match=r"pixels (are|have) .*, not "):
            picture(pixels, gray(4, 4))


class TestSteps:
    """Order and arithmetic of the steps."""

    def test_invert(self) -> None:
        """255 less the value."""
        pixels = drawn(5, 5)

        np.testing.assert_array_equal(picture(pixels, gray(5, 5, invert=True)), 255 - pixels)

    @pytest.mark.parametrize(
        ("shape", "rows", "columns"),
        [
            ((4, 7), slice(0, 4), slice(1, 5)),
            ((8, 5), slice(1, 6), slice(0, 5)),
            ((3, 3), slice(3), slice(3)),
        ],
    )
    def test_center_square(self, shape: tuple[int, int], rows: slice, columns: slice) -> None:
        """Where the rest is odd, the first half is the smaller one."""
        pixels, side = drawn(*shape), min(shape)

        cropped = picture(pixels, gray(side, side, crop="center_square"))

        np.testing.assert_array_equal(cropped, pixels[rows, columns])

    def test_no_crop_squeezes_the_whole_picture(self) -> None:
        """The aspect is lost, no pixel is."""
        pixels = np.zeros((4, 8), np.uint8)
        pixels[:, 4:] = 200

        np.testing.assert_array_equal(picture(pixels, gray(4, 2)), [[29, 171]] * 4)

    @pytest.mark.parametrize(
        ("pair", "middle"), [((0, 1), 1), ((254, 255), 255), ((10, 13), 12), ((255, 255), 255)]
    )
    def test_halves_are_rounded_up(self, pair: tuple[int, int], middle: int) -> None:
        """Not to even, as Python and numpy would."""
        pixels = np.array([pair], np.uint8)

        assert picture(pixels, gray(1, 1)).item() == middle

    def test_invert_comes_before_the_ink_is_sought(self) -> None:
        """Dark writing on a light ground."""
        page = np.full((60, 60), 255, np.uint8)
        page[10:20, 30:40] = 0

        assert box_of(picture(page, ink(invert=True))) == (4, 4, 24, 24)

    def test_colour_becomes_gray_before_the_ink_is_sought(self) -> None:
        """Blue is 29 of 255: below this threshold it is paper."""
        page = np.zeros((60, 60, 3), np.uint8)
        page[:30, :, 2] = 255
        page[40:50, 10:20] = 255

        assert box_of(picture(page, ink(ink_threshold=29))) == (4, 4, 24, 24)


class TestTensor:
    """From grey levels to the numbers of the input tensor, and to its quantised values."""

    def test_whole_grey_levels_by_default(self) -> None:
        """Scaling lives in the graph."""
        levels = np.arange(256, dtype=np.uint8)

        floats = tensor(levels, gray(1, 256))

        assert floats.dtype == np.float32
        np.testing.assert_array_equal(floats, levels)

    @repeatable
    @given(
        st.floats(-4, 4, width=32).filter(lambda scale: abs(scale) >= SMALLEST_FLOAT32),
        st.floats(-300, 300, width=32),
    )
    def test_scaling_is_one_product_and_one_sum_in_float32(self, scale: float, offset: float) -> None:
        """As Kotlin's and Swift's Float have it: equal to the last bit, and within the declared range."""
        spec = gray(1, 256, scale=scale, offset=offset)
        levels = np.arange(256, dtype=np.uint8)

        floats = tensor(levels, spec)

        single = [np.float32(np.float32(v) * np.float32(scale)) + np.float32(offset) for v in range(256)]
        assert floats.dtype == np.float32
        np.testing.assert_array_equal(floats, np.array(single, np.float32))
        low, high = spec.value_range
        assert low <= floats.min() <= floats.max() <= high

    @pytest.mark.parametrize(
        ("scale", "offset", "expected"),
        [(1.0, 0.0, (0.0, 255.0)), (-1.0, 255.0, (0.0, 255.0)), (2.0, -255.0, (-255.0, 255.0))],
    )
    def test_the_range_of_the_input(self, scale: float, offset: float, expected: tuple[float, float]) -> None:
        """Also where the scale is negative."""
        assert gray(1, 1, scale=scale, offset=offset).value_range == expected

    @pytest.mark.parametrize(
        ("value", "expected"),
        [(0.0, 10), (0.24, 10), (0.25, 11), (0.5, 11), (0.75, 12), (-0.25, 9), (-0.24, 10), (-0.75, 8)],
    )
    def test_quantising_rounds_halves_away_from_zero(self, value: float, expected: int) -> None:
        """At scale 0.5 and zero point 10: the halves of a step lie at 0.25."""
        assert quantise(np.array(value, np.float32), scale=0.5, zero_point=10, dtype="int8") == expected

    @pytest.mark.parametrize(("dtype", "low", "high"), [("uint8", 0, 255), ("int8", -128, 127)])
    def test_quantising_clamps(self, dtype: str, low: int, high: int) -> None:
        """Values beyond the range do not wrap around."""
        values = np.array([-1e6, 1e6], np.float32)

        clamped = quantise(values, scale=1.0, zero_point=3, dtype=dtype)

        assert clamped.dtype == dtype
        assert clamped.tolist() == [low, high]

    @repeatable
    @given(st.sampled_from(["uint8", "int8"]), st.floats(1e-6, 1e3), st.data())
    def test_every_quantised_value_survives_the_round_trip(
        self, dtype: str, scale: float, data: st.DataObject
    ) -> None:
        """Real numbers in between are float32."""
        limits = np.iinfo(dtype)
        zero_point = data.draw(st.integers(int(limits.min), int(limits.max)))
        every = np.arange(limits.min, limits.max + 1).astype(dtype)

        real = dequantise(every, scale=scale, zero_point=zero_point)

        assert real.dtype == np.float32
        np.testing.assert_array_equal(
            real, (np.arange(limits.min, limits.max + 1) - zero_point).astype(np.float32) * np.float32(scale)
        )
        np.testing.assert_array_equal(quantise(real, scale=scale, zero_point=zero_point, dtype=dtype), every)

    @repeatable
    @given(st.floats(1e-3, 10), st.integers(-128, 127), st.floats(0, 1))
    def test_quantising_is_off_by_half_a_step_at_most(
        self, scale: float, zero_point: int, share: float
    ) -> None:
        """Inside the range that the tensor can hold."""
        low, high = (-128 - zero_point) * scale, (127 - zero_point) * scale
        value = np.array([low + share * (high - low)], np.float32)

        again = dequantise(
            quantise(value, scale=scale, zero_point=zero_point, dtype="int8"),
            scale=scale,
            zero_point=zero_point,
        )

        assert abs(float(again[0]) - float(value[0])) <= scale * (0.5 + 1e-4)


class TestSpec:
    """What a contract may say."""

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"height": 0}, "height"),
            ({"width": 4097}, "width"),
            ({"channels": "bgr"}, "channels"),
            ({"crop": "centre_square"}, "crop"),
            ({"place": "middle"}, "place"),
            ({"blur_sigma": -1.0}, "blur_sigma"),
            ({"blur_sigma": 8.5}, "blur_sigma"),
            ({"scale": float("nan")}, "scale"),
            ({"scale": float("inf")}, "scale"),
            ({"offset": float("inf")}, "offset"),
            ({"scale": 0.0}, "scale 0 makes every picture the same"),
            ({"scale": 1e-300}, "leave the range of float32"),
            ({"offset": 1e300}, "leave the range of float32"),
            ({"scale": 1e37, "offset": 3e38}, "leave the range of float32"),
            ({"mean": 0.5}, "mean"),
            ({"crop": "ink"}, "crop 'ink' needs"),
            ({"crop": "ink", "fit": 0}, "fit"),
            ({"crop": "ink", "fit": 29}, "fit no larger than the input"),
            ({"crop": "ink", "fit": 20, "height": 19}, "fit no larger than the input"),
            ({"crop": "ink", "fit": 20, "channels": "rgb"}, "channels 'gray'"),
            ({"crop": "ink", "fit": 20, "ink_threshold": 255}, "ink_threshold"),
            ({"crop": "ink", "fit": 20, "ink_threshold": -1}, "ink_threshold"),
            ({"fit": 20}, "go with crop 'ink'"),
            ({"ink_threshold": 32}, "go with crop 'ink'"),
            ({"place": "mass", "crop": "center_square"}, "go with crop 'ink'"),
        ],
    )
    def test_nonsense_is_refused(self, options: dict[str, Any], complaint: str) -> None:
        """Naming the key."""
        with pytest.raises(ValidationError) as caught:
            PreprocessSpec(**{"height": 28, "width": 28, **options})

        assert complaint in str(caught.value)

    def test_ink_may_fill_the_canvas(self) -> None:
        """Fit as large as the input's smaller side."""
        page = np.full((50, 50), 255, np.uint8)

        assert (picture(page, ink(20, 24))[:, 2:22] == 255).all()

    def test_it_survives_the_manifest(self) -> None:
        """As JSON and back."""
        spec = ink(ink_threshold=32, place="mass", blur_sigma=1.0, scale=1 / 255, offset=-0.5)

        assert PreprocessSpec.model_validate_json(spec.model_dump_json()) == spec

    @pytest.mark.parametrize(("channels", "shape"), [("gray", (3, 5)), ("rgb", (3, 5, 3))])
    def test_the_shape_of_the_input(self, channels: str, shape: tuple[int, ...]) -> None:
        """What every picture of it has."""
        spec = gray(3, 5, channels=channels)

        assert spec.shape == shape == picture(drawn(9, 9, 3), spec).shape
