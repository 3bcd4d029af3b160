"""Which layers are worth keeping in float32 together.

int8:              conv1 --int8--> flatten --int8--> dense
one restored:      conv1 (float) --QUANTIZE, int8--> flatten --int8--> dense
both restored:     conv1 (float) --float--> flatten --float--> dense (float)

The tensor between two layers becomes float only if both are. A channel that is a thousand times larger than
the others spoils exactly such a tensor: neither layer alone buys anything.
"""

from collections.abc import Iterator, Mapping, Sequence

from converters.tflite.calibrated import Layer

Restored = frozenset[int]
"""Positions of layers."""


def ranked(layers: Sequence[Layer], sqnr: Mapping[int, float]) -> list[Restored]:
    """Every layer that can be restored, and every two of them that are neighbours; the worst first.

    Args:
        layers: of the model, in order of execution.
        sqnr: position to the ratio in dB, of the layers that lose something or hold weights.
    """
    single = [frozenset({index}) for index in sqnr]
    pairs = [frozenset({index, after}) for index in sqnr for after in _readers(layers, index, sqnr)]
    return sorted(dict.fromkeys([*single, *pairs]), key=lambda unit: _rank(unit, sqnr))


def with_carriers(restored: Restored, layers: Sequence[Layer], sqnr: Mapping[int, float]) -> Restored:
    """Adds the ops that only move values from one restored layer to another.

    At int8, they would bring back the step that was to go.
    """
    chosen = set(restored)
    for index in range(len(layers)):  # forwards: what moves values follows what it reads
        if index not in sqnr and any(index in layers[before].feeds for before in chosen):
            chosen.add(index)
    for index in reversed(range(len(layers))):  # backwards: unless it leads nowhere
        if index in chosen and index not in restored and not chosen & set(layers[index].feeds):
            chosen.discard(index)
    return frozenset(chosen)


def _rank(unit: Restored, sqnr: Mapping[int, float]) -> tuple[float, int, float, tuple[int, ...]]:
    """The worst layer first; with the same worst one the single, then the pair whose other is worse."""
    ratios = [sqnr[index] for index in unit]
    return min(ratios), len(unit), max(ratios), tuple(sorted(unit))


def _readers(layers: Sequence[Layer], index: int, sqnr: Mapping[int, float]) -> Iterator[int]:
    """The layers that read what this one computes, seen through ops that only move it."""
    for after in layers[index].feeds:
        if after in sqnr:
            yield after
        else:
            yield from _readers(layers, after, sqnr)
