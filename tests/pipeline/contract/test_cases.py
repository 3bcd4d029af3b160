"""Random cases and altered contracts: the same for a seed, of every kind, and sharp enough."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline import preprocess
from pipeline.contract import cases
from pipeline.contract.altered import ALTERATIONS
from pipeline.contract.answers import Answer, Reference
from pipeline.contract.comparison import Difference, compare, merged
from pipeline.contract.random_cases import EDGE_STROKES
from pipeline.release.manifest import Manifest, read
from tests.golden_bundles import FOLDER

COUNT = 64


@pytest.fixture(params=["digits", "shapes"])
def manifest(request: pytest.FixtureRequest) -> Manifest:
    """Of each fixture."""
    return read(FOLDER / request.param)


def content(folder: Path, manifest: Manifest, seed: int) -> dict[str, bytes]:
    """Every file of the written cases."""
    folder.mkdir()
    cases.write(folder, manifest, cases.made(manifest, count=COUNT, seed=seed))
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_seed_gives_the_same_cases(tmp_path: Path, manifest: Manifest) -> None:
    """To the byte; another one gives others."""
    first = content(tmp_path / "a", manifest, 3)
    assert content(tmp_path / "b", manifest, 3) == first
    assert content(tmp_path / "c", manifest, 4) != first


def test_cases_are_of_every_kind(manifest: Manifest) -> None:
    """Pictures of one channel and of three, of one pixel and of hundreds; all edge strokes; ties."""
    made = cases.made(manifest, count=COUNT, seed=1)
    kinds = {case.kind for case in made}
    assert kinds == set(cases.KINDS) - (set() if manifest.drawing else {"strokes"})
    pictures = [case.pixels for case in made if case.kind == "picture"]
    shapes = [pixels.shape for pixels in pictures if pixels is not None]
    assert {shape[2:] for shape in shapes} == {(), (1,), (3,)}
    assert min(min(shape[:2]) for shape in shapes) == 1
    assert max(max(shape[:2]) for shape in shapes) > 200
    drawn = [case.strokes for case in made if case.kind == "strokes"]
    assert all(edge in drawn for edge in EDGE_STROKES) or not manifest.drawing
    outputs = [case.output for case in made if case.output is not None]
    assert any((output == output.max()).sum() > 1 for output in outputs)


def test_alterations_take_every_choice() -> None:
    """Of crops, doors, activations: what a bundle itself does not use, an altered contract does."""
    every = [read(FOLDER / name) for name in ("digits", "shapes")]
    every += [alter(each) for each in list(every) for alter in ALTERATIONS.values()]
    assert {each.preprocess.crop for each in every} == {"none", "center_square", "ink"}
    assert {each.preprocess.place for each in every} == {"box", "mass"}
    assert {each.preprocess.invert for each in every} == {True, False}
    assert {each.preprocess.blur_sigma > 0 for each in every} == {True, False}
    assert {each.model.input.dtype for each in every} == {"uint8", "int8", "float32"}
    assert {each.model.output.dtype for each in every} == {"uint8", "int8", "float32"}
    assert {each.postprocess.activation for each in every} == {"none", "softmax"}
    assert {each.preprocess.scale == 1.0 for each in every} == {True, False}


MUTANTS: dict[str, dict[str, Any]] = {
    "invert": {"invert": False},
    "threshold": {"ink_threshold": 33},
    "fit": {"fit": 19},
    "place": {"place": "mass"},
    "blur": {"blur_sigma": 0.3},
}


@pytest.mark.parametrize("name", MUTANTS)
def test_random_cases_show_a_wrong_preprocessing(name: str) -> None:
    """One constant off is seen in the pictures, whichever it is."""
    manifest = read(FOLDER / "digits")
    reference = Reference(manifest)
    wrong = manifest.preprocess.model_copy(update=MUTANTS[name])
    failed = 0
    for case in cases.made(manifest, count=COUNT, seed=1):
        if case.kind != "picture":
            continue
        image = preprocess.picture(reference.pixels(case), wrong)
        failed += bool(compare(case, Answer(image=image, tensor=reference.tensor(image)), reference).faults)
    assert failed


def test_equal_values_are_ordered_and_near_ties_may_turn() -> None:
    """Best classes: a turned pair is a fault but where the values differ by less than the tolerance."""
    manifest = ALTERATIONS["float doors"](read(FOLDER / "shapes"))
    reference = Reference(manifest)
    for values, allowed in (
        ([2.0, 2.0 + 1e-6, 1.0, 0.0], True),
        ([2.0, 2.0, 1.0, 0.0], False),
        ([2.0, 2.1, 1.0, 0.0], False),
    ):
        case = cases.Case(id="tie", kind="output", output=np.array(values, dtype=np.float32))
        right = reference.answer(case)
        first, second, *rest = right.top
        turned = Answer(probabilities=right.probabilities, top=(second, first, *rest))
        assert not compare(case, right, reference).faults
        assert (not compare(case, turned, reference).faults) == allowed
    doubled = Answer(probabilities=right.probabilities, top=(1, 1, 0, 2))
    assert compare(case, doubled, reference).faults
    beyond = Answer(probabilities=right.probabilities, top=(1, 0, 2, 9))
    assert compare(case, beyond, reference).faults


@pytest.mark.parametrize(
    ("alteration", "unit", "text", "fault"),
    [
        ("int8 doors", "steps", "1 step", "tensor 1 step off"),
        ("float doors", "number", "1 in the tensor", "tensor 1 off"),
    ],
)
def test_a_difference_has_its_tensors_unit(alteration: str, unit: str, text: str, fault: str) -> None:
    """Steps of a quantised tensor; of a float32 one the number itself."""
    reference = Reference(ALTERATIONS[alteration](read(FOLDER / "shapes")))
    (case,) = [case for case in cases.made(reference.manifest, count=5, seed=1) if case.kind == "image"][:1]
    right = reference.answer(case)
    assert right.tensor is not None
    wrong: npt.NDArray[Any] = right.tensor.copy()
    place = int(np.abs(wrong.astype(float)).argmin())
    wrong.flat[place] += 1
    difference = merged([compare(case, Answer(image=right.image, tensor=wrong), reference), Difference()])
    assert getattr(difference, unit) == pytest.approx(1.0)
    assert {difference.steps, difference.number} >= {None}
    assert difference.text == f"0 levels, {text}"
    assert difference.faults[0].startswith(fault)


def test_of_eight_cases_each_kind_has_its_share(manifest: Manifest) -> None:
    """As the description says."""
    kinds = [case.kind for case in cases.made(manifest, count=8 * 4, seed=1)]
    shares = {"picture": 3, "output": 2, "image": 1, "strokes": 2}
    if not manifest.drawing:
        shares |= {"image": 3, "strokes": 0}
    assert {kind: kinds.count(kind) / 4 for kind in cases.KINDS} == shares
