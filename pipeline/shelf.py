"""Shelves of plug-ins: a folder of modules, the file name is the plug-in's name.

Names and one-line summaries are read from the files without importing them, so that listing loads
neither TensorFlow nor anything else. Files whose name begins with an underscore are not plug-ins.
"""

import ast
import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from pipeline.errors import RecipeError, unknown

ROOT = Path(__file__).parent
SHELVES = ("datasets", "models", "optimizations", "runtimes")


def names(shelf: str) -> tuple[str, ...]:
    """Names of the plug-ins on a shelf, sorted."""
    return tuple(sorted(f.stem for f in (ROOT / shelf).glob("*.py") if not f.stem.startswith("_")))


def summary(shelf: str, name: str) -> str:
    """First line of a plug-in's docstring, read without importing it."""
    docstring = ast.get_docstring(ast.parse((ROOT / shelf / f"{name}.py").read_text("utf-8")))
    return (docstring or "").split("\n", 1)[0]


def load(shelf: str, name: str) -> ModuleType:
    """Imports one plug-in.

    Raises:
        RecipeError: no such plug-in; the message gives the choices and the nearest name.
    """
    if name not in names(shelf):
        raise RecipeError(unknown(shelf.removesuffix("s"), name, names(shelf)))
    return importlib.import_module(f"pipeline.{shelf}.{name}")


def options(shelf: str, name: str, values: Mapping[str, Any]) -> BaseModel:
    """Checks a plug-in's options against its ``Options`` class.

    Raises:
        RecipeError: no such plug-in, an unknown option, or a value out of range.
    """
    model: type[BaseModel] = load(shelf, name).Options
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise RecipeError(f"{shelf.removesuffix('s')} '{name}': {explain(error, model)}") from error


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """One sentence from pydantic's list: the first wrong key or value, and the nearest right key."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return unknown("key", where, _keys(model, first["loc"]))
    value = first.get("input")
    given = "" if isinstance(value, dict | BaseModel) else f" (got {value!r})"
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}{given}" if where else message


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Full names of the keys that could stand where an unknown one does."""
    prefix: list[str] = []
    for part in location[:-1]:
        prefix.append(str(part))
        field = model.model_fields.get(str(part))
        if field is not None and isinstance(field.annotation, type):
            if not issubclass(field.annotation, BaseModel):
                return []
            model = field.annotation
    return [".".join([*prefix, name]) for name in model.model_fields]
