"""Which release of TensorFlow Lite an app must depend on for a model, as the line for its build file.

The release is the lowest known one that reads the file and is no older than the runtime floor, the oldest
one that the model was made and verified for. The table is :mod:`converters.tflite.releases`.
"""

from collections.abc import Collection
from dataclasses import dataclass

from converters.spec import parse_version
from converters.tflite import releases
from converters.tflite.graph import Inspection
from converters.tflite.versions import minimum_runtime, requirements, version_text
from pipeline.errors import StepError

TENSORFLOW = "org.tensorflow:tensorflow-lite"
LITERT = "com.google.ai.edge.litert:litert"
COCOAPODS = "TensorFlowLiteSwift, TensorFlowLiteC"
SWIFT_POD = "TensorFlowLiteSwift"

RELOCATED_SINCE = (2, 17, 0)
"""From this version on org.tensorflow:tensorflow-lite holds nothing: it points to LiteRT, which is named
instead, since the relocation brings only a part of it."""

GPU_API = {"2.14.0": "2.14.0", "2.16.1": "2.14.0"}
"""Release of org.tensorflow:tensorflow-lite-gpu to that of its tensorflow-lite-gpu-api, whose classes it
needs but does not name: tried on Maven Central. Others lack one of the two (2.15.0 has neither)."""

SUBSPECS = {"metal": "Metal", "coreml": "CoreML"}
"""Delegate to the part of the pod that brings it."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a model asks of the runtime that an app ships.

    Attributes:
        release: of TensorFlow Lite: the larger of what its ops need and its runtime floor.
        floor: oldest release that it was made and verified for.
        ops_needs: what its ops need alone; None where none of them is known.
        ops_release: the same as text, ``unknown`` for None.
        ops: its op versions, ``CAST 7``.
        unknown: op versions of which nothing is known.
        delegates: that the app should try.
    """

    release: tuple[int, int, int]
    floor: tuple[int, int, int]
    ops_needs: tuple[int, int, int] | None
    ops_release: str
    ops: frozenset[str]
    unknown: tuple[str, ...]
    delegates: tuple[str, ...]

    @property
    def text(self) -> str:
        """``2.17.0``."""
        return version_text(self.release)


def need(inspection: Inspection, *, where: str, runtime_floor: str, delegates: Collection[str]) -> Need:
    """Works it out from the file itself, as its manifest may be older than the table.

    Args:
        inspection: of the model.
        where: names its file in messages.
        runtime_floor: oldest release that it was made and verified for.
        delegates: that the app should try.

    Raises:
        StepError: no release computes the model right, so that no line would help.
    """
    runtime, floor = minimum_runtime(inspection), parse_version(runtime_floor)
    if runtime.never:
        raise StepError(
            f"{where}: no release of TensorFlow Lite computes it right ({', '.join(runtime.never)}); convert "
            "it again"
        )
    return Need(
        release=max(runtime.release or floor, floor),
        floor=floor,
        ops_needs=runtime.release,
        ops_release=runtime.text,
        ops=frozenset(one.label for one in requirements(inspection)),
        unknown=runtime.unknown,
        delegates=tuple(delegates),
    )


def android(needed: Need) -> tuple[str, ...]:
    """Artefacts of Maven, the runtime first: the lowest known release that will do; none where none is known.

    NNAPI's delegate is in the runtime itself, the GPU's in packages of its own.
    """
    gpu = "gpu" in needed.delegates
    version = _lowest(TENSORFLOW, needed)
    if version is not None and parse_version(version) < RELOCATED_SINCE:
        if not gpu:
            return (f"{TENSORFLOW}:{version}",)
        whole = [one for one in GPU_API if parse_version(one) >= parse_version(version)]
        if whole:
            own = whole[0]
            return (f"{TENSORFLOW}:{own}", f"{TENSORFLOW}-gpu:{own}", f"{TENSORFLOW}-gpu-api:{GPU_API[own]}")
    version = _lowest(LITERT, needed)
    if version is None:
        return ()
    parts = (LITERT, f"{LITERT}-gpu", f"{LITERT}-gpu-api") if gpu else (LITERT,)
    return tuple(f"{part}:{version}" for part in parts)


def aligned(artefacts: tuple[str, ...], needed: Need) -> tuple[str, ...] | None:
    """The same artefacts for phones with memory pages of 16 KB.

    Args:
        artefacts: of :func:`android`, at least one.
        needed: as there.

    Returns:
        None where they are for such phones as they are; none where no release is known that is.
    """
    runtime, version = artefacts[0].rsplit(":", 1)
    since = _carrier(runtime).pages_16k
    if since and parse_version(version) >= parse_version(since):
        return None
    since = _carrier(LITERT).pages_16k
    fit = [
        one.version
        for one in _carrier(LITERT).versions
        if since
        and parse_version(one.version) >= parse_version(since)
        and one.reads >= needed.release
        and one.lacks.isdisjoint(needed.ops)
    ]
    own = (artefact.rsplit(":", 1)[0].replace(runtime, LITERT) for artefact in artefacts)
    return tuple(f"{artefact}:{fit[0]}" for artefact in own) if fit else ()


def ios(needed: Need) -> str | None:
    """Version of the pod; None where none is known."""
    return _lowest(COCOAPODS, needed)


def pod_line(version: str, delegates: Collection[str]) -> str:
    """The line of a Podfile, with the parts that the delegates need."""
    parts = sorted(SUBSPECS[name] for name in delegates if name in SUBSPECS)
    more = f", :subspecs => [{', '.join(repr(part) for part in parts)}]" if parts else ""
    return f"pod '{SWIFT_POD}', '{version}'{more}"


def _lowest(name: str, needed: Need) -> str | None:
    found = _carrier(name).lowest(needed.release, needed.ops)
    return None if found == releases.NONE else found


def _carrier(name: str) -> releases.Carrier:
    (carrier,) = (one for one in releases.carriers() if one.name == name)
    return carrier
