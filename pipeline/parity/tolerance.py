"""How far two runtimes may differ on the same file, each value with its reason."""

from types import MappingProxyType

PICTURE_LEVELS = 1
"""Grey levels: a resize in float32 may round the other way where the float64 reference lies on a half."""

FLOAT_OUTPUT = 1e-4
"""Probability: float32 sums in another order differ by 1e-7 to 1e-5 after a softmax; LiteRT's own GPU
tests allow 1e-4."""

FLOAT16_OUTPUT = 1e-2
"""Probability: delegates may compute in float16 (11 significant bits) all the way; a float16 CNN has been
measured 2.6e-3 off its float32 self, and this leaves a factor of four."""

QUANTISED_OUTPUT_STEPS = 12
"""Output quantisation steps (1/256 each): kernels that round differently in every layer drift apart; nine
steps were measured between tflite_runtime 2.14 and LiteRT on small CNNs, and wrong kernels are off by
a hundred."""

OUTPUT_TOLERANCE = MappingProxyType(
    {
        "float32": FLOAT_OUTPUT,
        "float16": FLOAT16_OUTPUT,
        "dynamic_range": QUANTISED_OUTPUT_STEPS / 256,
        "int8": QUANTISED_OUTPUT_STEPS / 256,
        "int16x8": QUANTISED_OUTPUT_STEPS / 256,
    }
)
"""Scheme to the largest absolute difference of a probability between two runtimes."""
