"""What to convert to: the checked options of one conversion."""

import difflib
import re
from dataclasses import dataclass

from converters.errors import SpecError
from converters.tflite.schemes import SCHEMES

IO_DTYPES = ("float32", "uint8", "int8")
"""What the file's input and output tensors may be. LiteRT.js and MediaPipe refuse int8 at the door,
which is why uint8 is the default of the quantised scheme."""

OLDEST_PROVEN_RUNTIME = "2.14.0"
"""The oldest runtime that each build runs its files on: no older tflite-runtime has a wheel for the oldest
Python that is supported, 3.11. Releases 2.7 to 2.13 were tried too, with one small model
(``tflite/tried.toml``): they read its files right, those with per-channel Dense weights excepted. One model
tried once is no check of each build, so that no file is promised to them."""

DEFAULT_RUNTIME_FLOOR = OLDEST_PROVEN_RUNTIME
"""The last tflite-runtime on PyPI; what an app that has not moved to LiteRT ships."""


@dataclass(frozen=True, kw_only=True)
class ConversionSpec:
    """Options of one conversion.

    Attributes:
        scheme: a name in :data:`converters.tflite.schemes.SCHEMES`.
        io_dtype: dtype of the input and output tensors; other than float32 only for ``int8``.
        runtime_floor: the oldest TensorFlow Lite runtime that must run the file right, ``2.14.0``; not
            below :data:`OLDEST_PROVEN_RUNTIME`. It decides whether Dense weights may be
            quantised per channel.
        per_tensor_dense: Dense weights in one scale each, whatever the floor allows: what NNAPI reads.

    Raises:
        SpecError: an unknown value or an impossible combination.
    """

    scheme: str
    io_dtype: str = "float32"
    runtime_floor: str = DEFAULT_RUNTIME_FLOOR
    per_tensor_dense: bool = False

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise SpecError(_unknown("scheme", self.scheme, tuple(SCHEMES)))
        if self.io_dtype not in IO_DTYPES:
            raise SpecError(_unknown("io dtype", self.io_dtype, IO_DTYPES))
        if self.io_dtype != "float32" and not SCHEMES[self.scheme].quantised_door:
            doors = ", ".join(name for name, scheme in SCHEMES.items() if scheme.quantised_door)
            raise SpecError(
                f"scheme '{self.scheme}' keeps float32 at the door, io dtype '{self.io_dtype}' "
                f"needs one of: {doors}"
            )
        check_runtime_floor(self.runtime_floor)


def check_runtime_floor(text: str) -> None:
    """Refuses a floor for which nothing is proven.

    Raises:
        SpecError: no version, or one below :data:`OLDEST_PROVEN_RUNTIME`.
    """
    if parse_version(text) < parse_version(OLDEST_PROVEN_RUNTIME):
        raise SpecError(
            f"runtime floor '{text}' is below {OLDEST_PROVEN_RUNTIME}, the oldest runtime that the output is "
            "run on: it is not checked on older ones"
        )


def parse_version(text: str) -> tuple[int, int, int]:
    """Reads ``2.14`` or ``2.14.0`` as three whole numbers.

    Raises:
        SpecError: other text.
    """
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    if match is None:
        raise SpecError(f"runtime floor '{text}' is no version: write it like 2.14.0")
    return int(match[1]), int(match[2]), int(match[3] or 0)


def _unknown(what: str, value: str, choices: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(value, choices, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"unknown {what} '{value}', choose from {', '.join(choices)}{hint}"
