"""What optimisations promised and kept, and what they left open, as lines for people."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from pipeline.artifacts import Claim, ConvertedModels, OptimizedModel, VerifiedModel
from pipeline.parity.report import percent

DENSIFY = "DENSIFY"
"""The op that unpacks a sparsely stored weight. XNNPACK's sparse kernels start from it, and further want a
network that begins with a 3x3 convolution of stride 2 on three channels (its README for TFLite)."""


def lines(claims: Iterable[Claim]) -> Iterator[str]:
    """One line per optimisation and kind of promise, with the layers that came off worst."""
    ordered = sorted(claims, key=lambda claim: (claim.optimization, claim.kind))
    for (optimization, kind), group in groupby(ordered, key=lambda claim: (claim.optimization, claim.kind)):
        kept = [claim for claim in group if claim.measured is not None]
        if kept:
            yield f"{optimization}: {_line(kind, kept)}"


def remarks(optimized: OptimizedModel, converted: ConvertedModels, verified: VerifiedModel) -> Iterator[str]:
    """What a user of these optimisations has to know of their files."""
    if "prune" in optimized.applied and not any(DENSIFY in variant.ops for variant in converted.variants):
        yield (
            "pruned files are as large as before, zeros are stored like any weight; what shrinks is the zip. "
            "They are no faster either: XNNPACK's sparse path needs weights that are stored sparsely"
        )
    if "quantize_aware" in optimized.applied:
        ran = [cell for cell in verified.cells if cell.accuracy is not None and cell.agreement is not None]
        if ran:
            gaps = [verified.reference_accuracy.value - cell.accuracy.value for cell in ran if cell.accuracy]
            worst = max(gaps, key=abs)
            agreement = min(cell.agreement for cell in ran if cell.agreement is not None)
            yield (
                f"quantisation-aware: Keras with its rounding {percent(verified.reference_accuracy)} %, the "
                f"file at most {abs(100 * worst):.3f} points off it, top-1 agreement at least {agreement:.3%}"
            )


def _line(kind: str, claims: list[Claim]) -> str:
    of = f"in {len(claims)} kernel{'s' if len(claims) > 1 else ''}"
    values = [(claim.measured or 0.0, claim) for claim in claims]
    if kind == "zero_share":
        value, worst = min(values, key=lambda pair: pair[0])
        return f"at least {value:.1%} zeros {of} (least in '{worst.layer}', promised {worst.wanted:.1%})"
    if kind == "zeros_in_four":
        value, worst = min(values, key=lambda pair: pair[0])
        return f"at least {value:.0f} zeros in any 4 neighbours {of} (promised {worst.wanted:.0f})"
    value, worst = max(values, key=lambda pair: pair[0])
    return f"at most {value:.0f} distinct weights {of} (most in '{worst.layer}', promised {worst.wanted:.0f})"
