"""Writes Tests/Reference/cases.json: what the reference makes of pictures that no golden bundle has.

Golden bundles show what a few models need; these cases reach the rest of the contract: placing by mass, blur,
scale and offset, float32 and int8 input tensors, halves, softmax. Run by hand when the contract changes::

    python ios_demo/Tests/reference.py

Everything is drawn from one seed, so that the file is the same each time.
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.drawing import DrawingSpec, draw
from pipeline.postprocess import PostprocessSpec, probabilities, top_k
from pipeline.preprocess import Pixels, PreprocessSpec, picture, quantise, tensor

SEED = 20
OUT = Path(__file__).parent / "Reference" / "cases.json"

INK: dict[str, Any] = {"channels": "gray", "crop": "ink"}
SPECS = {
    "ink-mass": PreprocessSpec(
        height=28, width=28, **INK, fit=20, ink_threshold=32, place="mass", invert=True
    ),
    "ink-mass-blur": PreprocessSpec(
        height=28, width=28, **INK, fit=24, ink_threshold=96, place="mass", blur_sigma=0.7
    ),
    "ink-box-flat": PreprocessSpec(height=9, width=30, **INK, fit=9),
    "gray-blur": PreprocessSpec(height=12, width=10, blur_sigma=1.3),
    "rgb-blur": PreprocessSpec(
        height=7, width=11, channels="rgb", blur_sigma=0.5, scale=1 / 127.5, offset=-1.0
    ),
    "gray-square": PreprocessSpec(height=8, width=8, crop="center_square", invert=True, scale=1 / 255),
    "rgb-wide": PreprocessSpec(height=5, width=40, channels="rgb", scale=-0.25, offset=3.0),
}
DOORS: dict[str, dict[str, Any]] = {
    "float32": {"dtype": "float32", "scale": None, "zero_point": None},
    "uint8": {"dtype": "uint8", "scale": 0.5, "zero_point": 7},
    "int8": {"dtype": "int8", "scale": 0.0078431377, "zero_point": -1},
}
SIZES = ((1, 1), (2, 3), (13, 40), (40, 40), (43, 31))


def main() -> None:
    """Writes the file."""
    rng = np.random.default_rng(SEED)
    cases = {
        "preprocess": [
            _preprocess(f"{name}-{i}", spec, _picture(rng, size, i), DOORS[list(DOORS)[(number + i) % 3]])
            for number, (name, spec) in enumerate(SPECS.items())
            for i, size in enumerate(SIZES)
        ],
        "postprocess": [_postprocess(rng, door, what) for door in DOORS for what in ("none", "softmax")],
        "drawing": [_drawing(rng, number) for number in range(6)],
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(cases, indent=1) + "\n", "utf-8")


def _picture(rng: np.random.Generator, size: tuple[int, int], number: int) -> Pixels:
    """Noise, or blocks of a few levels, which give many sums that lie on a half."""
    shape = (*size, 3) if number % 2 else size
    if number < 3:
        return rng.integers(0, 256, shape, dtype=np.uint8)
    pixels = np.full(shape, 4, dtype=np.uint8)
    for _ in range(6):
        top, left = (int(rng.integers(3, side - 8)) for side in size)
        height, width = int(rng.integers(3, 9)), int(rng.integers(2, 7))
        pixels[top : top + height, left : left + width] = rng.integers(120, 256)
    return pixels


def _preprocess(name: str, spec: PreprocessSpec, pixels: Pixels, door: dict[str, Any]) -> dict[str, Any]:
    image = picture(pixels, spec)
    values = tensor(image, spec)
    filled = values if door["scale"] is None else quantise(values, **door)
    return {
        "id": name,
        "preprocess": spec.model_dump(),
        "input": {"name": "input", "shape": [1, *spec.shape], **door},
        "pixels_shape": pixels.shape,
        "pixels": _text(pixels),
        "image": _text(image),
        "tensor": _text(filled.astype(filled.dtype.newbyteorder("<"))),
    }


def _postprocess(rng: np.random.Generator, door: str, activation: str) -> dict[str, Any]:
    dtype, scale, zero_point = (DOORS[door][key] for key in ("dtype", "scale", "zero_point"))
    ends = (-9, 9) if dtype == "float32" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    output = rng.integers(*ends, 12).astype(dtype)
    spec = PostprocessSpec(activation=activation)
    answer = probabilities(output, spec, scale=scale, zero_point=zero_point)
    return {
        "id": f"{door}-{activation}",
        "postprocess": spec.model_dump(),
        "output_tensor": {"name": "output", "shape": [1, 12], **DOORS[door]},
        "output": _text(output.astype(output.dtype.newbyteorder("<"))),
        "probabilities": [float(value) for value in answer],
        "top": top_k(answer, 5),
    }


def _drawing(rng: np.random.Generator, number: int) -> dict[str, Any]:
    spec = DrawingSpec(side=16 + 12 * number, pen=0.05 + 0.07 * number)
    strokes = [
        [[round(float(v), 2) for v in point] for point in rng.uniform(-300, 300, (points, 2))]
        for points in ((), (1,), (3, 0, 1), (2, 2), (7,), (4, 1, 1))[number]
    ]
    pixels = draw([[(x, y) for x, y in stroke] for stroke in strokes], spec)
    return {
        "id": f"drawing-{number}",
        "drawing": spec.model_dump(),
        "strokes": strokes,
        "pixels": _text(pixels),
    }


def _text(values: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


if __name__ == "__main__":
    main()
