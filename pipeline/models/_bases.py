"""The pretrained bases of tf_keras.applications: how each is built, what it wants of pixels, its weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.errors import unknown

MEANS = (0.485, 0.456, 0.406)
DEVIATIONS = (0.229, 0.224, 0.225)
"""Of ImageNet's pixels in 0..1, red, green, blue."""

BGR_MEANS = (103.939, 116.779, 123.68)
"""Of ImageNet's pixels in 0..255, blue, green, red, as Caffe's models subtract them."""


@dataclass(frozen=True, kw_only=True)
class InputRange:
    """From pixels of 0..255 to what a base was trained on: ``pixel * factors + offsets`` per channel.

    Attributes:
        factors: of red, green, blue; blue, green, red where swapped.
        offsets: added after that, in the same order.
        swapped: whether channels are turned from RGB to BGR first.
    """

    factors: tuple[float, float, float]
    offsets: tuple[float, float, float]
    swapped: bool = False


def _even(factor: float, offset: float) -> InputRange:
    return InputRange(factors=(factor,) * 3, offsets=(offset,) * 3)


_TORCH = InputRange(
    factors=(1 / (255 * DEVIATIONS[0]), 1 / (255 * DEVIATIONS[1]), 1 / (255 * DEVIATIONS[2])),
    offsets=(-MEANS[0] / DEVIATIONS[0], -MEANS[1] / DEVIATIONS[1], -MEANS[2] / DEVIATIONS[2]),
)

# EfficientNets normalise inside, by statistics that lie among their weights. Keras divides what comes out by
# the root of the deviations once more where it loads ImageNet weights itself, by a bare TensorFlow function;
# as everything before it is linear, the same can be done to the pixels.
_ROOTS = (math.sqrt(DEVIATIONS[0]), math.sqrt(DEVIATIONS[1]), math.sqrt(DEVIATIONS[2]))
_EFFICIENT = InputRange(
    factors=(1 / _ROOTS[0], 1 / _ROOTS[1], 1 / _ROOTS[2]),
    offsets=(
        255 * MEANS[0] * (1 - 1 / _ROOTS[0]),
        255 * MEANS[1] * (1 - 1 / _ROOTS[1]),
        255 * MEANS[2] * (1 - 1 / _ROOTS[2]),
    ),
)

RANGES: Mapping[str, InputRange] = {
    "tf": _even(1 / 127.5, -1.0),
    "torch": _TORCH,
    "caffe": InputRange(
        factors=(1.0, 1.0, 1.0), offsets=(-BGR_MEANS[0], -BGR_MEANS[1], -BGR_MEANS[2]), swapped=True
    ),
    "over_128": _even(1 / 128, -1.0),
    "efficient": _EFFICIENT,
}
"""Mode to range. The first three have the names that Keras gives them."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """One application.

    Attributes:
        function: of tf_keras.applications that builds it.
        mode: key of RANGES; empty where the base scales pixels itself.
        weights: name of Keras's own file without top; ``{alpha}`` and ``{size}`` where it depends on them.
        minimum: pixels along each side that it needs.
        alphas: widths with published weights, and how the file's name spells each; empty where the base has
            no such option.
        sizes: of the images that weights were published for, where there are several; then ``size`` below.
        default_size: taken for images of any other size.
        options: of the function.
        refused: why conversion cannot take it; empty where it can.
        unquantized: why quantise-aware training cannot take it whole; empty where it can.
    """

    function: str
    mode: str
    weights: str
    minimum: int = 32
    alphas: Mapping[float, str] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()
    default_size: int = 224
    options: Mapping[str, object] = field(default_factory=dict)
    refused: str = ""
    unquantized: str = ""


_PLAIN = "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"

# Their normalisation would stand in the graph as layers that no quantiser takes.
_BARE = {"include_preprocessing": False}

_BARE_FUNCTIONS = "it holds bare TensorFlow functions between its layers"
_EXCITATION = "its squeeze-and-excitation multiplies layers with each other"
_INNER_RANGE = "it scales pixels inside"
_LOOSE_NORM = "it normalises in front of its convolutions, where nothing can be folded"

QUANTIZABLE = ("mobilenet_v2", "mobilenet", "xception", "resnet50")
"""Bases to take instead, smallest first."""

_LAYER_SCALE = "its LayerScale layers are known to Keras only inside it, so that a saved model cannot be read"

BASES: dict[str, Base] = {
    "mobilenet": Base(
        function="MobileNet",
        mode="tf",
        weights="mobilenet_{alpha}_{size}_tf_no_top.h5",
        alphas={0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"},
        sizes=(128, 160, 192, 224),
        # What Keras drops in the top alone; named so that it is not mistaken for the recipe's.
        options={"dropout": 0.0},
    ),
    "mobilenet_v2": Base(
        function="MobileNetV2",
        mode="tf",
        weights="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{size}_no_top.h5",
        alphas={alpha: str(alpha) for alpha in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)},
        sizes=(96, 128, 160, 192, 224),
    ),
    "xception": Base(
        function="Xception",
        mode="tf",
        weights=_PLAIN.format(name="xception"),
        minimum=71,
    ),
    "inception_v3": Base(
        function="InceptionV3",
        mode="tf",
        weights=_PLAIN.format(name="inception_v3"),
        minimum=75,
    ),
    "inception_resnet_v2": Base(
        function="InceptionResNetV2",
        mode="tf",
        weights=_PLAIN.format(name="inception_resnet_v2"),
        minimum=75,
        unquantized="its branches are summed by a layer of its own",
    ),
    "nasnet_mobile": Base(
        function="NASNetMobile", mode="tf", weights="nasnet_mobile_no_top.h5", unquantized=_LOOSE_NORM
    ),
    "nasnet_large": Base(
        function="NASNetLarge", mode="tf", weights="nasnet_large_no_top.h5", unquantized=_LOOSE_NORM
    ),
}
BASES |= {
    f"mobilenet_v3_{size}": Base(
        function=f"MobileNetV3{size.title()}",
        mode="tf",
        weights=f"weights_mobilenet_v3_{size}_224_{{alpha}}_float_no_top_v2.h5",
        alphas={0.75: "0.75", 1.0: "1.0"},
        options=_BARE,
        unquantized=_BARE_FUNCTIONS,
    )
    for size in ("small", "large")
}
BASES |= {
    name: Base(function=name.upper(), mode="caffe", weights=_PLAIN.format(name=name))
    for name in ("vgg16", "vgg19")
}
BASES |= {
    f"resnet{depth}": Base(
        function=f"ResNet{depth}",
        mode="caffe",
        weights=_PLAIN.format(name=f"resnet{depth}"),
    )
    for depth in (50, 101, 152)
}
BASES |= {
    f"resnet{depth}_v2": Base(
        function=f"ResNet{depth}V2",
        mode="tf",
        weights=_PLAIN.format(name=f"resnet{depth}v2"),
        unquantized=_LOOSE_NORM,
    )
    for depth in (50, 101, 152)
}
BASES |= {
    f"resnet_rs{depth}": Base(
        function=f"ResNetRS{depth}",
        mode="torch",
        weights=f"resnet-rs-{depth}-i{size}_notop.h5",
        options=_BARE,
        unquantized=_EXCITATION,
    )
    for depth, size in {50: 160, 101: 192, 152: 256, 200: 256, 270: 256, 350: 320, 420: 320}.items()
}
BASES |= {
    f"densenet{depth}": Base(
        function=f"DenseNet{depth}",
        mode="torch",
        weights=_PLAIN.format(name=f"densenet{depth}"),
        unquantized=_LOOSE_NORM,
    )
    for depth in (121, 169, 201)
}
BASES |= {
    f"efficientnet_b{number}": Base(
        function=f"EfficientNetB{number}",
        mode="efficient",
        weights=f"efficientnetb{number}_notop.h5",
        unquantized=f"{_INNER_RANGE}, and {_EXCITATION}",
    )
    for number in range(8)
}
BASES |= {
    f"efficientnet_v2_{size}": Base(
        function=f"EfficientNetV2{size.upper()}",
        mode="torch" if size.startswith("b") else "over_128",
        weights=f"efficientnetv2-{size}_notop.h5",
        options=_BARE,
        unquantized=_EXCITATION,
    )
    for size in ("b0", "b1", "b2", "b3", "s", "m", "l")
}
BASES |= {
    f"regnet_{kind}{size:03d}": Base(
        function=f"RegNet{kind.upper()}{size:03d}",
        # Keras builds it on the model's input, whatever layer it is told to stand on: it begins with a
        # Rescaling of its own.
        mode="",
        weights=f"regnet{kind}{size:03d}_notop.h5",
        unquantized=f"{_INNER_RANGE}, and {_BARE_FUNCTIONS}",
    )
    for kind in "xy"
    for size in (2, 4, 6, 8, 16, 32, 40, 64, 80, 120, 160, 320)
}
BASES |= {
    f"convnext_{size}": Base(
        function=f"ConvNeXt{'XLarge' if size == 'xlarge' else size.title()}",
        mode="torch",
        weights=f"convnext_{size}_notop.h5",
        options=_BARE,
        refused=_LAYER_SCALE,
    )
    for size in ("tiny", "small", "base", "large", "xlarge")
}


def find(name: str) -> Base:
    """The base of a name.

    Raises:
        ValueError: no such base, or one that conversion cannot take; the message says why.
    """
    if name not in BASES:
        raise ValueError(unknown("base", name, (each for each, base in BASES.items() if not base.refused)))
    if BASES[name].refused:
        raise ValueError(
            f"base '{name}' cannot be converted: {BASES[name].refused}; take another, as mobilenet_v2 or "
            "efficientnet_v2_b0"
        )
    return BASES[name]
