r"""Learning curves: loss and accuracy by epoch, one training after the other.

loss     |\__      :              train and validation in each panel;
         |   \____ : \____        a dotted line where the next training begins
accuracy |    ____ :  _____        (frozen base, all, each optimisation)
         |___/     : /
         +---------+--------  epochs, counted through
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifacts import EpochRecord
from pipeline.pictures.canvas import drawing, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_PIXELS, HEIGHT_PIXELS = 1_100, 800

TRAIN_COLOUR, VALIDATION_COLOUR = "#0072b2", "#d55e00"
"""Blue and vermilion of Okabe and Ito: told apart with any colour vision; the markers differ too."""

MARKED_EPOCHS = 60
"""Beyond so many epochs markers would run into each other."""

TITLE_CHARACTERS = 28


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One training.

    Attributes:
        title: what it is called.
        history: figures of its epochs.
        best: the epoch whose weights were kept, as its record numbers it; None if that is not known.
    """

    title: str
    history: tuple[EpochRecord, ...]
    best: int | None = None


def draw(phases: Sequence[Phase], path: Path, *, title: str) -> None:
    """Draws the phases that have epochs, in order.

    Args:
        phases: the trainings.
        path: of the PNG.
        title: says of which model.
    """
    trained = [phase for phase in phases if phase.history]
    with drawing(path, width=WIDTH_PIXELS, height=HEIGHT_PIXELS) as figure:
        figure.set_layout_engine("constrained")
        figure.suptitle(title, fontsize=11, parse_math=False)
        upper, lower = figure.subplots(2, 1, sharex=True)
        if not trained:
            upper.text(0.5, 0.5, "no epoch was recorded", ha="center", transform=upper.transAxes)
        _panel(upper, trained, "loss", ("loss", "validation_loss"), 1.0)
        _panel(lower, trained, "accuracy, %", ("accuracy", "validation_accuracy"), 100.0)
        lower.set_xlabel("epoch, counted through all trainings")
        _name(upper, trained)
        if trained:
            # Room at both ends for the names of short trainings.
            lower.set_xlim(0, 1 + sum(len(phase.history) for phase in trained))
            handles, texts = lower.get_legend_handles_labels()
            figure.legend(handles, texts, loc="outside lower center", ncols=len(texts), frameon=False)


def _panel(axes: "Axes", phases: Sequence[Phase], label: str, fields: tuple[str, str], factor: float) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_ylabel(label)
    axes.grid(visible=True, color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    styles = (("train", fields[0], TRAIN_COLOUR, "o"), ("validation", fields[1], VALIDATION_COLOUR, "s"))
    marked = sum(len(phase.history) for phase in phases) <= MARKED_EPOCHS
    start = 0
    for phase in phases:
        epochs = range(start + 1, start + len(phase.history) + 1)
        first = phase is phases[0]
        for name, field, colour, marker in styles:
            values = [factor * getattr(record, field) for record in phase.history]
            axes.plot(
                epochs, values, color=colour, linewidth=1.4, markersize=4,
                marker=marker if marked or len(values) == 1 else None, label=name if first else None,
            )  # fmt: skip
        for place, record in zip(epochs, phase.history, strict=True):
            if record.epoch == phase.best:
                axes.plot(
                    [place], [factor * getattr(record, fields[1])], linestyle="none", marker="o",
                    markersize=12, markerfacecolor="none", markeredgecolor="0.2",
                    label="epoch that was kept" if _first_best(phases) is phase else None,
                )  # fmt: skip
        start += len(phase.history)
        if phase is not phases[-1]:
            axes.axvline(start + 0.5, color="0.4", linewidth=1, linestyle=":")


def _first_best(phases: Sequence[Phase]) -> Phase | None:
    return next((phase for phase in phases if phase.best is not None), None)


def _name(axes: "Axes", phases: Sequence[Phase]) -> None:
    """Each phase's name above its stretch; every second one higher, so that short stretches do not clash."""
    start = 0
    for index, phase in enumerate(phases):
        middle = start + (len(phase.history) + 1) / 2
        axes.annotate(
            shortened(phase.title, TITLE_CHARACTERS), (middle, 1.0), xycoords=("data", "axes fraction"),
            xytext=(0, 4 + 13 * (index % 2) * (len(phases) > 2)), textcoords="offset points",
            ha="center", va="bottom", fontsize=9, parse_math=False, annotation_clip=False,
        )  # fmt: skip
        start += len(phase.history)
