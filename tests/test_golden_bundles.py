"""The golden bundles that tests of every language read are what the pipeline makes."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.console import Console
from pipeline.contract.check import check
from pipeline.release import bundle
from pipeline.release.manifest import read
from tests import golden_bundles, shapes
from tests.golden_bundles import AWKWARD, FOLDER, KEPT

MAX_BYTES = 1_500_000
"""Of all of them: they are in the repository for good."""

SAME = ("image.u8", "pixels.u8", "strokes.json", "tensor.bin")
"""Files that training has no part in; a model's weights differ from one processor to another."""


@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_a_fixture_is_a_whole_bundle(name: str) -> None:
    """Every file is listed with its hash, none names the machine, and Python gives every golden value."""
    manifest = read(FOLDER / name)
    assert bundle._records(FOLDER / name) == manifest.files
    assert manifest.profile == "full"
    assert manifest.verification.passed
    text = (FOLDER / name / "manifest.json").read_text("utf-8")
    assert str(Path.home()) not in text
    assert str(FOLDER.parents[2]) not in text
    (verdict,) = check(FOLDER / name, [], count=0, seed=0, console=Console(quiet=True))
    assert verdict.failures == []


def test_the_fixtures_have_what_tests_need() -> None:
    """Both crops, two doors, one of them with a scale to divide by; strokes; awkward sizes."""
    digits, drawn = read(FOLDER / "digits"), read(FOLDER / "shapes")
    assert (digits.preprocess.crop, drawn.preprocess.crop) == ("ink", "center_square")
    assert (digits.model.input.dtype, drawn.model.input.dtype) == ("uint8", "int8")
    assert drawn.model.input.scale not in (None, 1.0)
    assert digits.drawing is not None
    assert drawn.drawing is None
    for manifest, kinds in ((digits, set(KEPT)), (drawn, set(KEPT) - {"strokes"})):
        assert {case.kind for case in manifest.golden.cases} == kinds
        sizes = {case.id: case.pixels_shape for case in manifest.golden.cases}
        assert {f"size-{name}": size for name, size in AWKWARD.items()}.items() <= sizes.items()
    # What they answer must be worth looking at.
    assert all(case.top1 == case.label for case in digits.golden.cases if case.label is not None)


def test_the_fixtures_are_small() -> None:
    """Together."""
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= MAX_BYTES


def test_shapes_are_drawn_the_same_every_time() -> None:
    """And each class otherwise."""
    first, again = (shapes.shape("cross", np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape != shapes.shape("cross", np.random.default_rng(5)).shape


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_a_fixture_can_be_made_anew(tmp_path: Path, name: str) -> None:
    """The pipeline of today builds the same contract and the same cases; the new bundle passes everywhere."""
    made = golden_bundles.build(name, tmp_path)
    old, new = read(FOLDER / name), read(made)
    for part in ("preprocess", "drawing", "postprocess", "labels", "schema_version"):
        assert getattr(new, part) == getattr(old, part)
    assert new.model.input == old.model.input
    cases = [(case.id, case.kind, case.pixels_shape, case.label) for case in old.golden.cases]
    assert [(case.id, case.kind, case.pixels_shape, case.label) for case in new.golden.cases] == cases
    for case in old.golden.cases:
        for file in SAME:
            before, after = (folder / "golden" / case.id / file for folder in (FOLDER / name, made))
            assert before.exists() == after.exists()
            assert not before.exists() or before.read_bytes() == after.read_bytes()
    assert set(json.loads((made / "manifest.json").read_text("utf-8"))) == set(
        json.loads((FOLDER / name / "manifest.json").read_text("utf-8"))
    )
    _, replays = bundle.check(made, Console(quiet=True))
    assert [replay.wrong for replay in replays if not replay.absent and replay.wrong] == []
