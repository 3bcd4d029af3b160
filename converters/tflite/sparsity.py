"""Which share of the weights is zero, and whether the file makes use of it.

Zeros shrink a file only once it is zipped, and save time only where they are stored sparsely (then a runtime
may take a sparse kernel).
"""

from dataclasses import dataclass

from converters.tflite.graph import Inspection

LEAST_DIMENSIONS = 2
"""A kernel has at least two; biases, scales and shapes are no weights in this sense."""

_WEIGHTS = frozenset({"float32", "float16", "bfloat16", "float64", "int8", "uint8", "int16", "int4", "int2"})


@dataclass(frozen=True, kw_only=True)
class Weights:
    """All kernels of one dtype; a buffer that several tensors share counts once.

    Attributes:
        dtype: of the elements.
        tensors: how many.
        bytes: as stored.
        elements: as computed with: those that sparse storage leaves out are counted.
        zeros: elements that are zero; None where they are not counted (int4, int2).
        sparse_tensors: how many are stored sparsely.
    """

    dtype: str
    tensors: int
    bytes: int
    elements: int
    zeros: int | None
    sparse_tensors: int

    @property
    def share(self) -> float | None:
        """Share of zeros, 0..1."""
        return None if self.zeros is None or not self.elements else self.zeros / self.elements


def weights(inspection: Inspection) -> tuple[Weights, ...]:
    """The kernels by dtype, the largest part of the file first."""
    groups: dict[str, list[tuple[int, int, int | None, bool]]] = {}
    seen: set[int] = set()
    for graph in inspection.graphs:
        for tensor in graph.tensors:
            if not tensor.constant or tensor.dtype not in _WEIGHTS or len(tensor.shape) < LEAST_DIMENSIONS:
                continue
            if tensor.buffer and tensor.buffer in seen:
                continue
            seen.add(tensor.buffer)
            entry = (tensor.constant_bytes, tensor.elements or 0, tensor.zeros, tensor.sparse)
            groups.setdefault(tensor.dtype, []).append(entry)
    found = []
    for dtype, entries in groups.items():
        zeros = [zeros for _, _, zeros, _ in entries if zeros is not None]
        found.append(
            Weights(
                dtype=dtype,
                tensors=len(entries),
                bytes=sum(size for size, _, _, _ in entries),
                elements=sum(elements for _, elements, _, _ in entries),
                zeros=sum(zeros) if len(zeros) == len(entries) else None,
                sparse_tensors=sum(sparse for _, _, _, sparse in entries),
            )
        )
    return tuple(sorted(found, key=lambda group: -group.bytes))
