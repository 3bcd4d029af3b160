"""A model that float32 computes as before and int8 cannot: one channel is a thousand times larger."""

from typing import Any

import numpy as np

from converters import stack

FACTOR = 1_000.0
"""Larger than the 255 steps of int8: in one scale with such a channel, all others round to nothing."""

CHANNEL = 0


def spoil(model: Any, before: str, after: str, *, factor: float = FACTOR) -> Any:
    """A copy with a channel of one layer scaled up, and the weights that read it scaled down.

    ReLU, pooling and Flatten between the two pass a positive factor through: the function is the same.

    Args:
        model: of tf_keras; not changed.
        before: a layer with a kernel (..., channels) and a bias (channels,).
        after: the next layer with a kernel: Conv2D (h, w, channels, n) or, behind Flatten, Dense (k *
            channels, n).
        factor: to scale by.
    """
    copy = stack.load().keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    kernel, bias = copy.get_layer(before).get_weights()
    kernel[..., CHANNEL] *= factor
    bias[CHANNEL] *= factor
    copy.get_layer(before).set_weights([kernel, bias])
    reading, *rest = copy.get_layer(after).get_weights()
    by_channel = reading.reshape(-1, len(bias), reading.shape[-1])
    by_channel[:, CHANNEL] /= np.float32(factor)
    copy.get_layer(after).set_weights([by_channel.reshape(reading.shape), *rest])
    return copy
