"""Pictures of the answers of the file that ships: confusion matrix, surest mistakes, least sure answers."""

import textwrap
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from pipeline import runtimes
from pipeline.artifacts import DatasetFacts, PreparedData, Variant
from pipeline.parity.agreement import top1
from pipeline.pictures import confusion, contact_sheet
from pipeline.pictures.contact_sheet import Tile
from pipeline.preprocess import Pixels, dequantise
from pipeline.release import photo_credits
from pipeline.release.bundle import PICTURES
from pipeline.stages import Work
from pipeline.stages.data import Part, source

TITLE_CHARACTERS = 84


def draw(work: Work, part: Part, outputs: npt.NDArray[np.generic], shipped: Variant, runtime: str) -> None:
    """Draws into ``pictures/`` of the stage's folder.

    Args:
        work: of the verify stage.
        part: the test set.
        outputs: (n, classes) as the runtime gave them.
        shipped: the file that gave them.
        runtime: that ran it.
    """
    folder = work.folder / PICTURES
    folder.mkdir(exist_ok=True)
    facts, labels, files = work.input(PreparedData).facts, part.labels, part.files
    values = _probabilities(outputs, shipped)
    answers = top1(values)
    smoke = " (smoke build)" if work.recipe.profile == "smoke" else ""
    what = f"{work.recipe.name}{smoke}, {shipped.scheme} on {runtime} {runtimes.version(runtime)}"
    silent = int((answers < 0).sum())
    title = _title(f"{what}: {facts.clause}", silent)
    confusion.draw(
        confusion.count(labels, answers, len(facts.labels)),
        facts.labels, folder / "confusion.png", title=title,
    )  # fmt: skip
    mistakes = contact_sheet.surest_mistakes(values, labels)
    wrong = int((answers != labels).sum())
    unsure = contact_sheet.least_sure(values)
    sheets = (
        ("mistakes.png", mistakes, f"surest mistakes ({len(mistakes)} of {wrong:,})"),
        ("least_sure.png", unsure, f"least sure ({len(unsure)} of {len(labels):,} images)"),
    )
    for name, rows, text in sheets:
        tiles = [
            _tile(
                part.pixels(np.array([row]))[0],
                PurePosixPath(files[row]).name if files else f"test image {row:,}",
                int(labels[row]),
                values[row],
                facts,
            )
            for row in map(int, rows)
        ]
        contact_sheet.draw(tiles, folder / name, title=f"{text}: {what}")
    if files is not None:
        found = source(work.recipe, work.data)
        shown = [files[row] for row in {*map(int, mistakes), *map(int, unsure)}]
        photo_credits.write(folder, ((name, found.credit(name)) for name in shown))


def _tile(image: Pixels, name: str, label: int, values: npt.NDArray[np.float32], facts: DatasetFacts) -> Tile:
    # Stable, and so the first of equals: the class that top1 and an app's argmax find.
    first, second = np.argsort(-values, kind="stable")[:2]
    return Tile(
        image=image,
        name=name,
        label=facts.labels[label],
        answer=facts.labels[first],
        probability=float(values[first]),
        second=facts.labels[second],
        second_probability=float(values[second]),
    )


def _probabilities(outputs: npt.NDArray[np.generic], shipped: Variant) -> npt.NDArray[np.float32]:
    scale, zero_point = shipped.output.scale, shipped.output.zero_point
    if scale is None or zero_point is None:
        return outputs.astype(np.float32)
    return dequantise(outputs, scale=scale, zero_point=zero_point)


def _title(text: str, silent: int) -> str:
    lines = textwrap.wrap(text, TITLE_CHARACTERS)
    if silent:
        lines.append(f"{silent:,} images without an answer (NaN) are in no cell")
    return "\n".join(lines)
