"""The rules of the GPU delegate held against LiteRT's real accelerator, one tiny file for each family.

The rules say what the delegate of the releases that apps carry takes. The accelerator is LiteRT's of today on
WebGPU. Where the two differ, the difference stands in DIFFER with what was seen; a test fails as soon as it
is no longer so.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from converters.delegates import gpu
from converters.tflite.inspect import inspect
from pipeline import runtimes
from tests.pipeline.runtimes.accelerated import Seen
from tests.pipeline.runtimes.gpu_files import FILES
from tests.pipeline.runtimes.gpu_parse_files import PARSED

SECONDS = 120.0
"""For one file: 0.4 s alone on this driver in software; what takes longer hangs."""

FLOAT_TOLERANCE = 1e-4
"""Of values up to about 10: what LiteRT's own GPU tests allow in float32."""


ONE_STEP = 1.0
"""Of a quantised output: the GPU computes it in floats and rounds once."""

NEWER = "LiteRT 2.3 takes what the releases that apps carry do not"

DIFFER = {
    "depth multiplier 2 on 4 channels": NEWER,
    "ADD of a row": NEWER,
    "MUL, outer product": NEWER,
    "CAST to int8": NEWER,
    "comparison without a CAST": NEWER,
    "CEIL, of the newer engine": NEWER,
    "ADD of a constant, batch 2": NEWER,
    "CONCATENATION of a constant row": NEWER,
    "STRIDED_SLICE of three dimensions": NEWER,
    "STRIDED_SLICE of a vector": NEWER,
    "no such op": NEWER,
}
"""Files that the rules refuse and the accelerator takes, and what was seen."""

NONSENSE = frozenset(
    {
        "Dense that flattens a picture",
        "CONV_2D in groups of 2",
        "CONV_2D in groups of 4 to 2",
        "CUMSUM of a vector's batch",
    }
)
"""Files that the rules refuse, and the accelerator takes and computes wrongly."""

CLEARLY_OFF = 1.0
"""Of values up to about 10; measured 4.9 to 39."""

ALL = FILES | PARSED


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bool, str, Seen]]:
    """Every file: whether the rules take all of it, why not, and what the accelerator did."""
    if reason := runtimes.unavailable("litert_gpu"):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("files")
    found = {}
    for index, (name, content) in enumerate(ALL.items()):
        path = folder / f"{index}.tflite"
        path.write_bytes(content)
        verdict = gpu.verdict(inspect(path))
        why = "; ".join(op.reason for op in verdict.stays)
        found[name] = (verdict.full, why, _look(path))
    print()  # noqa: T201 - the table is what a reader of this test wants
    for name, (full, why, one) in found.items():
        rules = "yes" if full else f"no: {why}"
        told = "yes" if one.taken and not one.reason else f"{'yes, but' if one.taken else 'no:'} {one.reason}"
        off = "" if one.difference is None else f" (off by {one.difference:.1e})"
        print(f"{name:34} rules {rules[:80]}\n{'':34} real  {told[:80]}{off}")  # noqa: T201
    return found


def _look(path: Path) -> Seen:
    done = subprocess.run(
        [sys.executable, "-m", "tests.pipeline.runtimes.accelerated", str(path)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Seen(**json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_rules_and_accelerator_agree_or_differ_as_noted(
    name: str, seen: dict[str, tuple[bool, str, Seen]]
) -> None:
    """The worst were a refusal of the real thing that the rules miss: it would be found on the phone."""
    full, why, one = seen[name]
    told = f"rules: {why or 'yes'}; accelerator: {one.reason or 'yes'}"
    if name in DIFFER or name in NONSENSE:
        assert (full, one.taken) == (False, True), told
    else:
        assert full == one.taken, told


@pytest.mark.slow
def test_what_was_taken_is_computed_right(seen: dict[str, tuple[bool, str, Seen]]) -> None:
    """Also where the rules refuse it."""
    for name, (_, _, one) in seen.items():
        if one.taken and name not in NONSENSE:
            assert not one.reason, name
            assert one.difference is not None
            assert one.difference <= (ONE_STEP if "int8" in name else FLOAT_TOLERANCE), name


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NONSENSE))
def test_what_is_computed_wrongly_is_what_the_rules_refuse(
    name: str, seen: dict[str, tuple[bool, str, Seen]]
) -> None:
    """A refusal by the rules is all that stands between such a file and a phone."""
    full, _, one = seen[name]
    assert not full
    assert one.difference is not None
    assert one.difference > CLEARLY_OFF


@pytest.mark.slow
def test_the_count_of_what_stays_is_read(seen: dict[str, tuple[bool, str, Seen]]) -> None:
    """Of four ops the first is cut off and the second refused."""
    full, _, one = seen["cut in two by SOFTMAX, beta 2"]
    assert not full
    assert (one.taken, one.left) == (False, 2)
    assert "SOFTMAX (layer 'layer_2')" in one.reason
