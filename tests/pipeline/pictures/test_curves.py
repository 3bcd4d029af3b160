"""Learning curves: of any trainings, in their order."""

import math
from pathlib import Path

import pytest
from PIL import Image

from pipeline.artifacts import EpochRecord
from pipeline.pictures.curves import HEIGHT_PIXELS, WIDTH_PIXELS, Phase, draw


def history(epochs: int, loss: float = 1.0) -> tuple[EpochRecord, ...]:
    """A training that learns."""
    return tuple(
        EpochRecord(
            epoch=i, loss=loss / i, accuracy=1 - 0.5 / i, validation_loss=1.2 * loss / i,
            validation_accuracy=1 - 0.6 / i,
        )
        for i in range(1, epochs + 1)
    )  # fmt: skip


@pytest.mark.parametrize(
    "phases",
    [
        [Phase(title="training", history=history(10), best=7)],
        [
            Phase(title="frozen base", history=history(20)),
            Phase(title="fine-tuning", history=history(12), best=12),
            Phase(title="prune", history=history(2)),
            Phase(title="quantize_aware", history=history(1)),
        ],
        [Phase(title="training", history=(), best=0)],
        [],
        [Phase(title="diverged $", history=history(3, loss=math.nan))],
        [Phase(title="long", history=history(500), best=1)],
    ],
    ids=["one", "all", "no epochs", "nothing", "NaN", "long"],
)
def test_any_trainings_make_a_picture(tmp_path: Path, phases: list[Phase]) -> None:
    """Always of the same size."""
    draw(phases, tmp_path / "curves.png", title="made")

    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (WIDTH_PIXELS, HEIGHT_PIXELS)


def test_the_same_trainings_make_the_same_bytes_and_each_epoch_shows(tmp_path: Path) -> None:
    """One phase more, one epoch more or another best epoch is another picture."""
    one = Phase(title="training", history=history(5), best=3)
    drawn = {
        "a": [one],
        "b": [one],
        "longer": [Phase(title="training", history=history(6), best=3)],
        "best": [Phase(title="training", history=history(5), best=4)],
        "two": [one, Phase(title="prune", history=history(1))],
    }
    for name, phases in drawn.items():
        draw(phases, tmp_path / name, title="made")
    pictures = {name: (tmp_path / name).read_bytes() for name in drawn}

    assert pictures["a"] == pictures["b"]
    assert len(set(pictures.values())) == 4
