"""Publishes the JSON Schema of the manifest: ``python -m pipeline.release.schema`` rewrites the file."""

import json
from pathlib import Path

from pipeline.release.manifest import schema

FILE = Path(__file__).parent / "manifest.schema.json"


def text() -> str:
    """The schema as it stands in the file."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
