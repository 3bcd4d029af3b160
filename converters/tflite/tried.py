"""What published runtimes really made of a small model in every scheme: the table behind the rules.

``tried.toml`` is measured, not deduced; how, says the program that wrote it (its first lines name it).
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from converters.tflite.graph import Inspection
from converters.tflite.section import Section

FILE = Path(__file__).parent / "tried.toml"

RIGHT_TOP1 = 0.95
"""Share of images with Keras' class from which a run counts as right: quantisation may turn a doubtful image,
a scale that is misread turns nine of ten."""

DENSE_HYBRID_PER_CHANNEL = 12
"""Version of FULLY_CONNECTED on float activations with a scale for each channel."""


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


def kind_of(inspection: Inspection) -> str | None:
    """Which kind of the table a file is; None where nothing like it was tried."""
    schemes, per_channel_dense, claims_old_dense = set(), False, False
    for graph in inspection.graphs:
        for op in graph.ops:
            if op.name not in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"} or len(op.inputs) < 2:
                continue
            door, kernel = graph.tensor(op.inputs[0]), graph.tensor(op.inputs[1])
            if door is None or kernel is None:
                return None
            maker = None if kernel.producer is None else graph.ops[kernel.producer]
            if kernel.dtype == "float32" and maker is not None:
                # Float16 weights are widened by an op; what else makes weights was not tried.
                source = graph.tensor(maker.inputs[0]) if maker.inputs else None
                schemes.add((door.dtype, source.dtype if source is not None else ""))
            else:
                schemes.add((door.dtype, kernel.dtype))
            if op.name == "FULLY_CONNECTED" and kernel.dtype == "int8" and len(kernel.scales) > 1:
                per_channel_dense = True
                claims_old_dense |= op.version < DENSE_HYBRID_PER_CHANNEL
    scheme = _scheme(schemes)
    if scheme is None or not per_channel_dense:
        return scheme
    wrong = scheme == "dynamic_range" and claims_old_dense
    return f"{scheme}, per-channel Dense{', claiming FULLY_CONNECTED 1' if wrong else ''}"


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
    kind = kind_of(inspection)
    if kind is None:
        return Section(title="really tried", lines=("nothing of this kind",))
    rows = table()[kind]
    lines = [f"a small model of this kind ({kind}), not this file:"]
    for verdict in dict.fromkeys(one.verdict for one in rows):
        lines.append(f"{verdict} on {', '.join(one.runtime for one in rows if one.verdict == verdict)}")
    return Section(title="really tried", lines=tuple(lines))
