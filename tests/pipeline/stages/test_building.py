"""Building a model of the shelf: the files of its own that it reads are part of the key."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline import recipe
from pipeline.artifacts import sha256
from pipeline.preprocess import PreprocessSpec
from pipeline.sections import PluginSection
from pipeline.stages import building


def test_weights_count_by_what_is_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the file lies; a model without files asks for no dataset."""
    spec = PreprocessSpec(height=96, width=96, channels="rgb")
    monkeypatch.setattr(building, "source", lambda *_: SimpleNamespace(preprocess=spec))
    path = tmp_path / "base.h5"
    path.write_bytes(b"one")
    section: Any = PluginSection(name="transfer", weights="base.h5")
    digits = recipe.load("digits")
    first = building.settings(section, digits, tmp_path)
    assert first["files"] == {"base": sha256(path)}
    path.write_bytes(b"two")
    assert building.settings(section, digits, tmp_path) != first
    path.write_bytes(b"one")
    assert building.settings(section, digits, tmp_path) == first


def test_a_model_without_files_needs_no_dataset_for_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its images' size is asked for only where weights depend on it."""

    def absent(*_: Any) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(building, "source", absent)
    digits = recipe.load("digits")
    assert "files" not in building.settings(digits.model, digits, None)
