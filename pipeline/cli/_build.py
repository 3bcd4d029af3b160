"""What build and the single-stage commands share: run, show, and turn failed gates into exit code 3."""

from typing import TYPE_CHECKING, Any

import click

from pipeline.cli._options import BuildOptions, print_json, print_table

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.runner import Build


def run(recipe: "Recipe", options: BuildOptions, until: str) -> None:
    """Runs the stages up to ``until`` and prints what came out.

    Raises:
        GateError: after the table is printed, if a gate failed.
    """
    from pipeline import runner

    build = runner.run(
        recipe,
        options.load_target(),
        runs=options.runs,
        data=options.data_folder(),
        console=options.console(),
        until=until,
        wait=not options.no_wait,
    )
    _warn_of_surprises(build, recipe, options)
    _show(build, options)
    _raise_failures(build)


def _raise_failures(build: "Build") -> None:
    from pipeline.artifacts import ConvertedModels, VerifiedModel
    from pipeline.errors import GateError
    from pipeline.parity.guarding import failure
    from pipeline.parity.report import failures, notes
    from pipeline.recipe import GUARDED_SCHEME

    converted = build.artifacts.get("convert")
    if isinstance(converted, ConvertedModels) and converted.ends_build and converted.guard is not None:
        file = converted.path(converted.variant(GUARDED_SCHEME).file)
        raise GateError(failure(converted.guard, str(file)))
    verified = build.artifacts.get("verify")
    if not isinstance(verified, VerifiedModel) or verified.passed:
        return
    failed = failures(verified.gates)
    if not failed:
        why = "; ".join(notes(verified.cells))
        raise GateError(
            f"no runtime ran scheme '{verified.ship}' over the whole test set, nothing was bundled: {why}"
        )
    look = f" (its pictures: {build.pictures})" if verified.outputs_of else ""
    raise GateError(f"{len(failed)} gate(s) failed, nothing was bundled: " + "; ".join(failed) + look)


def _warn_of_surprises(build: "Build", recipe: "Recipe", options: BuildOptions) -> None:
    """Compares with the figures that the recipe's [expect] section records."""
    from pipeline.artifacts import PreparedData, VerifiedModel
    from pipeline.parity.report import unexpected

    data, verified = build.artifacts.get("data"), build.artifacts.get("verify")
    if isinstance(data, PreparedData) and isinstance(verified, VerifiedModel):
        for text in unexpected(recipe.expect, data.facts, verified.cells):
            options.console().warn(text)


def _show(build: "Build", options: BuildOptions) -> None:
    from pipeline.artifacts import (
        ConvertedModels,
        OptimizedModel,
        PreparedData,
        TrainedModel,
        VerifiedModel,
    )
    from pipeline.parity import decoders, delegation, diagnosis, guarding, promises
    from pipeline.parity.report import COLUMNS, notes, percent, rows

    if options.as_json:
        print_json(_document(build))
        return
    found = build.artifacts
    data, trained = found.get("data"), found.get("train")
    optimized, converted, verified = found.get("optimize"), found.get("convert"), found.get("verify")
    if isinstance(data, PreparedData):
        click.echo(f"data      {data.facts.clause}")
    if isinstance(trained, TrainedModel):
        kept = f"epoch {trained.best_epoch} of {len(trained.history)}" if trained.best_epoch else "head alone"
        click.echo(
            f"model     {trained.model}, {trained.parameters:,} parameters, {kept}, "
            f"validation accuracy {trained.validation_accuracy:.2%}"
        )
    if isinstance(optimized, OptimizedModel):
        for line in promises.lines(optimized.claims):
            click.echo(f"kept      {line}")
    if isinstance(converted, ConvertedModels) and converted.guard is not None:
        click.echo(f"guard     {guarding.summary(converted.guard)}")
        if converted.guard.layers:
            print_table(guarding.COLUMNS, guarding.rows(converted.guard))
    if isinstance(verified, VerifiedModel) and isinstance(converted, ConvertedModels):
        if isinstance(optimized, OptimizedModel) and optimized.applied:
            click.echo(
                f"trained   {percent(verified.trained_accuracy)} % accuracy (95 % CI) of the Keras model"
            )
            click.echo(
                f"keras     {percent(verified.reference_accuracy)} % accuracy (95 % CI) after "
                f"{', '.join(optimized.applied)}"
            )
        else:
            click.echo(f"keras     {percent(verified.reference_accuracy)} % accuracy (95 % CI)")
        print_table(COLUMNS, rows(converted, verified))
        for note in notes(verified.cells):
            click.echo(note)
        if verified.decoders:
            click.echo(decoders.MEANING)
            print_table(decoders.COLUMNS, decoders.table(verified.decoders))
            for note in decoders.notes(verified.decoders):
                click.echo(note)
        for record in verified.delegation:
            click.echo(f"delegate  {delegation.headline(record)}")
            for detail in delegation.details(record):
                click.echo(f"          {detail}")
        for finding in diagnosis.lines(verified.diagnostics):
            click.echo(finding)
        if isinstance(optimized, OptimizedModel):
            for remark in promises.remarks(optimized, converted, verified):
                click.echo(remark)
    elif isinstance(converted, ConvertedModels):
        print_table(
            ("scheme", "bytes", "zip bytes", "file"),
            [
                (v.scheme, f"{v.bytes:,}", f"{v.zip_bytes:,}", str(converted.path(v.file)))
                for v in converted.variants
            ],
        )
    if build.pictures is not None and isinstance(verified, VerifiedModel):
        click.echo(f"pictures  {build.pictures}")
    if build.bundle is not None:
        click.echo(f"bundle    {build.bundle}")


def _document(build: "Build") -> dict[str, Any]:
    return {
        "run": str(build.folder),
        "bundle": str(build.bundle) if build.bundle else None,
        "pictures": str(build.pictures) if build.pictures else None,
        "passed": getattr(build.artifacts.get("verify"), "passed", None),
        "stages": [
            {"stage": r.stage, "key": r.key, "cached": r.cached, "seconds": round(r.seconds, 3)}
            for r in build.reports
        ],
        "artifacts": {
            name: {"folder": str(artifact.folder), **artifact.model_dump()}
            for name, artifact in build.artifacts.items()
        },
    }
