"""Pruning: zeros as promised, in patterns as promised, at the end of every epoch that may be chosen."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.kernels import kernels
from pipeline.optimizations import Finalized, prune
from pipeline.stages.fitting import compile_model
from tests.pipeline.optimizations import tiny

tensorflow = pytest.mark.tensorflow


def zeros(model: Any) -> dict[str, float]:
    """Layer to the share of zeros in its kernel."""
    return {name: float(np.mean(values == 0)) for name, values in kernels(model).items()}


@tensorflow
@pytest.mark.parametrize("schedule", ["polynomial", pytest.param("constant", marks=pytest.mark.slow)])
def test_every_kernel_has_its_share_of_zeros_and_so_has_the_file(schedule: str) -> None:
    """Whatever the number of weights; the rest is still there."""
    options = {"epochs": 1, "sparsity": 0.7, "schedule_of_sparsity": schedule}
    found, claims = tiny.chain(tiny.built(tiny.cnn), ("prune", options))
    assert [claim.layer for claim in claims] == ["one", "two", "dense", "out"]
    tiny.assert_kept(tiny.in_keras(claims, found.model))
    assert all(0.69 < share < 0.73 for share in zeros(found.model).values())
    assert found.scaling == tiny.SCALING
    for scheme in ("float32", "int8"):
        tiny.assert_kept(tiny.in_file(claims, found, tiny.file(found, scheme)))


@tensorflow
def test_only_named_layers_are_pruned() -> None:
    """The others have no more zeros than chance."""
    found, claims = tiny.chain(tiny.built(tiny.cnn), ("prune", {"epochs": 1, "layers": ["dense"]}))
    assert [claim.layer for claim in claims] == ["dense"]
    shares = zeros(found.model)
    assert shares.pop("dense") == pytest.approx(0.8, abs=0.001)
    assert set(shares.values()) == {0.0}


@tensorflow
def test_two_of_four_neighbours_are_zero_along_the_inputs() -> None:
    """Of convolutions and Dense layers; the first layer, with one input, is passed over; int8 keeps it."""
    options = {"epochs": 1, "pattern": "2:4"}
    found, claims = tiny.chain(tiny.built(tiny.cnn), ("prune", options))
    assert {claim.layer for claim in claims} == {"two", "dense", "out"}
    tiny.assert_kept(tiny.in_keras(claims, found.model))
    tiny.assert_kept(tiny.in_file(claims, found, tiny.file(found)))
    found_kernels = kernels(found.model)
    for name in ("two", "dense", "out"):
        by_four = np.moveaxis(found_kernels[name], -2, -1).reshape(-1, 4)
        assert set((by_four == 0).sum(axis=1)) == {2}
    assert zeros(found.model)["one"] == 0.0


@tensorflow
def test_blocks_are_zero_as_a_whole() -> None:
    """Of Dense layers that they divide."""
    options = {"epochs": 1, "pattern": "block", "block": [4, 2], "sparsity": 0.75}
    found, claims = tiny.chain(tiny.built(tiny.cnn), ("prune", options))
    assert [claim.layer for claim in claims] == ["dense"]  # 3 classes are no multiple of 2
    tiny.assert_kept(tiny.in_keras(claims, found.model))
    blocks = (kernels(found.model)["dense"] == 0).reshape(32, 4, 8, 2).sum(axis=(1, 3))
    assert set(np.unique(blocks)) == {0, 8}


@tensorflow
@pytest.mark.parametrize(
    ("epochs", "steps"),
    [
        *((1, 1), (2, 5), (4, 3)),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in ((1, 3), (2, 1), (3, 2), (5, 3), (6, 1))),
    ],
)
def test_the_final_sparsity_is_reached_when_an_epoch_becomes_eligible(epochs: int, steps: int) -> None:
    """Each of those epochs may be the best, and its zeros are promised."""

    def small(layers: Any, tensor: Any) -> Any:
        return layers.Dense(10, name="dense")(layers.Flatten(name="flatten")(tensor))

    chosen = tiny.options("prune", epochs=epochs, sparsity=0.9, layers=["dense"])
    work = tiny.context(tiny.built(small), chosen, steps=steps)
    training = prune.prepare(work, chosen)
    images, labels = tiny.pictures(steps * tiny.BATCH)
    compile_model(training, work.section, steps=steps)
    first = prune.eligible(work, chosen)
    assert 1 <= first <= epochs
    for epoch in range(1, epochs + 1):
        training.fit(images / 255, labels, batch_size=tiny.BATCH, verbose=0, callbacks=prune.callbacks())
        if epoch >= first:
            assert zeros(training)["dense"] == pytest.approx(0.9, abs=1e-6)


@tensorflow
def test_pruning_leaves_the_model_that_it_starts_from_alone() -> None:
    """The step before it may be asked for again."""
    model = tiny.built(tiny.cnn)
    before = [weight.copy() for weight in model.get_weights()]
    tiny.apply("prune", Finalized(model=model, scaling=tiny.SCALING), epochs=1)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("sparsity", [0.0, 1.0, 1.5, -0.1])
def test_all_or_nothing_is_refused(sparsity: float) -> None:
    """To 100 % nothing would be left."""
    with pytest.raises(ValidationError):
        prune.Options(sparsity=sparsity)


def test_options_survive_being_written_out() -> None:
    """Also those of 2:4, whose sparsity is no choice."""
    for options in (prune.Options(), prune.Options(pattern="2:4"), prune.Options(pattern="block")):
        assert prune.Options.model_validate(options.model_dump(mode="json")) == options
    assert prune.Options(pattern="2:4").sparsity == 0.5
