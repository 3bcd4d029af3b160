"""Other contracts than a bundle's own, so that steps it does not use are compared too.

An app's code is written for every contract, a bundle has one: digits are never blurred, photos have no ink,
and a graph that ends in its softmax leaves none to the app. Each alteration keeps the sizes and the labels.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pipeline.artifacts import TensorSpec
from pipeline.drawing import DrawingSpec
from pipeline.postprocess import PostprocessSpec
from pipeline.preprocess import PreprocessSpec
from pipeline.release.manifest import Manifest

SOFTMAX = PostprocessSpec(activation="softmax")

DRAWING = DrawingSpec(side=96, pen=0.09)
"""A small picture and a thin pen: edges of strokes are most of its ink."""


def float_doors(manifest: Manifest) -> Manifest:
    """Pixels as numbers from -1 to 1, the whole picture squeezed into the input, logits as float32."""
    preprocess = manifest.preprocess.model_copy(
        update={"crop": "none", "fit": None, "ink_threshold": 0, "place": "box", "invert": False}
    ).model_copy(update={"scale": 1 / 127.5, "offset": -1.0})
    return _with(manifest, preprocess, _door(manifest.model.input), _door(manifest.model.output), SOFTMAX)


def int8_doors(manifest: Manifest) -> Manifest:
    """Scales and zero points that are no round numbers, the middle square, inverted; logits as int8."""
    preprocess = manifest.preprocess.model_copy(
        update={"crop": "center_square", "fit": None, "ink_threshold": 0, "place": "box", "invert": True}
    ).model_copy(update={"scale": 1 / 58.395, "offset": -2.1179})
    door = _door(manifest.model.input, dtype="int8", scale=0.0186585, zero_point=-14)
    logits = _door(manifest.model.output, dtype="int8", scale=0.1373, zero_point=21)
    return _with(manifest, preprocess, door, logits, SOFTMAX)


def blurred(manifest: Manifest) -> Manifest:
    """Ink placed by its mass where the input is gray, a Gaussian over it, uint8 probabilities."""
    changes: dict[str, object] = {"blur_sigma": 0.8}
    if manifest.preprocess.channels == "gray":
        fit = max(1, min(manifest.preprocess.height, manifest.preprocess.width) * 2 // 3)
        changes |= {"crop": "ink", "fit": fit, "ink_threshold": 40, "place": "mass", "invert": True}
    preprocess = manifest.preprocess.model_copy(update=changes)
    probabilities = _door(manifest.model.output, dtype="uint8", scale=1 / 256, zero_point=0)
    return _with(manifest, preprocess, manifest.model.input, probabilities, PostprocessSpec(), DRAWING)


ALTERATIONS: Mapping[str, Callable[[Manifest], Manifest]] = MappingProxyType(
    {"float doors": float_doors, "int8 doors": int8_doors, "blurred": blurred}
)
"""Name to what makes it; together with a bundle's own contract every choice of the specs is taken once."""


def _door(
    tensor: TensorSpec, *, dtype: str = "float32", scale: float | None = None, zero_point: int | None = None
) -> TensorSpec:
    return tensor.model_copy(update={"dtype": dtype, "scale": scale, "zero_point": zero_point})


def _with(
    manifest: Manifest,
    preprocess: PreprocessSpec,
    door: TensorSpec,
    output: TensorSpec,
    postprocess: PostprocessSpec,
    drawing: DrawingSpec | None = None,
) -> Manifest:
    """The manifest with another contract, checked as one that is read."""
    model = manifest.model.model_copy(update={"input": door, "output": output})
    changed = manifest.model_copy(
        update={
            "preprocess": preprocess,
            "model": model,
            "postprocess": postprocess,
            "drawing": drawing or manifest.drawing,
        }
    )
    return Manifest.model_validate_json(changed.model_dump_json())
