"""Photos decoded side by side, never more in memory than a budget of pixels allows."""

import threading

BUDGET_PIXELS = 96_000_000
"""Of all photos that are being decoded at one time. The largest that is taken at all (89 million) fits in.
Decoding takes 6 to 9 bytes a pixel, one with transparency up to 20: 2 GB at the very worst."""

BLOCK_BYTES = 64 << 20
"""Of the blocks that Pillow keeps a picture in, at the most: above the 32 MB up to which glibc takes memory
from its own heap. Pillow's default of 16 MB comes from a heap for each thread, which keeps what is freed:
photos of 88 million pixels on six threads, one at a time, took 2.7 GB; with these blocks they take 1.3 GB."""


def give_large_blocks_back() -> None:
    """Sets Pillow's blocks so that the memory of large pictures goes back at once; small ones stay quick."""
    from PIL import Image

    # What Pillow itself does with the documented variable PILLOW_BLOCK_SIZE, read when it is imported.
    Image.core.set_block_size(BLOCK_BYTES)  # type: ignore[attr-defined]


class PixelBudget:
    """Pixels that may be in memory at one time, over all threads."""

    def __init__(self, pixels: int) -> None:
        self.total = self.left = pixels
        self.changed = threading.Condition()

    def claim(self) -> "Claim":
        """A share of nothing yet, for one photo."""
        return Claim(self)


class Claim:
    """One photo's share of the budget, given back at the end of the block."""

    def __init__(self, budget: PixelBudget) -> None:
        self._budget, self._taken = budget, 0

    def take(self, pixels: int) -> None:
        """Waits until so many are left, or all of them where it wants more than there are.

        A thread has one claim at a time and takes once, so that none waits for itself.
        """
        wanted = min(pixels, self._budget.total)
        with self._budget.changed:
            self._budget.changed.wait_for(lambda: self._budget.left >= wanted)
            self._budget.left -= wanted
            self._taken += wanted

    def __enter__(self) -> "Claim":
        return self

    def __exit__(self, *_: object) -> None:
        with self._budget.changed:
            self._budget.left += self._taken
            self._budget.changed.notify_all()
