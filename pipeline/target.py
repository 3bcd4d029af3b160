"""Targets: where the model will run, and what that allows. One TOML file each in ``targets/``."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from converters.tflite.schemes import SCHEMES
from pipeline.delegate_plan import KINDS, DelegatePlan
from pipeline.errors import RecipeError, unknown
from pipeline.shelf import explain

FOLDER = Path(__file__).parent / "targets"


class Target(BaseModel):
    """A place where a model runs.

    Attributes:
        name: the file's name.
        description: one line.
        delegates: in the order in which an app should try them.
        options: how each delegate is opened, its defaults where it is not named.
        require_full_delegation: whether the first delegate must take every op, in one part.
        per_tensor_dense: whether Dense weights get one scale each, whatever the runtime floor would allow:
            what NNAPI reads.
        schemes: what may be converted for it.
        ship: preferred schemes for ``model.tflite``; the first that the recipe converts is shipped.
        max_bytes: largest ``model.tflite`` that it takes; None for no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    delegates: tuple[str, ...] = Field(min_length=1)
    options: DelegatePlan = DelegatePlan()
    require_full_delegation: bool = False
    per_tensor_dense: bool = False
    schemes: tuple[str, ...] = Field(min_length=1)
    ship: tuple[str, ...] = Field(min_length=1)
    max_bytes: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _name_every_delegate(cls, values: Any) -> Any:
        """Delegates without options of their own get the defaults: the plan names all of them."""
        if not isinstance(values, dict):
            return values
        names, options = values.get("delegates"), values.get("options", {})
        if not isinstance(names, list | tuple) or not isinstance(options, dict):
            return values
        named: dict[str, Any] = {name: {} for name in names if isinstance(name, str) and name in KINDS}
        return {**values, "options": {**named, **options}}

    @model_validator(mode="after")
    def _check(self) -> "Target":
        if len(set(self.delegates)) < len(self.delegates):
            raise ValueError(f"delegates names one twice: {', '.join(self.delegates)}")
        idle = [name for name in self.options.named if name not in self.delegates]
        if idle:
            raise ValueError(f"options.{idle[0]} opens a delegate that delegates does not name")
        return self

    @property
    def plan(self) -> DelegatePlan:
        """How an app opens the delegates, for the manifest; :attr:`delegates` is the order."""
        return self.options


def names() -> tuple[str, ...]:
    """Names of the targets, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def load(name: str) -> Target:
    """Reads one target.

    Raises:
        RecipeError: no such target, or its file names a scheme or delegate that does not exist.
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
    for delegate in target.delegates:
        if delegate not in KINDS:
            raise RecipeError(f"target '{name}': {unknown('delegate', delegate, KINDS)}")
    return target
