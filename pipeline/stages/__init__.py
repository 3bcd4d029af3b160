"""The stages of a build, in order, each with why it stands there.

A stage's module gives

    VERSION                              raised when the same input would give another output
    TOOLS                                distributions whose version changes the output
    settings(recipe, target, data)       JSON values: the part of the input that is not a parent's
    run(work) -> Artifact                does it

and loads TensorFlow, if it needs it, inside ``run`` alone: an unchanged rebuild asks for settings only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipeline.artifacts import (
    RECORD,
    Artifact,
    Bundle,
    ConvertedModels,
    FileRecord,
    OptimizedModel,
    PreparedData,
    TrainedModel,
    VerifiedModel,
    sha256,
)
from pipeline.console import Console
from pipeline.recipe import Recipe
from pipeline.target import Target

SCRATCH = "scratch"
"""Folder inside a stage's folder for what helps to resume; removed when the stage completes."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A row of STAGES: name of the stage and of its module, what it makes, from what, and why there."""

    name: str
    makes: type[Artifact]
    needs: tuple[str, ...]
    why: str


STAGES = (
    Stage(
        name="data",
        makes=PreparedData,
        needs=(),
        why="first: everything else is measured against exactly these bytes",
    ),
    Stage(
        name="train",
        makes=TrainedModel,
        needs=("data",),
        why="sees train and validation images alone",
    ),
    Stage(
        name="optimize",
        makes=OptimizedModel,
        needs=("data", "train"),
        why="needs trained weights to prune, cluster or quantise; goes on training them",
    ),
    Stage(
        name="convert",
        makes=ConvertedModels,
        needs=("data", "train", "optimize"),
        why="takes the weights as they ship; calibrates on train images",
    ),
    Stage(
        name="verify",
        makes=VerifiedModel,
        needs=("data", "convert"),
        why="the only stage that measures on the test set, on the files as they ship",
    ),
    Stage(
        name="bundle",
        makes=Bundle,
        needs=("data", "train", "optimize", "convert", "verify"),
        why="last: packs what has been verified, and nothing else",
    ),
)
"""Order of the stages. `needs` lists direct parents; a stage reruns when one of them changed."""

Kind = TypeVar("Kind", bound=Artifact)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a running stage is given.

    Attributes:
        stage: its row.
        key: hash of everything that goes in.
        recipe: what to build.
        target: for where.
        data: the user's data folder, or None.
        folder: to fill; kept between attempts until the stage completes.
        run: the run folder, for what outlives a stage's key: logs, measured cells.
        console: for progress.
        inputs: artifacts of the stages in ``needs``.
        made_by: tool to version.
    """

    stage: Stage
    key: str
    recipe: Recipe
    target: Target
    data: Path | None
    folder: Path
    run: Path
    console: Console
    inputs: Mapping[str, Artifact]
    made_by: Mapping[str, str]

    @property
    def scratch(self) -> Path:
        """Folder for checkpoints and partial results; made on first use."""
        folder = self.folder / SCRATCH
        folder.mkdir(exist_ok=True)
        return folder

    def input(self, kind: type[Kind]) -> Kind:
        """The artifact of one kind among the inputs."""
        (found,) = (artifact for artifact in self.inputs.values() if isinstance(artifact, kind))
        return found

    def finish(self, kind: type[Kind], **facts: Any) -> Kind:
        """Records every file in the folder (but scratch) and gives the finished artifact."""
        files = {}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder)
            if path.is_file() and name.parts[0] not in (SCRATCH, RECORD):
                files[name.as_posix()] = FileRecord(sha256=sha256(path), bytes=path.stat().st_size)
        artifact = kind(
            stage=self.stage.name,
            key=self.key,
            made_by=dict(self.made_by),
            parents={name: parent.sha256 for name, parent in self.inputs.items()},
            files=files,
            **facts,
        )
        return artifact.placed(self.folder)
