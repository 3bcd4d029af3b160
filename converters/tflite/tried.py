"""What published runtimes really made of a small model in every scheme: the table behind the rules.

``tried.toml`` is measured, not deduced; how, says the program that wrote it (its first lines name it).
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from converters.tflite import op_versions
from converters.tflite.graph import Inspection, Op, Subgraph
from converters.tflite.hybrid_depthwise import outcome
from converters.tflite.section import Section

FILE = Path(__file__).parent / "tried.toml"

RIGHT_TOP1 = 0.95
"""Share of images with Keras' class from which a run counts as right: quantisation may turn a doubtful image,
a scale that is misread turns nine of ten."""

ONE_DEPTHWISE_SCALE = "dynamic_range, depthwise weights of one scale"
"""What every runtime gets wrong: :mod:`converters.tflite.hybrid_depthwise`."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One runtime, one kind of file.

    Attributes:
        runtime: ``tflite-runtime 2.9.1``.
        top1: share of images with Keras' class; None where the runtime refused the file.
        difference: largest from Keras' probabilities, 0..1; None where refused.
        refused: the runtime's words; "" where it ran.
    """

    runtime: str
    top1: float | None
    difference: float | None
    refused: str

    @property
    def verdict(self) -> str:
        """``right``, ``refused`` or ``WRONG``: loaded, and answered nonsense."""
        if self.top1 is None:
            return "refused"
        return "right" if self.top1 >= RIGHT_TOP1 else "WRONG"


@cache
def platform() -> str:
    """Where all of it was tried: ``Linux x86-64``."""
    told: str = tomllib.loads(FILE.read_text("utf-8"))["about"]["platform"]
    return told


@cache
def table() -> dict[str, tuple[Tried, ...]]:
    """Kind of file, ``int8, per-channel Dense``, to what each runtime made of it, oldest runtime first."""
    return {
        row["case"]: tuple(
            Tried(
                runtime=one["runtime"],
                top1=one.get("top1"),
                difference=one.get("difference"),
                refused=one.get("refused", ""),
            )
            for one in row["results"]
        )
        for row in tomllib.loads(FILE.read_text("utf-8"))["tried"]
    }


def kinds_of(inspection: Inspection) -> tuple[str, ...]:
    """Which kinds of the table a file is; none where nothing like it was tried.

    A file with ops that are misread is of a kind for each of them; all others are of one. Nothing like a file
    that every runtime refuses was tried.
    """
    misread: dict[str, None] = {}
    schemes, per_channel_dense = set(), False
    for graph in inspection.graphs:
        for op in graph.ops:
            made = outcome(graph, op)
            if made == "refused":
                return ()
            case = ONE_DEPTHWISE_SCALE if made == "nonsense" else _misread_case(graph, op)
            if case is not None:
                misread[case] = None
            if op.name not in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"} or len(op.inputs) < 2:
                continue
            door, kernel = graph.tensor(op.inputs[0]), graph.tensor(op.inputs[1])
            if door is None or kernel is None:
                return ()
            maker = None if kernel.producer is None else graph.ops[kernel.producer]
            if kernel.dtype == "float32" and maker is not None:
                # Float16 weights are widened by an op; what else makes weights was not tried.
                source = graph.tensor(maker.inputs[0]) if maker.inputs else None
                schemes.add((door.dtype, source.dtype if source is not None else ""))
            else:
                schemes.add((door.dtype, kernel.dtype))
            per_channel_dense |= (
                op.name == "FULLY_CONNECTED" and kernel.dtype == "int8" and len(kernel.scales) > 1
            )
    if misread:
        return tuple(misread)
    scheme = _scheme(schemes)
    if scheme is None:
        return ()
    return (f"{scheme}, per-channel Dense" if per_channel_dense else scheme,)


def _misread_case(graph: Subgraph, op: Op) -> str | None:
    """The case in which an op claimed too little, as this one does; None where it claims enough."""
    need = op_versions.need(graph, op)
    misread = None if need is None else need.misread
    return misread.tried if misread is not None and misread.version > op.version else None


def _scheme(kinds: set[tuple[str, str]]) -> str | None:
    """Scheme of a file by (activations, weights) of its layers; layers left in float32 do not count."""
    quantised = kinds - {("float32", "float32")}
    if not quantised:
        return "float32" if kinds else None
    if len(quantised) > 1:
        return None
    return {
        ("float32", "float16"): "float16",
        ("float32", "int8"): "dynamic_range",
        ("int8", "int8"): "int8",
        ("int16", "int8"): "int16x8",
    }.get(next(iter(quantised)))


def tried_section(inspection: Inspection) -> Section:
    """What published runtimes made of a small model of the file's kind, to be shown."""
    kinds = kinds_of(inspection)
    lines = []
    for kind in kinds:
        lines.append(f"a small model of this kind ({kind}), not this file:")
        rows = table()[kind]
        for verdict in dict.fromkeys(one.verdict for one in rows):
            lines.append(f"{verdict} on {', '.join(one.runtime for one in rows if one.verdict == verdict)}")
    return Section(title="really tried", lines=tuple(lines) or ("nothing of this kind",))
