"""Clustering: as few distinct weights as promised, and zeros of an earlier pruning kept."""

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.errors import RecipeError
from pipeline.kernels import kernels
from pipeline.optimizations import Finalized, cluster
from tests.pipeline.optimizations import tiny

tensorflow = pytest.mark.tensorflow


@tensorflow
@pytest.mark.parametrize("start", ["kmeans++", pytest.param("linear", marks=pytest.mark.slow)])
def test_every_kernel_has_its_few_weights_and_so_has_the_file(start: str) -> None:
    """In every scheme; batch normalisation is folded into one of the kernels."""
    found, claims = tiny.chain(tiny.built(tiny.cnn), ("cluster", {"clusters": 5, "start": start}))
    assert [claim.layer for claim in claims] == ["one", "two", "dense", "out"]
    tiny.assert_kept(tiny.in_keras(claims, found.model))
    for scheme in ("float32", "int8"):
        tiny.assert_kept(tiny.in_file(claims, found, tiny.file(found, scheme)))


@tensorflow
def test_only_named_layers_are_clustered() -> None:
    """The others keep a weight for each place."""
    found, claims = tiny.chain(tiny.built(tiny.cnn), ("cluster", {"clusters": 2, "layers": ["two"]}))
    assert [claim.layer for claim in claims] == ["two"]
    counts = {name: len(np.unique(values)) for name, values in kernels(found.model).items()}
    assert counts == {"one": 72, "two": 2, "dense": 2048, "out": 48}


@tensorflow
@pytest.mark.slow
def test_zeros_of_an_earlier_pruning_stay() -> None:
    """In the same places."""
    pruned, _ = tiny.chain(tiny.built(tiny.cnn), ("prune", {"epochs": 1}))
    zeros = {name: values == 0 for name, values in kernels(pruned.model).items()}
    start = Finalized(model=tiny.reloaded(pruned.model), scaling=pruned.scaling)
    found, claims = tiny.apply("cluster", start, ("prune",), clusters=6)
    tiny.assert_kept(tiny.in_keras(claims, found.model))
    for name, values in kernels(found.model).items():
        assert np.all(values[zeros[name]] == 0)


@tensorflow
def test_two_clusters_after_pruning_are_refused() -> None:
    """One of them is the zero."""
    chosen = tiny.options("cluster", clusters=2)
    work = tiny.context(tiny.built(tiny.cnn), chosen, before=("prune",))
    with pytest.raises(RecipeError, match="2 clusters after 'prune' leave one weight beside the zero"):
        cluster.scan(work, chosen)


@pytest.mark.parametrize("clusters", [0, 1, 257])
def test_one_cluster_is_refused(clusters: int) -> None:
    """A kernel of one weight has nothing to say."""
    with pytest.raises(ValidationError):
        cluster.Options(clusters=clusters)
