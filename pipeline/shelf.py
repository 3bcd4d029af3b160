"""Shelves of plug-ins: a folder of modules, the file name is the plug-in's name.

Names and one-line summaries are read from the files without importing them, so that listing loads
neither TensorFlow nor anything else. Files whose name begins with an underscore are not plug-ins.
"""

import ast
import hashlib
import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

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


USED = {"optimizations": ("kernels.py",)}
"""Shelf to modules outside it that decide what its plug-ins make."""


def source_digest(shelf: str, name: str) -> str:
    """Hash of a plug-in's file, of the shelf's private modules that it may use, and of :data:`USED`.

    It stands in the keys of what the plug-in made: an edited plug-in makes it anew.
    """
    digest = hashlib.sha256()
    used = [ROOT / file for file in USED.get(shelf, ())]
    for path in [ROOT / shelf / f"{name}.py", *sorted((ROOT / shelf).glob("_*.py")), *used]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def load(shelf: str, name: str) -> ModuleType:
    """Imports one plug-in.

    Raises:
        RecipeError: no such plug-in; the message gives the choices and the nearest name.
    """
    if name not in names(shelf):
        raise RecipeError(unknown(shelf.removesuffix("s"), name, names(shelf)))
    return importlib.import_module(f"pipeline.{shelf}.{name}")


def options(
    shelf: str, name: str, values: Mapping[str, Any], *, within: str = "", beside: Iterable[str] = ()
) -> BaseModel:
    """Checks a plug-in's options against its ``Options`` class.

    Args:
        shelf: where the plug-in stands.
        name: of the plug-in.
        values: option to value.
        within: dotted name of the section that holds them, for messages.
        beside: other keys that the section takes, as choices for a misspelt one.

    Raises:
        RecipeError: no such plug-in, an unknown option, or a value out of range.
    """
    model: type[BaseModel] = load(shelf, name).Options
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise RecipeError(
            f"{shelf.removesuffix('s')} '{name}': {explain(error, model, within, beside)}"
        ) from error


_TOML = {
    "tuple_type": "should be a list",
    "model_type": "should be a section",
    "dict_type": "should be a section",
}
"""What pydantic says of Python's types, in the words of a recipe."""


def explain(
    error: ValidationError, model: type[BaseModel], within: str = "", beside: Iterable[str] = ()
) -> str:
    """One sentence from pydantic's list: a wrong key or value, and the nearest right key."""
    errors = error.errors()
    # A misspelt key is also missing under its right name: the misspelling is what helps.
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    path = [*([within] if within else []), *map(str, first["loc"])]
    where = ".".join(path)
    if first["type"] == "extra_forbidden":
        keys = {*_keys(model, first["loc"]), *(beside if len(first["loc"]) == 1 else ())}
        return unknown("key", path[-1], keys, within="".join(f"{part}." for part in path[:-1]))
    value = first.get("input")
    given = "" if isinstance(value, dict | BaseModel) else f" (got {value!r})"
    message = _TOML.get(first["type"], first["msg"].removeprefix("Value error, "))
    return f"{where}: {message}{given}" if where else message


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that could stand where an unknown one does."""
    for part in location[:-1]:
        # Other parts are places in a list or keys of a table: the model within stays the same.
        if part in model.model_fields:
            model = _model_in(model.model_fields[str(part)].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation: ``Block`` in ``tuple[Block, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)
