"""Claims on models with branches, which the converter writes in an order of its own."""

from typing import Any

import numpy as np
import pytest

from pipeline.artifacts import Claim
from pipeline.kernels import kernels
from pipeline.optimizations import Finalized
from tests.pipeline.optimizations import tiny

pytestmark = pytest.mark.tensorflow

SHARES = {"a": 0.25, "a2": 0.5, "short": 0.75}
"""Of zeros, by layer: each kernel is (3, 3, 4, 4)."""

KEPT = 0.02
"""int8 rounds a few of the smallest weights to zero besides: below this share of a normal distribution."""


def branched(normalised: bool) -> Any:
    """``a`` -> ``a2`` beside ``short``, added; pruned by hand."""

    def add(layers: Any, tensor: Any) -> Any:
        def conv(name: str, inputs: Any) -> Any:
            tensor = layers.Conv2D(4, 3, padding="same", use_bias=not normalised, name=name)(inputs)
            if normalised:
                tensor = layers.BatchNormalization(name=f"{name}_bn")(tensor)
            return layers.ReLU(name=f"{name}_relu")(tensor)

        stem = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(tensor)
        long = conv("a2", conv("a", stem))
        tensor = layers.Add(name="sum")([conv("short", stem), long])
        return layers.GlobalAveragePooling2D(name="pool")(tensor)

    model = tiny.built(add)
    generator = np.random.default_rng(1)
    for name, share in SHARES.items():
        layer = model.get_layer(name)
        kernel, *rest = layer.get_weights()
        kernel[np.abs(kernel) <= np.quantile(np.abs(kernel), share)] = 0
        layer.set_weights([kernel, *rest])
        if normalised:
            # Factors of either sign, as training leaves them.
            signs = np.array([1, -1, 1, -1])
            model.get_layer(f"{name}_bn").set_weights(
                [signs * generator.uniform(0.3, 3, 4), *generator.uniform(-1, 1, (2, 4)),
                 generator.uniform(0.2, 2, 4)]
            )  # fmt: skip
    return model


@pytest.mark.parametrize("scheme", ["float32", "dynamic_range", "int8"])
@pytest.mark.parametrize("normalised", [False, True])
def test_every_kernel_is_measured_in_its_own_tensor(scheme: str, normalised: bool) -> None:
    """Keras lists a, short, a2, the file a, a2, short, all of one shape."""
    model = branched(normalised)
    assert [name for name in kernels(model) if name in SHARES] == ["a", "short", "a2"]
    claims = [
        Claim(optimization="prune", layer=name, kind="zero_share", wanted=share)
        for name, share in SHARES.items()
    ]
    found = Finalized(model=model, scaling=tiny.SCALING)

    measured = tiny.in_file(claims, found, tiny.file(found, scheme))

    assert {claim.layer: claim.measured for claim in measured} == {
        name: pytest.approx(share, abs=KEPT) for name, share in SHARES.items()
    }
