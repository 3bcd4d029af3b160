"""What optimisations promised and kept, as lines for people."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from pipeline.artifacts import Claim


def lines(claims: Iterable[Claim]) -> Iterator[str]:
    """One line per optimisation and kind of promise, with the layers that came off worst."""
    ordered = sorted(claims, key=lambda claim: (claim.optimization, claim.kind))
    for (optimization, kind), group in groupby(ordered, key=lambda claim: (claim.optimization, claim.kind)):
        kept = [claim for claim in group if claim.measured is not None]
        if kept:
            yield f"{optimization}: {_line(kind, kept)}"


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
