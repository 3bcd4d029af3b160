"""Photos decoded side by side, never more in memory than a budget of pixels allows."""

import threading

BUDGET_PIXELS = 96_000_000
"""Of all photos that are being decoded at one time. The largest that is taken at all (89 million) fits in.
Decoding takes 6 to 9 bytes a pixel, one with transparency up to 20: 2 GB at the very worst."""


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
