"""Building: a model of the shelf for a dataset, with the files of its own that it reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from converters import stack
from pipeline import shelf
from pipeline.artifacts import SourceFile, sha256
from pipeline.recipe import Recipe
from pipeline.sections import PluginSection
from pipeline.stages.data import source


@dataclass(frozen=True, kw_only=True)
class Built:
    """A model, not trained.

    Attributes:
        model: of tf_keras, not compiled.
        plugin: that built it.
        options: of the plug-in.
        files: what it read, with hashes.
    """

    model: Any
    plugin: ModuleType
    options: Any
    files: tuple[SourceFile, ...]


def build(section: PluginSection, shape: tuple[int, ...], classes: int, data: Path | None) -> Built:
    """Builds the model that a section names.

    Args:
        section: of the recipe.
        shape: of the dataset's images.
        classes: of the dataset.
        data: the user's data folder.

    Raises:
        RecipeError: its options do not go with such images.
        DataError: a file that it reads is missing, damaged or of another model.
    """
    keras = stack.load().keras
    plugin = shelf.load("models", section.name)
    options = shelf.options("models", section.name, section.options)
    if not hasattr(plugin, "files"):
        return Built(
            model=plugin.build(options, shape, classes, keras), plugin=plugin, options=options, files=()
        )
    files = plugin.files(options, shape, data)
    model = plugin.build(options, shape, classes, keras, files=files)
    return Built(model=model, plugin=plugin, options=options, files=_records(files))


def settings(section: PluginSection, recipe: Recipe, data: Path | None) -> dict[str, Any]:
    """What of a model goes into the key of its training: options, plug-in, and files by what is in them.

    Raises:
        DataMissingError: a file, or the dataset, is not on this machine.
    """
    values: dict[str, Any] = {
        "model": section.model_dump(mode="json"),
        "plugin": shelf.source_digest("models", section.name),
    }
    plugin = shelf.load("models", section.name)
    if hasattr(plugin, "files"):
        options = shelf.options("models", section.name, section.options)
        files = plugin.files(options, source(recipe, data).preprocess.shape, data)
        values["files"] = {name: sha256(path) for name, path in files.items()}
    return values


def _records(files: Mapping[str, Path]) -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(name=path.name, sha256=sha256(path), bytes=path.stat().st_size) for path in files.values()
    )
