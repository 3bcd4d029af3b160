"""A language for tests: answers as a demo's script does, right or wrong in one way: ``fake FAULT CASES OUT``.

It reads the cases as their description says, and computes with the program's own steps.
"""

import json
import sys
from pathlib import Path

import numpy as np

from pipeline import preprocess
from pipeline.drawing import draw
from pipeline.postprocess import probabilities, top_k
from pipeline.release.manifest import Manifest

ROOT = Path(__file__).parents[3]


def script(folder: Path, fault: str) -> Path:
    """Writes ``contract`` into a folder, and gives the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "contract"
    line = f'exec "{sys.executable}" -m tests.pipeline.contract.fake {fault} "$1" "$2"'
    file.write_text(f'#!/bin/sh\ncd "{ROOT}"\n{line}\n', "utf-8")
    file.chmod(0o755)
    return folder


def main(fault: str, cases: Path, out: Path) -> None:
    """Answers every case, or the one thing that is wrong."""
    if fault == "absent":
        sys.stderr.write("no compiler here\n")
        sys.exit(77)
    if fault == "crash":
        sys.exit("the compiler found an error")
    manifest = Manifest.model_validate_json((cases / "manifest.json").read_text("utf-8"))
    for case in json.loads((cases / "cases.json").read_text("utf-8"))["cases"]:
        folder = out / case["id"]
        folder.mkdir()
        if case["kind"] == "output":
            _output(manifest, (cases / case["id"] / "output.bin").read_bytes(), folder, fault)
            continue
        if case["kind"] == "strokes":
            assert manifest.drawing is not None
            pixels = draw(case["strokes"], manifest.drawing)
            if fault == "pen":
                pixels = draw(case["strokes"], manifest.drawing.model_copy(update={"pen": 0.3}))
            (folder / "pixels.u8").write_bytes(pixels.tobytes())
        else:
            content = (cases / case["id"] / "pixels.u8").read_bytes()
            pixels = np.frombuffer(content, dtype=np.uint8).reshape(case["pixels_shape"])
        image = pixels if case["kind"] == "image" else preprocess.picture(pixels, manifest.preprocess)
        _image(manifest, image.copy(), folder, fault)


def _image(manifest: Manifest, image: preprocess.Pixels, folder: Path, fault: str) -> None:
    if fault.startswith("level-"):
        off = int(fault.removeprefix("level-"))
        image.flat[3] = image.flat[3] + off if image.flat[3] < 128 else image.flat[3] - off
    values = preprocess.tensor(image, manifest.preprocess)
    door = manifest.model.input
    tensor: np.ndarray = values  # type: ignore[type-arg]
    if door.scale is not None and door.zero_point is not None:
        tensor = preprocess.quantise(values, scale=door.scale, zero_point=door.zero_point, dtype=door.dtype)
    if fault == "step":
        tensor.flat[5] = tensor.flat[5] + 1 if tensor.flat[5] < 100 else tensor.flat[5] - 1
    (folder / "image.u8").write_bytes(image.tobytes())
    content = tensor.astype(tensor.dtype.newbyteorder("<")).tobytes()
    (folder / "tensor.bin").write_bytes(content[:-1] if fault == "short" else content)


def _output(manifest: Manifest, content: bytes, folder: Path, fault: str) -> None:
    if fault == "missing":
        return
    door = manifest.model.output
    raw = np.frombuffer(content, dtype=np.dtype(door.dtype).newbyteorder("<"))
    zero_point = door.zero_point
    if fault == "zero-point" and zero_point is not None:
        zero_point += 1
    values = probabilities(raw, manifest.postprocess, scale=door.scale, zero_point=zero_point)
    top = top_k(values, 5)
    if fault == "order":
        top = sorted(range(len(values)), key=lambda index: (-values[index], -index))[:5]
    if fault == "nan":
        values = np.full_like(values, np.nan)
    (folder / "probabilities.f64").write_bytes(values.astype("<f8").tobytes())
    (folder / "top.u32").write_bytes(np.array(top, dtype="<u4").tobytes())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
