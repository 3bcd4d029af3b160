"""The canvas: what is drawn does not depend on the user's settings, names keep both ends."""

from pathlib import Path

import matplotlib as mpl
import pytest

from pipeline.pictures.canvas import drawing, shortened


def test_a_users_own_settings_have_no_say(tmp_path: Path) -> None:
    """And are as they were afterwards."""
    for name, size in (("a", 10.0), ("b", 30.0)):
        with mpl.rc_context({"font.size": size}):
            with drawing(tmp_path / name, width=200, height=100) as figure:
                figure.text(0.1, 0.5, "made")
            assert mpl.rcParams["font.size"] == size

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("text", "characters", "expected"),
    [("short", 5, "short"), ("5943_07c4.jpg", 9, "5943….jpg"), ("abcdef", 3, "a…f"), ("", 3, "")],
)
def test_long_names_lose_their_middle(text: str, characters: int, expected: str) -> None:
    """Of exactly so many characters."""
    assert shortened(text, characters) == expected
