"""Targets: where the model will run, and what that allows. One TOML file each in ``targets/``."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from converters.tflite.schemes import SCHEMES
from pipeline.errors import RecipeError, unknown
from pipeline.shelf import explain

FOLDER = Path(__file__).parent / "targets"


class Target(BaseModel):
    """A place where a model runs.

    Attributes:
        name: the file's name.
        description: one line.
        delegates: in the order in which an app should try them.
        schemes: what may be converted for it.
        ship: preferred schemes for ``model.tflite``; the first that the recipe converts is shipped.
        max_bytes: largest ``model.tflite`` that it takes; None for no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    delegates: tuple[str, ...] = Field(min_length=1)
    schemes: tuple[str, ...] = Field(min_length=1)
    ship: tuple[str, ...] = Field(min_length=1)
    max_bytes: int | None = Field(default=None, ge=1)


def names() -> tuple[str, ...]:
    """Names of the targets, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def load(name: str) -> Target:
    """Reads one target.

    Raises:
        RecipeError: no such target, or its file names a scheme that does not exist.
    """
    if name not in names():
        raise RecipeError(unknown("target", name, names()))
    values = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    try:
        target = Target.model_validate({"name": name, **values})
    except ValidationError as error:
        raise RecipeError(f"target '{name}': {explain(error, Target)}") from error
    for scheme in (*target.schemes, *target.ship):
        if scheme not in SCHEMES:
            raise RecipeError(f"target '{name}': {unknown('scheme', scheme, SCHEMES)}")
    return target
