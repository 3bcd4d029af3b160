"""How far an answer is from the reference's, and how far it may be.

Each step is compared with what the reference makes of the step before *in that language*: an image that is a
level off, as it may be, does not count again in the tensor, and no step hides behind another one's tolerance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.contract.answers import Answer, Reference
from pipeline.contract.cases import Case
from pipeline.errors import InternalError

PROBABILITY_TOLERANCE = 1e-6
"""Largest difference of a probability: exp in float64 is right to about 1e-16 in every language, float32
only to 1e-7 times a sum; a wrong scale or zero point moves it by 1e-3 and more."""

TENSOR_TOLERANCE = 0
"""Steps of a quantised tensor, or the number itself of a float32 one: from one image there is one right
tensor, by an addition, a multiplication and a rounding of one byte."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Of one case in one language; None for what its kind does not have.

    Attributes:
        levels: largest difference of a grey level, drawn or after the PreprocessSpec.
        steps: largest difference in a quantised input tensor.
        number: largest difference in an input tensor of float32.
        probability: largest difference of a probability.
        faults: what is beyond its tolerance, a sentence each; empty where the case passed.
    """

    levels: int | None = None
    steps: float | None = None
    number: float | None = None
    probability: float | None = None
    faults: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All with their units; those that are not there are left out."""
        parts = [
            "" if self.levels is None else f"{self.levels} level{'' if self.levels == 1 else 's'}",
            "" if self.steps is None else _steps(self.steps),
            "" if self.number is None else f"{self.number:g} in the tensor",
            "" if self.probability is None else f"{self.probability:.1e} probability",
        ]
        return ", ".join(part for part in parts if part)


def compare(case: Case, answer: Answer, reference: Reference) -> Difference:
    """One language's answer to one case against the reference."""
    if answer.probabilities is not None:
        return _compare_output(case, answer, reference)
    if answer.image is None or answer.tensor is None:
        raise InternalError(f"case '{case.id}' was answered without an image or a tensor")
    allowed, levels, faults = reference.manifest.golden.image_tolerance, 0, []
    pixels = reference.pixels(case)
    for what, found, wanted in (
        ("drawn pixels", answer.pixels, pixels),
        ("image", answer.image, reference.image(case, pixels if answer.pixels is None else answer.pixels)),
    ):
        if found is None:
            continue
        off = np.abs(found.astype(int) - wanted.astype(int))
        levels = max(levels, int(off.max()))
        if off.max() > allowed:
            place = tuple(int(i) for i in np.unravel_index(int(off.argmax()), off.shape))
            faults.append(
                f"{what} {found[place]} instead of {wanted[place]} at {place}, {int(off.max())} levels off "
                f"(at most {allowed})"
            )
    apart = _apart(answer.tensor, reference.tensor(answer.image))
    quantised = np.issubdtype(answer.tensor.dtype, np.integer)
    if not apart <= TENSOR_TOLERANCE:
        off = _steps(apart) if quantised else f"{apart:g}"
        faults.append(f"tensor {off} off what its own image gives")
    return Difference(
        levels=levels,
        steps=apart if quantised else None,
        number=None if quantised else apart,
        faults=tuple(faults),
    )


def merged(differences: Sequence[Difference]) -> Difference:
    """The largest of each, and all faults."""
    return Difference(
        levels=max((d.levels for d in differences if d.levels is not None), default=None),
        steps=max((d.steps for d in differences if d.steps is not None), default=None),
        number=max((d.number for d in differences if d.number is not None), default=None),
        probability=max((d.probability for d in differences if d.probability is not None), default=None),
        faults=tuple(fault for d in differences for fault in d.faults),
    )


def _compare_output(case: Case, answer: Answer, reference: Reference) -> Difference:
    expected = reference.answer(case)
    if answer.probabilities is None or expected.probabilities is None:
        raise InternalError(f"case '{case.id}' was answered without probabilities")
    apart = _apart(answer.probabilities, expected.probabilities)
    faults = []
    if not apart <= PROBABILITY_TOLERANCE:
        faults.append(f"probability {apart:.1e} off (at most {PROBABILITY_TOLERANCE:.0e})")
    if not _same_order(answer.top, expected.top, expected.probabilities):
        faults.append(f"best classes {list(answer.top)} instead of {list(expected.top)}")
    return Difference(probability=apart, faults=tuple(faults))


def _same_order(found: Sequence[int], wanted: Sequence[int], values: npt.NDArray[np.float64]) -> bool:
    """Near-ties may turn; of equal values the lower index comes first everywhere."""
    if len(set(found)) < len(wanted) or max(found) >= len(values):
        return False
    return all(
        a == b or 0 < abs(values[a] - values[b]) <= PROBABILITY_TOLERANCE
        for a, b in zip(found, wanted, strict=True)
    )


def _steps(count: float) -> str:
    return f"{count:g} step{'' if count == 1 else 's'}"


def _apart(found: npt.NDArray[np.generic], wanted: npt.NDArray[np.generic]) -> float:
    """Largest absolute difference; infinite where a value is not a number."""
    off = float(np.abs(found.astype(np.float64) - wanted.astype(np.float64)).max())
    return off if np.isfinite(off) else float("inf")
