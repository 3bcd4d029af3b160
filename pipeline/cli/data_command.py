"""``pipeline data``: fetch a dataset, or say what is there."""

import re
from pathlib import Path
from typing import Any

import click

from pipeline.cli._options import (
    DEFAULT_DATA,
    check_data,
    data_option,
    debug_option,
    json_option,
    parse_overrides,
    print_json,
    print_table,
)

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the dataset, as variant=balanced; may be given again.",
)


@click.group("data")
def command() -> None:
    """Fetch datasets and check what is on this machine."""


@command.command("get")
@click.argument("name")
@set_option
@click.option("--url", help="Address of a mirror, instead of the publisher's.")
@click.option(
    "--sha256",
    metavar="HEX",
    help="Hash that the mirror's file must have, where it is not the publisher's file.",
)
@data_option
@debug_option
def get(
    name: str,
    overrides: tuple[str, ...],
    url: str | None,
    sha256: str | None,
    data: Path | None,
    debug: bool,  # noqa: ARG001
) -> None:
    """Download a dataset with checksum, resume and progress."""
    from pipeline.console import Console
    from pipeline.errors import UsageError

    plugin, options = _plugin(name, overrides)
    if not hasattr(plugin, "fetch"):
        raise UsageError(f"dataset '{name}' is not downloaded: its files are yours, or come with a package")
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise UsageError(f"--sha256 {sha256}: not 64 hexadecimal digits")
    mirror = {key: value for key, value in (("url", url), ("sha256", sha256)) if value is not None}
    folder = data or DEFAULT_DATA
    plugin.fetch(options, folder, Console(), **mirror)
    click.echo(f"{name} is in {folder}")


@command.command("check")
@click.argument("name")
@set_option
@data_option
@json_option
@debug_option
def check(
    name: str,
    overrides: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    debug: bool,  # noqa: ARG001
) -> None:
    """Say what is there: files, counts, classes, hashes, and whether they are the published ones.

    Every image and label is read, so that damage shows.
    """
    from pipeline.console import Console

    plugin, options = _plugin(name, overrides)
    report = _read(plugin.locate(options, check_data(data)), Console())
    if as_json:
        print_json(report)
        return
    for note in report["notes"]:
        click.echo(note)
    for split in ("train", "test"):
        facts = report[split]
        click.echo(f"{report['name']} {split}: {facts['images']:,} images, {facts['clause']}")
    print_table(
        ("class", "label", "train", "test"),
        [
            (
                str(i),
                label,
                f"{report['train']['per_class'][i]:,}",
                f"{report['test']['per_class'][i]:,}",
            )
            for i, label in enumerate(report["labels"])
        ],
    )
    verdict = {True: "published", False: "NOT the published file", None: "no published hash known"}
    print_table(
        ("file", "bytes", "sha256", "verdict"),
        [(f["name"], f"{f['bytes']:,}", f["sha256"], verdict[f["published"]]) for f in report["files"]],
    )


def _plugin(name: str, overrides: tuple[str, ...]) -> tuple[Any, Any]:
    import tomllib

    from pipeline import shelf

    values: dict[str, Any] = {}
    for key, text in parse_overrides(overrides).items():
        try:
            values[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[key] = text
    return shelf.load("datasets", name), shelf.options("datasets", name, values)


def _read(source: Any, console: Any) -> dict[str, Any]:
    import numpy as np

    from pipeline.stages.reading import check_unreadable, read, twins

    report: dict[str, Any] = {"name": source.name, "labels": list(source.labels), "notes": list(source.notes)}
    readings = {}
    for split in ("train", "test"):
        count, published = source.count(split), source.published.get(split)
        readings[split] = read(source, split, np.arange(count), console, title=f"read {split}")
        per_class = np.bincount(source.class_indices(split), minlength=len(source.labels))
        report[split] = {
            "images": count,
            "published_images": published,
            "per_class": per_class.tolist(),
            "clause": _clause(count, published),
        }
    report["unreadable"] = list(
        check_unreadable(source, list(readings.values()), console, remedy="--set unreadable={count}")
    )
    found = twins(source, readings["train"], readings["test"], console)
    report["duplicates"], report["two_classes"] = found.splits, found.classes
    report["files"] = [file.model_dump(mode="json") for file in source.source_files()]
    return report


def _clause(count: int, published: int | None) -> str:
    if published is None:
        return "no published count to compare with"
    if count == published:
        return "as many as published"
    return f"a subset of the {published:,} published" if count < published else "MORE than published"
