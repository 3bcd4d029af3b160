"""``pipeline verify``: a recipe's stage, a bundle, a .tflite file against its Keras model, the contract."""

import math
from pathlib import Path
from typing import Any

import click

from pipeline.cli._contract import CONTRACT_OPTIONS, verify_contract
from pipeline.cli._options import RECIPE_OPTIONS, BuildOptions, build_options, print_json, print_table, refuse

FILE_OPTIONS = (
    "reference", "images", "labels", "pixel_scale", "pixel_offset", "min_agreement", "max_drop",
)  # fmt: skip


@click.command("verify")
@click.argument("subject", metavar="[RECIPE|BUNDLE|FILE.tflite]", required=False)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="For FILE: the .keras or .h5 model it was converted from.",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    metavar="FILE.npy",
    help="For FILE: u8 images (n, height, width[, 1 or 3]).",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="FILE.npy",
    help="For FILE: class indices (n,) from 0 on, for accuracy.",
)
@click.option(
    "--pixel-scale",
    type=float,
    default=1.0,
    show_default=True,
    help="For FILE: what 0..255 is multiplied by before the model, as 0.00392156862745098.",
)
@click.option(
    "--pixel-offset",
    type=float,
    default=0.0,
    show_default=True,
    help="For FILE: what is added after it.",
)
@click.option(
    "--min-agreement",
    type=click.FloatRange(0, 1),
    default=0.98,
    show_default=True,
    help="For FILE: gate on the share of images with the reference's answer.",
)
@click.option(
    "--max-drop",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="For FILE with --labels: gate on the loss of accuracy, percentage points.",
)
@click.option(
    "--contract",
    is_flag=True,
    help="Compare preprocessing, drawing and postprocessing in Python, Kotlin and Swift: golden cases of "
    "BUNDLE, or of the checkout's test bundles, and random ones.",
)
@click.option(
    "--android",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="With --contract: the Android demo.  [default: android_demo of the checkout]",
)
@click.option(
    "--ios",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="With --contract: the iOS demo.  [default: ios_demo of the checkout]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="With --contract: of the random cases.",
)
@click.option(
    "--cases",
    type=click.IntRange(min=0),
    default=80,
    show_default=True,
    help="With --contract: how many random cases for each bundle, and for each of three altered contracts.",
)
@build_options
def command(
    subject: str | None,
    reference: Path | None,
    images: Path | None,
    labels: Path | None,
    pixel_scale: float,
    pixel_offset: float,
    min_agreement: float,
    max_drop: float,
    contract: bool,
    android: Path | None,
    ios: Path | None,
    seed: int,
    cases: int,
    **values: Any,
) -> None:  # fmt: skip
    """Verify a model on every runtime of this machine; exit code 3 if a gate fails.

    RECIPE runs the stages up to verify. BUNDLE checks every hash and the golden vectors. FILE.tflite is
    compared with --reference on --images. With --contract the apps' own code is compared with the program's.
    """
    options = BuildOptions(**values)
    if contract:
        refuse((*RECIPE_OPTIONS, *FILE_OPTIONS), "does not go with --contract")
        verify_contract(
            subject,
            demos={"Kotlin": android, "Swift": ios},
            count=cases,
            seed=seed,
            as_json=options.as_json,
            console=options.console(),
        )
        return
    refuse(CONTRACT_OPTIONS, "goes with --contract")
    if subject is None:
        raise click.UsageError("name a RECIPE, BUNDLE or FILE.tflite; only --contract needs none")
    path = Path(subject)
    if path.suffix == ".tflite":
        refuse(RECIPE_OPTIONS, f"is for a recipe; {path} is a file")
        _verify_file(
            path,
            reference,
            images,
            labels,
            (pixel_scale, pixel_offset),
            (min_agreement, max_drop),
            options,
        )
        return
    from pipeline import recipe

    refuse(FILE_OPTIONS, "is for a .tflite file; a recipe and a bundle have their own images and gates")
    if path.is_dir() and subject not in recipe.names():
        refuse(RECIPE_OPTIONS, f"is for a recipe; {path} is a bundle")
        _verify_bundle(path, options)
    else:
        from pipeline.cli._build import run

        run(options.recipe(subject), options, until="verify")


def _verify_bundle(folder: Path, options: BuildOptions) -> None:
    from dataclasses import asdict

    from converters.tflite.inspect import inspect
    from pipeline.errors import GateError
    from pipeline.parity import diagnosis
    from pipeline.parity.report import failures
    from pipeline.release import bundle

    manifest, replays = bundle.check(folder, options.console())
    # Anew: this program may know more by now than the one that made the bundle.
    found = diagnosis.diagnosed(
        inspect(folder / manifest.model.file),
        scheme=manifest.model.scheme,
        runtime_floor=manifest.model.runtime_floor,
        delegates=manifest.model.delegates,
    )
    errors = failures(diagnosis.gates(found))
    failed = [replay for replay in replays if replay.wrong or (replay.reason and not replay.absent)]
    if failed:
        errors = [f"golden vectors fail on {', '.join(r.runtime for r in failed)}", *errors]
    if all(replay.absent for replay in replays):
        choices = ", ".join(r.runtime for r in replays)
        errors.append(f"no runtime is here to run the golden vectors; install one of {choices}")
    if options.as_json:
        print_json(
            {
                "bundle": str(folder),
                "name": manifest.name,
                "passed": not errors,
                "golden": [asdict(replay) for replay in replays],
                "diagnostics": found,
            }
        )
    else:
        click.echo(f"{manifest.name}: {len(manifest.files)} files as the manifest lists them")
        if manifest.profile == "smoke":
            click.echo("smoke build: for tests alone")
        print_table(
            ("runtime", "golden cases", "largest difference", "tolerance", "verdict"),
            [
                (
                    f"{r.runtime} {r.version}".strip(),
                    str(r.cases or ""),
                    "" if r.max_difference is None else f"{r.max_difference:.2e}",
                    f"{manifest.golden.output_tolerance:.2e}",
                    f"FAILED: {'; '.join(filter(None, (r.reason, ', '.join(r.wrong))))}" if r in failed
                    else f"absent: {r.reason}" if r.absent
                    else "passed",
                )
                for r in replays
            ],
        )  # fmt: skip
        for line in diagnosis.lines(found):
            click.echo(line)
    if errors:
        raise GateError(f"{folder}: {'; '.join(errors)}")


def _verify_file(
    path: Path,
    reference: Path | None,
    images: Path | None,
    labels: Path | None,
    scaling: tuple[float, float],
    limits: tuple[float, float],
    options: BuildOptions,
) -> None:
    from pipeline.cli._inspection import visible
    from pipeline.cli._verify_file import Subject, verify_file
    from pipeline.errors import GateError, UsageError
    from pipeline.parity import diagnosis
    from pipeline.parity.report import COLUMNS, failures, notes, row
    from pipeline.sections import Gate

    if reference is None or images is None:
        raise UsageError(f"{path}: verifying a file needs --reference MODEL and --images FILE.npy")
    if not all(map(math.isfinite, scaling)):
        raise UsageError(f"--pixel-scale {scaling[0]} --pixel-offset {scaling[1]}: not finite numbers")
    if scaling[0] == 0:
        raise UsageError("--pixel-scale 0 makes every picture the same")
    gate = Gate(min_top1_agreement=limits[0], max_accuracy_drop_points=limits[1] if labels else None)
    subject = Subject(file=path, reference=reference, images=images, labels=labels, scaling=scaling)
    verdict = verify_file(subject, gate, options.console())
    cells, gates = verdict.cells, verdict.gates
    failed = [visible(text) for text in failures(gates)]
    if options.as_json:
        print_json(
            {
                "file": str(path),
                "passed": not failed,
                "cells": cells,
                "gates": gates,
                "diagnostics": verdict.diagnostics,
            }
        )
    else:
        size = path.stat().st_size
        print_table(COLUMNS, [row(cell, (size, None), gates) for cell in cells])
        for note in notes(cells):
            click.echo(note)
        for line in diagnosis.lines(verdict.diagnostics):
            click.echo(visible(line))
    if failed:
        raise GateError(f"{len(failed)} gate(s) failed: " + "; ".join(failed))
