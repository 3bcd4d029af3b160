"""What a file claims to run on, against what its ops need, and how grave it is where it claims too much.

Gates let no op pass that claims less than arithmetic which an older kernel would misread: neither
:func:`check_claims` nor the verify stage, whatever the runtime floor, and whatever runtimes that were tried
made of it. Those are small models on one platform; the kernels of a phone are others. How grave it is for a
floor, :func:`gravity` tells, which diagnostics show.
"""

from converters.diagnostics import Severity
from converters.errors import WrongClaimError
from converters.spec import parse_version
from converters.tflite import op_versions, releases, tried
from converters.tflite.graph import Inspection
from converters.tflite.op_versions import Misread, Release
from converters.tflite.versions import Requirement, requirements, stated_minimum, version_text


def check_claims(inspection: Inspection, *, where: str, runtime_floor: str | None = None) -> None:
    """Refuses a file that claims to run where it would be misread.

    Op versions and the minimum runtime are computed anew from options and tensor types; ops that are not
    known are believed. So are claims that are too low where an older kernel refuses the op rather than
    misread it: TensorFlow 2.20 writes the versions of int8 into int16x8 files.

    Args:
        inspection: of the file.
        where: how to call the file in the message.
        runtime_floor: oldest runtime that will run it: a stated minimum that is too low for older ones alone
            passes. None refuses all of them. Op versions are asked for whatever it is.

    Raises:
        WrongClaimError: an op version, or the minimum runtime that the file states, is lower than its
            tensors allow; the message names the op, both versions and the runtime that is needed.
    """
    bar = None if runtime_floor is None else parse_version(runtime_floor)
    told = (_wrong_claim(inspection, one, bar) for one in requirements(inspection))
    wrong = "; ".join(dict.fromkeys(text for text in told if text))
    if wrong:
        raise WrongClaimError(
            f"{where}: {wrong}: runtimes without that version may load it and answer nonsense; convert "
            "it again, with a tool that writes op versions"
        )


def _wrong_claim(inspection: Inspection, one: Requirement, bar: Release | None) -> str:
    if one.misread is not None:
        return too_low(one)
    return stated_too_low(inspection, one) if misread_from(one, bar) else ""


def misread_from(one: Requirement, floor: Release | None) -> bool:
    """Whether a runtime from the floor on, or any for None, misreads the op under a version too low."""
    misread = one.need.misread if one.need is not None else None
    if misread is None or floor is None:
        return misread is not None
    since = op_versions.since(one.op.name, misread.version)
    return since is None or since > floor


def too_low(one: Requirement) -> str:
    """What an op claims below what it needs, as a clause; "" where it does not.

    Of what would be misread where there is such, else of the version that it needs.
    """
    told = one.misread or one.need
    if told is None or one.op.version >= told.version:
        return ""
    since = op_versions.since(one.op.name, told.version)
    release = f" (TensorFlow Lite {version_text(since)})" if since else ""
    return (
        f"{one.op.name} {told.why}, which is version {told.version}{release}, "
        f"but claims version {one.op.version}"
    )


def stated_too_low(inspection: Inspection, one: Requirement) -> str:
    """What the file states below the release that an op needs, as a clause; "" where it does not."""
    since = op_versions.since(one.op.name, one.need.version) if one.need is not None else None
    stated = stated_minimum(inspection)
    if one.need is None or since is None or stated is None or stated >= since:
        return ""
    return (
        f"{f'{one.op.name} {one.need.why}'.strip()}, which needs TensorFlow Lite {version_text(since)}, "
        f"but the file claims to run on {inspection.claimed_min_runtime}"
    )


def gravity(op: str, misread: Misread, floor: Release) -> tuple[Severity, str]:
    """How grave such a claim is for a floor: what published runtimes made of it counts, then the versions.

    An error where a runtime from the floor on may answer nonsense; else a warning, which tells what was tried
    and where: kernels of another platform may differ.
    """
    rows = tried.table()[misread.tried] if misread.tried is not None else ()
    wrong = {one.runtime: releases.release_of(one.runtime) for one in rows if one.verdict == "WRONG"}
    since = op_versions.since(op, misread.version)
    bar = version_text(floor)
    reached = [runtime for runtime, release in wrong.items() if release >= floor]
    if reached:
        return "error", f"{reached[-1]} answers nonsense, and the runtime floor is {bar}"
    if since is None or since > floor:
        return "error", f"runtimes before it answer nonsense, and the runtime floor is {bar}"
    if wrong:
        return "warning", f"{list(wrong)[-1]} answers nonsense, if an app brings it despite the floor {bar}"
    if not rows:
        return (
            "warning",
            f"runtimes before it may answer nonsense, if an app brings one despite the floor {bar}",
        )
    oldest = min(rows, key=lambda one: releases.release_of(one.runtime))
    where = f"{oldest.runtime} and newer on {tried.platform()}"
    told = f"right all the same for a small model on every runtime that was tried, {where}"
    if releases.release_of(oldest.runtime) > floor:
        return "warning", f"{told}; none as old as the floor {bar} was, nor any phone's kernels"
    return "warning", f"{told}; a phone's kernels were not"
