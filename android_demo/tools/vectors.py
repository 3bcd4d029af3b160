"""Writes the vectors that the core's tests compare with: what the reference makes of small random cases.

Golden bundles show the steps that their datasets need; these show every step and option of the contract:
blur, centre of mass, scale and offset, each dtype, softmax, ties. Run with the project's Python::

    python android_demo/tools/vectors.py            writes core/src/test/resources/vectors/vectors.json
    python android_demo/tools/vectors.py --check    exit 1 where that file is not what it would write
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from pipeline.artifacts import TensorSpec
from pipeline.drawing import DrawingSpec, draw
from pipeline.postprocess import PostprocessSpec, probabilities, top_k
from pipeline.preprocess import Pixels, PreprocessSpec, decode, picture
from pipeline.runtimes import door_table

FILE = Path(__file__).parent.parent / "core/src/test/resources/vectors/vectors.json"
PHOTO = FILE.with_name("photo.jpg")
"""Written where it is missing, else left as it is: another release of the encoder may write other bytes."""
SEED = 20
CASES_PER_SPEC = 3

SPECS = {
    "gray": PreprocessSpec(height=9, width=13),
    "rgb": PreprocessSpec(height=12, width=7, channels="rgb", invert=True, scale=1 / 127.5, offset=-1.0),
    "square": PreprocessSpec(
        height=11, width=11, channels="rgb", crop="center_square", scale=2.0, offset=-3.5
    ),
    "square blurred": PreprocessSpec(
        height=10, width=8, channels="rgb", crop="center_square", blur_sigma=0.7, scale=0.5
    ),
    "ink by box": PreprocessSpec(height=14, width=12, invert=True, crop="ink", ink_threshold=90, fit=9),
    "ink by mass": PreprocessSpec(
        height=12, width=15, crop="ink", ink_threshold=120, fit=9, place="mass"
    ),
    "ink blurred": PreprocessSpec(
        height=16, width=16, invert=True, crop="ink", ink_threshold=60, fit=12, place="mass",
        blur_sigma=1.0, scale=1 / 255,
    ),
}  # fmt: skip
DOORS: tuple[dict[str, Any], ...] = (
    {"dtype": "float32"},
    {"dtype": "uint8", "scale": 0.73, "zero_point": 4},
    {"dtype": "int8", "scale": 0.0078125, "zero_point": -1},
)
OUTPUTS: dict[str, tuple[dict[str, Any], str]] = {
    "uint8": ({"dtype": "uint8", "scale": 0.00390625, "zero_point": 0}, "none"),
    "int8": ({"dtype": "int8", "scale": 0.00390625, "zero_point": -128}, "none"),
    "int8 logits": ({"dtype": "int8", "scale": 0.17, "zero_point": 12}, "softmax"),
    "float32": ({"dtype": "float32"}, "none"),
    "float32 logits": ({"dtype": "float32"}, "softmax"),
}
CLASSES = 12


def main() -> None:
    """Writes the file, or compares it."""
    if not PHOTO.exists():
        _write_photo()
    text = json.dumps(vectors(np.random.default_rng(SEED)), indent=1) + "\n"
    if "--check" not in sys.argv[1:]:
        FILE.write_text(text, "utf-8")
    elif FILE.read_text("utf-8") != text:
        sys.exit(f"{FILE}: not what the Python reference gives: run this without --check")


def vectors(rng: np.random.Generator) -> dict[str, Any]:
    """All of them, ready for JSON."""
    return {
        "preprocess": [
            _preprocess(f"{name}, {number}", spec, DOORS[number % len(DOORS)], _pixels(rng, number))
            for name, spec in SPECS.items()
            for number in range(CASES_PER_SPEC)
        ]
        + [_symmetric(), _halves()]
        + [_lopsided(edge) for edge in ("top", "bottom", "left", "right")],
        "postprocess": [_postprocess(name, *OUTPUTS[name], rng) for name in OUTPUTS]
        + [_postprocess("100 int8 logits", *OUTPUTS["int8 logits"], rng, classes=100)],
        "decoded": [_decoded()],
        "drawing": [
            _drawing(f"side {side}, pen {pen}", DrawingSpec(side=side, pen=pen), count, rng)
            for side, pen, count in ((24, 0.2, 2), (33, 0.07, 3), (16, 0.5, 1))
        ]
        + [
            _drawn("a dot", DrawingSpec(side=20, pen=0.3), [[(5.0, 7.5)]]),
            _drawn("nothing", DrawingSpec(side=16, pen=0.3), [[], []]),
            _drawn(
                "one point twice", DrawingSpec(side=17, pen=0.3), [[(2.5, 2.5), (2.5, 2.5)], [(9.0, 4.0)]]
            ),
        ],
    }


def _pixels(rng: np.random.Generator, number: int) -> Pixels:
    """Coloured noise over blocks: smaller and larger than the input, with and without colour."""
    height, width = (int(side) for side in rng.integers((2, 12, 30)[number % 3], (8, 30, 60)[number % 3], 2))
    shape = (height, width, 3) if number % 2 == 0 else (height, width)
    noise = rng.integers(0, 256, shape, dtype=np.uint8)
    noise[: height // 3] = rng.integers(0, 256, dtype=np.uint8)
    return noise


def _symmetric() -> dict[str, Any]:
    """Ink whose middle lies on a half pixel: only PLACE_SLACK says where it goes."""
    pixels = np.zeros((31, 22), dtype=np.uint8)
    pixels[3:28, 4:17] = np.minimum(np.arange(13), np.arange(13)[::-1]).astype(np.uint8) * 17 + 93
    spec = PreprocessSpec(height=20, width=20, crop="ink", ink_threshold=10, fit=15, place="mass")
    return _preprocess("ink on a half", spec, DOORS[1], pixels)


def _lopsided(edge: str) -> dict[str, Any]:
    """Ink as large as the input, nearly all of its mass at one edge: it is moved no further than it fits."""
    pixels = np.zeros((25, 25), dtype=np.uint8)
    pixels[2:23, 2:23] = 40
    inked = slice(2, 23)
    heavy = {
        "top": (slice(2, 6), inked),
        "bottom": (slice(19, 23), inked),
        "left": (inked, slice(2, 6)),
        "right": (inked, slice(19, 23)),
    }
    pixels[heavy[edge]] = 250
    spec = PreprocessSpec(height=14, width=14, crop="ink", ink_threshold=20, fit=14, place="mass")
    return _preprocess(f"heavy at the {edge}", spec, DOORS[0], pixels)


def _halves() -> dict[str, Any]:
    """Every level a whole number of steps and a half, of both signs: away from zero each."""
    spec = PreprocessSpec(height=16, width=16, scale=0.5, offset=-60.25)
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    return _preprocess("steps on a half", spec, {"dtype": "int8", "scale": 0.5, "zero_point": 3}, pixels)


def _preprocess(name: str, spec: PreprocessSpec, door: dict[str, Any], pixels: Pixels) -> dict[str, Any]:
    tensor = TensorSpec.model_validate({"name": "image", "shape": (1, *spec.shape), **door})
    image = picture(pixels, spec)
    return {
        "name": name,
        "preprocess": spec.model_dump(),
        "input": tensor.model_dump(),
        "pixels_shape": pixels.shape,
        "pixels": _text(pixels),
        "image": _text(image),
        "tensor": _text(door_table(spec, tensor)[image]),
    }


def _postprocess(
    name: str, door: dict[str, Any], activation: str, rng: np.random.Generator, *, classes: int = CLASSES
) -> dict[str, Any]:
    tensor = TensorSpec.model_validate({"name": "classes", "shape": (1, classes), **door})
    if tensor.dtype == "float32":
        output: npt.NDArray[Any] = rng.normal(0.0, 4.0, classes).astype(np.float32)
    else:
        limits = np.iinfo(tensor.dtype)
        output = rng.integers(limits.min, limits.max + 1, classes).astype(tensor.dtype)
    # Ties, among the best too.
    output[[2, 7, 9]] = output.max()
    output[[1, 5]] = output[3]
    spec = PostprocessSpec.model_validate({"activation": activation})
    values = probabilities(output, spec, scale=tensor.scale, zero_point=tensor.zero_point)
    return {
        "name": name,
        "postprocess": spec.model_dump(),
        "output": tensor.model_dump(),
        "bytes": _text(output),
        "probabilities": values.tolist(),
        "top": top_k(values, classes),
    }


def _drawing(name: str, spec: DrawingSpec, strokes: int, rng: np.random.Generator) -> dict[str, Any]:
    drawn = [
        [(round(float(x), 3), round(float(y), 3)) for x, y in rng.uniform(-50.0, 300.0, (int(count), 2))]
        for count in rng.integers(1, 7, strokes)
    ]
    return _drawn(name, spec, drawn)


def _drawn(name: str, spec: DrawingSpec, strokes: list[list[tuple[float, float]]]) -> dict[str, Any]:
    return {
        "name": name,
        "drawing": spec.model_dump(),
        "strokes": strokes,
        "pixels": _text(draw(strokes, spec)),
    }


def _write_photo() -> None:
    """Slopes of three colours with a disc on them, chroma at half the resolution as cameras write it."""
    rows, columns = np.mgrid[0:90, 0:120]
    photo = np.stack([rows * 2.5, columns * 2.0, 220 - rows - columns * 0.9], axis=2)
    photo[(rows - 40) ** 2 + (columns - 70) ** 2 < 700] = (230.0, 180.0, 30.0)
    Image.fromarray(np.clip(photo, 0, 255).astype(np.uint8)).save(PHOTO, quality=90)


def _decoded() -> dict[str, Any]:
    spec = PreprocessSpec(height=32, width=32, channels="rgb", crop="center_square")
    return {
        "name": PHOTO.name,
        "preprocess": spec.model_dump(),
        "image": _text(picture(decode(PHOTO), spec)),
    }


def _text(values: npt.NDArray[Any]) -> str:
    """Row-major, little-endian, base64."""
    return base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode("ascii")


if __name__ == "__main__":
    main()
