"""The sweep as a JSON document and as CSV, for other programs; and how its files are written."""

import csv
import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifacts import digest
from pipeline.sweep import table
from pipeline.sweep.measure import Sweep
from pipeline.sweep.rows import Row
from pipeline.sweep.variants import Variant
from pipeline.target import Target

FOLDER = "sweeps"
"""In the folder of all run folders."""

HASH_LENGTH = 8
"""Hexadecimal digits: 32 bits tell the sweeps of one machine apart."""

SCHEMA_VERSION = 1
"""Of the JSON document; raised when a key changes its meaning or goes."""


def folder_name(variants: Sequence[Variant], runtime: str, target: Target) -> str:
    """``emnist+emnist_compact-1a2b3c4d``: the same sweep again has the same name."""
    names = dict.fromkeys(variant.recipe.name for variant in variants)
    everything = [
        runtime,
        target.name,
        [(variant.label, variant.recipe.model_dump(mode="json")) for variant in variants],
    ]
    return f"{'+'.join(names)}-{digest(everything)[:HASH_LENGTH]}"


def document(sweep: Sweep, variants: Sequence[Variant]) -> dict[str, Any]:
    """The sweep as JSON values; shares are 0..1, sizes in bytes, times in microseconds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "runtime": sweep.runtime,
        "profile": sweep.profile,
        "data": list(sweep.data),
        "variants": [
            {
                "variant": variant.label,
                "recipe": variant.source,
                "over": dict(variant.over),
                "optimize": [section.model_dump(mode="json") for section in variant.recipe.optimize],
                "schemes": list(variant.recipe.convert.schemes),
            }
            for variant in variants
        ],
        "rows": [record(row) for row in sweep.rows],
        "notes": table.notes(sweep),
    }


def record(row: Row) -> dict[str, Any]:
    """One row, flat: the columns of the CSV and the keys of the JSON document's rows."""
    accuracy, latency = row.accuracy, row.latency
    return {
        "variant": row.variant,
        "recipe": row.recipe,
        "scheme": row.scheme or None,
        "accuracy": None if accuracy is None else accuracy.value,
        "accuracy_low": None if accuracy is None else accuracy.low,
        "accuracy_high": None if accuracy is None else accuracy.high,
        "trained_accuracy": None if row.trained is None else row.trained.value,
        "accuracy_drop_points": row.drop_points,
        "bytes": row.bytes,
        "zip_bytes": row.zip_bytes,
        "latency_us": None if latency is None else latency.median_us,
        "latency_us_q1": None if latency is None else latency.q1_us,
        "latency_us_q3": None if latency is None else latency.q3_us,
        "times_faster": row.times_faster,
        "front": row.front,
        "gates_passed": None if not row.scheme or row.problem else not row.failed_gates,
        "problem": row.problem or None,
        "sha256": row.sha256 or None,
        "test_set_sha256": row.test_set or None,
    }


def write(
    sweep: Sweep, variants: Sequence[Variant], folder: Path, draw: Callable[[Sweep, Path], None]
) -> dict[str, Path]:
    """Writes ``sweep.json``, ``sweep.csv`` and ``sweep.png``, each as a whole or not at all.

    Args:
        sweep: what was found.
        variants: what was built.
        folder: made where it is not there.
        draw: draws the picture into a file.

    Returns:
        Kind to path.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(sweep, variants), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    writers: dict[str, Callable[[Path], object]] = {
        "json": lambda path: path.write_text(text, "utf-8"),
        "csv": lambda path: path.write_text(_csv(sweep.rows), "utf-8"),
        "png": lambda path: draw(sweep, path),
    }
    paths = {}
    for kind, writer in writers.items():
        path = folder / f"sweep.{kind}"
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        try:
            writer(partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        paths[kind] = path
    return paths


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    records = [record(row) for row in rows]
    writer = csv.DictWriter(text, fieldnames=list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()
