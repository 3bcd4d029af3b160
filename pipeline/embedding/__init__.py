"""Puts a bundle into an app: model, labels and manifest, the golden vectors, and a test that runs them."""

from dataclasses import dataclass
from pathlib import Path

from converters.tflite.inspect import inspect
from pipeline.embedding import dependencies, destination, places, receipt, writing
from pipeline.embedding import dependency_file as lines
from pipeline.embedding.destination import Destination
from pipeline.embedding.plan import Plan
from pipeline.embedding.writing import Outcome
from pipeline.errors import UsageError
from pipeline.release import described
from pipeline.release.bundle import intact

__all__ = ["Embedded", "embed"]


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """What was done.

    Attributes:
        bundle: its name.
        destination: the app.
        plan: what went where, and what is left to the user.
        outcome: what became of the files.
    """

    bundle: str
    destination: Destination
    plan: Plan
    outcome: Outcome


def embed(
    bundle: Path,
    into: Path,
    *,
    module: str | None = None,
    core: bool = True,
    force: bool = False,
    dependency_file: Path | None = None,
) -> Embedded:
    """Checks every hash of a bundle, then embeds it.

    Args:
        bundle: its folder.
        into: the app's.
        module: of an app that is none of the demos; None to find it.
        core: whether the contract's reader goes into such an app.
        force: takes a smoke build, and replaces files that are not as an earlier bundle left them; none such
            is removed.
        dependency_file: takes the lines for the app's build file too; None: they are only told.

    Raises:
        StepError: the bundle is damaged or describes another model, no runtime computes its model right, or
            files are in the way.
        UsageError: the folder is no app, or the bundle is a smoke build.
        StorageError: the app cannot be written.
        BusyError: another embed is at work in it.
    """
    place = destination.find(into, module)
    manifest = intact(bundle)
    if manifest.profile == "smoke" and not force:
        raise UsageError(
            f"{bundle}: a smoke build, trained for tests on a few images; --force embeds it all the same"
        )
    model = bundle / manifest.model.file
    need = dependencies.need(
        inspect(model),
        where=str(model),
        runtime_floor=manifest.model.runtime_floor,
        delegates=manifest.model.delegates,
    )
    described.hold(bundle, manifest)
    subject = places.Subject(bundle=bundle, manifest=manifest, need=need, core=core)
    plan = places.plan(subject, place, receipt.read(place.root, place.kind))
    if dependency_file is not None:
        lines.check(dependency_file, plan.dependencies, force=force)
    outcome = writing.write(plan, bundle=manifest.name, model_sha256=manifest.model.sha256, force=force)
    if dependency_file is not None:
        lines.save(dependency_file, plan.dependencies)
    return Embedded(bundle=manifest.name, destination=place, plan=plan, outcome=outcome)
