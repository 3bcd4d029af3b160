"""Zeros and clusters through layouts for which tensorflow-model-optimization forgets the weights."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.kernels import kernels
from pipeline.optimizations import Finalized
from pipeline.stages.claims import measured_in_keras
from tests.pipeline.optimizations import tiny

pytestmark = pytest.mark.tensorflow


def relu_apart(layers: Any, tensor: Any) -> Any:
    """Activations as layers of their own, of each kind."""
    tensor = layers.Conv2D(8, 3, padding="same", name="one")(tensor)
    tensor = layers.ReLU(6.0, name="one_relu")(tensor)
    tensor = layers.Conv2D(8, 3, padding="same", strides=2, name="two")(tensor)
    tensor = layers.Activation("relu", name="two_relu")(tensor)
    tensor = layers.Dense(16, name="dense")(layers.Flatten(name="flatten")(tensor))
    return layers.ReLU(name="dense_relu")(tensor)


def joined(layers: Any, tensor: Any) -> Any:
    """Two convolutions side by side."""
    tensor = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(tensor)
    one = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="one")(tensor)
    two = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="two")(tensor)
    return layers.Concatenate(name="both")([one, two])


CHAINS = {
    "PQAT": (("prune", {"epochs": 1, "sparsity": 0.5}),),
    "PCQAT": (("prune", {"epochs": 1, "sparsity": 0.5}), ("cluster", {"clusters": 6})),
}


@pytest.mark.slow
@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("add", [relu_apart, joined])
def test_every_layout_keeps_what_was_promised(add: Callable[..., Any], chain: str) -> None:
    """In Keras and in the file; and the file after a way over the disk answers as promised too."""
    found, promised = tiny.chain(tiny.built(add), *CHAINS[chain], ("quantize_aware", {"epochs": 1}))
    tiny.assert_kept(list(measured_in_keras(promised, kernels(found.model), per_channel=True)))
    again = Finalized(model=tiny.reloaded(found.model), scaling=found.scaling)
    tiny.assert_kept(tiny.in_file(promised, again, tiny.file(again)))


@pytest.mark.slow
def test_one_kernel_without_a_zero_costs_no_other_its_zeros() -> None:
    """Layers that were not named are not pruned; those that were stay so."""
    found, promised = tiny.chain(
        tiny.built(tiny.cnn),
        ("prune", {"epochs": 1, "sparsity": 0.5, "layers": ["two", "dense"]}),
        ("cluster", {"clusters": 6, "layers": ["two", "dense"]}),
        ("quantize_aware", {"epochs": 1}),
    )
    tiny.assert_kept(list(measured_in_keras(promised, kernels(found.model), per_channel=True)))
    tiny.assert_kept(tiny.in_file(promised, found, tiny.file(found)))
