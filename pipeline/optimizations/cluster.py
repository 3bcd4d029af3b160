"""Cluster: each kernel keeps only a few distinct weights, which a zip stores in few bits each."""

from typing import Any, Literal

from pydantic import Field

from converters import stack
from pipeline.artifacts import Claim
from pipeline.errors import RecipeError
from pipeline.kernels import elements
from pipeline.optimizations import Context, Finalized, Problem, Start
from pipeline.optimizations._fine_tuning import FineTuning
from pipeline.optimizations._layers import named, wrapped

AFTER = ("distill", "prune")
SCHEMES = None

MIN_CLUSTERS_WITH_ZERO = 3
"""After pruning one cluster is the zero: with two, a single other weight would be left."""


class Options(FineTuning):
    """Keys of an ``[[optimize]]`` section named ``cluster``.

    Attributes:
        clusters: distinct weights per kernel, the zero of an earlier pruning included.
        start: where the centroids begin: ``kmeans++`` after Arthur and Vassilvitskii, 2007, ``linear``
            between the least and the largest weight, ``density`` by the weights' distribution, ``random``.
        layers: names; None for every layer that has a kernel with more weights than clusters.
    """

    epochs: int = Field(default=1, ge=1, le=10_000)
    clusters: int = Field(default=16, ge=2, le=256)
    start: Literal["kmeans++", "linear", "density", "random"] = "kmeans++"
    layers: tuple[str, ...] | None = Field(default=None, min_length=1)


def scan(start: Start, options: Options) -> list[Problem]:
    """Named layers that are too small; one that was not named is passed over.

    Raises:
        RecipeError: a named layer is not there, all are too small, or too few clusters for pruned weights.
    """
    if "prune" in start.before and options.clusters < MIN_CLUSTERS_WITH_ZERO:
        raise RecipeError(
            f"optimize.cluster.clusters: {options.clusters} clusters after 'prune' leave one weight beside "
            f"the zero: ask for at least {MIN_CLUSTERS_WITH_ZERO}"
        )
    layers = named(start.model, options.layers, what="cluster")
    problems = [problem for layer in layers if (problem := _refused(layer, options)) is not None]
    if len(problems) == len(layers):
        raise RecipeError(f"optimize.cluster: no layer can be clustered: {'; '.join(map(str, problems))}")
    return problems if options.layers is not None else []


def prepare(context: Context, options: Options) -> Any:
    """The model with centroids for each chosen kernel; zeros of an earlier pruning stay zeros."""
    clustering = stack.load_tfmot().clustering.keras
    # The experimental door is the one that can keep zeros.
    from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster

    starts = {
        "kmeans++": clustering.CentroidInitialization.KMEANS_PLUS_PLUS,
        "linear": clustering.CentroidInitialization.LINEAR,
        "density": clustering.CentroidInitialization.DENSITY_BASED,
        "random": clustering.CentroidInitialization.RANDOM,
    }
    chosen = {layer.name for layer in _chosen(context.model, options)}

    def wrap(layer: Any) -> Any:
        if layer.name not in chosen:
            return layer
        return cluster.cluster_weights(
            layer,
            number_of_clusters=options.clusters,
            cluster_centroids_init=starts[options.start],
            preserve_sparsity="prune" in context.before,
        )

    return wrapped(context.model, wrap)


def callbacks() -> list[Any]:
    """None is needed."""
    return []


def eligible(_context: Context, _options: Options) -> int:
    """Every epoch ends with clustered weights."""
    return 1


def finalize(context: Context, _options: Options, trained: Any) -> Finalized:
    """The model whose kernels hold the centroids' values."""
    stripped = stack.load_tfmot().clustering.keras.strip_clustering(trained)
    return Finalized(model=stripped, scaling=context.scaling)


def promises(start: Start, options: Options) -> list[Claim]:
    """The number of distinct weights in each chosen kernel."""
    return [
        Claim(optimization="cluster", layer=layer.name, kind="distinct_weights", wanted=options.clusters)
        for layer in _chosen(start.model, options)
    ]


def _chosen(model: Any, options: Options) -> list[Any]:
    layers = named(model, options.layers, what="cluster")
    return [layer for layer in layers if _refused(layer, options) is None]


def _refused(layer: Any, options: Options) -> Problem | None:
    count = elements(layer)
    if count > options.clusters:
        return None
    return Problem(
        layer=layer.name,
        why=f"has {count} weights for {options.clusters} clusters",
        way_out="ask for fewer clusters or leave it out of optimize.cluster.layers",
    )
