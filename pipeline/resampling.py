"""Bilinear resize, a step of the preprocessing contract: sums in float64, and quick for large photos."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

BAND_VALUES = 1 << 18
"""Of a source that is being resized are float64 at a time: 2 MB, where a whole photo of a phone takes 200."""

CACHED_WEIGHTS = 256
"""Pairs of lengths whose resize weights are kept: the photos of a folder share most of theirs."""


def resize(
    values: npt.NDArray[np.float64] | npt.NDArray[np.uint8], size: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Bilinear resize with antialiasing: first along each row, then along each column.

    Output pixel ``i`` looks at ``(i + 0.5) * in / out`` with a triangle of half-width
    ``max(1, in / out)`` source pixels, weights normalised to 1: what Pillow's BILINEAR and
    ``tf.image.resize(antialias=True)`` compute. Sums are of float64.

    Args:
        values: (H, W) or (H, W, C), float64 or u8.
        size: (height, width) to give.
    """
    height, width = values.shape[:2]
    planes = values.reshape(height, width, -1)
    rows, columns = _triangle_weights(height, size[0]), _triangle_weights(width, size[1])
    across = np.empty((height, size[1], planes.shape[2]), dtype=np.float64)
    band = max(1, BAND_VALUES // (width * planes.shape[2]))
    for top in range(0, height, band):
        turned = _turned(planes[top : top + band]).astype(np.float64)  # (width, band, C)
        narrow = columns @ turned.reshape(width, -1)
        across[top : top + band] = _turned(narrow.reshape(size[1], *turned.shape[1:]))
    down = rows @ across.reshape(height, -1)
    return np.asarray(down, dtype=np.float64).reshape(*size, *values.shape[2:])


@lru_cache(CACHED_WEIGHTS)
def _triangle_weights(source: int, target: int) -> Any:
    """(target, source) scipy.sparse matrix of normalised triangle weights: a few in each row."""
    from scipy.sparse import csr_matrix

    ratio = source / target
    reach = max(1.0, ratio)
    centers = ((np.arange(target) + 0.5) * ratio)[:, np.newaxis]
    places = np.floor(centers - reach).astype(np.int64) + np.arange(math.ceil(2 * reach) + 1)
    weights = np.maximum(0.0, 1.0 - np.abs(places + 0.5 - centers) / reach)
    weights[(places < 0) | (places >= source)] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    taken = weights > 0
    starts = np.concatenate([[0], np.cumsum(taken.sum(axis=1))])
    return csr_matrix((weights[taken], places[taken], starts), shape=(target, source))


def _turned(planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rows and columns swapped, (W, H, C) in memory. A pixel is moved as one item: twice as fast."""
    pixel = np.dtype((np.void, planes.itemsize * planes.shape[2]))
    items = (
        planes if planes.strides[1:] == (pixel.itemsize, planes.itemsize) else np.ascontiguousarray(planes)
    )
    turned = np.ascontiguousarray(items.view(pixel)[:, :, 0].T)
    return turned.view(planes.dtype).reshape(planes.shape[1], planes.shape[0], planes.shape[2])
