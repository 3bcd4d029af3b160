"""The 8-bit scheme of tensorflow-model-optimization, mended where it forgets weights.

Its layout transforms settle how some layers are rounded before the scheme's own registry is asked. Two things
go wrong there, and are put right once the transforms are done:

    Conv2D or Dense -> ReLU     the kernel is not rounded at all, and keeps neither zeros nor clusters
    Conv2D or Dense -> Concat   the kernel is rounded, but keeps neither zeros nor clusters

Its registries also share one quantiser among all kernels of a kind; one kernel without a zero then switches
the keeping of zeros off for every other. Each layer gets a quantiser of its own.
"""

import copy
from typing import Any

from converters import stack

KERNELS = {"Conv2D": "kernel", "DepthwiseConv2D": "depthwise_kernel", "Dense": "kernel"}
"""Layers whose kernels are rounded, and where they keep them."""

PRESERVED = ("Conv2D", "Dense")
"""Layers whose kernels are pruned and clustered."""


def preserving(before: tuple[str, ...]) -> Any:
    """A quantisation scheme that keeps what the optimisations before it made of the kernels.

    Args:
        before: their names.
    """
    stack.load_tfmot()
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_scheme as default,
    )

    class Transformer:
        """Runs the default transforms, then settles how every kernel is rounded."""

        def apply(self, model: Any, quantize_map: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            layout = default.Default8BitQuantizeScheme().get_layout_transformer()
            model, quantize_map = layout.apply(model, quantize_map)
            for layer in model.layers:
                if layer.name in quantize_map and type(layer).__name__ in KERNELS:
                    entry = quantize_map[layer.name]
                    entry["quantize_config"] = _config(layer, entry.get("quantize_config"), before)
            return model, quantize_map

    class Scheme(default.Default8BitQuantizeScheme):  # type: ignore[misc]
        """The default scheme with these transforms."""

        def get_layout_transformer(self) -> Any:
            return Transformer()

    return Scheme()


def _config(layer: Any, config: Any, before: tuple[str, ...]) -> Any:
    """How one layer is rounded: as the transforms settled it, its kernel in any case."""
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_configs as configs,
    )
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_registry as registry,
    )

    kind = type(layer).__name__
    if config is None:
        config = registry.Default8BitQuantizeRegistry().get_quantize_config(layer)
    elif isinstance(config, configs.NoOpQuantizeConfig):
        dense = kind == "Dense"
        kernel_alone = registry.Default8BitQuantizeConfig if dense else registry.Default8BitConvQuantizeConfig
        config = kernel_alone([KERNELS[kind]], [], False)
    if kind in PRESERVED:
        config = _keeping(layer, config, before)
    config.weight_quantizer = copy.copy(config.weight_quantizer)
    return config


def _keeping(layer: Any, config: Any, before: tuple[str, ...]) -> Any:
    from tensorflow_model_optimization.python.core.quantization.keras.collab_opts.cluster_preserve import (
        cluster_preserve_quantize_registry as clusters,
    )
    from tensorflow_model_optimization.python.core.quantization.keras.collab_opts.prune_preserve import (
        prune_preserve_quantize_registry as zeros,
    )

    if "cluster" in before:
        registry = clusters.ClusterPreserveQuantizeRegistry(preserve_sparsity="prune" in before)
        return registry.apply_cluster_preserve_quantize_config(layer, config)
    if "prune" in before:
        return zeros.PrunePreserveQuantizeRegistry().apply_sparsity_preserve_quantize_config(layer, config)
    return config
