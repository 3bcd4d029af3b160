"""MediaPipe in an environment of its own, for it wants another numpy, and what it makes of a file."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.own_environment import Environment

Floats = npt.NDArray[np.float32]

Answers = dict[str, list[dict[str, float]] | str]
"""Name of a file to label and score of each picture; or to the words with which the file was refused."""

MEDIAPIPE = Environment(
    package="mediapipe==1.2.2",
    variable="MEDIAPIPE_ENVIRONMENT",
    loads="""
from mediapipe.tasks.python import vision; vision.ImageClassifierOptions
import ctypes; ctypes.CDLL('libEGL.so.1'); ctypes.CDLL('libGLESv2.so.2')
""",
    remedy="apt-get install -y libegl1 libgles2",
)
"""The release that was tried. Its library is linked against both, also where no GPU is used."""

CLIENT = Path(__file__).with_name("mediapipe_client.py")

RUN_SECONDS = 120
"""A few seconds, on a busy machine more."""

SAME_ARITHMETIC = 1e-5
"""Of scores 0..1 in float32: two builds of the same kernels, which may add in another order."""

ONE_STEP = 1 / 256 + 1e-6
"""Of scores 0..1 in uint8: rounding of the last bit differs between builds of the kernels."""


def classified(
    python: Path, pictures: npt.NDArray[np.uint8], files: Mapping[str, Path], folder: Path
) -> Answers:
    """What MediaPipe's ImageClassifier answers to pictures (n, height, width, 3), by file."""
    path = folder / "pictures.npy"
    np.save(path, pictures)
    finished = subprocess.run(
        [python, CLIENT, path, *files.values()],
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    told = json.loads(finished.stdout.splitlines()[-1])
    return {name: told[str(file)] for name, file in files.items()}


def scores(answers: list[dict[str, float]], labels: tuple[str, ...]) -> Floats:
    """(n, classes), in the order of the labels."""
    return np.array([[found[label] for label in labels] for found in answers], np.float32)


def litert(file: Path, inputs: npt.NDArray[Any]) -> Floats:
    """Scores of LiteRT, as real numbers."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file))
    interpreter.allocate_tensors()
    (door,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for row in inputs:
        interpreter.set_tensor(door["index"], row[np.newaxis])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(output["index"])[0].astype(np.float32))
    scale, zero_point = output["quantization"]
    found = np.stack(rows)
    return found if scale == 0.0 else np.asarray((found - zero_point) * np.float32(scale))
