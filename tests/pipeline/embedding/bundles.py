"""Bundles to embed: the golden ones of the tests, and copies of them that differ."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[2] / "fixtures/golden_bundles"


def handwriting() -> Path:
    """Of the slot ``drawing``."""
    return GOLDEN / "digits"


def photos() -> Path:
    """Of the slot ``photo``."""
    return GOLDEN / "shapes"


def changed(source: Path, folder: Path, **values: Any) -> Path:
    """A copy whose manifest says something else; ``model__runtime_floor`` is a key within ``model``."""
    copy = Path(shutil.copytree(source, folder))
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    for key, value in values.items():
        *path, last = key.split("__")
        place = manifest
        for part in path:
            place = place[part]
        place[last] = value
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return copy


def with_model(source: Path, folder: Path, content: bytes) -> Path:
    """A copy with another model, whose hashes are right."""
    digest = hashlib.sha256(content).hexdigest()
    record = {"sha256": digest, "bytes": len(content)}
    files = json.loads((source / "manifest.json").read_text("utf-8"))["files"]
    own = {"model__sha256": digest, "model__bytes": len(content), "files": {**files, "model.tflite": record}}
    copy = changed(source, folder, **own)
    (copy / "model.tflite").write_bytes(content)
    return copy


def with_case_removed(source: Path, folder: Path) -> Path:
    """A later build of the same recipe, without its last golden case and with another label text."""
    copy = Path(shutil.copytree(source, folder))
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    case = manifest["golden"]["cases"].pop()["id"]
    shutil.rmtree(copy / "golden" / case)
    manifest["files"] = {
        name: record for name, record in manifest["files"].items() if f"/{case}/" not in name
    }  # fmt: skip
    manifest["labels"][0] = "another"
    content = "".join(f"{label}\n" for label in manifest["labels"]).encode()
    (copy / "labels.txt").write_bytes(content)
    manifest["files"]["labels.txt"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return copy
