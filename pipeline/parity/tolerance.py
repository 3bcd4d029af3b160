"""How far two runtimes may differ on the same file, each value with its reason.

Measured: the largest difference of a probability between any two of tf.lite with XNNPACK, tf.lite's
reference kernels, tflite_runtime 2.14 and LiteRT 2.3, for emnist_cnn on the first 5,000 images of the
EMNIST ByMerge test set, on x86_64.
"""

from types import MappingProxyType

PICTURE_LEVELS = 1
"""Grey levels: a resize in float32 may round the other way where the float64 reference lies on a half."""

FLOAT32_OUTPUT = 1e-4
"""Measured 5e-6 (sums in another order); another processor's vector width adds its own order."""

FLOAT16_OUTPUT = 1e-2
"""Measured 3e-6 on CPUs, which compute in float32; a GPU that computes in float16 was seen 2.6e-3 off on a
small CNN, and 1.3e-2 on MobileNetV2, for which the apps' tests on a device allow 3e-2."""

DYNAMIC_RANGE_OUTPUT = 1e-2
"""Measured 3.2e-3: activations are quantised on the fly, by each runtime's own rounding."""

INT8_OUTPUT_STEPS = 32
"""Output quantisation steps of 1/256. Measured 29 on the most uncertain image: roundings of every layer add
up and the softmax enlarges them. That is much for one probability; the chain before it (picture, image,
tensor) is compared to the level, which is where apps go wrong."""

INT16X8_OUTPUT = 5e-3
"""Measured 4.9e-4; activations carry 16 bits, what differs is the softmax's table."""

OUTPUT_TOLERANCE = MappingProxyType(
    {
        "float32": FLOAT32_OUTPUT,
        "float16": FLOAT16_OUTPUT,
        "dynamic_range": DYNAMIC_RANGE_OUTPUT,
        "int8": INT8_OUTPUT_STEPS / 256,
        "int16x8": INT16X8_OUTPUT,
    }
)
"""Scheme to the largest absolute difference of a probability between two runtimes."""
