"""Where the pixels go: resize against Pillow and TensorFlow, ink by hand, blur against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from converters import stack
from pipeline import resampling
from pipeline.preprocess import GAUSSIAN_REACH, _blur, picture
from pipeline.resampling import resize
from tests.pipeline.test_preprocess import box_of, drawn, gray, ink, repeatable

FLOAT32_RESIZE = 1e-3
"""Grey levels: Pillow and TensorFlow sum in float32, 255 * 2^-24 a step; 2e-5 and 1e-4 measured."""

ROUNDING = 1e-9
"""Grey levels: sums of some thousand float64 numbers up to 255."""

SIZES = [
    ((28, 28), (28, 28)),
    ((64, 48), (28, 28)),
    ((7, 5), (28, 31)),
    ((101, 57), (28, 28)),
    ((57, 101), (20, 13)),
    ((3, 200), (50, 7)),
    ((1, 1), (9, 4)),
    ((29, 28), (28, 29)),
    ((33, 31), (1, 1)),
    ((240, 321), (96, 96)),
    ((1501, 703), (31, 40)),
]
"""Source and target (height, width): same, down, up, both at once, odd, one pixel, several bands."""


class TestResize:
    """Bilinear with antialiasing."""

    @pytest.mark.parametrize(("source", "target"), SIZES)
    def test_it_is_pillows_bilinear(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        """On float pictures, which Pillow does not round between its two passes."""
        values = drawn(*source).astype(np.float32)
        pillow = Image.fromarray(values).resize(target[::-1], Image.Resampling.BILINEAR)

        np.testing.assert_allclose(
            resize(values.astype(np.float64), target), np.asarray(pillow), rtol=0, atol=FLOAT32_RESIZE
        )

    @pytest.mark.tensorflow
    @pytest.mark.parametrize(("source", "target"), SIZES)
    def test_it_is_tensorflows_antialiased_resize(
        self, source: tuple[int, int], target: tuple[int, int]
    ) -> None:
        """What a training pipeline would have used, in colour."""
        values = drawn(*source, 3).astype(np.float64)
        expected = stack.load().tf.image.resize(values, target, method="bilinear", antialias=True).numpy()

        np.testing.assert_allclose(resize(values, target), expected, rtol=0, atol=FLOAT32_RESIZE)

    def test_enlarging_worked_out_by_hand(self) -> None:
        """Two pixels to four: centres at 0.25, 0.75, 1.25 and 1.75 of the source."""
        assert resize(np.array([[0.0, 100.0]]), (1, 4)).tolist() == [[0.0, 25.0, 75.0, 100.0]]

    def test_reducing_worked_out_by_hand(self) -> None:
        """Four to two: a triangle of half-width 2 around 1, its weights 3/4, 3/4, 1/4 brought to 1."""
        halves = resize(np.array([[0.0, 100.0, 200.0, 40.0]]), (1, 2))

        np.testing.assert_allclose(halves, [[125 / 1.75, 205 / 1.75]], rtol=1e-15)

    def test_rows_and_columns_are_not_confused(self) -> None:
        """A picture that is constant along one side stays so."""
        values = np.outer(np.arange(6.0), np.ones(4))

        narrow = resize(values, (3, 9))

        assert narrow.shape == (3, 9)
        np.testing.assert_allclose(narrow, np.repeat(narrow[:, :1], 9, axis=1), atol=ROUNDING)
        assert (np.diff(narrow[:, 0]) > 1).all()

    def test_the_same_size_changes_nothing(self) -> None:
        """Not even the last bit."""
        values = drawn(28, 17, 3).astype(np.float64)

        np.testing.assert_array_equal(resize(values, (28, 17)), values)

    def test_bytes_and_floats_give_the_same(self) -> None:
        """To the last bit, and so does a square cut out of a wider picture."""
        pixels = drawn(90, 160, 3)[:, 35:125]

        np.testing.assert_array_equal(resize(pixels, (31, 33)), resize(pixels.astype(np.float64), (31, 33)))

    def test_bands_leave_no_seam(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A source taken row by row gives what it gives as a whole."""
        pixels = drawn(50, 40, 3)
        whole = resize(pixels, (28, 20))
        monkeypatch.setattr(resampling, "BAND_VALUES", 1)

        np.testing.assert_array_equal(resize(pixels, (28, 20)), whole)

    def test_channels_do_not_mix(self) -> None:
        """Each is resized as if it were alone."""
        values = drawn(13, 17, 3).astype(np.float64)

        together = resize(values, (8, 9))

        for channel in range(3):
            alone = resize(values[:, :, channel], (8, 9))
            np.testing.assert_allclose(together[:, :, channel], alone, atol=ROUNDING)

    @repeatable
    @given(*[st.integers(1, 40)] * 4, st.integers(0, 2**32 - 1))
    def test_properties(self, height: int, width: int, rows: int, columns: int, seed: int) -> None:
        """Means of pixels: never beyond their range; mirrored pictures give mirrored results."""
        values = np.random.default_rng(seed).uniform(0, 255, (height, width))

        resized = resize(values, (rows, columns))

        assert resized.shape == (rows, columns)
        assert resized.min() >= values.min() - ROUNDING
        assert resized.max() <= values.max() + ROUNDING
        mirrored = resize(values[::-1, ::-1], (rows, columns))
        np.testing.assert_allclose(mirrored, resized[::-1, ::-1], atol=ROUNDING)


class TestInk:
    """Cutting out what was written and placing it."""

    def test_the_box_comes_to_the_middle(self) -> None:
        """Its longer side fills ``fit``; the shorter keeps the aspect."""
        page = np.zeros((100, 100), np.uint8)
        page[5:45, 70:80] = 255

        assert box_of(picture(page, ink())) == (4, 12, 24, 17)  # 40x10 -> 20x5, (28 - 5) / 2 rounded up

    def test_the_threshold_itself_is_paper(self) -> None:
        """Ink is above it."""
        page = np.full((30, 30), 32, np.uint8)
        page[10:12, 10:12] = 33

        np.testing.assert_array_equal(
            picture(page, ink(ink_threshold=32))[4:24, 4:24], np.full((20, 20), 33, np.uint8)
        )

    def test_paper_inside_the_box_turns_black(self) -> None:
        """It is never quite white, and the model has not learned its shades."""
        page = np.full((40, 40), 10, np.uint8)
        page[10, 10] = page[29, 29] = 200

        small = picture(page, ink(ink_threshold=100))[4:24, 4:24]

        assert small[0, 0] == small[19, 19] == 200
        assert small.sum() == 400

    @pytest.mark.parametrize("value", [0, 32])
    def test_an_empty_page_gives_a_black_canvas(self, value: int) -> None:
        """No ink, no box; the app may say so."""
        canvas = picture(
            np.full((9, 7), value, np.uint8), ink(ink_threshold=32, place="mass", blur_sigma=1.0)
        )

        np.testing.assert_array_equal(canvas, np.zeros((28, 28), np.uint8))

    @pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
    def test_ink_at_the_edge_of_the_page_is_kept(self, corner: tuple[int, int]) -> None:
        """One pixel in a corner becomes the whole box."""
        page = np.zeros((50, 50), np.uint8)
        page[corner] = 255

        canvas = picture(page, ink())

        assert box_of(canvas) == (4, 4, 24, 24)
        assert (canvas[4:24, 4:24] == 255).all()

    @pytest.mark.parametrize(("shape", "box"), [((1, 400), (13, 4, 14, 24)), ((400, 1), (4, 13, 24, 14))])
    @pytest.mark.parametrize("place", ["box", "mass"])
    def test_a_stroke_of_extreme_aspect_is_never_thinner_than_a_pixel(
        self, shape: tuple[int, int], box: tuple[int, int, int, int], place: str
    ) -> None:
        """A dash 400 times as long as wide."""
        canvas = picture(np.full(shape, 255, np.uint8), ink(place=place))

        top, left, bottom, right = box_of(canvas)
        assert (bottom - top, right - left) == (box[2] - box[0], box[3] - box[1])
        assert (top, left) in {(box[0], box[1]), (box[0] + (shape[0] == 1), box[1] + (shape[1] == 1))}

    def test_mass_moves_a_lopsided_shape(self) -> None:
        """A heavy bar above a thin stem: the bar comes nearer to the middle than the box would put it."""
        page = np.zeros((20, 20), np.uint8)
        page[:6] = 255
        page[6:, 9:11] = 255
        by_box, by_mass = picture(page, ink()), picture(page, ink(place="mass"))

        assert box_of(by_box) == (4, 4, 24, 24)
        # (6 * 20 * 3 + 14 * 2 * 13) / (120 + 28) = 4.89 rows down: row 14 - 4.89 = 9.11, as far as it fits.
        assert box_of(by_mass) == (8, 4, 28, 24)
        np.testing.assert_array_equal(by_mass[8:28], by_box[4:24])

    def test_mass_comes_within_half_a_pixel_of_the_middle(self) -> None:
        """Where there is room."""
        page = np.zeros((20, 20), np.uint8)
        page[:9] = 255
        page[9:, 8:10] = 255

        canvas = picture(page, ink(64, 64, place="mass")).astype(np.float64)

        grid = np.arange(64) + 0.5
        for axis in (0, 1):
            center = (canvas.sum(axis=1 - axis) * grid).sum() / canvas.sum()
            assert abs(center - 32) <= 0.5

    @repeatable
    @given(st.integers(1, 30), st.integers(1, 30), st.integers(20, 31), st.integers(0, 2**32 - 1))
    def test_symmetric_ink_is_placed_alike_by_box_and_by_mass(
        self, height: int, width: int, side: int, seed: int
    ) -> None:
        """Its mass lies on a half wherever box and canvas differ by an odd number: no last bit may decide."""
        quarter = np.random.default_rng(seed).integers(1, 256, (height, width), dtype=np.uint8)
        symmetric = np.maximum(
            np.maximum(quarter, quarter[::-1]), np.maximum(quarter, quarter[::-1])[:, ::-1]
        )

        np.testing.assert_array_equal(
            picture(symmetric, ink(side, side, place="mass")), picture(symmetric, ink(side, side))
        )

    @repeatable
    @given(
        st.integers(1, 60),
        st.integers(1, 60),
        st.integers(1, 28),
        st.sampled_from(["box", "mass"]),
        st.integers(0, 2**32 - 1),
    )
    def test_ink_is_never_cut(self, height: int, width: int, fit: int, place: str, seed: int) -> None:
        """However lopsided it is, all of it stands on the canvas, its longer side as long as asked for."""
        page = np.random.default_rng(seed).integers(128, 256, (height, width), dtype=np.uint8)

        top, left, bottom, right = box_of(picture(page, ink(fit=fit, place=place)))

        longer, shorter = max(height, width), min(height, width)
        assert max(bottom - top, right - left) == fit
        assert min(bottom - top, right - left) == max(1, (2 * shorter * fit + longer) // (2 * longer))


class TestBlur:
    """The Gaussian."""

    @pytest.mark.parametrize("sigma", [1.0, 2.0])
    def test_it_is_scipys(self, sigma: float) -> None:
        """With the same reach and black beyond the edge."""
        values = drawn(30, 21).astype(np.float64)

        np.testing.assert_allclose(
            _blur(values, sigma),
            gaussian_filter(values, sigma, mode="constant", truncate=GAUSSIAN_REACH),
            atol=ROUNDING,
        )

    @pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0, 2.7])
    def test_away_from_the_edge_no_ink_is_lost(self, sigma: float) -> None:
        """A dot is spread, its sum stays."""
        values = np.zeros((40, 40))
        values[20, 17] = 255

        blurred = _blur(values, sigma)

        assert blurred.sum() == pytest.approx(255, abs=ROUNDING)
        np.testing.assert_allclose(blurred[20, :35], blurred[20, :35][::-1], atol=ROUNDING)

    def test_beyond_the_edge_is_black(self) -> None:
        """At a corner of a white canvas a quarter of the kernel is left, and half of its middle row."""
        middle = 0.5 + 0.5 / np.exp(-0.5 * np.arange(-3.0, 4.0) ** 2).sum()

        assert _blur(np.full((20, 20), 255.0), 1.0)[0, 0] == pytest.approx(255 * middle**2, abs=ROUNDING)

    def test_a_canvas_smaller_than_the_kernel_keeps_its_size(self) -> None:
        """Eight pixels of sigma on a thumbnail."""
        assert picture(drawn(4, 3), gray(4, 3, blur_sigma=8.0)).shape == (4, 3)

    def test_colours_are_blurred_apart(self) -> None:
        """Along rows and columns only."""
        pixels = drawn(20, 20, 3)

        blurred = picture(pixels, gray(20, 20, channels="rgb", blur_sigma=1.0))

        for channel in range(3):
            alone = picture(np.ascontiguousarray(pixels[:, :, channel]), gray(20, 20, blur_sigma=1.0))
            np.testing.assert_array_equal(blurred[:, :, channel], alone)
