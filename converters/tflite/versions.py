"""Which runtime a file needs: the floor, what it forbids, and whether the file tells the truth about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from converters.errors import RuntimeFloorError, SpecError
from converters.spec import parse_version
from converters.tflite import op_versions, releases
from converters.tflite.graph import Inspection, Op, Subgraph
from converters.tflite.hybrid_depthwise import outcome
from converters.tflite.op_versions import Release

PER_CHANNEL_DENSE_SINCE: Release = (2, 17, 0)
"""First TensorFlow Lite release that reads per-channel FULLY_CONNECTED weights in every scheme.

Older ones refuse the op of dynamic range (version 12). In int8 and int16x8, whose op version stays the same,
nothing can be told from the file; see below."""

PER_CHANNEL_INTEGER_DENSE_SINCE: Release = (2, 10, 0)
"""First release that reads per-channel FULLY_CONNECTED weights on int8 or int16 activations right. Measured:
2.7, 2.8 and 2.9 take the first channel's scale for all of them and answer nonsense without an error, 2.10 and
later are right; see ``tried.toml``."""


PER_CHANNEL_WORDS = "with a scale for each channel"
"""What asks for :data:`PER_CHANNEL_INTEGER_DENSE_SINCE`."""


ONE_SCALE_WORDS = "with one scale on float32"
"""What no release computes right."""

NO_RELEASE = "none"
"""In place of a version, where no release will do."""


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """What one op asks of a runtime.

    Attributes:
        op: as it stands in the file.
        subgraph: position of its graph.
        layer: Keras layer it comes from; "" where that cannot be told.
        need: least version by its options and tensors; None where the op is custom or not known.
        release: first TensorFlow Lite release that reads it right, by the larger of claimed and needed
            version; None where that is not known.
    """

    op: Op
    subgraph: int
    layer: str
    need: op_versions.Need | None
    release: Release | None

    @property
    def version(self) -> int:
        """The version that counts: a runtime refuses what it does not have, claimed rightly or not."""
        return max(self.op.version, self.need.version if self.need else 0)

    @property
    def label(self) -> str:
        """``FULLY_CONNECTED 12``."""
        return f"{self.op.name} {self.version}"

    @property
    def decisive(self) -> str:
        """What of it asks for the release: the label, and what no op version tells."""
        versioned = op_versions.since(self.op.name, self.version)
        return self.label if self.release == versioned else f"{self.label} {PER_CHANNEL_WORDS}"

    @property
    def misread(self) -> op_versions.Misread | None:
        """What older kernels misread under the claimed version; None where they refuse or it is right."""
        found = self.need.misread if self.need is not None else None
        return found if found is not None and found.version > self.op.version else None


@dataclass(frozen=True, kw_only=True)
class MinimumRuntime:
    """The oldest runtime that reads a file right.

    Attributes:
        release: of TensorFlow Lite; None where no op of the file is known, or one is right in none.
        decided_by: what no older release reads right: ``FULLY_CONNECTED 12``, or ``FULLY_CONNECTED 4 with a
            scale for each channel``, whose version alone older releases have.
        unknown: op versions of which nothing is known: what they claim is believed, what they need not told.
        carriers: package, where it is published, and its lowest known version that reads the file: ``none``
            where the package ends before, None where that is not known.
        never: ops that no release computes right; see :mod:`converters.tflite.hybrid_depthwise`.
    """

    release: Release | None
    decided_by: tuple[str, ...]
    unknown: tuple[str, ...]
    carriers: tuple[tuple[str, str, str | None], ...]
    never: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """``2.17.0``; ``none`` where no release will do, ``unknown`` where nothing is known."""
        if self.never:
            return NO_RELEASE
        return "unknown" if self.release is None else version_text(self.release)


def per_channel_dense(runtime_floor: str) -> bool:
    """Whether Dense weights may be quantised per channel for this floor."""
    return parse_version(runtime_floor) >= PER_CHANNEL_DENSE_SINCE


def requirements(inspection: Inspection) -> Iterator[Requirement]:
    """What every op of the file, of all subgraphs, asks of a runtime."""
    for graph in inspection.graphs:
        for op in graph.ops:
            need = op_versions.need(graph, op)
            version = max(op.version, need.version if need else 0)
            release = None if op.custom else op_versions.since(op.name, version)
            if release is not None and per_channel_integer_dense(graph, op):
                release = max(release, PER_CHANNEL_INTEGER_DENSE_SINCE)
            yield Requirement(
                op=op, subgraph=graph.index, layer=graph.source_layer(op), need=need, release=release
            )


def minimum_runtime(inspection: Inspection) -> MinimumRuntime:
    """The oldest runtime that reads a file right, by its ops."""
    found = list(requirements(inspection))
    known = [(one.release, one.decisive) for one in found if one.release is not None]
    release = max((release for release, _ in known), default=None)
    never = tuple(
        dict.fromkeys(
            f"{op.name} {op.version} {ONE_SCALE_WORDS}"
            for graph in inspection.graphs
            for op in graph.ops
            if outcome(graph, op) != "right"
        )
    )
    if never:
        return MinimumRuntime(
            release=None,
            decided_by=never,
            unknown=(),
            carriers=tuple((carrier.name, carrier.where, NO_RELEASE) for carrier in releases.carriers()),
            never=never,
        )
    labels = {one.label for one in found}
    return MinimumRuntime(
        release=release,
        decided_by=tuple(dict.fromkeys(label for since, label in known if since == release)),
        unknown=tuple(dict.fromkeys(one.label for one in found if one.release is None)),
        carriers=tuple(
            (carrier.name, carrier.where, carrier.lowest(release, labels) if release else None)
            for carrier in releases.carriers()
        ),
    )


def per_channel_integer_dense(graph: Subgraph, op: Op) -> bool:
    """Whether an op is Dense on integers with a scale for each channel, which no op version tells."""
    if op.name != "FULLY_CONNECTED" or len(op.inputs) < 2:
        return False
    door, weights = graph.tensor(op.inputs[0]), graph.tensor(op.inputs[1])
    if door is None or weights is None:
        return False
    return door.dtype in {"int8", "int16"} and weights.dtype == "int8" and len(weights.scales) > 1


def check_floor(ops: Iterable[tuple[str, int]], *, runtime_floor: str, where: str) -> None:
    """Refuses a file that holds an op version newer than the floor.

    Args:
        ops: (op name, op version) of every op in the file.
        runtime_floor: oldest runtime that must run it.
        where: how to call the file in the message.

    Raises:
        RuntimeFloorError: naming the op, its version and the first release that has it.
    """
    floor = parse_version(runtime_floor)
    for op, version in ops:
        since = op_versions.since(op, version)
        if since is not None and since > floor:
            dense = ", or convert without per-channel Dense weights"
            raise RuntimeFloorError(
                f"{where}: {op} version {version} needs TensorFlow Lite {version_text(since)}, the runtime "
                f"floor is {runtime_floor}: raise runtime_floor"
                f"{dense if (op, version) == ('FULLY_CONNECTED', 12) else ''}"
            )


def stated_minimum(inspection: Inspection) -> Release | None:
    """The minimum runtime that the file states; None where it states none that can be read."""
    try:
        return parse_version(inspection.claimed_min_runtime or "")
    except SpecError:
        return None


def version_text(release: Release) -> str:
    """(2, 17, 0) to ``2.17.0``."""
    return ".".join(map(str, release))
